"""heaptrack: who allocated what was held at the peak, and what was not freed when the process ended."""

import re

from evidence.common import children
from evidence.common.children import Unavailable
from evidence.detectors.program import CONTROL, PLANT, PLANTED
from evidence.detectors.verdict import GROWTH, Finding, mask, names

SAID = ("peak heap memory consumption", "total memory leaked")
UNITS = {"B": 1, "K": 1e3, "M": 1e6, "G": 1e9}


def tool(name):
    def version(_program):
        said = children.run(name, [children.which(name), "--version"], timeout=children.PROBE).expect().out.strip()
        if not re.fullmatch(rf"{name} \d+\.\d+\S*", said):
            raise Unavailable(f"{name} --version wrote what is not understood: {said[:80]!r}")
        return said
    return version


def size(text):
    """It rounds to three digits: 5.10K is 5,100 bytes, more or less."""
    return round(float(text.rstrip("BKMG")) * UNITS[text[-1]])


def parse(text):
    """The peak, what was not freed, and the line of each."""
    found = [re.search(rf"(?m)^{what}: (-?[\d.]+[BKMG])$", text) for what in SAID]
    if not all(found):
        raise Unavailable(f"heaptrack_print did not write both lines \"{SAID[0]}\" and \"{SAID[1]}\"")
    return [(size(line[1]), line[0]) for line in found]


class Heaptrack:
    label, tools = "heaptrack", {"heaptrack": tool("heaptrack"), "heaptrack_print": tool("heaptrack_print")}
    rows = ("heaptrack",)
    kind = "bytes held"
    commands = ("heaptrack -o /tmp/ht {run}\nheaptrack_print --print-leaks /tmp/ht.zst",)

    def __init__(self):
        self.before = {}  # by the run without its load

    def check(self, program, run, folder, *more):
        for old in folder.glob("heaptrack.*"):
            old.unlink()
        ended = children.run("heaptrack", ["heaptrack", "-o", folder / "heaptrack", program.path, *program.arguments(run, *more)],
                             litter="/tmp/heaptrack_fifo{}").expect()
        files = list(folder.glob("heaptrack.*"))  # .zst or .gz
        if not files:
            raise Unavailable("heaptrack wrote no file")
        report = children.run("heaptrack_print", ["heaptrack_print", "--print-leaks", "--print-allocators=0",
                                                  "--print-temporary=0", files[0]]).expect().out
        return report, *parse(report), ended.cpu

    def control(self, program, folder):
        report, _, (lost, said), _ = self.check(program, CONTROL, folder, PLANT)
        if not re.search(rf"(?m)^{PLANTED / 1000:.2f}K leaked over 1 calls from$", report):
            raise Unavailable(f"heaptrack did not find the planted leak of {PLANTED} bytes; it wrote: {said}")

    def look_before(self, program, run, folder):
        """The peak, and what was not freed, before the load: asked once."""
        short = run.short()
        if short not in self.before:
            self.before[short] = [line[0] for line in self.check(program, short, folder)[1:3]]
        return self.before[short]

    def examine(self, program, run, folder):
        peak_before, lost_before = self.look_before(program, run, folder)
        report, (peak, peak_line), (lost, lost_line), cpu = self.check(program, run, folder)
        # Some kB are held by any such program when it ends: the buffers of stdout, the queue itself.
        leaks = lost - lost_before > GROWTH
        return (Finding(leaks, peak - peak_before, mask(lost_line if leaks else peak_line), names(report, run.line), cpu),)
