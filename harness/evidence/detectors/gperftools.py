"""gperftools: its heap profiler, at instants of the run, and its HeapLeakChecker, when the process ends."""

import copy
import pathlib
import re
import shutil
import sys

from evidence.common import children
from evidence.common.children import Unavailable
from evidence.detectors.program import CONTROL, PLANT, PLANTED, START
from evidence.detectors.verdict import Finding, mask, names

LABEL = "gperftools"
LIBRARY = "libtcmalloc.so.4"
ASK = f"""
import ctypes
library = ctypes.CDLL("{LIBRARY}")
library.tc_version.restype = ctypes.c_char_p
print(library.tc_version(None, None, None).decode())
"""


def library(_program):
    """The library's version, asked in a process that it may break."""
    said = children.run(LIBRARY, [sys.executable, "-I", "-S", "-c", ASK], timeout=children.PROBE)
    if said.code != 0:
        raise Unavailable(f"{LIBRARY} is not installed, or broken; ./scripts/setup installs it")
    return said.out.strip()


def pprof_version(_program):
    said = children.run("google-pprof", [children.which("google-pprof"), "--version"], timeout=children.PROBE).expect().out
    found = re.match(r"pprof \(part of (gperftools [\d.]+)\)", said)
    if not found:
        raise Unavailable(f"google-pprof --version wrote what is not understood: {said.strip()[:80]!r}")
    return "google-pprof of " + found[1]


def run(program, arguments, *codes, **env):
    return children.run("gperftools", [program.path, *arguments], env={"LD_PRELOAD": LIBRARY, **env}).expect(*codes)


SPACE = re.compile(r"\s")


def where_pprof_finds_it(program, folder):
    """The program, or a copy in folder: google-pprof passes over a program whose path has a space in it."""
    if not SPACE.search(str(program.path)):
        return program
    path = folder / program.path.name
    if not path.exists():
        shutil.copy(program.path, path)
    found = copy.copy(program)
    found.path = path
    return found


class HeapLeakChecker:
    label, tools = LABEL, {LIBRARY: library}
    rows = ("HeapLeakChecker",)
    kind = "unreachable memory"
    commands = (f"HEAPCHECK=normal LD_PRELOAD={LIBRARY} {{run}}",)

    @staticmethod
    def parse(text):
        """Bytes leaked, and the line that says so."""
        found = re.search(r'(?m)^(?:No leaks found for check "_main_"|Leak check _main_ detected leaks of (\d+) bytes).*$', text)
        if not found:
            raise Unavailable("HeapLeakChecker did not report; from gperftools 2.17 on it is an empty shell")
        return int(found[1] or 0), mask(found[0])

    def check(self, program, run_, folder, *more):
        ended = run(program, program.arguments(run_, *more), 0, 1, HEAPCHECK="normal", HEAP_CHECK_DUMP_DIRECTORY=str(folder))
        return ended, *self.parse(ended.err)

    def control(self, program, folder):
        _, lost, said = self.check(program, CONTROL, folder, PLANT)
        if lost != PLANTED:
            raise Unavailable(f"HeapLeakChecker did not find the planted leak of {PLANTED} bytes; it wrote: {said}")

    def examine(self, program, run_, folder):
        ended, lost, said = self.check(program, run_, folder)
        return (Finding(lost > 0, None, said, names(ended.err, run_.line), ended.cpu),)


class HeapProfiler:
    label, tools = LABEL, {LIBRARY: library, "google-pprof": pprof_version}
    rows = ("gperftools heap profiler",)
    kind = "bytes held"
    commands = (f"HEAPPROFILE=/tmp/hp LD_PRELOAD={LIBRARY} {{run}} --checkpoints 0s,60s\n"
                "google-pprof --text --lines --show_bytes --base=/tmp/hp.0001.heap .build/release/afterleak /tmp/hp.0002.heap",)

    @staticmethod
    def held(text):
        """Bytes in use, from a profile's first line."""
        found = re.match(r"heap profile: +\d+: +(\d+) \[", text)
        if not found:
            raise Unavailable("gperftools' heap profile does not begin as one")
        return int(found[1])

    @staticmethod
    def dumps(text):
        """The file of each instant."""
        return {at: path for path, at in re.findall(r"(?m)^Dumping heap profile to (.*\.heap) \(([\dms.]+)\)$", text)}

    @staticmethod
    def parse(text):
        """google-pprof's table: the total, and the bytes and text of each row."""
        total = re.search(r"(?m)^Total: (-?\d+) B$", text)
        rows = re.findall(r"(?m)^ *-?\d+ +-?[\d.]+% +-?[\d.]+% +(-?\d+) +-?[\d.]+% .*$", text)
        lines = [line for line in text.splitlines() if re.match(r" *-?\d+ +-?[\d.]+% +-?[\d.]+% +-?\d+ ", line)]
        if not total:
            raise Unavailable("google-pprof wrote no line \"Total\"")
        return int(total[1]), list(zip(map(int, rows), lines))

    def check(self, program, run_, folder, *more):
        ended = run(program, program.arguments(run_, *more), HEAPPROFILE=str(folder / "hp"))
        files = self.dumps(ended.err)
        try:
            curve = {at: self.held(pathlib.Path(path).read_text(errors="replace")) for at, path in files.items()}
        except OSError as error:
            raise Unavailable(f"gperftools' heap profile cannot be read: {error.strerror}") from None
        if START not in files:
            raise Unavailable("gperftools' heap profiler dumped nothing; was the library preloaded?")
        return ended, files, curve

    def control(self, program, folder):
        _, files, _ = self.check(program, CONTROL, folder, PLANT, "--checkpoints", START)
        if not re.search(rf"(?m)^ *1: +{PLANTED} \[", pathlib.Path(files[START]).read_text()):
            raise Unavailable(f"gperftools' heap profile does not have the planted {PLANTED} bytes")

    def examine(self, program, run_, folder):
        program = where_pprof_finds_it(program, folder)
        end = run_.length
        ended, files, curve = self.check(program, run_, folder, "--checkpoints", ",".join(run_.instants()))
        if end not in files:
            raise Unavailable(f"gperftools' heap profiler dumped nothing at {end}")
        command = ["google-pprof", "--text", "--lines", "--show_bytes", f"--base={files[START]}", program.path, files[end]]
        table = children.run("google-pprof", command, litter="/tmp/pprof{}.sym").expect().out
        total, rows = self.parse(table)
        if total != curve[end] - curve[START]:
            raise Unavailable(f"google-pprof's total of {total} bytes is not the difference of the two profiles")
        named = [(held, line) for held, line in rows if held > 0 and names(line, run_.line)]
        if not named and SPACE.search(str(program.path)):
            raise Unavailable(f"google-pprof reads no path with a space, such as {program.path}; set TMPDIR to a folder without one")
        evidence = max(named)[1] if named else f"Total: {total} B"
        return (Finding(False, total, mask(evidence), bool(named), ended.cpu, curve=curve),)
