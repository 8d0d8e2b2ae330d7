"""What the tools wrote is read right, and garbage is not taken for an answer.

testdata/ holds what the tools really wrote, shortened.
"""

import pathlib
import unittest

from evidence.common.children import Ended, Unavailable
from evidence.detectors import dhat, expected, heaptrack, lsan, massif, memcheck, own
from evidence.detectors.gperftools import HeapLeakChecker, HeapProfiler
from evidence.detectors.program import BadProgram
from evidence.detectors.verdict import GROWS, GROWTH, MAYBE, NO, YES, Finding, mask, names

LINE = "leaky/looping_select.cc:10"


def saved(name):
    return (pathlib.Path(__file__).parent / "testdata" / name).read_text()


def lsan_clean(text):
    return lsan.parse(Ended("LeakSanitizer", 0, "", text, 0))


def lsan_found(text):
    return lsan.parse(Ended("LeakSanitizer", lsan.FOUND, "", text, 0))


class Reads(unittest.TestCase):
    def test_memcheck_at_each_instant(self):
        checks = memcheck.parse(saved("memcheck.pending.log"))
        self.assertEqual(list(checks), ["0s", "30s", "60s", "exit"])
        self.assertEqual([(c.lost, c.maybe, c.reachable) for c in checks.values()],
                         [(0, 0, 156181), (0, 3968, 156173), (0, 3968, 156277), (0, 3968, 20272)])
        self.assertEqual([names(c.text, LINE) for c in checks.values()], [False, True, False, True])
        self.assertEqual(checks["exit"].evidence(), "==PID==      possibly lost: 3,968 bytes in 31 blocks")

    def test_memcheck_after_teardown_is_clean_though_it_was_not_before(self):
        checks = memcheck.parse(saved("memcheck.torn-down.log"))
        self.assertEqual((checks["60s"].maybe, checks["exit"].maybe, checks["exit"].held()), (3968, 0, 0))
        self.assertIn("no leaks are possible", checks["exit"].evidence())

    def test_memcheck_tells_a_true_leak(self):
        check = memcheck.parse(saved("memcheck.planted.log"))["exit"]
        self.assertEqual((check.lost, check.maybe), (7777, 0))
        self.assertEqual(check.evidence(), "==PID==    definitely lost: 7,777 bytes in 1 blocks")

    def test_massif(self):
        held, tree = massif.parse(saved("massif.60s.out"))
        self.assertEqual(held, 161040)
        self.assertTrue(names(tree, LINE) and not names(tree, "leaky/looping_select.cc:1"))

    def test_dhat(self):
        places = dhat.parse(saved("dhat.json"))
        self.assertEqual([held for held, _, frames in places if any(names(f, LINE) for f in frames)], [3840])

    def test_leak_sanitizer(self):
        self.assertEqual(lsan_found(saved("lsan.planted.txt"))[0], 7777)
        self.assertEqual(lsan_clean(saved("lsan.clean.txt"))[0], 0)

    def test_heap_leak_checker(self):
        self.assertEqual(HeapLeakChecker.parse(saved("heap_checker.planted.txt"))[0], 7777)
        self.assertEqual(HeapLeakChecker.parse(saved("heap_checker.clean.txt"))[0], 0)

    def test_heap_profiler(self):
        self.assertEqual(list(HeapProfiler.dumps(saved("heap_profiler.stderr.txt"))), ["0s", "60s"])
        self.assertEqual(HeapProfiler.held(saved("heap_profiler.heap")), 87413)
        total, rows = HeapProfiler.parse(saved("pprof.txt"))
        self.assertEqual((total, [held for held, line in rows if names(line, LINE)]), (4312, [3944]))

    def test_heaptrack(self):
        (peak, _), (lost, line) = heaptrack.parse(saved("heaptrack.planted.txt"))
        self.assertEqual((peak, lost, line), (173150, 12880, "total memory leaked: 12.88K"))
        self.assertEqual([heaptrack.size(text) for text in ("0B", "88B", "1.50M", "-2.00K")], [0, 88, 1500000, -2000])


