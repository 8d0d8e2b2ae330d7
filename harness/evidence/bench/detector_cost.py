"""What each detector costs on the same leaky program, and how long it takes until it has named the line that leaks.

cost(): processor time, user and system, of a round of turn/leaky_loop.cc: by itself, with what watches it, and under each tool. The
loop arms two timers for each message; all are live when a round ends, and have expired before the next. So the figure is the cost of
watching them being armed and freed: a leak checker finds nothing left to search when the process ends. Each run has as many rounds as
it takes for the tool's start to be a hundredth of it. Each figure is what wait4 says of the tool's process and of all children that it
has waited for: of heaptrack its script, the program, the interpreter and zstd. What prints a report afterwards (heaptrack_print,
google-pprof, ms_print) is not in it. AddressSanitizer includes LeakSanitizer, as it does by default.

verdict(): real time, from the start of a tool's first process until its report has been read and has the line. To have the line is
not to call it a leak: most tools list it with all the rest that is on the heap.

Each tool has to show that it ran. One that is missing or broken has no figure, and a line that says why.
"""

import dataclasses
import math
import pathlib
import re
import tempfile
import time

from evidence.common import children
from evidence.common.children import Unavailable
from evidence.detectors import lsan, valgrind
from evidence.detectors.dhat import Dhat
from evidence.detectors.gperftools import HeapLeakChecker, run as preload
from evidence.detectors.heaptrack import Heaptrack
from evidence.detectors.massif import held_bytes, Massif
from evidence.detectors.memcheck import Memcheck
from evidence.detectors.program import Program, Run
from evidence.detectors.scorecard import DETECTORS
from evidence.detectors.verdict import number

MESSAGES = 200_000  # of a round, on which the slowest tool spends some five seconds, and the bare program a tenth of one
START_UP = 0.01  # of a run, at most, is what a tool takes to start and to end
ENOUGH = 1.0  # seconds of processor time that a run has, at least
TRIES = 3  # to find how many rounds that takes
NANOSECONDS = 1e9

# The program, and whether the census and the counting allocator are in it.
WATCHED = {"bare": ("leaky_loop_bare", False, False), "census": ("leaky_loop_no_counters", True, False),
           "counting allocator": ("leaky_loop_no_census", False, True), "census and counting allocator": ("leaky_loop", True, True)}


@dataclasses.dataclass(frozen=True)
class Loop:
    """A run of the leaky loop: what a detector's check() asks of a run."""

    messages: int
    rounds: int = 1

    def arguments(self):
        return [self.messages, self.rounds]

    def seen_by(self, tool, found):
        """found: its count of blocks, or of bytes, as text or number; at least one for each timer."""
        count = int(str(found).replace(",", ""))
        if count < 2 * self.messages:
            raise Unavailable(f"{tool} counted {count:,}, and there were {2 * self.messages:,} timers")


