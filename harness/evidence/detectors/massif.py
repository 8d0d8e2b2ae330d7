"""Valgrind's Massif: what holds how much, at instants of the run."""

import re

from evidence.common.children import Unavailable
from evidence.detectors import valgrind
from evidence.detectors.program import CONTROL, PLANT, PLANTED, START
from evidence.detectors.verdict import Finding, mask, names


def held_bytes(text):
    """Of each snapshot in turn."""
    return [int(held) for held in re.findall(r"(?m)^mem_heap_B=(\d+)$", text)]


def parse(text):
    """Bytes and call tree of a snapshot."""
    held = held_bytes(text)
    tree = re.findall(r"(?ms)^heap_tree=(?:detailed|peak)\n(.*?)(?=^#|\Z)", text)
    if not held or not tree:
        raise Unavailable("Massif's snapshot has no mem_heap_B, or no heap_tree")
    return held[-1], tree[-1]


def snapshot(folder, at):
    path = folder / f"massif.{at}.out"
    if not path.exists():
        raise Unavailable(f"Massif wrote no snapshot at {at}")
    return parse(path.read_text(errors="replace"))


class Massif:
    label, tools = valgrind.LABEL, {"valgrind": valgrind.version}
    rows = ("Massif",)
    kind = "bytes held"
    commands = ("valgrind --tool=massif {run} --checkpoints 0s,30s,60s",)

    def check(self, program, run, folder, *more):
        options = ["--tool=massif", f"--massif-out-file={folder}/massif.out"]
        return valgrind.run(folder, options, program.path, program.arguments(run, *more))

    def control(self, program, folder):
        self.check(program, CONTROL, folder, PLANT, "--checkpoints", START)
        if not re.search(rf"(?m)^ n\d+: {PLANTED} ", snapshot(folder, START)[1]):
            raise Unavailable(f"Massif's snapshot does not have the planted {PLANTED} bytes")

    def examine(self, program, run, folder):
        _, ended = self.check(program, run, folder, "--checkpoints", ",".join(run.instants()))
        snapshots = {at: snapshot(folder, at) for at in run.instants()}
        (before, _), (after, tree) = snapshots[START], snapshots[run.length]
        line = next((line for line in tree.splitlines() if names(line, run.line)), None)
        evidence = mask(line) if line else f"mem_heap_B={after}"
        curve = {at: held for at, (held, _) in snapshots.items()}
        return (Finding(False, after - before, evidence, line is not None, ended.cpu, curve=curve),)
