"""clang-tidy has nothing to say about the library, the stage, the program and the pairs. .clang-tidy says what it is asked, and why."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests import helper

CLANG_TIDY = "clang-tidy-19"  # Debian 12 and 13 both have it; other versions find other things
# What stands in front of C functions has their types, and no names of its parameters are known.
LOOPS = helper.ROOT / "harness/afterleak/loops"
NOT_FOR_LOOPS = "-google-runtime-int,-readability-inconsistent-declaration-parameter-name"
FOLDERS = ("harness/afterleak", "harness/stage", "harness/cli", "leaky", "fixed")


def sources():
    """How each file is compiled, by name. The library is built several times; one is enough."""
    commands = json.loads((pathlib.Path(os.environ["AFTERLEAK_BUILD"]) / "compile_commands.json").read_text())
    by_file = {entry["file"]: entry for entry in commands}
    return {path: by_file[str(path)] for folder in FOLDERS for path in sorted((helper.ROOT / folder).rglob("*.cc"))
            if str(path) in by_file and not path.stem.endswith("_test")}


class CxxLint(unittest.TestCase):
    maxDiff = None  # all that it has to say

    def tidy(self, folder, *files):
        less = [f"--checks={NOT_FOR_LOOPS}"] if any(LOOPS in path.parents for path in files) else []
        done = subprocess.run([CLANG_TIDY, "--quiet", *less, "--warnings-as-errors=*", f"--config-file={helper.ROOT / '.clang-tidy'}",
                               "--header-filter=/(harness|include/afterleak)/", "--extra-arg=-Wno-unknown-warning-option", "-p", folder,
                               *map(str, files)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        return done.returncode, done.stdout

    def test_finds_nothing(self):
        if not shutil.which(CLANG_TIDY):
            self.skipTest(f"{CLANG_TIDY} is not installed; ./scripts/setup --all installs it")
        files = sources()
        self.assertGreater(len(files), 35)
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "wrong.cc"
            wrong.write_text("int* nothing = 0;\n")
            commands = [*files.values(), {"file": str(wrong), "directory": folder, "command": f"c++ -c {wrong}"}]
            (pathlib.Path(folder) / "compile_commands.json").write_text(json.dumps(commands))
            status, printed = self.tidy(folder, wrong)
            self.assertEqual(status, 1, printed)
            self.assertIn("modernize-use-nullptr", printed)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                found = list(pool.map(lambda path: self.tidy(folder, path), files))
        self.assertEqual([printed for status, printed in found if status], [])


if __name__ == "__main__":
    helper.main()