def _search(tool, pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise Unavailable(f"{tool} did not say how much it saw")
    return found[1]


def _own(programs, loop, name, *watched):
    """Seconds that one of our programs takes; it must watch what it is built to watch and no more."""
    ended = children.run(name, [programs / name, *loop.arguments()]).expect()
    for who, watches in zip(("census", "counters"), watched):
        found = number(_search(name, rf"by the {who} (\d+)", ended.out))
        if watches:
            loop.seen_by(f"{name}'s {who}", found)
        elif found:
            raise Unavailable(f"{name} has {who}, and is built to have none")
    return ended.cpu


def _lsan(program, loop, _folder):
    ended = lsan.LeakSanitizer.check(program, loop)
    lsan.parse(ended)
    return ended.cpu


def _asan(program, loop, _folder):
    """With its statistics at exit, which show that it counted; log_threads shows that it looked for leaks too."""
    ended = children.run("AddressSanitizer", [program.path.with_name("leaky_loop_asan"), *loop.arguments()],
                         env={"ASAN_OPTIONS": "atexit=1:print_stats=1", "LSAN_OPTIONS": "log_threads=1"}).expect()
    lsan.parse(ended)
    loop.seen_by("AddressSanitizer", _search("AddressSanitizer", r"(?m)^Stats: .* malloced .* by (\d+) calls$", ended.err))
    return ended.cpu


def _massif(program, loop, folder):
    _, ended = Massif().check(program, loop, folder)
    loop.seen_by("Massif", max(held_bytes((folder / "massif.out").read_text()), default=0))
    return ended.cpu


def _heaptrack(program, loop, folder):
    _, (peak, _), _, cpu = Heaptrack().check(program, loop, folder)
    loop.seen_by("heaptrack", peak)
    return cpu


def _memcheck(program, loop, folder):
    _, cpu = Memcheck().check(program, loop, folder)
    loop.seen_by("Memcheck", _search("Memcheck", r"total heap usage: ([\d,]+) allocs", (folder / "valgrind.log").read_text()))
    return cpu


def _heap_profiler(program, loop, folder):
    ended = preload(program, loop.arguments(), HEAPPROFILE=str(folder / "hp"))
    at_exit = pathlib.Path(_search("gperftools' heap profiler", r"(?m)^Dumping heap profile to (.*\.heap) \(Exiting", ended.err))
    loop.seen_by("gperftools' heap profiler", _search("gperftools' heap profile", r"^heap profile: .*? \[ *(\d+):", at_exit.read_text()))
    return ended.cpu


def _heap_leak_checker(program, loop, folder):
    ended, _, _ = HeapLeakChecker().check(program, loop, folder)
    return ended.cpu


def _dhat(program, loop, folder):
    _, largest, ended = Dhat().check(program, loop, folder)
    loop.seen_by("DHAT", largest[1])
    return ended.cpu


VALGRIND = {"valgrind": valgrind.version}
TOOLS = {  # what must be installed, and the run
    "LeakSanitizer": ({}, _lsan), "AddressSanitizer": ({}, _asan), "Massif": (VALGRIND, _massif),
    "heaptrack": (Heaptrack.tools, _heaptrack), "Memcheck": (VALGRIND, _memcheck),
    "gperftools heap profiler": (HeapLeakChecker.tools, _heap_profiler), "HeapLeakChecker": (HeapLeakChecker.tools, _heap_leak_checker),
    "DHAT": (VALGRIND, _dhat)}


def cost(programs, folder, messages=MESSAGES):
    """One repetition: ({"Cost/bare": nanoseconds of a round, "StartUp/bare": what part of the run its start was, "Cost/Massif": ...},
    [a line for each tool that is left out]).

    programs: where leaky_loop and its variants are. folder: where each tool may write.
    """
    program = Program(programs / "leaky_loop_bare", programs / "leaky_loop_lsan")
    found, left_out = {}, {}

    def measure(name, seconds):
        of_a_round, start_up = _of_a_round(seconds, messages)
        found.update({f"Cost/{name}": of_a_round * NANOSECONDS, f"StartUp/{name}": start_up})

    for name, watched in WATCHED.items():
        measure(name, lambda loop, watched=watched: _own(programs, loop, *watched))
    for name, (tools, run) in TOOLS.items():
        def work(own_folder):
            measure(name, lambda loop: run(program, loop, own_folder))
        left_out.update(_left_out((name,), tools, program, folder, work))
    return found, list(left_out.values())


def _of_a_round(seconds, messages):
    """What a round takes, by what seconds(loop) says of a run; and what part of that run was its start."""
    start = seconds(Loop(1))
    loop = Loop(messages)
    took = seconds(loop)
    wanted = max(ENOUGH, start * (1 / START_UP - 1) * 1.1)  # a tenth more: a start takes longer now and then
    for _ in range(TRIES):  # the first round takes longer than the others: it makes the memory
        if took - start >= ENOUGH and start <= START_UP * took:
            break
        loop = Loop(messages, math.ceil(wanted * loop.rounds / max(took - start, 0.001)) or 1)
        took = seconds(loop)
    return took / loop.rounds, start / took if took else 0.0


def verdict(program_path, lsan_path, folder):
    """One repetition: ({"Verdict/census": nanoseconds, ...}, [who ran and did not name the line], [a line for each that is left out]).

    The idle loop, a minute of virtual time. A minute is the scorecard's; so is each detector's way to look. What was on the heap before
    the load, with which DHAT and heaptrack are compared, is asked before the clock starts: it names no line. One that is silent has
    to find the planted leak, or it is broken.
    """
    program = Program(program_path, lsan_path)
    run = Run("looping_select", "idle", "leaky", "torn-down", program.arming_line("looping_select", "idle", folder))
    figures, silent, left_out = {}, [], {}
    for detector in DETECTORS:
        def work(own_folder):
            if hasattr(detector, "look_before"):
                detector.look_before(program, run, own_folder)
            began = time.monotonic_ns()
            findings = detector.examine(program, run, own_folder)
            took = time.monotonic_ns() - began
            named = [row for row, finding in zip(detector.rows, findings) if finding.names_line]
            if len(named) < len(detector.rows):
                detector.control(program, own_folder)
            figures.update({f"Verdict/{row}": took for row in named})
            silent.extend(row for row in detector.rows if row not in named)
        left_out.update(_left_out(detector.rows, detector.tools, program, folder, work))
    return figures, silent, list(left_out.values())


def _left_out(rows, tools, program, folder, work):
    """Does the work, in a folder made for it, with tools that answer; by row, why its tools did not do theirs."""
    try:
        for version in tools.values():
            version(program)
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own_folder:
            work(pathlib.Path(own_folder))
    except (Unavailable, OSError) as reason:
        return {row: f"{row} is left out: {reason}" for row in rows}
    return {}
