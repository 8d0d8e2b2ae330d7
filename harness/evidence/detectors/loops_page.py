"""Writes detectors_loops.md, the scorecard on event loops."""

import dataclasses

from evidence.common.files import write_whole
from evidence.common.markdown import machine, table
from evidence.detectors.memcheck import KINDS
from evidence.detectors.page import cell, evidence, of
from evidence.detectors.program import EXITS, Run
from evidence.detectors.verdict import GROWS, MAYBE, NO, YES, mask

TITLES = {"libuv": "libuv", "libevent": "libevent", "glib": "GLib", "asio": "Asio"}
ENDS = dict(zip(EXITS, ("cleaned up", "not cleaned up")))
JUDGED = ("--json", "/tmp/run.json")
UNJUDGED = ("--csv", "-")  # then it does not read its own symbols, which takes megabytes
WORDS = {YES: "leaked", MAYBE: "possibly lost", GROWS: "growing"}

TEXT = """# What each leak detector says on event loops

Written by `./scripts/reproduce detectors`; do not edit. These are the pairs as a programmer of each loop writes them:
[leaky](../leaky/) and [fixed](../fixed/), `libuv/`, `libevent/`, `glib/` and `asio/`.

- Machine: {machine}
- Tools: {versions}
- Runs: {workloads}; 60 s of virtual time

After the load each process ended in two ways. *Cleaned up*: what was left behind fired, and the loop was freed. *Not cleaned up*: the
loop stopped, and its timers stayed as they were, as in a server that exits. *Memcheck in the run* looked at 60 s, under load, when what
a fixed side wants is pending, too. The line is the one that arms; a pair may allocate the timer on another. The counting allocator counts
`operator new`, so it does not see what libevent and GLib take from `malloc` for a timer. heaptrack was not asked: a thread of it sleeps in
the same virtual time, and what it recorded did not have the load. Nor was `afterleak watch`: it looks at windows of real time, in which
these runs last milliseconds. On [watch.md](watch.md#programs-that-know-the-truth) it is asked about such mistakes in real time. How a
verdict is decided, and how each tool is shown to work, is on
[detectors.md](detectors.md#how-a-verdict-is-decided).

## In short

{conclusion}

{cards}
## Memcheck's kinds of loss

Bytes when the process ended and did not clean up.

{kinds}
{skipped}## Evidence

The deciding line of each run, as on [detectors.md](detectors.md#evidence). `R` is

    {run}

and likewise for the other patterns, `--variant fixed` and `--exit torn-down`. What does not look at the end of a process is shown with
one end alone.

{evidence}"""


@dataclasses.dataclass
class Asked:
    """What one row says on one loop, by side and end of the process."""

    card: object
    row: str

    def findings(self, side, exit_):
        """By pattern. What does not look at the end of a process was asked about one end alone."""
        found = self.card.of(self.row)
        return {pattern: found.get((pattern, side, exit_)) or found[pattern, side, EXITS[1]] for pattern in self.card.patterns}

    def count(self, verdict, side, exit_):
        return sum(finding.verdict == verdict for finding in self.findings(side, exit_).values())

    def passes(self, exit_):
        """It has nothing to say of any side."""
        return all(self.count(NO, side, exit_) == len(self.card.patterns) for side in ("leaky", "fixed"))

    def says(self, exit_):
        """What it says of how many sides."""
        of_all = len(self.card.patterns)
        return " and ".join(f"{self.row} says *{WORDS[verdict]}* of {of(leaky, of_all, 'leaky sides')} and of {fixed} of {of_all} fixed ones"
                            for verdict in WORDS
                            if (leaky := self.count(verdict, "leaky", exit_)) + (fixed := self.count(verdict, "fixed", exit_)) > 0)

    def cell(self, side, exit_):
        """What it says of all patterns, or of each where that differs."""
        cells = {pattern: cell(finding, side) for pattern, finding in self.findings(side, exit_).items()}
        told = dict.fromkeys(cells.values())
        if len(told) == 1:
            return next(iter(told))
        return "; ".join(f"{text} ({', '.join(pattern for pattern in cells if cells[pattern] == text)})" for text in told)


