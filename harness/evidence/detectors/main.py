"""Runs every leak detector on every pattern and writes detectors.md, and plots of the heap to detectors/.

    python3 -m evidence.detectors.main --program AFTERLEAK --lsan-program AFTERLEAK_LSAN --out DIR

scripts/reproduce calls it. AFTERLEAK_TOOL_TIMEOUT is how long one run of a tool may take, in seconds (120). Exit code: 0 all
detectors said what is known of them; 1 one did not; 2 it could not run; 3 a tool is missing or broken, and its row SKIPPED.
"""

from evidence.common import command_line, gnuplot
from evidence.common.words import say
from evidence.detectors import expected, heap_plots, page
from evidence.detectors.program import Program
from evidence.detectors.scorecard import NAME, Scorecard


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_program(required=True)
    parser.add_program("--lsan-program", required=True)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    scorecard = Scorecard(Program(options.program, options.lsan_program))
    scorecard.run()
    plots, not_drawn = {}, ""
    try:
        plots = heap_plots.draw(options.out, scorecard)
    except gnuplot.NotDrawn as reason:
        not_drawn = str(reason)
        say(f"{NAME}: {reason}; SKIPPED: the plots of the heap")
    page.write(options.out, scorecard, plots, not_drawn)
    wrong = list(expected.unexpected(scorecard.found))
    for line in wrong:
        say(f"{NAME}: {line}")
    return 1 if wrong else 3 if scorecard.skipped or not_drawn else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
