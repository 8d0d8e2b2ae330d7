"""The figures, the goals, the comparison and the page, on made-up runs; and what scripts/bench says to a wrong command line."""

import contextlib
import io
import json
import pathlib
import re
import shutil
import signal
import subprocess
import unittest
from unittest import mock

from evidence.bench import comparison, figures, goals, instructions, main as bench, page as bench_page, plots as bench_plots, tables
from evidence.common import children, markdown
from evidence.common.words import Refused
from tests import helper

ROOT = helper.ROOT


def google(*benchmarks):
    return json.dumps({"context": {}, "benchmarks": list(benchmarks)})


def one(name, time=1.0, unit="ns", **more):
    return {"name": name, "real_time": time, "cpu_time": 99.0, "time_unit": unit, **more}


class Figures(helper.FolderTest):
    def test_names_and_units_of_google_benchmark(self):
        found = figures.from_google(google(one("Fifo/libev/1000/manual_time", 21.5), one("Report/1000", 2.0, "ms"),
                                           one("After", 300, bytes_per_timer=128.0, blocks_per_timer=1.0),
                                           one("AfterOnRealClock", 400, bytes_per_timer=999.0),
                                           one("CensusArm/1000000", 9, census_bytes_per_timer=29.5),
                                           one("Bytes/libev/1000/iterations:1/manual_time", 7, bytes=80.0, bytes_churned=90.0)))
        self.assertEqual(found, {"Fifo/libev/1000": 21.5, "Report/1000": 2e6, "After": 300, "AfterBytes": 128.0, "AfterBlocks": 1.0,
                                 "AfterOnRealClock": 400, "CensusArm/1000000": 9, "CensusBytes/1000000": 29.5,
                                 "Bytes/libev/1000": 80.0, "BytesChurned/libev/1000": 90.0})

    def test_a_benchmark_that_failed_is_no_figure(self):
        with self.assertRaisesRegex(figures.BadFigures, "^Fifo/libev/1000: too few$"):
            figures.from_google(google(one("Fifo/libev/1000", error_occurred=True, error_message="too few")))

    def test_what_is_no_output_of_google_benchmark(self):
        for text in ("", "{", "[]", "{}", "null"):
            with self.subTest(text), self.assertRaisesRegex(figures.BadFigures, "^it wrote no figures$"):
                figures.from_google(text)

    def test_whose_a_figure_is(self):
        ours = ["Fifo/afterleak/1000", "LeakyTurn/bare/1000", "NewDelete/counting/64", "Cost/census", "Verdict/census", "After", "Report/1000",
                "RunLoopingSelect/AnHourIdle"]
        theirs = ["Fifo/libev/1000", "After/go1.22/0", "NewDelete/glibc/64", "Cost/Massif", "Verdict/go1.22", "StartUp/census"]
        self.assertEqual([name for name in ours + theirs if figures.is_ours(name)], ours)

    def test_sizes_are_numbers_in_order(self):
        self.assertEqual(figures.sizes({"Fifo/a/1000": [1], "Fifo/b/200": [1], "FifoX/b/7": [1], "Cost/x": [1]}, "Fifo"), [200, 1000])

    def test_median_and_spread(self):
        self.assertEqual(figures.gather([{"a": 1}, {"a": 5}, {"a": 2, "b": 0}]), {"a": [1, 5, 2], "b": [0]})
        self.assertEqual((figures.median([1, 5, 2]), figures.spread([1, 5, 2]), figures.spread([0, 0])), (2, 2.0, 0.0))

    def test_written_and_read_again(self):
        path = self.folder / "bench.json"
        path.write_text(figures.to_text("a machine", {"Fifo/libev/1000": [1.23456, 2.0], "After": [3.0]}))
        self.assertEqual(figures.load(path), ("a machine", {"After": [3.0], "Fifo/libev/1000": [1.235, 2.0]}))

    def test_files_that_are_none_of_ours(self):
        path = self.folder / "bench.json"
        with self.assertRaisesRegex(figures.BadFigures, r"^[^\n]+ cannot be read \(No such file or directory\); name the bench.json"):
            figures.load(path)
        for text in ("", "[1]", '{"machine": "x"}', '{"machine": "x", "figures": {"a": []}}', '{"machine": "x", "figures": {"a": ["b"]}}',
                     '{"machine": "x", "figures": 3}'):
            path.write_text(text)
            with self.subTest(text), self.assertRaisesRegex(figures.BadFigures, "^[^\n]+ holds no figures; name the bench.json[^\n]+$"):
                figures.load(path)
        path.write_bytes(b"\xff\xfe")
        with self.assertRaises(figures.BadFigures):
            figures.load(path)


