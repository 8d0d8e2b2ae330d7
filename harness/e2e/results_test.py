"""What virtual time produces is the same on every run and machine: results/ as committed is what the program writes now."""

import difflib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ["AFTERLEAK_PROGRAM"]


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


class Results(unittest.TestCase):
    def test_the_committed_results_are_what_the_program_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([PROGRAM, "reproduce", "--out", folder], check=True, stdout=subprocess.DEVNULL)
            now, committed = files(pathlib.Path(folder)), files(ROOT / "results")
        self.assertEqual(sorted(now), sorted(committed), "run ./scripts/reproduce and commit what it wrote")
        for name, text in now.items():
            diff = difflib.unified_diff(committed[name].splitlines(), text.splitlines(), "committed " + name, "now", lineterm="")
            self.assertEqual(text, committed[name], "run ./scripts/reproduce and look at the change:\n" + "\n".join(list(diff)[:40]))

    def test_no_path_of_a_machine_is_in_them(self):
        for name, text in files(ROOT / "results").items():
            self.assertNotIn(str(ROOT), text, name)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
