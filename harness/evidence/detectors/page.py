"""Writes detectors.md, the scorecard."""

from evidence.common.files import write_whole
from evidence.common.markdown import machine, table
from evidence.detectors.program import EXITS, PLANTED, SIDES, Run
from evidence.detectors.verdict import GROWS, GROWTH, MAYBE, NO, YES, mask


TEXT = """# What each leak detector sees

Written by `./scripts/reproduce detectors`; do not edit.

- Machine: {machine}
- Tools: {versions}
- Runs: {workloads}; 60 s of virtual time

Each tool ran for real on both sides of every pattern: once with a process that tears its timer queue down before it ends, and once
with one that ends with its timers pending, as a server does. Verdicts, lines and figures are parsed from what the tools wrote.

## In short

{conclusion}

## The scorecard

Leaky side: **leak**: the tool itself says that memory is leaked; **possibly**: Memcheck's *possibly lost*; **growth**: its
figures grow, with no verdict; **no**: neither. `+ line`: its report names the line that arms the timers. Fixed side: **clean**
is *no*.

{cards}
## How a verdict is decided

- **leak**: any byte that Memcheck calls definitely or indirectly lost, or that LeakSanitizer or HeapLeakChecker calls leaked.
  heaptrack calls everything leaked that was not freed at exit, so there it takes more than {growth} bytes above what a run of 1 ms
  leaves that ends with its timers pending. The census: its verdict is *leak*.
- **growth**: by the tool's own figures, the process holds more than {growth} bytes more at 60 s than at 0 s. DHAT and
  heaptrack tell only the largest heap of a run; there a run of 60 s is compared with one of 1 ms.
- **possibly**: Memcheck found only pointers into the middle of a block. What this timer queue links has a virtual table, which
  Memcheck takes for the start of an object (*reachable via heuristic*). Timers that are linked through a plain member it calls
  possibly lost while they are pending, wanted or not. What glibc keeps of threads and libraries is suppressed
  (`harness/evidence/detectors/memcheck.supp`).
- **the line**: that of the leaky side which arms most of its timers, as the census names it:
  {lines}.
- **did it run?** First each tool had to find {planted:,} lost bytes in a run with `--plant-leak`, and in each run its own
  output had to be complete. One that did not is SKIPPED, and counts for nothing.

{skipped}What a tool costs is on [bench.md](bench.md#what-each-detector-costs), and what they all say of the pairs on event loops on
[detectors_loops.md](detectors_loops.md).

## The heap over virtual time

Bytes held at every fifth second, by the figures of Massif and of gperftools. Massif also counts what C++ takes before `main`.

{plots}
## Evidence

The deciding line of each run: what the tool printed, without process ids, addresses, folders and template arguments. The
number before it is the growth in bytes by the tool's own figures (the counting allocator's line is the last sample, whose last
column is bytes). For the commands to type, from the project's folder, `R` is

    {run}

and likewise for the other patterns, `--variant fixed` and `--exit pending`.

{evidence}"""


def cell(finding, side):
    if side == "fixed":
        return "clean" if finding.verdict == NO else finding.verdict
    return (f"**{YES}**" if finding.verdict == YES else finding.verdict) + (" + line" if finding.names_line else "")


def card(scorecard, exit_):
    head = ["detector", "looks for", *(f"{pattern}, {side}" for pattern in scorecard.patterns for side in SIDES)]
    rows = []
    for detector, row in scorecard.rows():
        found = scorecard.of(row)
        cells = ["SKIPPED" if not found else cell(found[pattern, side, exit_], side)
                 for pattern in scorecard.patterns for side in SIDES]
        rows.append([row, detector.kind, *cells])
    title = "After teardown" if exit_ == "torn-down" else "With the timers pending"
    return f"### {title}\n\n{table(head, rows)}"


def of(part, all_, what):
    return f"{part} of {all_} {what}"


