"""The README shows what its commands print: every line of its console blocks is compared with what they print now.

A line "..." stands for any lines, and PID for the number of a process.
"""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
import unittest

from evidence.results import find_it
from tests import helper
from tests.helper import PROGRAM, ROOT

BUILD = os.environ["AFTERLEAK_BUILD"]
NUMBERS = "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()

os.environ.pop("COLUMNS", None)  # the README's is the usual width


def sessions():
    """Every command of the README with the lines shown below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


def missing(command):
    """What this machine lacks for a command, and what would be right; None if nothing."""
    if "valgrind" in command and shutil.which("valgrind") is None:
        return "valgrind is not there; ./scripts/setup installs it"
    if "find_it/asio" in command and not os.path.exists(f"{BUILD}/find_it/asio"):
        return "libasio-dev is not installed; ./scripts/setup --all installs it"
    loop = re.search(r"--on (\w+)", command)
    if loop and not os.path.exists(f"{PROGRAM}_on_{loop[1]}"):
        return f"{loop[1]} is not installed; ./scripts/setup --all installs it"
    return None


def code(word):
    """The one block of C++ that has this word."""
    (found,) = [text for text in re.findall(r"^```cpp\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL) if word in text]
    return found


class Readme(unittest.TestCase):
    def test_shows_what_its_commands_print(self):
        self.assertGreaterEqual(len(sessions()), 3)
        lacks = {}
        for command, shown in sessions():
            if reason := missing(command):
                lacks[reason] = command
                continue
            here = command.replace(".build/release/find_it", shlex.quote(f"{BUILD}/find_it"))
            done = subprocess.run(["bash", "-c", here.replace(".build/release/afterleak", shlex.quote(PROGRAM))], cwd=ROOT, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
            printed = re.sub(r"^==\d+==", "==PID==", done.stdout, flags=re.MULTILINE)
            pattern = "".join("(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in shown.splitlines(keepends=True))
            self.assertRegex(printed, re.compile(r"\A" + pattern + r"\Z"), f"$ {command}\nprinted:\n{printed}")
        if lacks:
            self.skipTest(next(iter(lacks)))

    def test_the_code_that_it_begins_with_is_what_those_commands_run(self):
        self.assertEqual(code("async_wait"), find_it.source("asio", "leaky"))
        self.assertEqual(code("LeavesNothingBehind("), (find_it.FOLDER / "asio/client_test.cc").read_text())

    def test_it_counts_the_exercises_as_they_are(self):
        exercises = tomllib.loads((ROOT / "harness/workshop/exercises.toml").read_text()).values()
        counts = [len(exercises), sum("loop" in each for each in exercises), sum("test" in each for each in exercises)]
        for file in ("README.md", "harness/workshop/README.md"):
            told = re.search(r"(?i)(\w+) exercises of 40 to 70 lines(?:.|\n)*?\n\n", (ROOT / file).read_text())[0].lower()
            said = [re.search(rf"(\w+){what}", told)[1] for what in (" exercises", r"\s(?:are\s)on\s(?:real\s)?event", " you write the test")]
            self.assertEqual(said, [NUMBERS[count] for count in counts], file)

    def test_the_loop_that_it_shows_is_a_pattern(self):
        self.assertIn(code("LoopingSelect("), (ROOT / "leaky/looping_select.cc").read_text())


if __name__ == "__main__":
    helper.main()
