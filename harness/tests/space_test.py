"""In a folder whose name has a space, every detector and the README's commands say what they say elsewhere.

The scripts have such a folder in scripts_test.py, and the whole project in bare_test.py.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from tests import helper

DETECTORS = ("Memcheck", "Massif", "Dhat", "LeakSanitizer", "HeapLeakChecker", "HeapProfiler", "Heaptrack")
PATTERN = "signal_registration"  # the one with the least to do


class Space(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "a folder"
        self.folder.mkdir()
        self.program, self.lsan_program = (self.copy(os.environ[name]) for name in ("AFTERLEAK_PROGRAM", "AFTERLEAK_LSAN_PROGRAM"))

    def copy(self, program):
        for beside in pathlib.Path(program).parent.glob("afterleak_on_libuv"):  # which README asks
            shutil.copy(beside, self.folder)
        return shutil.copy(program, self.folder)

    def detector(self, name, **environment):
        return subprocess.run([sys.executable, "-m", "evidence.detectors.detectors_test", "--program", self.program,
                               "--lsan-program", self.lsan_program, name, PATTERN],
                              env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_every_detector_is_right(self):
        for name in DETECTORS:
            with self.subTest(detector=name):
                done = self.detector(name)
                if done.returncode == 77:
                    print(done.stdout.splitlines()[-1])
                    self.skipTest(done.stdout.splitlines()[-1].removeprefix("SKIPPED: "))
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_google_pprof_cannot_read_is_skipped_in_one_line(self):
        done = self.detector("HeapProfiler", TMPDIR=str(self.folder))
        self.assertEqual(done.returncode, 77, done.stdout)
        self.assertRegex(done.stdout.splitlines()[-1], r"^SKIPPED: [^;]+; ")

    def test_the_readme_shows_what_its_commands_print(self):
        done = subprocess.run([sys.executable, "-m", "tests.readme_test"], env={**os.environ, "AFTERLEAK_PROGRAM": self.program},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 77:
            print(done.stdout)
            self.skipTest("readme_test is skipped")
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    helper.main()