class Comparison(unittest.TestCase):
    OLD = {"Fifo/afterleak/1000": [20, 21, 22], "Fifo/libev/1000": [100, 101, 102]}

    def compare(self, new, old_machine="m"):
        return comparison.report(old_machine, self.OLD, "m", new)

    def test_slower_by_more_than_the_spread(self):
        lines, worse = self.compare({"Fifo/afterleak/1000": [29, 30, 31], "Fifo/libev/1000": [100, 101, 102]})
        self.assertTrue(worse)
        self.assertEqual(lines[0], "slower: Fifo/afterleak/1000: 21 -> 30 (1.43 times; spread of the repetitions 10% and 7%)")
        self.assertIn("1 of 1 figures of afterleak are worse by more than noise", lines)

    def test_slower_within_the_spread_is_noise(self):
        for new in ([21, 23, 24], [20, 30, 40]):  # a little more; much more, but all over the place
            lines, worse = self.compare({"Fifo/afterleak/1000": new})
            self.assertFalse(worse, lines)
            self.assertEqual(lines[0], "0 of 1 figures of afterleak are worse by more than noise")

    def test_faster_is_not_slower(self):
        self.assertFalse(self.compare({"Fifo/afterleak/1000": [9, 10, 11]})[1])

    def test_the_same_without_any_spread_is_not_slower_and_a_byte_more_is(self):
        old = {"Bytes/afterleak/1000": [32, 32]}
        self.assertFalse(comparison.report("m", old, "m", old)[1])
        self.assertFalse(comparison.report("m", old, "m", {"Bytes/afterleak/1000": [32.1, 32.1]})[1])
        self.assertTrue(comparison.report("m", old, "m", {"Bytes/afterleak/1000": [33, 33]})[1])

    def test_a_slower_peer_tells_of_the_machine(self):
        lines, worse = self.compare({"Fifo/afterleak/1000": [20, 21, 22], "Fifo/libev/1000": [200, 202, 204]})
        self.assertFalse(worse)
        self.assertIn("the peers, whose code is the same, take 2.00 times as long as in the earlier run", lines)

    def test_loops_without_a_peer_are_ours(self):
        lines, worse = comparison.report("m", {"LeakyTurn/1000": [100]}, "m", {"LeakyTurn/1000": [200]})
        self.assertTrue(worse, lines)

    def test_another_machine_and_what_is_missing_are_said(self):
        lines, worse = self.compare({"After": [1]}, old_machine="an older one")
        self.assertFalse(worse)
        self.assertEqual(lines[:2], ["the earlier run was made on another machine: an older one", "the two runs have no figure in common"])
        self.assertIn("not measured now: Fifo/afterleak/1000", lines)


class Goals(unittest.TestCase):
    @staticmethod
    def outcome(found, what):
        return next(each for each in goals.outcomes(found) if each.what == what)

    def test_a_ratio_is_of_medians_and_met_from_the_goal_on(self):
        for theirs, measured, met in (([99, 100, 500], "4.0 times", True), ([98, 99, 500], "4.0 times", False)):
            outcome = self.outcome({"Fifo/afterleak/1000000": [20, 25, 26], "Fifo/libev/1000000": theirs}, "Fifo against libev")
            self.assertEqual((outcome.measured, outcome.met), (measured, met))

    def test_at_most(self):
        for then, met in ((250, True), (260, False)):
            found = {"Fifo/afterleak/1000": [100], "Fifo/afterleak/10000000": [then], "Report/1000000": [then * 40_000.0]}
            self.assertIs(self.outcome(found, "Fifo with 10,000,000 live timers over 1,000").met, met)
            report = self.outcome(found, "census report of 1,000,000 timers of one site")
            self.assertEqual((report.measured, report.met), (f"{then / 25:.3g} ms", met))

    def test_what_watching_costs_is_judged_by_the_turn_without_it(self):
        for both, met in ((114, True), (116, False)):
            found = {"LeakyTurn/afterleak/1000000": [both], "LeakyTurn/bare/1000000": [100], "LeakyTurn/no_counters/1000000": [104]}
            self.assertIs(self.outcome(found, "leaky turn: census and counting allocator over neither").met, met)
            self.assertIs(self.outcome(found, "leaky turn: counting allocator over glibc's").met, False)

    def test_bytes_of_queue_and_census_are_added(self):
        found = {"Bytes/afterleak/1000000": [32], "CensusBytes/1000000": [29.25]}
        self.assertEqual(self.outcome(found, "bytes per live timer, queue and census").measured, "61.2 bytes")

    def test_what_was_not_measured_is_neither(self):
        self.assertEqual({(each.measured, each.met) for each in goals.outcomes({})}, {("not measured", None)})


