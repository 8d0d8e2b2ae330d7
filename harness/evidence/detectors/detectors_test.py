"""One detector on one pattern, for real: --program AFTERLEAK --lsan-program AFTERLEAK_LSAN DETECTOR PATTERN [--on LIBRARY]

--on: the programs are those of an event loop, afterleak_on_LIBRARY.

It must find a planted leak, say what is known of it on both sides and both ends of the process, and hold the bytes that the census
knows. Exit code 77, and the reason, where the tool is not there or did not really run.
"""

import pathlib
import tempfile

from evidence.common import command_line
from evidence.common.children import Unavailable
from evidence.common.files import ROOT
from evidence.detectors import expected
from evidence.detectors.loops import LoopScorecard, OnLoop
from evidence.detectors.program import EXITS, SIDES, BadProgram, Program, Run
from evidence.detectors.scorecard import DETECTORS

ARMS = {"signal_registration": "signal::Notify("}  # the others: time::After(
ARMS_ON_LOOPS = {"libuv": "uv_timer_start(", "libevent": "event_", "glib": "g_timeout_add(", "asio": "async_wait("}
BYTES_OF_ONE = 48  # at least: a timer, or a registration
BYTES_ON_LOOPS = 16  # what the pair itself allocates for one; the rest may be the loop's


def check(detector, program, pattern, exits, folder, library=None):
    """A line for each thing that is not as it should be."""
    workload = program.patterns()[pattern]
    line = program.arming_line(pattern, workload, folder)
    file, _, number = line.partition(":")
    arms = (ROOT / file).read_text().splitlines()[int(number) - 1]
    if (ARMS_ON_LOOPS[library] if library else ARMS.get(pattern, "time::After(")) not in arms:
        yield f"the census names {line}, which does not arm a timer: {arms.strip()}"

    found = {}
    for side in SIDES:
        for exit_ in exits:
            run = Run(pattern, workload, side, exit_, line)
            for row, finding in zip(detector.rows, detector.examine(program, run, folder), strict=True):
                found[row, pattern, side, exit_] = finding
                named = ", names the line" if finding.names_line else ""
                print(f"{row}, {side}, {exit_}: {finding.verdict}{named}: {finding.evidence}")
    yield from expected.unexpected(found, library)

    count = int(workload.removeprefix("busy:").removesuffix("/s")) * 30  # live at 60 s, at least, on the leaky side
    for (row, _, side, _), finding in found.items():
        plausible = range(count * (BYTES_ON_LOOPS if library else BYTES_OF_ONE), count * BYTES_OF_ONE * 10)
        if side == "leaky" and finding.growth is not None and finding.growth not in plausible:
            yield f"{row}: {finding.growth} bytes of growth cannot be {count} timers or more"


def main(arguments):
    parser = command_line.Parser()
    parser.add_program(required=True)
    parser.add_program("--lsan-program", required=True)
    parser.add_argument("detector", choices=(by_name := {type(d).__name__: d for d in DETECTORS}))
    parser.add_argument("pattern")
    parser.add_argument("--on", choices=ARMS_ON_LOOPS)
    options = parser.parse_args(arguments)
    detector, program = by_name[options.detector], Program(options.program, options.lsan_program)
    exits = EXITS
    if options.on:
        program = OnLoop(options.program.parent, options.on)
        exits = LoopScorecard(program).exits(detector)
    try:
        with tempfile.TemporaryDirectory(prefix="afterleak-") as folder:
            program.check()
            for version in detector.tools.values():
                print(version(program))
            detector.control(program, pathlib.Path(folder))
            wrong = list(check(detector, program, options.pattern, exits, pathlib.Path(folder), options.on))
    except Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    except BadProgram as reason:
        wrong = [reason]
    for line in wrong:
        print(f"FAILED: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    command_line.main("detectors_test", main)
