"""`afterleak watch --follow`: each process that the program starts has its table."""

import csv
import json
import os
import pathlib
import subprocess
import sys

from tests import helper

SMALL = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_small"


class Follow(helper.FolderTest):
    def watch(self, *arguments, code=0):
        files = self.folder / "report.json", self.folder / "report.csv"
        done = subprocess.run([helper.PROGRAM, "watch", "--json", files[0], "--csv", files[1], *map(str, arguments)], capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, timeout=helper.PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(files[0].read_text()), list(csv.DictReader(files[1].read_text().splitlines())), done

    def armed(self, report):
        return sum(site["armed"] for site in report["sites"])

    def test_a_leak_in_one_child_of_a_prefork_server_is_found_there(self):
        report, rows, done = self.watch("--follow", "--fail-on", "leak", SMALL, "prefork", code=1)
        leaky = int(done.stdout)
        self.assertEqual(self.armed(report), 3)
        self.assertEqual(sorted(map(self.armed, report["children"])), [103, 103, 103, 603])  # 3: as their parent had, at the fork
        words = {child["pid"]: [site["word"] for site in child["sites"]] for child in report["children"]}
        self.assertEqual([pid for pid in words if "leak" in words[pid]], [leaky])
        self.assertEqual(len({report["pid"], *words}), 5)
        self.assertEqual({row["pid"] for row in rows if row["word"] == "leak"}, {str(leaky)})
        self.assertIn(f"prefork (process {leaky}) has ended; watched for", " ".join(done.stderr.split()))

    def test_without_it_the_program_alone_is_recorded(self):
        report, _, _ = self.watch(SMALL, "prefork")
        self.assertEqual((self.armed(report), report["children"]), (3, []))

    def test_programs_that_it_starts_in_any_way(self):
        script = (f"import os, subprocess; program = {str(SMALL)!r}; subprocess.run([program, 'three']); "
                  "os.waitpid(os.posix_spawn(program, [program, 'three'], os.environ), 0); "
                  "pid = os.fork() or os.execv(program, [program, 'exec']); os.waitpid(pid, 0)")
        for command in (["sh", "-c", '"$0" three; "$0" three; "$0" exec; :', SMALL], [sys.executable, "-c", script]):
            with self.subTest(command[0]):
                report, _, done = self.watch("--follow", *command)
                self.assertEqual([self.armed(child) for child in report["children"] if self.armed(child)], [3, 3, 3], done.stderr)
                self.assertIn("replaced itself", " ".join(report["children"][-1]["not_seen"]))
                self.assertEqual([site["line"] for site in report["children"][0]["sites"]], [site["line"] for site in report["children"][1]["sites"]])

    def test_there_is_a_bound_and_what_is_beyond_is_said(self):
        report, _, _ = self.watch("--follow", SMALL, "prefork many")
        self.assertEqual(len(report["children"]), 63)
        self.assertIn("7 more processes than the 64 that --follow records at most", report["not_seen"])


if __name__ == "__main__":
    helper.main()
