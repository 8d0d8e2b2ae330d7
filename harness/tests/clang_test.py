"""The pairs of the port are standard C++20: clang accepts them without a warning. package_test.py compiles the library with it."""

import shutil
import subprocess
import sys
import unittest

from tests.helper import ROOT

CLANG = "clang++-19"  # Debian 12's own clang, 14, has no std::source_location


class Clang(unittest.TestCase):
    def test_accepts_every_source_without_a_warning(self):
        sources = [path for folder in ["leaky", "fixed"] for path in sorted((ROOT / folder).glob("*.cc"))]
        self.assertGreaterEqual(len(sources), 10)
        done = subprocess.run([CLANG, "-std=c++20", "-fsyntax-only", "-fsized-deallocation", "-Wall", "-Wextra", "-Wshadow", "-Werror",
                               "-I" + str(ROOT / "harness"), *map(str, sources)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    if shutil.which(CLANG) is None:
        print(f"SKIPPED: {CLANG} is not there; ./scripts/setup --all installs it")
        sys.exit(77)
    unittest.main(verbosity=2)
