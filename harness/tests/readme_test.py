"""The README shows what its commands print: every line of its console blocks is compared with what they print now.

A line "..." stands for any lines, and PID for the number of a process.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from tests.helper import PROGRAM, ROOT

os.environ.pop("COLUMNS", None)  # the README's is the usual width


def sessions():
    """Every command of the README with the lines shown below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


class Readme(unittest.TestCase):
    def test_shows_what_its_commands_print(self):
        self.assertGreaterEqual(len(sessions()), 3)
        for command, shown in sessions():
            if "valgrind" in command and shutil.which("valgrind") is None:
                print("SKIPPED: valgrind is not there; ./scripts/setup installs it")
                sys.exit(77)
            done = subprocess.run(["bash", "-c", command.replace(".build/release/afterleak", shlex.quote(PROGRAM))], cwd=ROOT, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
            printed = re.sub(r"^==\d+==", "==PID==", done.stdout, flags=re.MULTILINE)
            pattern = "".join("(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in shown.splitlines(keepends=True))
            self.assertRegex(printed, re.compile(r"\A" + pattern + r"\Z"), f"$ {command}\nprinted:\n{printed}")

    def test_the_code_that_it_begins_with_is_a_pattern(self):
        first = re.search(r"^```cpp\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]
        self.assertIn(first, (ROOT / "leaky/looping_select.cc").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
