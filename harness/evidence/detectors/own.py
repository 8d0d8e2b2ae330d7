"""afterleak as a detector: the counting allocator, and the census of timers. Both are part of every run."""

import dataclasses
import json
import re

from evidence.detectors.program import BadProgram
from evidence.detectors.verdict import Finding, mask


@dataclasses.dataclass
class Said:
    verdict: str
    findings: list  # the lines that the judge names
    held: dict  # bytes on the heap by second of virtual time


def parse(text):
    try:
        run = json.loads(text)
        findings = [f"{finding['file']}:{finding['line']}" for finding in run["findings"]]
        held = {sample["t_ns"] // 10**9: sample["heap_bytes"] for sample in run["samples"]}
        return Said(run["verdict"], findings, held)
    except (ValueError, KeyError, TypeError) as error:
        raise BadProgram(f"what the program wrote with --json is not understood: {error!r}") from None


class Own:
    """What the two have in common: a run of the program by itself."""

    label, tools = "", {}

    def control(self, program, folder):
        """None: what it says is asked for in each run."""

    def run(self, program, run, folder):
        path = folder / "own.json"
        ended = program.ask(*run.arguments("--json", path))
        return ended, parse(path.read_text())

    @staticmethod
    def line(text, begin):
        found = re.search(rf"(?m)^ *{begin} .*$", text)
        if not found:
            raise BadProgram(f"the program wrote no line that begins with \"{begin}\"")
        return mask(found[0])


class CountingAllocator(Own):
    rows, kind = ("counting allocator",), "bytes held"
    commands = ("{run}",)

    def examine(self, program, run, folder):
        ended, own = self.run(program, run, folder)
        if None in own.held.values():
            raise BadProgram("the program does not count its heap")
        return (Finding(False, own.held[60] - own.held[0], self.line(ended.out, "1m0s"), False, ended.cpu),)


class Census(Own):
    rows, kind = ("census",), "live timers"
    commands = ("{run}",)

    def examine(self, program, run, folder):
        ended, own = self.run(program, run, folder)
        return (Finding(own.verdict == "leak", None, self.line(ended.out, "verdict:"), run.line in own.findings, ended.cpu),)
