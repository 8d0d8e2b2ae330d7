"""Writes DIR/detectors_reports.md: what the detectors of the scorecard say of the leaky programs after public reports.

    python3 -m evidence.detectors.reports --program AFTERLEAK --lsan-program A --reports-program R --reports-lsan L --out DIR

Each runs for 20 s of virtual time and ends with all that it made still there, as a server does. Exit code: 0 written; 2 it could not run;
3 a tool is missing or broken, and its column SKIPPED.
"""

import concurrent.futures
import dataclasses
import pathlib
import tempfile

from evidence.common import command_line, corpus
from evidence.common.children import Unavailable
from evidence.common.files import write_whole
from evidence.common.markdown import machine, table
from evidence.common.words import say
from evidence.detectors.dhat import Dhat
from evidence.detectors.gperftools import HeapLeakChecker, HeapProfiler
from evidence.detectors.heaptrack import Heaptrack
from evidence.detectors.lsan import LeakSanitizer
from evidence.detectors.massif import Massif
from evidence.detectors.memcheck import Memcheck
from evidence.detectors.program import Program, Run
from evidence.detectors.scorecard import AT_ONCE
from evidence.detectors.verdict import NO, YES, Finding, names
from evidence.results.reports import Judged, expected

NAME = "scripts/reproduce"

TEXT = """# What leak detectors say of programs after public reports

Written by `./scripts/reproduce detectors`; do not edit. The programs are those of [reports.md](reports.md), timers as in `go122`.

- Machine: {machine}
- Tools: {versions}

Each leaky side ran for 20 s of virtual time, and the process ended with all that it had made still there, as a server does. How a
verdict is decided, and how each tool is shown to work, is on [detectors.md](detectors.md). *+ line*: the report names the line.

{conclusion}

{cards}{skipped}"""


class AtExit(Memcheck):
    """Memcheck, asked once: checks at instants of runs with hundreds of goroutines would take minutes."""

    rows = ("Memcheck",)

    def examine(self, program, run, folder):
        checks, cpu = self.check(program, run, folder)
        at_exit = checks["exit"]
        return (Finding(at_exit.lost > 0, None, at_exit.evidence(), names(at_exit.text, run.line), cpu, at_exit.maybe > 0),)


def detectors():
    return (AtExit(), LeakSanitizer(), HeapLeakChecker(), HeapProfiler(), Massif(), Dhat(), Heaptrack())


class ReportRun(Run):
    """A run of one of the programs. Without its load it does nothing, as all of them: one stands for all."""

    def short(self):
        return dataclasses.replace(super().short(), pattern=corpus.cases()[0]["case"])


def run_of(case):
    return ReportRun(case["case"], "load", "leaky", "pending", f"{case['case']}/leaky.cc:{corpus.marked(case['case'])[0]}", "20s")


class Card:
    """What each detector says of each case; a reason instead, for one that cannot be used."""

    def __init__(self, program, control, asked):
        """control: the program that a planted leak is looked for in."""
        self.program, self.found, self.skipped, self.versions = program, {}, {}, {}
        self.asked = asked
        with tempfile.TemporaryDirectory(prefix="afterleak-", ignore_cleanup_errors=True) as folder:
            self.folder = pathlib.Path(folder)
            for detector in asked:
                self._try(detector, lambda place, its=detector: self._prove(its, control, place))
            steps = [(detector, case) for case in corpus.cases() for detector in asked]
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                for ended in [pool.submit(self._ask, *step) for step in steps]:
                    ended.result()

    def _try(self, detector, work):
        if detector in self.skipped:
            return
        try:
            with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as place:
                work(pathlib.Path(place))
        except (Unavailable, OSError) as reason:
            self.skipped[detector] = str(reason)
            say(f"{NAME}: {reason}; SKIPPED: {detector.rows[0]}")

    def _prove(self, detector, control, place):
        self.versions.update({name: version(control) for name, version in detector.tools.items()})
        detector.control(control, place)

    def _ask(self, detector, case):
        def work(place):
            self.found[detector, case["case"]] = detector.examine(self.program, run_of(case), place)[0]
        self._try(detector, work)

    def cell(self, detector, case):
        if detector in self.skipped:
            return "SKIPPED"
        found = self.found[detector, case["case"]]
        return (f"**{YES}**" if found.verdict == YES else found.verdict) + (" + line" if found.names_line else "")

    def silent(self, detector):
        """How many leaky sides it has nothing to say about."""
        return sum(self.found[detector, case["case"]].verdict == NO for case in corpus.cases())


def page(card, judged):
    cases = corpus.cases()
    rows = []
    for case in cases:
        said = expected(case, judged.said[case["case"], "leaky", "go122"])
        rows.append([corpus.link(case), case["shape"], *(card.cell(detector, case) for detector in card.asked), said or "**missed**"])
    conclusion = "\n".join(f"- {detector.rows[0]} finds nothing in {card.silent(detector)} of {len(cases)} leaky sides."
                           for detector in card.asked if detector not in card.skipped)
    skipped = "".join(f"\n{detector.rows[0]}: SKIPPED: {reason}\n" for detector, reason in card.skipped.items())
    cards = table(["", "shape", *(detector.rows[0] for detector in card.asked), "the judge"], rows)
    return TEXT.format(machine=machine(), versions=", ".join(card.versions.values()), conclusion=conclusion, cards=cards, skipped=skipped)


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    for option in ("--program", "--lsan-program", "--reports-program", "--reports-lsan"):
        parser.add_program(option, required=True)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    card = Card(Program(options.reports_program, options.reports_lsan), Program(options.program, options.lsan_program), detectors())
    write_whole(options.out / "detectors_reports.md", page(card, Judged(options.reports_program)))
    return 3 if card.skipped else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
