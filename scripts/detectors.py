#!/usr/bin/env python3
"""Runs every leak detector on every pattern and writes detectors.md, and plots of the heap to detectors/.

    detectors.py --program AFTERLEAK --lsan-program AFTERLEAK_LSAN --out DIR

scripts/reproduce calls it. AFTERLEAK_TOOL_TIMEOUT is how long one run of a tool may take, in seconds (120). Exit code: 0 all
detectors said what is known of them; 1 one did not; 2 it could not run; 3 a tool is missing or broken, and its row SKIPPED.
"""

import argparse
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "harness/detectors"), str(ROOT / "harness/report")]  # -I leaves them out
import children  # noqa: E402
import expected  # noqa: E402
import gnuplot  # noqa: E402
import heap_plots  # noqa: E402
import page  # noqa: E402
from program import BadProgram, Program  # noqa: E402
from scorecard import Scorecard, say  # noqa: E402


def stop(number, _):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    children.stop()
    raise SystemExit(128 + number)


class Parser(argparse.ArgumentParser):
    def error(self, message):  # in one line
        say(f"scripts/detectors.py: {message}")
        sys.exit(2)


def main(arguments):
    parser = Parser(prog="scripts/detectors.py")
    for option in ("--program", "--lsan-program", "--out"):
        parser.add_argument(option, type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    if not options.out.is_dir():
        parser.error(f"--out {options.out} is not a folder; make it first")
    for program in (options.program, options.lsan_program):
        if not program.is_file():
            parser.error(f"{program} is not there; build it: cmake --build --preset release")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)

    scorecard = Scorecard(Program(options.program.resolve(), options.lsan_program.resolve()))
    scorecard.run()
    plots, not_drawn = {}, ""
    try:
        plots = heap_plots.draw(options.out, scorecard)
    except gnuplot.NotDrawn as reason:
        not_drawn = str(reason)
        say(f"scripts/detectors.py: {reason}; SKIPPED: the plots of the heap")
    page.write(options.out, scorecard, plots, not_drawn)
    wrong = list(expected.unexpected(scorecard.found))
    for line in wrong:
        say(f"scripts/detectors.py: {line}")
    return 1 if wrong else 3 if scorecard.skipped or not_drawn else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BadProgram, OSError) as problem:
        say(f"scripts/detectors.py: {problem}")
        sys.exit(2)
