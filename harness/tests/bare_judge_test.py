"""What bare_test.py judges, in both directions, and that nothing is left of it when it is killed. Makes no system."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from tests import bare_test, helper

DIFF = "diff --git a/{0} b/{0}\nindex 1..2 100644\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-{1}\n+{2}\n"
SKIP = '<testcase name="{}" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>SKIPPED: {}</system-out></testcase>'


class Judge(unittest.TestCase):
    def judge(self, ran=(0, 0, 0, 0), cases="", status="", diff="", unwritten="", steps=bare_test.STEPS):
        with tempfile.TemporaryDirectory() as folder:
            kept = pathlib.Path(folder)
            lines = [f"{code} {command}\n" for command, code in zip(bare_test.STEPS + bare_test.ALL, ran)]
            for name, text in (("ran", "".join(lines)), ("first.ctest.xml", f"<testsuite>{cases}</testsuite>"),
                               ("status", status), ("diff", diff), ("unwritten", unwritten)):
                (kept / name).write_text(text)
            with contextlib.redirect_stdout(io.StringIO()):
                return bare_test.judge(kept, steps)

    def test_all_well(self):
        self.assertEqual(self.judge(), [])

    def test_an_exit_code(self):
        self.assertEqual(self.judge(ran=(1, 0, 0, 0)), ["./scripts/reproduce ended with 1"])
        self.assertEqual(self.judge(ran=(0, 8, 0, 0)), ["./scripts/test ended with 8"])
        self.assertEqual(self.judge(ran=(0, 0, 0, 100)), ["./use_packages.sh ended with 100"])
        self.assertEqual(len(self.judge(ran=(0, 0, 0))), 1)
        self.assertEqual(len(self.judge(ran=())), 1)

    def test_the_steps_of_all(self):
        steps = bare_test.STEPS + bare_test.ALL
        self.assertEqual(self.judge(ran=(0,) * 7, steps=steps), [])
        self.assertEqual(self.judge(ran=(0, 0, 0, 0, 0, 0, 1), steps=steps), ["./scripts/test --rest --no-skips ended with 1"])
        self.assertEqual(len(self.judge(ran=(0, 0, 0, 0), steps=steps)), 1)

    def test_a_skip_is_right_if_it_is_of_an_optional_part(self):
        for way in ("./scripts/setup --all installs it", "./scripts/go-parity --setup installs what this system has"):
            self.assertEqual(self.judge(cases=SKIP.format("a", "no such; " + way)), [])
        for way in ("./scripts/setup installs it", "install it"):
            self.assertIn("a skipped", self.judge(cases=SKIP.format("a", "no such; " + way))[0])

    def test_a_change_is_right_if_a_machine_makes_it(self):
        for name in ("results/detectors.md", "results/detectors/massif.svg", "results/bench.md"):
            self.assertEqual(self.judge(status=f" M {name}\n", diff=DIFF.format(name, "a", "b")), [])
        for name in ("results/README.md", "results/claims.md", "results/timelines/a.csv", "results/traces/a.json", "leaky/bench.cc"):
            (wrong,) = self.judge(status=f" M {name}\n", diff=DIFF.format(name, "a", "b"))
            self.assertTrue(wrong.startswith(f" M {name} is not as committed:") and wrong.endswith("\n+b"), wrong)
        self.assertIn("?? stray", self.judge(status="?? stray\n")[0])

    def test_another_gnuplot_may_draw_another_plot_and_the_same_may_not(self):
        plot = "results/plots/a.svg"
        self.assertEqual(self.judge(status=f" M {plot}\n", diff=DIFF.format(plot, "by GNUPLOT 5.4", "by GNUPLOT 6.0")), [])
        self.assertEqual(len(self.judge(status=f" M {plot}\n", diff=DIFF.format(plot, "<path/>", "<path d/>"))), 1)

    def test_what_was_not_written_again(self):
        self.assertEqual(self.judge(unwritten="results/go_parity.md\nresults/bench.md\n"), [])
        self.assertEqual(self.judge(unwritten="results/claims.md\n"), ["results/claims.md was not written again"])


class Killed(unittest.TestCase):
    def test_nothing_is_left(self):
        with tempfile.TemporaryDirectory(prefix="afterleak-bare-") as mount_point:
            try:
                bare_test.look(mount_point)
            except bare_test.Lacks as lack:
                self.skipTest(str(lack))
            # Each process is in a new session and has a child.
            script = 'mount -t tmpfs left "$1" && setsid sleep 300 & setsid bash -c "sleep 300 & echo ready; wait"; wait'
            program = ("import subprocess; from tests import bare_test\n"
                       f"subprocess.run([*bare_test.NAMESPACES, 'bash', '-c', {script!r}, 'bare', {mount_point!r}])")
            with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "AFTERLEAK_BARE": mount_point}) as process:
                self.assertEqual(process.stdout.readline(), "ready\n")
                self.assertGreater(len(self.left(mount_point)), 3)
                process.kill()
                process.wait()
                while self.left(mount_point):  # ctest ends what takes too long
                    time.sleep(0.01)
            self.assertNotIn(mount_point, pathlib.Path("/proc/mounts").read_text())

    @staticmethod
    def left(mark):
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"AFTERLEAK_BARE={mark}".encode() in (folder / "environ").read_bytes():
                    found.append(folder.name)
            except OSError:
                pass
        return found


if __name__ == "__main__":
    helper.main()
