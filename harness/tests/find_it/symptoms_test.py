"""What results/find_it.md says that shows in a program that runs: it does where the leak is, and not once it is fixed.

    python3 -m tests.find_it.symptoms_test LIBRARY

AFTERLEAK_BUILD is the folder of the build. AFTERLEAK_PACKAGE is the Debian package of the library.
"""

import os
import pathlib
import re
import shutil
import sys

from evidence.common import children
from evidence.results import find_it
from tests import helper
from tests.find_it.find_it_test import ARMS

# Lines that symptoms.cc prints of what it meets, or that the library or the kernel does.
SHOWS = {
    "asio": ("run does not return",),
    "libuv": ("uv_run does not return", "uv_loop_close: UV_EBUSY", r"\[RA-\] timer .*"),
    "libevent": ("event_base_dispatch does not return", r"  0x\w+ \[fd  -1\].* Timeout=.*"),
    "glib": ("callbacks that come later: 100",),
    "qt": ("timers that are children: 100",),
    "timerfd": (r"\d+ -> anon_inode:\[timerfd\]", r"it_value: \(29, .*", "Too many open files"),
    "posix_timers": (r"ID: \d+", "timer_create: EAGAIN"),
}


class Symptoms(helper.FolderTest):
    def run_side(self, side, *before):
        program = pathlib.Path(os.environ["AFTERLEAK_BUILD"]) / "find_it" / library / side / "symptoms"
        if not program.exists():
            self.skipTest(f"{os.environ['AFTERLEAK_PACKAGE']} is not installed; ./scripts/setup --all installs it")
        return children.run("symptoms", [*before, program], litter="/tmp/heaptrack_fifo{}").expect()

    def test_they_show_where_the_leak_is_and_nowhere_else(self):
        for side, shows in (("leaky", self.assertRegex), ("fixed", self.assertNotRegex)):
            out = self.run_side(side).out
            for line in SHOWS[library]:
                shows(out, rf"(?m)^{line}$", side)


class OfAsio(Symptoms):
    def test_each_wait_and_its_end_are_printed(self):
        for side, ends in (("leaky", 0), ("fixed", 100)):
            told = self.run_side(side).err
            self.assertEqual(len(re.findall(r"(?m)\|0\*\d+\|.*\.async_wait$", told)), 100, told)
            self.assertEqual(len(re.findall(r"(?m)\|>\d+\|ec=asio\.system:125$", told)), ends, told)


class OfHeaptrack(Symptoms):
    PREFIX = "symptoms-"  # heaptrack writes nothing to a folder with a space in its name

    def test_it_names_the_line(self):
        for tool in ("heaptrack", "heaptrack_print"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed; ./scripts/setup installs it")
        self.run_side("leaky", "heaptrack", "-o", self.folder / "heaptrack")
        (record,) = self.folder.glob("heaptrack.*")
        said = children.run("heaptrack_print", ["heaptrack_print", record]).expect().out
        line = next(number for number, text in enumerate(find_it.source(library, "leaky").splitlines(), 1) if ARMS[library] in text)
        self.assertRegex(said, rf"Ask\(.*\)\n\s+at .*/{library}/leaky/client\.cc:{line}\n")


if __name__ == "__main__":
    library = sys.argv.pop(1)
    helper.main(defaultTest={"asio": "OfAsio", "glib": "OfHeaptrack", "qt": "OfHeaptrack"}.get(library, "Symptoms"))
