"""What the detectors cost and how soon they name the line, on few messages.

The tools run for real; one that is not there is SKIPPED, with the reason. AFTERLEAK_LOOPS is where leaky_loop is; AFTERLEAK_PROGRAM
and AFTERLEAK_LSAN_PROGRAM name the programs.
"""

import os
import pathlib
import shutil
import unittest
import unittest.mock

from evidence.bench import detector_cost
from evidence.common.children import Unavailable
from evidence.detectors.lsan import LeakSanitizer
from evidence.detectors.verdict import Finding
from tests import helper

PROGRAM = pathlib.Path(helper.PROGRAM)
LOOPS = pathlib.Path(os.environ.get("AFTERLEAK_LOOPS", PROGRAM.parent / "harness/bench"))
LSAN_PROGRAM = pathlib.Path(os.environ.get("AFTERLEAK_LSAN_PROGRAM", f"{PROGRAM}_lsan"))
MESSAGES = 1000

OURS = {"bare", "census", "counting allocator", "census and counting allocator"}
OF_VALGRIND = {"Massif", "Memcheck", "DHAT"}
PRELOADED = {"gperftools heap profiler", "HeapLeakChecker"}
COSTS = OURS | OF_VALGRIND | PRELOADED | {"LeakSanitizer", "AddressSanitizer", "heaptrack"}

NAMED = {"census", "Memcheck in the run", "DHAT", "gperftools heap profiler"}
SILENT = {"LeakSanitizer", "HeapLeakChecker", "Memcheck at exit", "counting allocator"}
# Massif leaves out what is less than 1 % of the heap, and heaptrack_print all but the ten largest places: so that depends on what else
# is there.
EITHER = {"Massif", "heaptrack"}


def who(lines):
    """The tools that the lines are about."""
    return {line.partition(" is left out: ")[0] for line in lines}


class WithFolder(helper.FolderTest):
    PREFIX = "afterleak-"  # heaptrack and Massif take a path with a space for two words

    def fake(self, name, body):
        (self.folder / "bin").mkdir(exist_ok=True)
        return helper.write_program(self.folder / "bin" / name, body)

    def only_fakes(self):
        """Of all tools only the fakes are on PATH."""
        for name in ("bash", "setpriv", "prlimit"):
            os.symlink(shutil.which(name), self.folder / "bin" / name)
        self.enterContext(unittest.mock.patch.dict(os.environ, PATH=str(self.folder / "bin")))

    def cost(self):
        with unittest.mock.patch.multiple(detector_cost, START_UP=1, ENOUGH=0):
            found, left_out = detector_cost.cost(LOOPS, self.folder, MESSAGES)
        costs = {name.removeprefix("Cost/") for name in found if name.startswith("Cost/")}
        self.assertEqual(found.keys(), {f"{figure}/{name}" for figure in ("Cost", "StartUp") for name in costs})
        return costs, left_out

    def verdict(self, lsan_program=LSAN_PROGRAM):
        found, silent, left_out = detector_cost.verdict(PROGRAM, lsan_program, self.folder)
        return {name.removeprefix("Verdict/") for name in found}, set(silent), left_out


class ForReal(WithFolder):
    def skipped(self, left_out):
        for line in left_out:
            self.assertNotRegex(line, "did not say|counted")  # it ran, and we have not read it
            print(f"SKIPPED: {line}")
        return who(left_out)

    def test_each_tool_has_a_cost(self):
        found, left_out = self.cost()
        self.assertEqual(found, COSTS - self.skipped(left_out))
        self.assertLessEqual(OURS, found)

    def test_who_names_the_line_and_who_is_silent(self):
        named, silent, left_out = self.verdict()
        skipped = self.skipped(left_out)
        self.assertEqual(named | silent | skipped, NAMED | SILENT | EITHER)
        self.assertEqual((named - EITHER, silent - EITHER), (NAMED - skipped, SILENT - skipped))
        self.assertEqual(named & silent, set())
        self.assertTrue("census" in named and "counting allocator" in silent)