def rows_of(card, *kinds):
    return [Asked(card, row) for detector, row in card.rows() if detector not in card.skipped and (not kinds or detector.kind in kinds)]


def sentences(cards):
    """What the tables show, counted from them: first what is so on all loops."""
    checkers = list(dict.fromkeys(asked.row for card in cards.values() for asked in rows_of(card, "unreachable memory")))
    for exit_ in EXITS:
        passing = [row for row in checkers if all(Asked(card, row).passes(exit_) for card in cards.values() if card.of(row))]
        if passing:
            yield f"{', '.join(passing)}: nothing to say of any side on any loop, {ENDS[exit_]}."
        for library, card in cards.items():
            said = [asked.says(exit_) for asked in rows_of(card, "unreachable memory") if not asked.passes(exit_)]
            if said:
                yield f"{TITLES[library]}, {ENDS[exit_]}: {'; '.join(said)}."
    for library, card in cards.items():
        sure = [asked.row for asked in rows_of(card)
                if all(asked.count(YES, "leaky", exit_) == asked.count(NO, "fixed", exit_) == len(card.patterns) for exit_ in EXITS)]
        yield f"{TITLES[library]}: what calls every leaky side a leak and no fixed one, however the process ends: {', '.join(sure) or 'none'}."


def one_card(library, card):
    head = ["detector", "looks for", *(f"{side}, {end}" for end in ENDS.values() for side in ("leaky", "fixed"))]
    rows = []
    for detector, row in card.rows():
        asked = Asked(card, row)
        rows.append([row, detector.kind, *("SKIPPED" if detector in card.skipped else asked.cell(side, exit_)
                                           for exit_ in EXITS for side in ("leaky", "fixed"))])
    return f"## {TITLES[library]}\n\n{table(head, rows)}"


def kinds(cards):
    rows = []
    for library, card in cards.items():
        for (pattern, side, exit_), finding in card.of("Memcheck at exit").items():
            if exit_ == EXITS[1]:
                rows.append([TITLES[library], pattern, side, *(f"{held:,}" for held in finding.kinds)])
    return table(["loop", "pattern", "side", *KINDS], rows, ["---"] * 3 + ["--:"] * len(KINDS))


def write(out, cards, left_out):
    skipped = [f"- {TITLES[library]}: {package} is not installed; `./scripts/setup --all` installs it\n" for library, package in left_out.items()]
    skipped += [f"- {TITLES[library]}, {', '.join(detector.rows)}: {mask(reason)}\n" for library, card in cards.items()
                for detector, reason in card.skipped.items()]
    versions = {version for card in cards.values() for version in card.versions.values()}
    patterns = next(iter(cards.values())).patterns if cards else {}
    run = " ".join(Run(*next(iter(patterns.items())), "leaky", "pending").arguments()) if patterns else ""
    sections = [evidence(card, detector, row, command, f"afterleak_on_{library}", UNJUDGED if detector.label else JUDGED)
                .replace("### ", f"### {TITLES[library]}: ", 1)
                for library, card in cards.items() for detector in card.detectors for row, command in zip(detector.rows, detector.commands)]
    write_whole(out / "detectors_loops.md", TEXT.format(
        machine=machine(), versions=", ".join(sorted(versions)),
        workloads=", ".join(f"`{name}` with `{load}`" for name, load in patterns.items()),
        conclusion="\n".join(f"- {sentence}" for sentence in sentences(cards)),
        cards="\n".join(one_card(*item) for item in cards.items()), kinds=kinds(cards),
        skipped="SKIPPED:\n\n" + "".join(skipped) + "\n" if skipped else "", run=f"R='{run}'", evidence="\n".join(sections)))
