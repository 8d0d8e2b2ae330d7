"""The leak, its fix and the test of each library, as results/find_it.md shows them: the test names the line of the leak, and is silent on the fix.

    python3 -m tests.find_it.find_it_test LIBRARY

AFTERLEAK_BUILD is the folder of the build. AFTERLEAK_PACKAGE is the Debian package of the library.
"""

import os
import pathlib
import re
import shutil
import sys
import unittest

from evidence.common import children
from evidence.go import toolchains
from evidence.results import find_it
from tests import helper

ARMS = {"asio": "async_wait", "libuv": "uv_timer_start", "libevent": "evtimer_add", "glib": "g_timeout_add_seconds",
        "qt": "new QTimer", "timerfd": "timerfd_settime", "posix_timers": "timer_settime", "go": "time.After"}


def as_regex(said):
    """... stands for any lines where it is one, and for the rest of a line where it ends one."""
    return "".join("(?:.*\n)*?" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*") for line in said.splitlines(keepends=True))


class InCxx(unittest.TestCase):
    def run_side(self, side):
        program = pathlib.Path(os.environ["AFTERLEAK_BUILD"]) / "find_it" / library / side / "client_test"
        if not program.exists():
            self.skipTest(f"{os.environ['AFTERLEAK_PACKAGE']} is not installed; ./scripts/setup --all installs it")
        done = children.run("client_test", [program], merged=True)
        # As in a project that has these files alone.
        done.out = re.sub(rf"harness/tests/find_it/{library}/(leaky/|fixed/)?", "", done.out)
        return done

    def test_the_leak_is_found_with_its_line(self):
        done = self.run_side("leaky")
        self.assertEqual(done.code, 1, done.out)
        self.assertRegex(done.out, as_regex(find_it.said(library)))

    def test_the_fix_is_silent(self):
        done = self.run_side("fixed")
        self.assertEqual(done.code, 0, done.out)
        self.assertIn("[  PASSED  ] 1 test.", done.out)
        self.assertNotIn("left behind", done.out)


class InGo(helper.FolderTest):
    def run_side(self, side):
        work, found = toolchains.here()
        able = [each for each in found if each.numbers < toolchains.ONLY_NEW_TIMERS]
        if not able:
            self.skipTest(f"no Go with the timers of 1.22 is here; {toolchains.INSTALL}")
        module = self.folder / side
        module.mkdir()
        for file in find_it.files_of("go", side):
            shutil.copy(file, module)
        (module / "go.mod").write_text(f"module client\n\ngo {toolchains.OLDEST[0]}.{toolchains.OLDEST[1]}\n")
        return children.run("go test", [able[-1].go, "test", "-vet=off", "."], timeout=toolchains.BUILD, cwd=module, merged=True,
                            env=toolchains.environment(work), alone=True)

    def test_the_leak_is_found_with_its_line(self):
        done = self.run_side("leaky")
        self.assertEqual(done.code, 1, done.out)
        self.assertRegex(done.out, as_regex(find_it.said("go")))

    def test_the_fix_is_silent(self):
        done = self.run_side("fixed")
        self.assertEqual(done.code, 0, done.out)
        self.assertRegex(done.out, r"\Aok ")


class OnThePage(unittest.TestCase):
    def test_the_line_that_is_named_arms_the_timer(self):
        line = int(re.search(r"client\.cc:(\d+) Ask|client\.Ask:(\d+)", find_it.said(library)).expand(r"\1\2"))
        self.assertIn(ARMS[library], find_it.source(library, "leaky").splitlines()[line - 1])


if __name__ == "__main__":
    library = sys.argv.pop(1)
    helper.main(defaultTest=["InGo" if library == "go" else "InCxx", "OnThePage"])