class Broken(WithFolder):
    def test_a_tool_that_is_missing_or_ill_is_left_out_and_the_others_are_not(self):
        self.fake("valgrind", "echo garbage")
        self.only_fakes()
        found, left_out = self.cost()
        self.assertEqual(found & (OF_VALGRIND | {"heaptrack"}), set())
        self.assertEqual(found | who(left_out), COSTS)
        self.assertLessEqual(OURS | {"LeakSanitizer", "AddressSanitizer"}, found)
        self.assertIn("heaptrack is left out: heaptrack is not installed; ./scripts/setup installs it", left_out)
        self.assertIn("Massif is left out: valgrind --version wrote what is not understood: 'garbage'", left_out)

        named, silent, left_out = self.verdict()
        self.assertLessEqual({"Memcheck at exit", "Memcheck in the run", "Massif", "DHAT", "heaptrack"}, who(left_out))
        self.assertEqual((named & silent, (named | silent) & who(left_out)), (set(), set()))
        self.assertTrue("census" in named and "LeakSanitizer" in silent)

    def test_a_valgrind_that_watches_nothing_has_no_cost(self):
        of_valgrind = {name: detector_cost.TOOLS[name] for name in OF_VALGRIND}
        self.enterContext(unittest.mock.patch.object(detector_cost, "TOOLS", of_valgrind))
        began = "==1== Using Valgrind-3.19.0"
        for log in ("", began, f"{began}\n==1== HEAP SUMMARY:\n==1== total heap usage: 3 allocs\n"
                    "==1== All heap blocks were freed -- no leaks are possible\n==1== At t-gmax: 48 bytes in 1 blocks"):
            self.fake("valgrind", f"""
                if [[ $1 == --version ]]; then echo valgrind-3.19.0; exit; fi
                for each; do case $each in
                  --log-file=*) echo '{log}' >"${{each#*=}}" ;;
                  --massif-out-file=*) echo mem_heap_B=48 >"${{each#*=}}" ;;
                  --dhat-out-file=*) echo '{{"ftbl": ["root"], "pps": [{{"gb": 48, "eb": 0, "fs": [0]}}]}}' >"${{each#*=}}" ;;
                esac; done""")
            with unittest.mock.patch.dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}"), self.subTest(log):
                found, left_out = self.cost()
                self.assertEqual((found, who(left_out)), (OURS, OF_VALGRIND))
        self.assertIn("Memcheck is left out: Memcheck counted 3, and there were 2,000 timers", left_out)
        self.assertIn("Massif is left out: Massif counted 48, and there were 2,000 timers", left_out)
        self.assertIn("DHAT is left out: DHAT counted 48, and there were 2,000 timers", left_out)

    def test_one_that_finds_nothing_at_all_is_not_silent_but_broken(self):
        blind = self.fake("blind", "echo '==1==Processing thread 1.' >&2")
        with unittest.mock.patch.object(detector_cost, "DETECTORS", (LeakSanitizer(),)):
            found, silent, left_out = self.verdict(blind)
        self.assertEqual((found, silent, len(left_out)), (set(), set(), 1))
        self.assertRegex(left_out[0], "^LeakSanitizer is left out: LeakSanitizer did not find the planted leak")

    def test_a_program_that_does_not_watch_as_it_is_built_to(self):
        for name, census, counters in (("leaky_loop_bare", True, False), ("leaky_loop_bare", False, True), ("leaky_loop", False, True),
                                       ("leaky_loop", True, False)):
            with self.subTest(name, census=census), self.assertRaisesRegex(Unavailable, f"^{name}"):
                detector_cost._own(LOOPS, detector_cost.Loop(MESSAGES), name, census, counters)


class Rules(WithFolder):
    def test_a_run_has_rounds_until_its_start_is_a_hundredth_of_it(self):
        takes = {"starts at once": (0.0, 0.25), "starts slowly": (0.5, 1.0), "takes long": (0.0625, 8.0)}  # its start, and a round
        asked = []

        def run(name, loop):
            if name not in takes:
                raise Unavailable("it is ill")
            asked.append((name, loop.messages, loop.rounds))
            start, of_a_round = takes[name]
            return start + (of_a_round * loop.rounds if loop.messages > 1 else 0)

        names = [*takes, "ill"]
        with unittest.mock.patch.object(detector_cost, "TOOLS", {name: ({}, lambda _, loop, __, name=name: run(name, loop)) for name in names}), \
                unittest.mock.patch.object(detector_cost, "WATCHED", {}):
            found, left_out = detector_cost.cost(LOOPS, self.folder, MESSAGES)
        self.assertEqual(asked, [("starts at once", 1, 1), ("starts at once", MESSAGES, 1), ("starts at once", MESSAGES, 4),
                                 ("starts slowly", 1, 1), ("starts slowly", MESSAGES, 1), ("starts slowly", MESSAGES, 55),
                                 ("takes long", 1, 1), ("takes long", MESSAGES, 1)])
        self.assertEqual(found, {"Cost/starts at once": 0.25e9, "StartUp/starts at once": 0,
                                 "Cost/starts slowly": 55.5 / 55 * 1e9, "StartUp/starts slowly": 0.5 / 55.5,
                                 "Cost/takes long": 8.0625e9, "StartUp/takes long": 0.0625 / 8.0625})
        self.assertTrue(all(part <= detector_cost.START_UP for name, part in found.items() if name.startswith("StartUp/")))
        self.assertEqual(left_out, ["ill is left out: it is ill"])

    def test_a_first_round_that_takes_longer_does_not_make_a_run_too_short(self):
        asked = []

        def seconds(loop):
            asked.append(loop.rounds)
            return 0.02 + (0.3 + 0.1 * (loop.rounds - 1) if loop.messages > 1 else 0)

        _, start_up = detector_cost._of_a_round(seconds, MESSAGES)
        self.assertEqual(asked, [1, 1, 8, 18])
        self.assertLessEqual(start_up, detector_cost.START_UP)

    def test_a_detector_with_two_rows_is_asked_once_and_its_look_before_is_not_timed(self):
        asked = []

        class Two:
            rows, tools = ("sees", "is blind"), {}

            def look_before(self, program, run, folder):
                asked.append("look_before")

            def examine(self, program, run, folder):
                asked.append(f"{run.pattern} {run.workload} {run.side} {run.exit}")
                return [Finding(False, None, "", named, 0) for named in (True, False)]

            def control(self, program, folder):
                asked.append("control")

        ticks = iter([5, 12])
        with unittest.mock.patch.object(detector_cost, "DETECTORS", (Two(),)), \
                unittest.mock.patch.object(detector_cost.time, "monotonic_ns", lambda: (asked.append("clock"), next(ticks))[1]):
            found, silent, left_out = detector_cost.verdict(PROGRAM, LSAN_PROGRAM, self.folder)
        self.assertEqual((found, silent, left_out), ({"Verdict/sees": 7}, ["is blind"], []))
        self.assertEqual(asked, ["look_before", "clock", "looping_select idle leaky torn-down", "clock", "control"])


if __name__ == "__main__":
    unittest.main()
