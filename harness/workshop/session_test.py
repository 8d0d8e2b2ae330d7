"""SESSION.md is what a terminal shows: replayed here, and compared but for the timing lines.

python3 -m workshop.session_test --write writes it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from tests import helper
from workshop import catalog
from workshop.builder import Builder

FILE = catalog.HERE / "SESSION.md"
HEAD = """# The first exercise, from start to pass

A recorded session; `session_test.py` replays it and compares every line. What the learner changes in an editor is shown as a diff.
The first fix is a wrong one.

"""
EXERCISE = "01_relay"
MENDED = "a timer and a deferred Stop"  # which is right, and not the reference
STEPS = ["start", "check", "hint", {"to": "start the shift again in each turn"}, "check",
         {"to": MENDED}, "check", "next", "progress"]
LAST = "$ ./scripts/workshop progress"


def version(why):
    exercise = catalog.load()[EXERCISE]
    if why == MENDED:
        mended = "const time::Timer end = time::NewTimer(shift);\n  const Defer stop([&] { end.Stop(); });"
        return catalog.apply(exercise.solution(), [["const time::ScopedTimer end(shift);", mended]], why)
    fix = next(fix for fix in catalog.wrong_fixes()[EXERCISE] if fix["why"] == why)
    return catalog.apply(exercise.solution() if fix.get("of") == "solution" else exercise.shipped(), fix["edit"], why)


class Session:
    def __init__(self, here):
        self.here = here
        self.file = here / "workshop" / f"{EXERCISE}.cc"
        (here / "scripts").symlink_to(catalog.ROOT / "scripts")
        self.env = {**os.environ, "AFTERLEAK_WORKSHOP_DIR": "workshop", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}

    def edit(self, code):
        """Changes the code and leaves the story; returns the diff without its heading."""
        old = self.here / "old.cc"
        shutil.copy(self.file, old)
        story = self.file.read_text().split("#include")[0]
        self.file.write_text(story + code[code.index("#include"):])
        diff = subprocess.run(["diff", "--unified=0", old, self.file], capture_output=True, text=True).stdout
        return "".join(diff.splitlines(keepends=True)[2:])

    def run(self, verb):
        done = subprocess.run(["./scripts/workshop", verb], cwd=self.here, env=self.env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return done.stdout

    def play(self):
        parts = [HEAD]
        for step in STEPS:
            if isinstance(step, str):
                parts.append(f"```text\n$ ./scripts/workshop {step}\n{self.run(step)}```\n\n")
            else:
                parts.append(f"```diff\n{self.edit(version(step['to']))}```\n\n")
        return "".join(parts).rstrip("\n") + "\n"


def masked(text):
    return re.sub(r"\d+\.\d s", "0.0 s", text)


def play():
    with tempfile.TemporaryDirectory() as here:
        return Session(pathlib.Path(here)).play()


class Recorded(unittest.TestCase):
    maxDiff = None

    def test_it_is_what_a_terminal_shows(self):
        played, recorded = masked(play()), masked(FILE.read_text())
        if any(map(Builder(None).lacks, catalog.load().values())):  # the list says so then
            played, recorded = played.partition(LAST)[0], recorded.partition(LAST)[0]
        self.assertEqual(played, recorded)

    def test_it_shows_a_check_that_answers_within_five_seconds(self):
        totals = [float(t) for t in re.findall(r"^compiled .*: (\d+\.\d) s$", FILE.read_text(), re.MULTILINE)]
        self.assertEqual(len(totals), 3)
        self.assertLess(max(totals), 5)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(play())
    else:
        helper.main()