class Conclusion:
    """Sentences on what the table shows, each counted from it."""

    def __init__(self, scorecard):
        self.patterns = len(scorecard.patterns)
        self.rows = {row: (detector.kind, found) for detector, row in scorecard.rows() if (found := scorecard.of(row))}

    def kind(self, kind):
        return {row: found for row, (its, found) in self.rows.items() if its == kind}

    @staticmethod
    def leaky(found, exit_=None):
        return [f for (_, side, its), f in found.items() if side == "leaky" and exit_ in (None, its)]

    def clean(self, found):
        return all(f.verdict == NO for (_, side, _), f in found.items() if side == "fixed")

    def sentences(self):
        sure = [row for row, (_, found) in self.rows.items()
                if all(f.verdict == YES and f.names_line for f in self.leaky(found)) and self.clean(found)]
        checkers = self.kind("unreachable memory")
        for exit_, when in (("torn-down", "after teardown"), ("pending", "with the timers pending")):
            passed = [row for row, found in checkers.items() if all(f.verdict == NO for f in self.leaky(found, exit_))]
            growing = [row for row, found in checkers.items() if all(f.verdict == GROWS for f in self.leaky(found, exit_))]
            yield (f"When the process ends {when}, {of(len(passed), len(checkers), 'checkers of unreachable memory')} "
                   f"pass all {self.patterns} leaky sides{self.named(passed)}"
                   + (f"; {len(growing)} shows growth, with no verdict{self.named(growing)}." if growing else "."))
        for verdict, words in ((MAYBE, "possibly lost"), (YES, "leaked")):
            for row, (_, found) in self.rows.items():
                torn_down, pending = (sum(f.verdict == verdict for f in self.leaky(found, exit_)) for exit_ in EXITS)
                if row not in sure and torn_down == pending > 0:
                    yield f"{row} says *{words}* of {of(pending, self.patterns, 'leaky sides')}, however the process ends."
                elif row not in sure and torn_down != pending:
                    yield (f"{row} says *{words}* of {of(pending, self.patterns, 'leaky sides')} with the timers pending, "
                           f"and of {torn_down} after teardown.")
        profilers = self.kind("bytes held")
        grow = [row for row, found in profilers.items()
                if all(f.verdict in (GROWS, YES) for f in self.leaky(found)) and self.clean(found)]
        naming = [row for row in grow if all(f.names_line for f in self.leaky(profilers[row]))]
        yield (f"{of(len(grow), len(profilers), 'profilers')} show growth on every leaky side and none on a fixed one; "
               f"{len(naming)} of them name the line{self.named(naming)}.")
        yield (f"{of(len(sure), len(self.rows), 'rows')} call every leaky side a leak, name its line, and find every fixed side "
               f"clean, however the process ends{self.named(sure)}.")

    @staticmethod
    def named(rows):
        return f" ({', '.join(rows)})" if rows else ""


def evidence(scorecard, detector, row, command, program="afterleak", more=()):
    if detector in scorecard.skipped:
        return f"### {row}\n\nSKIPPED: {mask(scorecard.skipped[detector])}\n"
    lines = [f"{pattern:<20} {side:<5} {exit_:<9} {'' if f.growth is None else f'{f.growth:+,}':>9}  {f.evidence}"
             for (pattern, side, exit_), f in sorted(scorecard.of(row).items(), key=lambda item: order(scorecard, item[0]))]
    typed = command.replace(".build/release/afterleak ", f".build/release/{program} ").format(
        run=" ".join([f".build/release/{program} $R", *more]), lsan_run=" ".join([f".build/release/{program}_lsan $R", *more]))
    return (f"### {row}\n\n```sh\n{typed}\n```\n<details><summary>its {len(lines)} runs</summary>\n\n```\n"
            + "\n".join(lines) + "\n```\n</details>\n")


def order(scorecard, key):
    pattern, side, exit_ = key
    return list(scorecard.patterns).index(pattern), EXITS.index(exit_), SIDES.index(side)


def write(out, scorecard, plots, not_drawn):
    pattern, workload = next(iter(scorecard.patterns.items()))
    run = Run(pattern, workload, "leaky", "torn-down").arguments()
    skipped = [f"- {', '.join(d.rows)}: {mask(reason)}\n" for d, reason in scorecard.skipped.items()]
    sections = [evidence(scorecard, d, row, command) for d in scorecard.detectors for row, command in zip(d.rows, d.commands)]
    drawn = "\n".join(f"![{name}: bytes on the heap over virtual time](detectors/{file})\n" for name, file in plots.items())
    if not_drawn:
        drawn += f"SKIPPED: {mask(not_drawn)}\n"
    write_whole(out / "detectors.md", TEXT.format(
        machine=machine(), versions=", ".join(dict.fromkeys(scorecard.versions.values())),
        workloads=", ".join(f"`{name}` with `{load}`" for name, load in scorecard.patterns.items()),
        conclusion="\n".join(f"- {sentence}" for sentence in Conclusion(scorecard).sentences()),
        cards="\n".join(card(scorecard, exit_) for exit_ in EXITS), growth=f"{GROWTH:,}",
        lines=", ".join(f"`{line}`" for line in scorecard.lines.values()), planted=PLANTED,
        skipped="SKIPPED:\n\n" + "".join(skipped) + "\n" if skipped else "",
        run="R='" + " ".join(run) + "'",
        plots=drawn,
        evidence="\n".join(sections)))