class Page(helper.FolderTest):
    FOUND = {"Fifo/afterleak/1000000": [10, 10], "Fifo/libev/1000000": [55, 57], "Bytes/afterleak/1000000": [32, 32], "After": [100, 120],
             "LeakyTurn/afterleak/1000": [300], "LeakyTurn/bare/1000": [250], "LeakyTurn/asio/1000": [600], "FixedTurn/afterleak/2": [60],
             "NewDelete/glibc/64": [20], "NewDelete/counting/64": [25], "Churn/afterleak/1000": [11], "Churn/list/1000": [12],
             "Cost/bare": [1e8], "Cost/DHAT": [36e8], "Cost/census": [1.1e8],
             "StartUp/bare": [0.001], "StartUp/DHAT": [0.0095], "StartUp/census": [0.002], "Verdict/census": [2e7], "Instructions/bare/80000": [2600]}

    def text(self, plots=()):
        notes = bench.Notes(["libuv is left out: it is not here; do this"], ["LeakSanitizer", "Massif"])
        return bench_page.text("a machine", self.FOUND, notes, plots)

    def test_ratios_stand_before_absolute_figures_and_goals_are_judged(self):
        text = self.text()
        self.assertIn("Measured on: a machine.", text)
        self.assertIn("| Fifo | 1,000,000 | 5.6 |", text)
        self.assertIn("| 1,000,000 | 10 | 56 ±2% |", text)
        self.assertIn("| Fifo against libev | 4.0 times | 5.6 times | met |", text)
        self.assertIn("| Fifo against asio | 8.0 times | not measured |  |", text)
        self.assertIn("1 of 1 are met", text)
        self.assertLess(text.index("| Fifo | 1,000,000 | 5.6 |"), text.index("56 ±2%"))

    def test_each_part_has_its_own_base(self):
        text = self.text()
        self.assertIn("| LeakyTurn | 1,000 | 2.00 |", text)  # Asio over ours
        self.assertIn("| 1,000 | 5.0 |", text)  # leaky over fixed
        self.assertIn("| LeakyTurn | 1,000 | 1.20 |", text)  # both over neither
        self.assertIn("| NewDelete | 64 | 1.25 |", text)  # over glibc's
        self.assertIn("| 1,000 | 11 | 12 |", text)  # the floor of Churn

    def test_detectors_by_what_they_cost_and_who_named_the_line(self):
        text = self.text()
        self.assertIn("| bare | 1.00 | 0.10 s | 0.1% |\n| census | 1.10 | 0.11 s | 0.2% |\n| DHAT | 36.0 | 3.60 s | 0.9% |\n", text)
        self.assertIn("| census | 0.02 s |", text)
        self.assertIn("LeakSanitizer, Massif ran and did not name the line.", text)

    def test_in_short_is_made_of_the_figures(self):
        found = self.FOUND | {"LeakyTurn/afterleak/1000000": [300], "LeakyTurn/bare/1000000": [240], "LeakyTurn/go1.22/1000000": [900],
                              "Verdict/go1.22": [30e9],
                              "Instructions/afterleak/80000": [3250]}
        self.assertEqual(bench_page.in_short(found), """\
- With 1,000,000 live timers, to arm one and let one expire takes 10 ns. Times as long: libev 5.6.
- A whole turn of the leaky loop takes 300 ns. Times as long: go1.22 3.0.
- That is 5.0 times a turn of the fixed loop: what the leak costs in time, besides the memory.
- Census and counting allocator together make a turn 1.25 times as long, of 1.25 times the instructions; DHAT makes the same loop 36.0 times as long.
- The line that leaks in the idle loop is named after 0.02 s (census), 30 s (go1.22).
""")
        self.assertEqual(bench_page.in_short({}), "")

    def test_plots_are_shown_where_they_belong(self):
        text = self.text(["Fifo", "Leak"])
        self.assertLess(text.index("(bench/fifo.svg)"), text.index("## A turn of the loop"))
        self.assertLess(text.index("## A turn of the loop"), text.index("(bench/leak.svg)"))

    def test_each_peer_is_a_curve_of_its_plot(self):
        if shutil.which("gnuplot") is None:
            self.skipTest("gnuplot is not installed; ./scripts/setup installs it")
        found = {f"{operation}/{peer}/{size}": [10, 11] for operation in ("ArmStop", "LeakyTurn") for peer in bench_page.PEERS
                 for size in (1000, 100000)}
        found |= {f"FixedTurn/{peer}/2": [5, 6] for peer in ("afterleak", "asio")}
        self.assertEqual(bench_plots.draw(self.folder / "bench", found, list(bench_page.PEERS)), ["ArmStop", "Leak"])
        svg = (self.folder / "bench/armstop.svg").read_text()
        for peer in bench_page.PEERS:
            self.assertIn(f">{peer}<", svg)
        svg = (self.folder / "bench/leak.svg").read_text()
        for title in ("afterleak, leaky", "afterleak, fixed", "asio, leaky", "asio, fixed"):
            self.assertIn(f">{title}<", svg)

    def test_what_is_missing_is_said_with_how_to_get_it(self):
        self.assertIn("\n- Libuv is left out: it is not here; do this.\n", self.text())

    def test_every_peer_of_the_programs_has_its_words(self):
        named = {file.stem for file in (ROOT / "harness/bench/timer_queue").glob("*.cc")} - {"virtual_clock"}
        self.assertEqual(named, {peer for peer in bench_page.PEERS if not peer.startswith("go")})

    def test_figures_in_short(self):
        self.assertEqual([tables.short(each) for each in (1.234, 9.87, 12.34, 1234.5)], ["1.23", "9.9", "12.3", "1,234"])


