"""Includes go down only: a file of harness/afterleak/ includes its own folder and those above it in the table of its README.md."""

import re
import unittest

from tests.helper import ROOT

LIBRARY = ROOT / "harness/afterleak"
FACES = "faces"  # the headers that stand in harness/afterleak/ itself
BELOW_ALL = "version.h"  # includes nothing, and says what a compiler must have


def may_include():
    """For each folder of the table, and for FACES, those that its files may include from."""
    rows = re.findall(r"^\| \[([a-z]+)/\]\(\1/\) \|.*\| ([^|]*) \|$", (LIBRARY / "README.md").read_text(), re.MULTILINE)
    allowed = {folder: {folder, *re.findall(r"`([a-z]+)/`", uses)} for folder, uses in rows}
    return {**allowed, FACES: {FACES, *allowed}}


def sources():
    return [path for path in sorted(LIBRARY.rglob("*")) if path.suffix in (".h", ".cc") and not path.stem.endswith("_test")]


class Layers(unittest.TestCase):
    def test_every_folder_is_in_the_table_and_says_what_belongs_there(self):
        folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
        self.assertEqual(folders, set(may_include()) - {FACES})
        for folder in folders:
            self.assertTrue((LIBRARY / folder / "README.md").is_file(), f"{folder}/ has no README.md")

    def test_the_table_itself_goes_down_only(self):
        above = set()
        for folder, uses in may_include().items():
            self.assertLessEqual(uses - {folder}, above, f"{folder}/ may include from what stands below it in the table")
            above.add(folder)

    def test_includes_go_down_only(self):
        allowed, seen = may_include(), 0
        for path in sources():
            folder = path.parent.name if path.parent != LIBRARY else FACES
            for included in re.findall(r'#include "([^"]+)"', path.read_text()):
                library, _, rest = included.partition("/")
                if rest == BELOW_ALL:
                    continue
                self.assertEqual(library, "afterleak", f"{path.name} includes {included}, which is not of the library")
                self.assertIn(rest.rpartition("/")[0] or FACES, allowed[folder], f"{folder}/{path.name} includes {included}")
                seen += 1
        self.assertGreater(seen, 50)


if __name__ == "__main__":
    unittest.main(verbosity=2)