class Refuses(unittest.TestCase):
    # Each with what it was given, and what of its answer decides.
    PARSERS = {
        memcheck.parse: (("memcheck.pending.log", "memcheck.planted.log"), lambda checks: (checks["exit"].lost, checks["exit"].maybe)),
        massif.parse: (("massif.60s.out",), lambda answer: answer[0]),
        dhat.parse: (("dhat.json",), lambda answer: answer),
        lsan_clean: (("lsan.clean.txt",), lambda answer: answer),
        lsan_found: (("lsan.planted.txt",), lambda answer: answer),
        HeapLeakChecker.parse: (("heap_checker.planted.txt", "heap_checker.clean.txt"), lambda answer: answer),
        HeapProfiler.parse: (("pprof.txt",), lambda answer: answer[0]),
        HeapProfiler.held: (("heap_profiler.heap",), lambda answer: answer),
        heaptrack.parse: (("heaptrack.planted.txt",), lambda answer: answer),
    }

    def test_nothing_and_garbage(self):
        for parse in self.PARSERS:
            for text in ("", "\n", "garbage\n", "{}", "[1, null]", "\0\ufffd" * 99):
                with self.subTest(parse=parse, text=text[:9]), self.assertRaises(Unavailable):
                    parse(text)
        for text in ("", "{}", "[]", "null", '{"verdict": "leak", "findings": [{}], "samples": []}'):
            with self.assertRaises(BadProgram):
                own.parse(text)

    def test_what_was_cut_off_is_refused_or_read_the_same(self):
        """Output whose end is missing is not taken for a clean result."""
        for parse, (files, deciding) in self.PARSERS.items():
            for file in files:
                lines = saved(file).splitlines(keepends=True)
                refused = 0
                for end in range(len(lines)):
                    try:
                        answer = parse("".join(lines[:end]))
                    except Unavailable:
                        refused += 1
                        continue
                    self.assertEqual(deciding(answer), deciding(parse(saved(file))), (file, end))
                self.assertGreater(refused, 0, file)

    def test_a_sanitizer_whose_exit_code_and_report_disagree(self):
        for code, text in ((0, saved("lsan.planted.txt")), (lsan.FOUND, saved("lsan.clean.txt"))):
            with self.assertRaisesRegex(Unavailable, "does not explain"):
                lsan.parse(Ended("LeakSanitizer", code, "", text, 0))

    def test_how_a_tool_ended_is_said(self):
        for ended, said in ((Ended("valgrind", 1, "out", "first\nlast\n", 0), "valgrind ended with 1 and said: last"),
                            (Ended("valgrind", -11, "", "", 0), "valgrind was killed by SIGSEGV and said: nothing")):
            with self.assertRaisesRegex(Unavailable, said):
                ended.expect()


class Judges(unittest.TestCase):
    @staticmethod
    def verdict(leaks, growth, maybe=False):
        return Finding(leaks, growth, "", False, 0, maybe).verdict

    def test_by_one_rule(self):
        for asked, verdict in (((True, 0), YES), ((True, 10**6, True), YES), ((False, 10**6, True), MAYBE), ((False, GROWTH + 1), GROWS),
                               ((False, GROWTH), NO), ((False, None), NO), ((False, -10**6), NO)):
            self.assertEqual(self.verdict(*asked), verdict, asked)

    def test_what_is_not_expected_is_told_in_both_directions(self):
        leak, none = Finding(True, None, "", True, 0), Finding(False, None, "", False, 0)
        self.assertEqual(list(expected.unexpected({("census", "looping_select", "leaky", "pending"): leak,
                                                   ("census", "looping_select", "fixed", "pending"): none})), [])
        self.assertEqual(len(list(expected.unexpected({("census", "looping_select", "leaky", "pending"): none,
                                                       ("census", "looping_select", "fixed", "pending"): leak}))), 2)

    def test_a_line_is_whole(self):
        self.assertTrue(names(f"(/home/me/{LINE})", LINE) and names(f"at {LINE}", LINE))
        self.assertFalse(names(f"{LINE}0", LINE) or names(f"un{LINE}", LINE))

    def test_nothing_of_the_machine_is_left_in_evidence(self):
        for text, masked in (
                ("==123==    by 0x17: leaky::F(a<b<c>, d>, e<>) (/x/y-z/leaky/f.cc:10)",
                 "==PID==    by 0xADDRESS: leaky::F(a<>, e<>) (leaky/f.cc:10)"),
                ("Dumping to /tmp/a.b/hp.0001.heap (0s)", "Dumping to hp.0001.heap (0s)"),
                ("== 4 ==Processing thread 29404.", "== 4 ==Processing thread PID."),
                (" n1: 5 0xA: f() (.build/release/leaky/f.cc:1)", "n1: 5 0xADDRESS: f() (leaky/f.cc:1)"),
                ("->operator<<(int)", "->operator<<(int)")):
            self.assertEqual(mask(text), masked)


if __name__ == "__main__":
    unittest.main()
