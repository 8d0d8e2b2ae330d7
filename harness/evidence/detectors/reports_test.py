"""Checkers of unreachable memory, run for real on the leaky programs after public reports, and the pages about them.

--program AFTERLEAK --lsan-program AFTERLEAK_LSAN --reports-program R --reports-lsan L
"""

import sys
import unittest

from evidence.common import command_line, corpus
from evidence.common.files import ROOT
from evidence.detectors.gperftools import HeapLeakChecker
from evidence.detectors.lsan import LeakSanitizer
from evidence.detectors.program import Program
from evidence.detectors.reports import Card
from evidence.detectors.verdict import YES

OPTIONS = None


class Checkers(unittest.TestCase):
    def test_they_find_nothing_but_what_owns_itself(self):
        """What is pending is referred to: only memory that nothing refers to is lost."""
        card = Card(Program(OPTIONS.reports_program, OPTIONS.reports_lsan), Program(OPTIONS.program, OPTIONS.lsan_program),
                    (LeakSanitizer(), HeapLeakChecker()))
        for detector in card.asked:
            with self.subTest(detector=detector.rows[0]):
                if detector in card.skipped:
                    self.skipTest(card.skipped[detector])
                found = {case for its, case in card.found if its == detector and card.found[its, case].verdict == YES}
                self.assertLessEqual(found, {case["case"] for case in corpus.cases() if case["what"] == "heap"})


class Pages(unittest.TestCase):
    def test_every_case_is_on_both(self):
        for page in ("reports.md", "detectors_reports.md"):
            text = (ROOT / "results" / page).read_text()
            for case in corpus.cases():
                self.assertIn(f"{corpus.link(case)} | ", text, page)


def main(arguments):
    global OPTIONS
    parser = command_line.Parser()
    for option in ("--program", "--lsan-program", "--reports-program", "--reports-lsan"):
        parser.add_program(option, required=True)
    OPTIONS = parser.parse_args(arguments)
    return 0 if unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result.wasSuccessful() else 1


if __name__ == "__main__":
    command_line.main("reports_test", main)
