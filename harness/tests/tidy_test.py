"""The tree is tidy: what a reader would stumble over, found by a program.

Formatting is clang-format's; words and shapes are checked here. Each check names the file and the line.
"""

import pathlib
import re
import shutil
import subprocess
import unittest

from tests import helper
from tests.helper import ROOT

CLANG_FORMAT = "clang-format-19"  # Debian 12 and 13 both have it; other versions format differently
CODE, COMMENT = (".h", ".cc"), re.compile(r"^(\s*)// ?(.*)$")
LONGEST = {".h": 100, ".cc": 100, ".py": 150, ".md": 140}
STILTED = re.compile(r"\bof ([a-z]+'s|its|their|our|his|her|my|your) own\b|\b(whoever|anew|so many|for ever)\b", re.IGNORECASE)
QUOTED = re.compile(r"`[^`]*`")
# The exercises tell a story; the others quote.
MAY_BE_STILTED = ("harness/evidence/detectors/testdata/", "harness/tests/tidy_test.py")
WRITTEN = ("results/", "harness/workshop/SESSION.md")  # by scripts, not by hand


def tracked():
    """The files of the tree, as git knows them; all files where it knows none: no git, no repository, or one that another user owns."""
    names = []
    if shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
        names = listed.stdout.split("\0") if listed.returncode == 0 else []
    names = names or [str(path) for path in (path.relative_to(ROOT) for path in ROOT.rglob("*"))
                      if not {".build", ".git", "__pycache__"} & set(path.parts) and path.parts[0] != "workshop"]
    return [name for name in sorted(names) if name and (ROOT / name).is_file() and not name.startswith(WRITTEN)]


def lines_of(*endings):
    for name in tracked():
        if name.endswith(endings):
            for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
                yield name, number, line


def paragraphs(lines):
    """Plain paragraphs of a file's comments, as (number of the last line, texts). What is indented or aligned is no prose."""
    found, current, indent = [], [], None
    for number, line in enumerate([*lines, ""], 1):
        match = COMMENT.match(line)
        text = match[2] if match else ""
        prose = bool(match) and bool(text) and not text.startswith((" ", "-", "|", "*")) and not re.search(r"\S {2,}\S", text)
        if prose and (not current or match[1] == indent):
            current.append(text)
            indent = match[1]
            continue
        if len(current) > 1:
            found.append((number - 1, current))
        current = [text] if prose else []
        indent = match[1] if match else None
    return found


def orphans(lines):
    """Last lines of one or two words that a few columns less would not have left alone."""
    return [number for number, texts in paragraphs(lines) if len(texts[-1].split()) <= 2 and len(texts[-2]) > 60]


class Tidy(unittest.TestCase):
    maxDiff = None

    def none(self, found, what):
        self.assertEqual([f"{name}:{number}: {text.strip()[:100]}" for name, number, text in found], [], what)

    def test_code_is_formatted(self):
        if not shutil.which(CLANG_FORMAT):
            self.skipTest(f"{CLANG_FORMAT} is not installed; ./scripts/setup --all installs it")
        files = [name for name in tracked() if name.endswith(CODE) and not name.startswith(("leaky/", "fixed/"))]
        done = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *files], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout[:4000])

    def test_headers_are_guarded_in_one_way(self):
        for name in tracked():
            if name.endswith(".h"):
                self.assertEqual((ROOT / name).read_text().count("\n#pragma once\n"), 1, name)

    def test_no_line_is_too_long(self):
        self.none([(name, number, line) for name, number, line in lines_of(*LONGEST)
                   if len(line) > LONGEST[pathlib.Path(name).suffix] and not line.startswith(("|", "$ ")) and "](" not in line],
                  "longer than its limit")

    def test_no_comment_leaves_a_word_alone(self):
        found = []
        for name in tracked():
            if name.endswith(CODE):
                lines = (ROOT / name).read_text().splitlines()
                found += [(name, number, lines[number - 1]) for number in orphans(lines)]
        self.none(found, "wrap the paragraph a little earlier")

    def test_a_word_left_alone_is_seen(self):
        full = "// " + "word " * 15
        self.assertEqual(orphans([full, "// alone."]), [2])
        self.assertEqual(orphans([full, "// not alone here."]), [])
        self.assertEqual(orphans(["// a list:", "// short"]), [])
        self.assertEqual(orphans([full, "//   code()"]), [])

    def test_english_is_plain(self):
        self.none([found for found in lines_of("") if STILTED.search(QUOTED.sub("", found[2])) and not found[0].startswith(MAY_BE_STILTED)],
                  "say it in plain words")

    def test_what_is_stilted_is_seen(self):
        for words in ("a folder of its own", "of Go's own", "Whoever waits", "made anew", "so many timers", "for ever"):
            self.assertRegex(words, STILTED)
        for words in ("its own folder", "forever", "for every timer", "so much", "another"):
            self.assertNotRegex(words, STILTED)

    def test_no_path_of_a_machine(self):
        machine = re.compile("/" + r"(?:work|root|farm|home/(?!me/)[a-z]+)/")
        self.none([found for found in lines_of(".h", ".cc", ".py", ".md", ".sh", ".txt", ".cmake", ".toml", ".go", ".json")
                   if machine.search(found[2])], "a path of one machine")

    def test_nothing_is_put_off(self):
        later = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
        self.none([found for found in lines_of(".h", ".cc", ".py", ".sh", ".txt", ".cmake") if later.search(found[2])
                   and "/workshop/" not in found[0]], "do it, or leave it out")


if __name__ == "__main__":
    helper.main()
