"""Includes go down only: a file may include those of its own layer and of the layers above it in the list of harness/README.md."""

import re
import unittest

from tests.helper import ROOT

HARNESS = ROOT / "harness"


def layers():
    """The layers of harness/README.md, as a map from a file's name without its ending to the layer's number."""
    found = {}
    for number, names in re.findall(r"^\| (\d+) \| ([^|]*) \|", (HARNESS / "README.md").read_text(), re.MULTILINE):
        for name in re.findall(r"`([a-z_]+)`", names):
            found[name] = int(number)
    return found


class Layers(unittest.TestCase):
    def test_every_file_of_the_library_has_a_layer(self):
        known = layers()
        for path in sorted((HARNESS / "afterleak").glob("*.h")):
            self.assertIn(path.stem, known, f"{path.name} is not in the table of harness/README.md")

    def test_includes_go_down_only(self):
        known = layers()
        for path in sorted((HARNESS / "afterleak").glob("*.[hc]*")):
            stem = path.stem
            if path.suffix not in (".h", ".cc") or stem.endswith("_test"):
                continue
            own = known.get(stem) or known[re.sub(r"_(clock|operators)$", "", stem)]
            for included in re.findall(r'#include "([^"]+)\.h"', path.read_text()):
                folder, _, name = included.partition("/")
                self.assertEqual(folder, "afterleak", f"{path.name} includes {included}.h, which is above the library")
                self.assertLessEqual(known[name], own, f"{path.name} (layer {own}) includes {name}.h (layer {known[name]})")


if __name__ == "__main__":
    unittest.main(verbosity=2)
