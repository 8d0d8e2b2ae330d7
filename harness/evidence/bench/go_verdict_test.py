"""The idle loop on real Go, in turns of a millisecond, and how its heap profile is read.
"""

import os
import unittest
import unittest.mock

from evidence.bench import go_verdict
from evidence.common.children import Unavailable
from evidence.go import toolchains
from tests import helper

WORK = helper.ROOT / ".build/go"  # with what was compiled before
TABLE = """File: idle_loop
Type: inuse_objects
      flat  flat%   sum%        cum   cum%
         9 10.62% 10.62%         -9 10.62%  time.NewTimer time/sleep.go:87
         0     0% 99.37%         18 18.80%  main.loop bench/idle_loop.go:30
         0     0% 99.37%          1 18.80%  main.loop bench/idle_loop.go:3
"""


class Reads(unittest.TestCase):
    def test_a_line_is_named_if_it_holds_something_for_each_turn(self):
        for line, turns, named in (("idle_loop.go:30", 9, True), ("idle_loop.go:30", 18, True), ("idle_loop.go:30", 19, False),
                                   ("idle_loop.go:3", 1, True), ("idle_loop.go:3", 2, False), ("sleep.go:87", 1, False),
                                   ("idle_loop.go:31", 1, False)):
            with self.subTest(line, turns=turns):
                self.assertEqual(go_verdict.names_line(TABLE, line, turns), named)

    def test_what_is_no_table(self):
        for text in ("", "garbage", "Type: inuse_objects\n", TABLE.replace("objects", "space")):
            with self.subTest(text), self.assertRaisesRegex(Unavailable, "wrote no table"):
                go_verdict.names_line(text, "idle_loop.go:30", 1)

    def test_the_arming_line_arms_the_timer_that_is_left_behind(self):
        file, _, line = go_verdict.arming_line().partition(":")
        self.assertIn("time.After(giveUp)", (helper.ROOT / "harness/bench/go" / file).read_text().splitlines()[int(line) - 1])


class Go(helper.FolderTest):
    def setUp(self):
        super().setUp()
        WORK.mkdir(parents=True, exist_ok=True)

    def only(self, **programs):
        """These are all the Gos there are."""
        for version, body in programs.items():
            program = self.folder / f"go-{version}/bin/go"
            program.parent.mkdir(parents=True)
            helper.write_program(program, body)
        self.enterContext(unittest.mock.patch.dict(os.environ, AFTERLEAK_GO_ROOT=str(self.folder), PATH="/nowhere"))

    def test_each_go_that_is_here(self):
        found = [".".join(map(str, each.numbers[:2])) for each in toolchains.find(WORK)]
        figures, silent, left_out = go_verdict.go_verdict(WORK, self.folder, poll="1ms")
        if not found:
            self.assertEqual((figures, silent), ({}, []))
            self.skipTest(f"no Go is here; {toolchains.INSTALL}")
        collects = {version for version in found if tuple(map(int, version.split("."))) >= (1, 23)}
        self.assertEqual((set(figures), set(silent), left_out),
                         ({f"Verdict/go{version}" for version in set(found) - collects}, {f"go{version}" for version in collects}, []))

    def test_no_go(self):
        self.only()
        self.assertEqual(go_verdict.go_verdict(self.folder, self.folder),
                         ({}, [], [f"the idle loop in Go is left out: no Go is here; {toolchains.INSTALL}"]))

    def test_a_go_that_does_not_build_and_one_whose_program_fails(self):
        version = "if [[ $1 == version ]]; then echo go version go1.{}.0 linux/amd64; exit; fi\n"
        builds = 'while [[ $1 != -o ]]; do shift; done\nprintf "#!/bin/sh\\necho is ill >&2; exit 3\\n" >"$2"; chmod +x "$2"'
        self.only(a=version.format(21) + "echo cannot >&2; exit 1", b=version.format(22) + builds)
        with unittest.mock.patch.dict(os.environ, PATH="/usr/bin:/bin"), unittest.mock.patch.object(toolchains.shutil, "which"):
            toolchains.shutil.which.return_value = None
            figures, silent, left_out = go_verdict.go_verdict(self.folder, self.folder)
        self.assertEqual((figures, silent, left_out), ({}, [], [
            "go1.21 is left out: it does not build idle_loop.go: cannot",
            "go1.22 is left out: idle_loop-1.22.0 ended with 3 and said: is ill"]))


if __name__ == "__main__":
    helper.main()
