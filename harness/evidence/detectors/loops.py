"""Writes DIR/detectors_loops.md: what each leak detector says of the pairs on real event loops, in virtual time.

    python3 -m evidence.detectors.loops --build DIR --out DIR

--build: where the programs afterleak_on_LIBRARY are, and on_loops.txt. Exit code: 0 all detectors said what is known of them; 1 one
did not; 2 it could not run; 3 a tool is missing or broken, and its rows SKIPPED. A loop that is not installed is left out.
"""

import pathlib

from evidence.common import command_line
from evidence.common.words import Refused, say
from evidence.detectors import expected, loops_page
from evidence.detectors.heaptrack import Heaptrack
from evidence.detectors.program import Program
from evidence.detectors.scorecard import NAME, Scorecard, detectors

PATTERNS = ("looping_select", "early_return", "signal_before_expiry")
WORKLOAD = "busy:10/s"  # some 300 timers: a tool looks at more of them in minutes
AT_THE_END = ("Memcheck at exit", "LeakSanitizer", "HeapLeakChecker", "census")


class OnLoop(Program):
    """The programs of one event loop, which take the same command line."""

    def __init__(self, build, library):
        super().__init__(build / f"afterleak_on_{library}", build / f"afterleak_on_{library}_lsan")
        if not self.path.is_file():
            raise Refused(f"{self.path.name} is not built; build the target afterleak_on_loops")

    def arguments(self, run, *more):
        return run.arguments(*more, *loops_page.UNJUDGED)

    def patterns(self):
        return dict.fromkeys(PATTERNS, WORKLOAD)


def asked():
    """Not heaptrack: a thread of it sleeps in the same virtual time, and what it recorded did not have the load."""
    return tuple(detector for detector in detectors() if not isinstance(detector, Heaptrack))


class LoopScorecard(Scorecard):
    """What does not look at the end of a process is asked about one end alone."""

    def exits(self, detector):
        return super().exits(detector) if detector.rows[0] in AT_THE_END else ("pending",)


def libraries(build):
    """([those that are here], {one that is not: the package it is in}), as CMake has found them."""
    try:
        lines = [line.partition(" ") for line in (build / "on_loops.txt").read_text().splitlines()]
    except OSError:
        raise Refused(f"{build} is no folder of a build; --build takes one, such as .build/release") from None
    return [name for name, _, package in lines if not package], {name: package for name, _, package in lines if package}


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    build = options.build.resolve()
    here, left_out = libraries(build)
    for library, package in left_out.items():
        say(f"    {loops_page.TITLES[library]} is left out: {package} is not installed; scripts/setup --all installs it")
    cards = {}
    for library in here:
        say(f"    on {loops_page.TITLES[library]}:")
        cards[library] = LoopScorecard(OnLoop(build, library), asked())
        cards[library].run()
    loops_page.write(options.out, cards, left_out)
    wrong = [f"{loops_page.TITLES[library]}: {line}" for library, card in cards.items()
             for line in expected.unexpected(card.found, library)]
    for line in wrong:
        say(f"{NAME}: {line}")
    return 1 if wrong else 3 if any(card.skipped for card in cards.values()) else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
