"""`afterleak watch` and a program that names its units of work with afterleak/watch.h; and that the header costs nothing."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests import helper

WORK = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_work"
INCLUDE = helper.ROOT / "harness"
ALL_CALLS = """#include "afterleak/watch.h"
int main(void) {
  afterleak_wrapper("main");
  afterleak_work work = afterleak_work_begin();
  afterleak_work before = afterleak_work_switch(work);
  afterleak_work_end(work);
  return before != 0 && before == work;
}
"""


def run(*command, **options):
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=helper.PATIENCE, check=False, **options)


class Work(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """All variants at once."""
        with tempfile.TemporaryDirectory(prefix="afterleak test ") as folder, concurrent.futures.ThreadPoolExecutor() as pool:
            def watched(variant):
                file = pathlib.Path(folder) / f"{variant}.json"
                done = run(helper.PROGRAM, "watch", "--json", file, "--fail-on", "leak", WORK, variant)
                return done, json.loads(file.read_text())
            cls.variants = list(pool.map(watched, range(4)))

    def test_what_a_unit_leaves_behind_is_found_with_the_line_that_called_the_wrapper(self):
        done, report = self.variants[1]
        self.assertEqual(done.returncode, 1, done.stderr)
        (site,) = [site for site in report["sites"] if site["armed"]]
        self.assertEqual((site["word"], site["line"], site["armed"]), ("leak", int(done.stdout), 500))
        self.assertTrue(site["function"].endswith("Handle"), site)
        (finding,) = report["findings"]
        self.assertEqual(finding["leak"], "left behind")
        self.assertRegex(finding["evidence"], r"^live after the end of what armed them: of \d+ of 500 units of work$")

    def test_nothing_is_said_of_one_that_stops_it_or_means_to_keep_it(self):
        for variant in (0, 3):
            done, report = self.variants[variant]
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("leak", [site["word"] for site in report["sites"]])

    def test_without_names_it_is_not_proven(self):
        done, report = self.variants[2]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("leak", [site["word"] for site in report["sites"]])

    def test_unwatched_it_is_one_weak_symbol(self):
        if not shutil.which("nm"):
            self.skipTest("nm is not installed")
        symbols = [line.split() for line in run("nm", "--dynamic", WORK).stdout.splitlines() if "afterleak" in line]
        self.assertEqual(symbols, [["w", "afterleak_watched_program"]])
        self.assertNotIn("afterleak", run("ldd", WORK).stdout)
        self.assertEqual(run(WORK, 1).returncode, 0)

    def test_c_and_cxx_build_it_in_any_way(self):
        with tempfile.TemporaryDirectory(prefix="afterleak test ") as folder:
            program, source = (pathlib.Path(folder) / name for name in ("program", "source"))
            source.write_text(ALL_CALLS)
            for flags in (("gcc", "-xc", "-std=c99"), ("gcc", "-xc", "-no-pie", "-fno-pie"), ("gcc", "-xc", "-static"),
                          ("g++", "-xc++", "-std=c++17"), ("g++", "-xc++", "-O2", "-flto"), ("clang-19", "-xc", "-no-pie"),
                          ("clang++-19", "-xc++")):
                if not shutil.which(flags[0]):
                    continue
                with self.subTest(flags):
                    done = run(*flags, "-Wall", "-Wextra", "-pedantic", "-Werror", "-I", INCLUDE, "-o", program, source)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertEqual(run(program).returncode, 0)
                    watched = run(helper.PROGRAM, "watch", program)
                    self.assertEqual(watched.returncode, 3 if "-static" in flags else 1, watched.stderr)


if __name__ == "__main__":
    helper.main()
