"""clang-tidy has nothing to say about the library, the stage, the program and the pairs. .clang-tidy says what it is asked, and why."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests import helper

CLANG_TIDY = "clang-tidy-19"  # Debian 12 and 13 both have it; other versions find other things
# What stands in front of C functions has their types, and no names of its parameters are known.
LOOPS = helper.ROOT / "harness/afterleak/loops"
NOT_FOR_LOOPS = "-google-runtime-int,-readability-inconsistent-declaration-parameter-name"
# Debian 12's Asio does not know that clang 19 has coroutines.
COROUTINES = ["--extra-arg=-DASIO_HAS_CO_AWAIT=1", "--extra-arg=-DASIO_HAS_STD_COROUTINE=1"]
NOT_FOR_SEVERAL = "-bugprone-suspicious-include"
FOLDERS = ("harness/afterleak", "harness/stage", "harness/cli", "leaky", "fixed")


VIRTUAL_TIME = re.compile(r"/afterleak_(loops_time|virtual_sources)\.dir/Unity/")
TARGETS = re.compile(r"/afterleak(|_heap_operators|_loops_time|_virtual_sources|_stage|_cli|_terminal|_pairs)\.dir/Unity/")


def sources():
    """How each file is compiled, by name: a source, or what CMake makes of several, whose findings are then those of a header."""
    commands = json.loads((pathlib.Path(os.environ["AFTERLEAK_BUILD"]) / "compile_commands.json").read_text())
    ours = [helper.ROOT / folder for folder in FOLDERS]
    chosen = {}
    for entry in commands:  # the library is built several times; one is enough
        path = pathlib.Path(entry["file"])
        if TARGETS.search(str(path)) or (not path.stem.endswith("_test") and any(folder in path.parents for folder in ours)):
            chosen[path] = entry
    return chosen


def covered(files):
    """The sources that the files are, or include."""
    included = {pathlib.Path(name) for path in files if TARGETS.search(str(path))
                for name in re.findall(r'#include "(.+\.cc)"', path.read_text())}
    return included | set(files)


class CxxLint(unittest.TestCase):
    maxDiff = None  # all that it has to say

    def tidy(self, folder, *files):
        less = [NOT_FOR_SEVERAL]
        if any(LOOPS in path.parents for path in files):
            less = [NOT_FOR_LOOPS]
        elif any(VIRTUAL_TIME.search(str(path)) for path in files):
            less = [NOT_FOR_SEVERAL, NOT_FOR_LOOPS, "-google-global-names-in-headers"]  # its sources are none
        less = [f"--checks={','.join(less)}"]
        done = subprocess.run([CLANG_TIDY, "--quiet", *less, "--warnings-as-errors=*", f"--config-file={helper.ROOT / '.clang-tidy'}",
                               "--header-filter=/(harness|include/afterleak)/", "--extra-arg=-Wno-unknown-warning-option", *COROUTINES, "-p", folder,
                               *map(str, files)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        return done.returncode, done.stdout

    def test_finds_nothing(self):
        if not shutil.which(CLANG_TIDY):
            self.skipTest(f"{CLANG_TIDY} is not installed; ./scripts/setup --all installs it")
        files = sources()
        library = {path for path in helper.ROOT.glob("harness/afterleak/*/*.cc") if not path.stem.endswith("_test")}
        self.assertEqual(library - covered(files), set())
        with tempfile.TemporaryDirectory() as folder:
            wrong, several = (pathlib.Path(folder) / name for name in ("harness/wrong.cc", "several.cxx"))
            wrong.parent.mkdir()
            wrong.write_text("int* nothing = 0;\n")
            several.write_text(f'#include "{wrong}"\n')
            commands = [*files.values(), *({"file": str(path), "directory": folder, "command": f"c++ -c {path}"} for path in (wrong, several))]
            (pathlib.Path(folder) / "compile_commands.json").write_text(json.dumps(commands))
            for path in wrong, several:
                status, printed = self.tidy(folder, path)
                self.assertEqual(status, 1, printed)
                self.assertIn("modernize-use-nullptr", printed)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                found = list(pool.map(lambda path: self.tidy(folder, path), files))
        self.assertEqual([printed for status, printed in found if status], [])


if __name__ == "__main__":
    helper.main()
