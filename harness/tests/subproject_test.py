"""A project of somebody else tests its code with the library as the README says it: the CMake and the test are the README's own."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.helper import ROOT

SERVER = """#include "server.h"

#include "afterleak/afterleak.h"

using namespace afterleak;
using namespace std::chrono_literals;

void Serve() {
  Chan<int> requests = MakeChan<int>(0);
  Go([requests]() mutable {
    for (;;) {
      time::Sleep(1s);
      requests.Send(1);
    }
  });
  for (;;) {
    TURN
  }
}
"""
LEAKY = "Select({Recv(requests), Recv(time::After(30s))});"
FIXED = "time::ScopedTimer limit(30s); Select({Recv(requests), Recv(limit.C())});"


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return found


class Subproject(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="afterleak-subproject-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "afterleak").symlink_to(ROOT)
        (cls.folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(server LANGUAGES CXX)\n" + block("cmake"))
        (cls.folder / "server.h").write_text("#pragma once\n\nvoid Serve();\n")
        (cls.folder / "server_test.cc").write_text(block("cpp"))

    def run_tests(self, turn):
        """(exit code of ctest, what it printed) with a server whose loop takes such turns."""
        (self.folder / "server.cc").write_text(SERVER.replace("TURN", turn))
        for command in (["cmake", "-S", ".", "-B", "build", "-G", "Ninja"], ["cmake", "--build", "build"],
                        ["ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error"]):
            done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
            if command[0] == "cmake":
                self.assertEqual(done.returncode, 0, done.stdout)
        return done.returncode, done.stdout

    def test_its_leak_is_found_and_its_fix_passes(self):
        status, printed = self.run_tests(LEAKY)
        self.assertNotEqual(status, 0, printed)
        self.assertIn("timers are abandoned after 6s\n", printed)
        line = SERVER.splitlines().index("    TURN") + 1
        self.assertRegex(printed, rf"server\.cc:{line} Serve\n")
        status, printed = self.run_tests(FIXED)
        self.assertEqual(status, 0, printed)
        self.assertIn("100% tests passed, 0 tests failed out of 1\n", printed)  # and none of the library's own


if __name__ == "__main__":
    unittest.main(verbosity=2)
