"""Valgrind's DHAT: who allocated what was held when the heap was largest."""

import json
import re

from evidence.common.children import Unavailable
from evidence.detectors import valgrind
from evidence.detectors.program import CONTROL, PLANT, PLANTED
from evidence.detectors.verdict import Finding, mask, names, number


def parse(text):
    """Bytes at the largest heap and at the end, with the frames of each place that allocated them."""
    try:
        profile = json.loads(text)
        frames = profile["ftbl"]
        return [(p["gb"], p["eb"], [frames[f] for f in p["fs"]]) for p in profile["pps"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Unavailable(f"DHAT's profile is not understood: {error!r}") from None


class Dhat:
    label, tools = valgrind.LABEL, {"valgrind": valgrind.version}
    rows = ("DHAT",)
    kind = "bytes held"
    commands = ("valgrind --tool=dhat {run}",)

    def __init__(self):
        self.before = {}  # by the run without its load

    def check(self, program, run, folder, *more):
        """The places, the line of the log that tells the largest heap, and how the run ended."""
        path = folder / "dhat.out"
        log, ended = valgrind.run(folder, ["--tool=dhat", f"--dhat-out-file={path}"], program.path, program.arguments(run, *more))
        largest = re.search(r"(?m)^==\d+== At t-gmax: ([\d,]+) bytes in [\d,]+ blocks$", log)
        if not largest or not path.exists():
            raise Unavailable("DHAT wrote no profile, or no line \"At t-gmax\"")
        places = parse(path.read_text(errors="replace"))
        if sum(place[0] for place in places) != number(largest[1]):
            raise Unavailable("DHAT's profile and its log do not agree on the bytes at t-gmax")
        return places, largest, ended

    def control(self, program, folder):
        places, _, _ = self.check(program, CONTROL, folder, PLANT)
        if PLANTED not in (at_end for _, at_end, _ in places):
            raise Unavailable(f"DHAT's profile does not have the planted {PLANTED} bytes")

    def look_before(self, program, run, folder):
        """What was held before the load: asked once."""
        short = run.short()
        if short not in self.before:
            self.before[short] = number(self.check(program, short, folder)[1][1])
        return self.before[short]

    def examine(self, program, run, folder):
        before = self.look_before(program, run, folder)
        places, after, ended = self.check(program, run, folder)
        by_line = sum(held for held, _, frames in places if any(names(frame, run.line) for frame in frames))
        return (Finding(False, number(after[1]) - before, mask(after[0]), by_line > 0, ended.cpu),)
