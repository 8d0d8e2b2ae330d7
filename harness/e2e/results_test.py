"""What virtual time produces is the same on every run and machine: results/ as committed is what the program writes now."""

import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ["AFTERLEAK_PROGRAM"]


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


# What real Go and real clocks were found to do, on the machine that the file names.
OF_A_MACHINE = re.compile(r"go_parity|conformance\.md")


class Results(unittest.TestCase):
    def test_the_committed_results_are_what_the_program_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([PROGRAM, "reproduce", "--out", folder], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([sys.executable, ROOT / "scripts" / "claims.py", os.environ["AFTERLEAK_CLAIMS_TEST"], folder], check=True)
            now = files(pathlib.Path(folder))
        committed = {name: text for name, text in files(ROOT / "results").items() if not OF_A_MACHINE.match(name)}
        self.assertEqual(sorted(now), sorted(committed), "run ./scripts/reproduce and commit what it wrote")
        for name, text in now.items():
            diff = difflib.unified_diff(committed[name].splitlines(), text.splitlines(), "committed " + name, "now", lineterm="")
            self.assertEqual(text, committed[name], "run ./scripts/reproduce and look at the change:\n" + "\n".join(list(diff)[:40]))

    def test_no_path_of_a_machine_is_in_them(self):
        for name, text in files(ROOT / "results").items():
            self.assertNotIn(str(ROOT), text, name)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
