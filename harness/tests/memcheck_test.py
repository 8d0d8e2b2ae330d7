"""A test of the library under Valgrind's Memcheck: no memory is used that must not be, and none is lost. Nothing is suppressed.

AFTERLEAK_TEST names it, and AFTERLEAK_BUT the GoogleTest patterns of what is left out, with colons between them.
"""

import os
import shutil
import unittest

from evidence.common import children
from evidence.detectors.program import CONTROL, PLANT, PLANTED
from tests import helper

# A test may have a thousand goroutines, each a thread. Without vgdb, because a killed run would leave its pipes in /tmp.
OPTIONS = ["--max-threads=3000", "--fair-sched=try", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99",
           "--vgdb=no"]
# Valgrind runs one thread at a time: races are ThreadSanitizer's. And one random program shows what thousands do.
STRESS, SEED = "*Stress.*", {"AFTERLEAK_SEED": "1"}


@unittest.skipIf(shutil.which("valgrind") is None, "valgrind is not there; ./scripts/setup installs it")
class Memcheck(unittest.TestCase):
    def memcheck(self, *command):
        return children.run("valgrind", ["valgrind", *OPTIONS, *command], env=SEED, merged=True)

    def test_a_planted_leak_is_an_error(self):
        done = self.memcheck(helper.PROGRAM, *CONTROL.arguments(PLANT))
        self.assertEqual(done.code, 99, done.out)
        self.assertIn(f"definitely lost: {PLANTED:,} bytes", done.out)

    def test_the_test_has_no_error(self):
        without = ":".join(filter(None, (STRESS, os.environ["AFTERLEAK_BUT"])))
        done = self.memcheck(os.environ["AFTERLEAK_TEST"], f"--gtest_filter=-{without}")
        self.assertEqual(done.code, 0, done.out)
        self.assertRegex(done.out, r"\[  PASSED  \] [1-9]\d+ tests")
        self.assertIn("ERROR SUMMARY: 0 errors", done.out)


if __name__ == "__main__":
    helper.main()
