"""Instructions of one turn of the leaky loop, with and without what watches it, counted by Valgrind's callgrind.

They do not depend on what else the machine does, and say nothing about the kernel or slow memory: a page fault is no
instruction of the program. The count is the difference between two runs of turn/leaky_loop.cc, which both start and end alike, so it
includes what a turn's two timers cost when they are freed at the end.
"""

import re

from evidence.common.children import Unavailable
from evidence.detectors import valgrind

MESSAGES = 20_000  # in the short run; twice as many in the long one
WATCHED = {"bare": "leaky_loop_bare", "no_counters": "leaky_loop_no_counters", "no_census": "leaky_loop_no_census",
           "afterleak": "leaky_loop"}


def counted(log):
    found = re.search(r"(?m)^==\d+== Collected : (\d+)$", log)
    if not found:
        raise Unavailable("callgrind did not say how many instructions it collected")
    return int(found[1])


def of_a_turn(programs, folder, messages=MESSAGES):
    """({"Instructions/bare/80000": ...}, [a line for what is left out]). programs: where leaky_loop and its variants are."""
    try:
        valgrind.version(None)
        figures = {}
        for watched, program in WATCHED.items():
            short, long = (_run(programs / program, folder, count) for count in (messages, 2 * messages))
            figures[f"Instructions/{watched}/{4 * messages}"] = (long - short) / messages  # named after the timers that live in the end
    except (Unavailable, OSError) as reason:
        return {}, [f"callgrind is left out: {reason}"]
    return figures, []


def _run(program, folder, messages):
    options = ["--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out"]
    return counted(valgrind.run(folder, options, program, [messages])[0])
