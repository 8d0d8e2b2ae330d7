"""Valgrind's Memcheck: memory that nothing refers to, when the process ends and at instants of the run."""

import pathlib
import re

from evidence.common.children import Unavailable
from evidence.detectors import valgrind
from evidence.detectors.program import CONTROL, END, PLANT, PLANTED, START
from evidence.detectors.verdict import Finding, mask, names, number

SUPPRESSIONS = pathlib.Path(__file__).with_name("memcheck.supp")
OPTIONS = ["--leak-check=full", "--show-leak-kinds=all"]
TYPED = " ".join(["valgrind", *OPTIONS, "--suppressions=harness/evidence/detectors/memcheck.supp"])


KINDS = ("definitely lost", "indirectly lost", "possibly lost", "still reachable")
CLEAN = "no leaks are possible"


class Check:
    """One leak check of a log: at an instant, or at the end."""

    def __init__(self, text):
        self.text = text
        delta = r"(?: \([+-][\d,]+\))?"
        found = {kind: re.search(rf" {kind}: ([\d,]+){delta} bytes in [\d,]+{delta} blocks", text) for kind in KINDS}
        if CLEAN not in text and not all(found.values()):
            raise Unavailable("valgrind's log has a leak check without a LEAK SUMMARY")
        self.kinds = tuple(number(line[1]) if line else 0 for line in found.values())
        definitely, indirectly, self.maybe, self.reachable = self.kinds
        self.lost = definitely + indirectly

    def held(self):
        return self.lost + self.maybe + self.reachable

    def evidence(self):
        said = CLEAN if CLEAN in self.text else KINDS[0] if self.lost else KINDS[2] if self.maybe else KINDS[3]
        said += "" if said == CLEAN else ":"
        return next(mask(line) for line in self.text.splitlines() if said in line)


def parse(log):
    """The checks by their instant; that of the end is "exit"."""
    parts = re.split(r"(?m)^.*afterleak: checkpoint at (\S+)$", log)
    texts = dict(zip(parts[1::2], parts[2::2]))
    body, found, end = parts[-1].partition("HEAP SUMMARY:")
    if not found:
        raise Unavailable("valgrind's log has no HEAP SUMMARY")
    if texts:
        texts[parts[-2]] = body
    return {**{at: Check(text) for at, text in texts.items()}, "exit": Check(end)}


class Memcheck:
    label, tools = valgrind.LABEL, {"valgrind": valgrind.version}
    rows = ("Memcheck at exit", "Memcheck in the run")
    kind = "unreachable memory"
    commands = (f"{TYPED} {{run}}", f"{TYPED} {{run}} --checkpoints 0s,30s,60s")

    def check(self, program, run, folder, *more):
        log, ended = valgrind.run(folder, [*OPTIONS, f"--suppressions={SUPPRESSIONS}"], program.path, program.arguments(run, *more))
        return parse(log), ended.cpu

    def control(self, program, folder):
        checks, _ = self.check(program, CONTROL, folder, PLANT)
        if checks["exit"].lost != PLANTED:
            raise Unavailable(f"valgrind did not find the planted leak of {PLANTED} bytes; it wrote: {checks['exit'].evidence()}")

    def examine(self, program, run, folder):
        checks, cpu = self.check(program, run, folder, "--checkpoints", "0s,30s,60s")  # a check takes long
        try:
            start, end = checks[START], checks[END]
        except KeyError as missing:
            raise Unavailable(f"valgrind's log has no leak check at {missing}") from None
        at_exit = checks["exit"]
        growth = end.held() - start.held()
        return (Finding(at_exit.lost > 0, None, at_exit.evidence(), names(at_exit.text, run.line), cpu, at_exit.maybe > 0,
                        kinds=at_exit.kinds),
                Finding(end.lost > 0, growth, end.evidence(), names(checks["30s"].text + end.text, run.line), cpu, end.maybe > 0,
                        kinds=end.kinds))
