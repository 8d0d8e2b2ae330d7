"""The pairs on event loops as a person asks for them: `afterleak list`, `run` and `compare` with --on."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from tests import helper
from tests.helper import PROGRAM, ROOT

try:
    import jsonschema
except ImportError:
    jsonschema = None

os.environ.pop("COLUMNS", None)
LOOPS = ["libuv", "libevent", "glib", "asio"]
EVERYWHERE = ["looping_select", "early_return", "idle_timeout", "signal_before_expiry"]
OF_COROUTINES = ["looping_select", "idle_timeout"]
ARMS = {"libuv": "uv_timer_start", "libevent": "event_base_once", "glib": "g_timeout_add", "asio": "steady_timer::async_wait"}


def beside(loop):
    """The program that `--on loop` becomes."""
    return pathlib.Path(PROGRAM).with_name(f"afterleak_on_{'asio' if loop == 'coroutines' else loop}")


HERE = [loop for loop in LOOPS if beside(loop).exists()]


def afterleak(*arguments, program=PROGRAM, **options):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


def live(run):
    return [sample["live"] for sample in run["samples"]]


class Listed(unittest.TestCase):
    """What needs no event loop."""

    def test_list_says_where_a_pattern_exists(self):
        told = {pattern["name"]: pattern["loops"] for pattern in json.loads(afterleak("list", "--json").stdout)}
        for name, loops in told.items():
            folders = [loop for loop in LOOPS if (ROOT / "leaky" / loop / f"{name}.cc").exists()]
            folders += ["coroutines"] * (ROOT / f"fixed/asio/{name}_coroutines.cc").exists()
            self.assertEqual(loops, folders, name)
        said = afterleak("list").stdout
        self.assertEqual(said.count("also --on libuv, libevent, glib, asio, coroutines\n"), len(OF_COROUTINES))

    def test_list_on_a_loop_names_those_of_that_loop(self):
        for loop, patterns in [*((loop, EVERYWHERE) for loop in LOOPS), ("coroutines", OF_COROUTINES)]:
            listed = afterleak("list", "--on", loop)
            self.assertEqual((listed.returncode, listed.stderr), (0, ""))
            self.assertEqual(re.findall(r"(?m)^\w+", listed.stdout), patterns)
            self.assertEqual([pattern["name"] for pattern in json.loads(afterleak("list", "--on", loop, "--json").stdout)], patterns)

    def test_help_and_a_mistake_in_the_command_line_need_no_loop(self):
        for command in ("list", "run", "compare"):
            self.assertRegex(afterleak(command, "--help").stdout, r"--on LOOP +an event loop")
        for arguments, word in [(["list", "--on", "libev"], "libuv"), (["run", "looping_select", "--on", "qt"], "coroutines"),
                                (["compare", "looping_select", "--on", ""], "libevent"), (["run", "looping_select", "--on"], "--on"),
                                (["run", "looping_select", "--on", "libuv", "--on", "glib"], "more than once"),
                                (["run", "--on", "libuv"], "PATTERN"), (["reproduce", "--out", ".", "--on", "libuv"], "--on")]:
            done = afterleak(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertRegex(done.stderr, r"\Aafterleak: [^\n]+\n\Z")
            self.assertIn(word, done.stderr)


class OnEachLoop(unittest.TestCase):
    def test_compare_looks_as_for_the_port_and_has_its_curves(self):
        for loop, pattern in [*((loop, "looping_select") for loop in LOOPS), ("coroutines", "idle_timeout"),
                              *((loop, pattern) for loop in HERE[:1] for pattern in EVERYWHERE[1:])]:
            with self.subTest(loop=loop, pattern=pattern):
                if not beside(loop).exists():
                    self.skipTest(f"{beside(loop).name} is not built; ./scripts/setup --all installs the loop")
                done = afterleak("compare", pattern, "--on", loop)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                port = afterleak("compare", pattern).stdout
                title = port.splitlines()[0].removeprefix(pattern).removesuffix(", timers as in go122")
                self.assertEqual(done.stdout.splitlines()[0], f"{pattern} on {loop}{title}")
                self.assertIn("  leaky: leak: the load is over, and ", done.stdout)
                self.assertRegex(done.stdout, r"(?m)^  fixed: bounded: never more than \d live at a sample$")
                self.assertIn(f"live timers: {pattern} on {loop}", done.stdout)
                rows = [re.findall(r"(?m)^ +\S+ \| +(\d+) .*\| +(\d+) ", text) for text in (done.stdout, port)]
                self.assertEqual(rows[0], rows[1])
                self.assertGreater(len(rows[0]), 10)

    def test_run_names_the_line_that_arms(self):
        for loop in HERE:
            done = afterleak("run", "idle_timeout", "--on", loop)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            found = re.search(rf"left behind: 1 x {re.escape(ARMS[loop])}\n +leaky/{loop}/idle_timeout\.cc:(\d+) ", done.stdout)
            self.assertTrue(found, done.stdout)
            line = (ROOT / f"leaky/{loop}/idle_timeout.cc").read_text().splitlines()[int(found[1]) - 1]
            self.assertIn(ARMS[loop].rpartition(":")[2], line)


class OnALoop(helper.FolderTest):
    def setUp(self):
        super().setUp()
        if not HERE:
            self.skipTest("no program for --on is built; ./scripts/setup --all installs event loops")
        self.loop = HERE[0]

    def run_on(self, pattern, *arguments, command="run", **options):
        return afterleak(command, pattern, "--on", self.loop, *arguments, **options)

    def assert_refused(self, done, *words):
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertRegex(done.stderr, r"\Aafterleak: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_the_files_are_those_of_the_port(self):
        table, everything, sarif = (self.folder / name for name in ("run.csv", "run.json", "run.sarif"))
        load = ["--workload", "busy:10/s", "--for", "40s", "--sample", "5s"]
        done = self.run_on("idle_timeout", *load, "--csv", table, "--json", everything, "--sarif", sarif, "--plot", "--format", "github")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        port = json.loads(afterleak("run", "idle_timeout", *load, "--json", "-").stdout)
        told = json.loads(everything.read_text())
        self.assertEqual((told["on"], told["verdict"], live(told)), (self.loop, "leak", live(port)))
        self.assertNotIn("on", port)
        self.assertEqual(live(told)[-1], 300)
        counters = [line.split(",")[:9] for line in table.read_text().splitlines()]
        ours = [line.split(",")[:9] for line in afterleak("run", "idle_timeout", *load, "--csv", "-").stdout.splitlines()]
        rooted = [0, 1, *range(4, 9)]  # a loop's timers are rooted, those of the port abandoned
        self.assertEqual([[row[i] for i in rooted] for row in counters], [[row[i] for i in rooted] for row in ours])
        (result, *_) = json.loads(sarif.read_text())["runs"][0]["results"]
        self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], f"leaky/{self.loop}/idle_timeout.cc")
        self.assertIn("live timers: idle_timeout on ", done.stdout)
        self.assertRegex(done.stdout, rf"(?m)^::\w+ file=leaky/{self.loop}/idle_timeout\.cc,")

    def test_json_is_as_its_schema_says(self):
        if jsonschema is None:
            self.skipTest("python3-jsonschema is not installed; ./scripts/setup --all installs it")
        validator = jsonschema.Draft202012Validator(json.loads((ROOT / "harness/stage/afterleak-run.schema.json").read_text()))
        for command in ("run", "compare"):
            told = json.loads(self.run_on("early_return", "--json", "-", command=command).stdout)
            self.assertEqual([error.message for error in validator.iter_errors(told)], [])

    def test_expectations_decide_the_exit_code(self):
        for side, expected, code in [("leaky", "leak", 0), ("leaky", "bounded", 1), ("leaky", "nothing-left", 1), ("leaky", "not-growing", 0),
                                     ("fixed", "leak", 1), ("fixed", "bounded,nothing-left,not-growing", 0)]:
            done = self.run_on("looping_select", "--variant", side, "--expect", expected)
            self.assertEqual(done.returncode, code, (side, expected, done))
            self.assertRegex(done.stderr, r"\Aafterleak: expected [^\n]+\n\Z" if code else r"\A\Z")
        done = self.run_on("idle_timeout", "--expect", "bounded", "--allow", f"{self.loop}/idle_timeout.cc=1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.run_on("looping_select", "--expect", "not-growing", command="compare")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aafterleak: expected the leaky side to leak: [^\n]+\n\Z")

    def test_the_process_can_end_with_its_timers_pending(self):
        for how in ("pending", "torn-down"):
            self.assertEqual(self.run_on("looping_select", "--exit", how, "--checkpoints", "0s,60s", "--plant-leak").returncode, 0)

    def test_tempo_divides_its_delays(self):
        told = json.loads(self.run_on("idle_timeout", "--tempo", "10", "--workload", "busy:10/s", "--for", "6s", "--json", "-").stdout)
        self.assertEqual(live(told)[-1], 30)
        told = json.loads(self.run_on("looping_select", "--tempo", "3000", "--for", "30ms", "--json", "-").stdout)
        self.assertEqual(live(told)[-1], 11)

    def test_samples_alone_are_not_judged_and_the_same(self):
        self.run_on("looping_select", "--csv", self.folder / "run.csv")
        done = self.run_on("looping_select", "--csv", "-")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, (self.folder / "run.csv").read_text())
        self.assertEqual(self.run_on("looping_select", "--csv", "-", "--expect", "bounded").returncode, 1)

    def test_what_no_loop_has_is_refused(self):
        for pattern, arguments, words in [
                ("signal_registration", [], ["--on", self.loop, "looping_select, early_return, idle_timeout, signal_before_expiry"]),
                ("walk", [], ["unknown pattern"]),
                ("looping_select", ["--timers", "go123"], ["--timers go123", "until it fires"]),
                ("looping_select", ["--clock", "real"], ["--clock real", "virtual"]),
                ("looping_select", ["--seed", "7"], ["--seed", "random"]),
                ("looping_select", ["--seed", "x"], ["--seed"]),
                ("looping_select", ["--journal", "--json", self.folder / "new"], ["--journal"]),
                ("looping_select", ["--expect", "no-abandoned"], ["no-abandoned", "nothing-left"]),
                ("looping_select", ["--workload", "signal@1s"], ["message"]),
                ("looping_select", ["--for", "0s"], ["--for"]),
                ("looping_select", ["--tempo", "3001"], ["from 1 to 3000"]),
                ("looping_select", ["--csv", self.folder / "no/such"], ["no/such"])]:
            self.assert_refused(self.run_on(pattern, *arguments), *words)
        self.assert_refused(self.run_on("looping_select", "--timers", "go123", command="compare"), "go123")
        self.assert_refused(afterleak("run", "looping_select", "--on", next(loop for loop in LOOPS if loop != self.loop),
                                      program=beside(self.loop)), "alone")
        if beside("coroutines").exists():
            self.assert_refused(afterleak("run", "early_return", "--on", "coroutines"), "coroutines", "looping_select, idle_timeout")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_without_its_program_it_says_how_to_get_it(self):
        alone = self.folder / "bin/afterleak"
        alone.parent.mkdir()
        shutil.copy(PROGRAM, alone)
        for command in ("run", "compare"):
            self.assert_refused(self.run_on("looping_select", command=command, program=alone), f"afterleak_on_{self.loop} is neither in",
                                "scripts/setup --all")
        self.assertEqual(afterleak("run", "looping_select", program=alone).returncode, 0)
        # Where it is installed, it is found.
        folder = pathlib.Path(re.search(r" nor in (.*); ", self.run_on("looping_select", program=alone).stderr)[1])
        folder.mkdir(parents=True)
        (folder / beside(self.loop).name).symlink_to(beside(self.loop).resolve())
        self.assertEqual(self.run_on("looping_select", program=alone).returncode, 0)
        (folder / beside(self.loop).name).unlink()
        (folder / beside(self.loop).name).touch()
        self.assert_refused(self.run_on("looping_select", program=alone), "Permission denied")

    def test_a_full_or_closed_stdout_is_an_error(self):
        for where in (">/dev/full", ">&-"):
            done = subprocess.run(["bash", "-c", f'"$0" run idle_timeout --on {self.loop} {where}', PROGRAM], capture_output=True, text=True,
                                  timeout=120)
            self.assertEqual(done.returncode, 2, done)
            self.assertRegex(done.stderr, r"\Aafterleak: standard output [^\n]+\n\Z")

    def test_ctrl_c_prints_the_census_so_far(self):
        table = self.folder / "run.csv"
        process = subprocess.Popen([PROGRAM, "run", "looping_select", "--on", self.loop, "--for", "100h", "--sample", "1m", "--workload",
                                    "busy:10/s", "--csv", table, "--expect", "bounded"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        status = pathlib.Path(f"/proc/{process.pid}/status")
        helper.wait_until(lambda: int(re.search(r"(?m)^SigCgt:\s*(\w+)", status.read_text())[1], 16) & 1 << signal.SIGINT - 1,
                          "it has a handler for SIGINT")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (130, ""), out)
        self.assertRegex(out, r"\A\ninterrupted\ncensus at \S+: \d+ live")
        self.assertRegex(table.read_text(), r"\At_s,")


if __name__ == "__main__":
    helper.main()