class Instructions(helper.FolderTest):
    def test_the_difference_of_two_runs_by_turn(self):
        with mock.patch.object(instructions, "_run", lambda _program, _folder, messages: 1_000_000 + 50 * messages), \
                mock.patch.object(instructions.valgrind, "version"):
            self.assertEqual(instructions.of_a_turn(self.folder, self.folder, 100),
                             ({f"Instructions/{peer}/400": 50 for peer in ("bare", "no_counters", "no_census", "afterleak")}, []))

    def test_without_valgrind(self):
        with mock.patch.object(instructions.valgrind, "version", side_effect=children.Unavailable("valgrind is not installed; do this")):
            self.assertEqual(instructions.of_a_turn(self.folder, self.folder), ({}, ["callgrind is left out: valgrind is not installed; do this"]))

    def test_what_callgrind_wrote(self):
        self.assertEqual(instructions.counted("==12== Events    : Ir\n==12== Collected : 70509039\n"), 70509039)
        with self.assertRaisesRegex(children.Unavailable, "callgrind did not say"):
            instructions.counted("==12== Collected : \n")


class Script(helper.FolderTest):
    """The program; the benchmarks are scripts that write what Google Benchmark would."""

    def bench(self, *arguments, **more):
        return subprocess.run(helper.module("evidence.bench.main", "--build", self.folder, "--out", self.folder, *arguments),
                              capture_output=True, text=True, timeout=60, **more)

    def program(self, body):
        folder = self.folder / "harness/bench"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "programs.txt").write_text("fake\ntimer_queue_libuv libuv1-dev\n")
        helper.write_program(folder / "fake", body)

    def prints(self, *benchmarks):
        self.program(f"cat << 'END'\n{google(*benchmarks)}\nEND")

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def refused(self, done, said):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], f"^scripts/bench: {said}")
        self.assertEqual([name for name in self.files() if name.startswith("bench")], [])

    def test_bad_input_is_one_line_and_2(self):
        for arguments, said in ((["--filter", "("], r"'\(' is no regular expression"),
                                (["--compare", "/none.json"], "/none.json cannot be read"),
                                (["--smoke", "--filter", "x"], "--smoke measures nothing"),
                                (["--frobnicate"], "unrecognized arguments: --frobnicate")):
            with self.subTest(arguments):
                done = self.bench("--check-only", *arguments)
                self.refused(done, said)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_bad_input_to_the_script_itself(self):
        for arguments, said in ((["--frobnicate"], "unknown argument --frobnicate"), (["--filter"], "--filter has no value"),
                                (["--filter", "("], r"'\(' is no regular expression"), (["--compare="], "--compare is empty"),
                                (["watch", "--smoke"], "watch takes --out alone"), (["--update"], "--update needs --filter REGEX"),
                                (["--compare", "none.json"], f"{self.folder}/none.json cannot be read"),
                                (["--out", "none"], f"{self.folder}/none is not a folder"), (["--out="], "--out is empty")):
            with self.subTest(arguments):
                done = subprocess.run([ROOT / "scripts/bench", *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60)
                self.refused(done, said)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
        done = subprocess.run([ROOT / "scripts/bench", "--help"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout.split(" [")[0], done.stderr), (0, "Usage: scripts/bench", ""))

    def test_the_median_of_all_repetitions_is_written(self):
        self.prints(one("After", 100))
        with mock.patch.object(bench, "ask_detectors", lambda *_: [{"Cost/bare": 5.0, "StartUp/bare": 0.5}]), mock.patch.object(bench, "say") as said:
            code = bench.main(["--build", str(self.folder), "--out", str(self.folder)])
        self.assertIn(code, (0, 3))  # 3: without gnuplot
        self.assertEqual(figures.load(self.folder / "bench.json")[1], {"After": [100] * 5, "Cost/bare": [5], "StartUp/bare": [0.5]})
        self.assertIn("| After | 100 | 0% |", (self.folder / "bench.md").read_text())
        self.assertIn("libuv is left out: libuv1-dev is not installed", "".join(call.args[0] for call in said.call_args_list))

    def test_an_update_keeps_the_other_figures(self):
        self.prints(one("After", 100))
        (self.folder / "bench.json").write_text(figures.to_text(markdown.machine(), {"After": [900], "StartUp/bare": [0.5]}, ["Massif"]))
        command = ["--build", str(self.folder), "--out", str(self.folder), "--filter", "^After", "--update"]
        with contextlib.redirect_stdout(io.StringIO()), mock.patch.object(bench, "say"):
            self.assertIn(bench.main(command), (0, 3))
        self.assertEqual(figures.load(self.folder / "bench.json")[1], {"After": [100] * 5, "StartUp/bare": [0.5]})
        page = (self.folder / "bench.md").read_text()
        self.assertIn("Massif ran and did not name the line.", page)
        self.assertIn("Measured later than the rest (`--update`): After.", page)
        (self.folder / "bench.json").write_text(figures.to_text("another", {"After": [900]}))
        with contextlib.redirect_stdout(io.StringIO()), mock.patch.object(bench, "say"):
            with self.assertRaisesRegex(Refused, "another machine"):
                bench.main(command)

    def measured(self, pattern):
        """{name: repetitions} of peers that get faster with each run, and (program, pattern) of every run."""
        ran = []

        def measure(program, _, pattern):
            ran.append((program.name, pattern))
            names = [f"{operation}/{program.name}/{size}" for operation in ("Churn", "FireAll") for size in (1000000, 10000000)]
            return {name: 1000 - len(ran) for name in names if bool(re.search(pattern.removeprefix("-"), name)) != pattern.startswith("-")}
        with mock.patch.object(bench, "say"), mock.patch.object(bench, "measure", measure):
            peers = [pathlib.Path(name) for name in ("timer_queue_afterleak", "timer_queue_libuv", "turn_bare")]
            return figures.gather(bench.run(peers, pattern)), ran

    def test_the_fastest_run_of_a_round_counts(self):
        found, ran = self.measured("")
        last = max(number for number, run in enumerate(ran, 1) if run == ("turn_bare", "-/10000000"))
        self.assertEqual(found["Churn/turn_bare/1000000"][-1], 1000 - last)
        often = {name: sum(run[0] == name and run[1] != bench.LONG for run in ran) // bench.ROUNDS for name, _ in ran}
        self.assertEqual(often, {"timer_queue_afterleak": bench.OFTEN, "timer_queue_libuv": bench.OFTEN, "turn_bare": 2 * bench.OFTEN})

    def test_what_takes_others_minutes_is_measured_once(self):
        found, _ = self.measured("")
        self.assertEqual(len(found), 12)
        once = {name for name, values in found.items() if len(values) == 1}
        self.assertEqual(once, {f"{operation}/{peer}/10000000" for operation in ("Churn", "FireAll") for peer in ("timer_queue_libuv", "turn_bare")})
        self.assertEqual({len(values) for name, values in found.items() if name not in once}, {bench.ROUNDS})
        found, _ = self.measured("FireAll")  # who asks for it gets it
        self.assertEqual({name: len(values) for name, values in found.items() if "libuv" in name},
                         {"FireAll/timer_queue_libuv/1000000": bench.ROUNDS, "FireAll/timer_queue_libuv/10000000": bench.ROUNDS})

    def test_slower_is_1_and_the_same_is_0(self):
        self.prints(one("After", 100))
        old = self.folder / "old.json"
        for then, code in ((50, 1), (100, 0)):
            old.write_text(figures.to_text("m", {"After": [then] * 5}))
            done = self.bench("--filter", "After", "--compare", old)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertIn(f"{code} of 1 figures of afterleak are worse", done.stdout)
        self.assertNotIn("bench.md", self.files())

    def test_a_program_that_fails_writes_nothing(self):
        for body, said in (("echo broken >&2; exit 1", "fake ended with 1 and said: broken"), ("echo no json", "fake: it wrote no figures")):
            self.program(body)
            self.refused(self.bench("--filter", "After"), said)
            with mock.patch.object(bench, "ask_detectors", lambda *_: []), mock.patch.object(bench, "say"), \
                    self.assertRaisesRegex(children.Unavailable, f"^{said}$"):
                bench.main(["--build", str(self.folder), "--out", str(self.folder)])
            self.assertEqual([name for name in self.files() if name.startswith("bench")], [])

    def test_the_end_of_a_filter_is_that_of_our_names(self):
        self.program(f'printf "%s\\n" "$@" > "{self.folder}/typed"\necho \'{google(one("Fifo/libev/1000/manual_time", 7))}\'')
        done = self.bench("--filter", "Fifo/.*/1000$")
        self.assertEqual((done.returncode, done.stdout), (0, "Fifo/libev/1000: 7 (spread 0%)\n"))
        self.assertIn("--benchmark_filter=Fifo/.*/1000(/iterations:[0-9]+)?(/manual_time)?$\n", (self.folder / "typed").read_text())

    def test_a_filter_that_nothing_matches(self):
        self.program("")
        self.refused(self.bench("--filter", "Nothing"), "no benchmark matches 'Nothing'")

    def test_smoke_runs_each_and_says_what_is_missing(self):
        self.prints(one("After", 100))
        done = self.bench("--smoke")
        self.assertEqual((done.returncode, done.stdout), (
            0, "fake runs\nlibuv is left out: libuv1-dev is not installed; scripts/setup --all installs it\n"))
        self.assertNotIn("bench.md", self.files())
        self.program("exit 1")
        self.refused(self.bench("--smoke"), "fake ended with 1")

    def test_stopped_it_writes_nothing_and_leaves_no_program(self):
        self.program(f"echo $$ > '{self.folder}/pid'\nexec sleep 60")
        process = subprocess.Popen(helper.module("evidence.bench.main", "--build", self.folder, "--out", self.folder, "--filter", "After"))
        pid = self.folder / "pid"
        helper.wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), "the program runs")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        self.assertFalse(children.alive(int(pid.read_text())))
        self.assertEqual([name for name in self.files() if name.startswith("bench")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
