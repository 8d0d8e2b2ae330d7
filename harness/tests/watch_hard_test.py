"""`afterleak watch` and programs that are hard to watch: they behave as without it, and nothing is lost, or it is said."""

import concurrent.futures
import glob
import json
import os
import pathlib
import signal
import subprocess

from tests import helper

HARD = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_hard"
LIBRARIES = "/usr/lib/*-linux-gnu/"


class Hard(helper.FolderTest):
    def watch(self, mode, *arguments, code=0, program=HARD, **options):
        """The report, and how many timers the program says to have armed."""
        file = self.folder / f"{mode}.json"
        done = subprocess.run([helper.PROGRAM, "watch", "--json", file, program, mode, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=helper.PATIENCE, check=False, **options)
        if done.returncode == 77:
            self.skipTest(done.stdout.removeprefix("SKIPPED: ").strip())
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(file.read_text()), int(done.stdout or "-1")

    def assert_all_seen(self, report, armed):
        self.assertEqual(sum(site["armed"] for site in report["sites"]), armed)
        for site in report["sites"]:
            self.assertIn("watched_hard.cc", site["file"])

    def test_ten_thousand_threads(self):
        report, armed = self.watch("threads")
        self.assertEqual(armed, 10_001)
        self.assert_all_seen(report, armed)

    def test_a_handler_that_arms_timers_waits_for_nothing(self):
        report, armed = self.watch("signals")
        self.assertGreater(armed, 100_000)
        self.assertLessEqual(sum(site["armed"] for site in report["sites"]), armed)
        self.assertGreaterEqual(sum(site["armed"] for site in report["sites"]), 100_000)  # in the middle of another call it is left out
        self.assertEqual(sum(site["live"] for site in report["sites"]), 1)

    def test_another_folder_another_root_and_fewer_rights(self):
        for mode in ("chdir", "chroot", "drops"):
            with self.subTest(mode):
                folder = self.folder / mode
                folder.mkdir()
                self.assert_all_seen(*self.watch(mode, folder, program=f"./{HARD.name}", cwd=HARD.parent))

    def test_all_is_bound_at_the_start(self):
        self.assert_all_seen(*self.watch("many", env={**os.environ, "LD_BIND_NOW": "1"}))

    def test_other_allocators(self):
        for name in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4"):
            with self.subTest(name):
                found = glob.glob(LIBRARIES + name)
                if not found:
                    self.skipTest(f"{name} is not installed; scripts/setup --all installs it")
                self.assert_all_seen(*self.watch("memory", env={**os.environ, "LD_PRELOAD": found[0]}))

    def test_a_newer_version_of_a_library(self):
        folder, name = os.path.split(os.environ["AFTERLEAK_UNKNOWN_QT"])  # LD_PRELOAD cannot have a space
        report, _ = self.watch("many", env={**os.environ, "LD_LIBRARY_PATH": folder, "LD_PRELOAD": name})
        self.assertEqual(report["not_seen"], ["timers of Qt; this version of it is newer than what afterleak knows"])

    def test_a_filter_of_system_calls(self):
        report, armed = self.watch("seccomp")
        self.assertEqual(armed, 90_001)
        seen = sum(site["armed"] for site in report["sites"])
        self.assertLess(seen, armed)
        self.assertIn("armings, for which there was no memory", " ".join(report["not_seen"]))
        self.assertNotIn("leak", [site["word"] for site in report["sites"]])
        self.assertIn("mremap was refused to us by the program's filter of system calls (seccomp)", " ".join(report["not_seen"]))
        report, _ = self.watch("seccomp kills", code=-signal.SIGSYS)
        self.assertIn("killed by SIGSYS", report["how"])
        self.assertIn("mremap", " ".join(report["not_seen"]))

    def test_a_hundred_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            done = list(pool.map(lambda _: subprocess.run([helper.PROGRAM, "watch", HARD, "once"], stdin=subprocess.DEVNULL,
                                                          capture_output=True, text=True, timeout=helper.PATIENCE, check=False), range(100)))
        self.assertEqual({(each.returncode, each.stdout) for each in done}, {(0, "1\n")}, done[0].stderr)
        self.assertEqual({"1 timer armed at 1 site, 1 live" in each.stderr for each in done}, {True})


if __name__ == "__main__":
    helper.main()
