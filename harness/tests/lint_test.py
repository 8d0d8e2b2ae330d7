"""flake8 has nothing to say about the Python here. .flake8 says what it is asked."""

import importlib.util
import subprocess
import sys
import unittest

from tests import helper


class Lint(unittest.TestCase):
    def test_finds_nothing(self):
        if not importlib.util.find_spec("flake8"):
            self.skipTest("flake8 is not installed; ./scripts/setup --all installs it")
        done = subprocess.run([sys.executable, "-m", "flake8", "harness", "scripts/workshop"], cwd=helper.ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_there_is_one_path_entry_and_nothing_is_silenced(self):
        sources = [*(helper.ROOT / "harness").rglob("*.py"), helper.ROOT / "scripts/workshop"]
        self.assertGreater(len(sources), 60)
        lines = [(path.name, line) for path in sources if path.name != "lint_test.py" for line in path.read_text().splitlines()]
        self.assertEqual([name for name, line in lines if "sys.path" in line], ["workshop"])
        self.assertEqual([name for name, line in lines if "noqa" in line], [])


if __name__ == "__main__":
    helper.main()
