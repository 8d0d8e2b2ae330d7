"""The program afterleak as a person types it: what it prints, its exit codes, bad input, Ctrl-C."""

import csv
import fcntl
import io
import itertools
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import unittest

from tests import helper
from tests.helper import PROGRAM, ROOT

try:
    import jsonschema
except ImportError:
    jsonschema = None

os.environ.pop("COLUMNS", None)
PATTERNS = ["looping_select", "early_return", "idle_timeout", "signal_before_expiry", "signal_registration"]


def afterleak(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options)


def shell(script, *arguments, **options):
    """What bash makes of it, with the program as $P and the arguments as $1, $2."""
    return subprocess.run(["bash", "-c", script, "bash", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "P": PROGRAM}, **options)


def on_terminal(columns, *arguments, **env):
    """What it prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                               env={key: value for key, value in {**os.environ, "TERM": "xterm", **env}.items() if value is not None})
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # as Linux has it: nobody is at the other end
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait(timeout=60) == 0, said
    return said.decode().replace("\r\n", "\n")


def without_census(text):
    """The library prints the census, in its own width."""
    return re.sub(r"^census at .*?^$\n", "", text, flags=re.MULTILINE | re.DOTALL)


class Program(helper.FolderTest):
    def assert_refused(self, arguments, *words):
        """One line on stderr that has all the words, nothing on stdout, exit code 2."""
        done = afterleak(*arguments)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Aafterleak: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, done.stderr)

    # ---- what it is for

    def test_list_names_every_pattern(self):
        done = afterleak("list")
        self.assertEqual(done.returncode, 0)
        for pattern in PATTERNS:
            self.assertIn(pattern, done.stdout)

    def test_help_shows_a_newcomer_where_to_begin(self):
        done = afterleak("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("afterleak compare looping_select", done.stdout)
        for option in ["--workload", "--for", "--clock", "--timers", "--sample", "--seed", "--csv", "--json", "--plot", "--expect"]:
            self.assertIn(option, afterleak("run", "--help").stdout)

    def test_run_names_the_lines_that_leak(self):
        done = afterleak("run", "looping_select")
        self.assertEqual(done.returncode, 0)
        self.assertIn("11 live, 9 abandoned", done.stdout)
        self.assertIn("leaky/looping_select.cc:", done.stdout)
        self.assertIn("verdict: leak", done.stdout)

    def test_list_as_json_holds_all_that_is_known_of_a_pattern(self):
        listed = json.loads(afterleak("list", "--json").stdout)
        self.assertEqual([pattern["name"] for pattern in listed], PATTERNS)
        for pattern in listed:
            self.assertIn(pattern["article"], "AB")
            self.assertTrue(pattern["fix"].endswith("."), pattern)
            self.assertTrue(pattern["work"].endswith("."), pattern)
            for workload in [*pattern["workloads"], pattern["story"]]:
                self.assertEqual(afterleak("run", pattern["name"], "--workload", workload).returncode, 0)

    def test_the_journal_agrees_with_the_census_at_every_sample(self):
        for pattern in json.loads(afterleak("list", "--json").stdout):
            for side, mode in itertools.product(("leaky", "fixed"), ("go122", "go123")):
                file = self.folder / "run.json"
                afterleak("run", pattern["name"], "--variant", side, "--timers", mode, "--workload", pattern["story"], "--journal",
                          "--json", file)
                told = json.loads(file.read_text())
                for sample in told["samples"]:
                    now = sample["t_ns"]
                    born = [t for t in told["journal"] if t["armed_ns"] <= now]
                    live = [t for t in born if t["ended_ns"] is None or t["ended_ns"] > now]
                    ended = [t["end"] for t in born if t not in live]
                    self.assertEqual(len(live), sample["live"], (pattern["name"], side, mode, now))
                    self.assertEqual(sum(t["abandoned_ns"] is not None and t["abandoned_ns"] <= now for t in live), sample["abandoned"])
                    self.assertEqual(sum(end in ("received", "fired", "fired unheard") for end in ended), sample["fired"])
                    self.assertEqual((ended.count("stopped"), ended.count("collected")), (sample["stopped"], sample["collected"]))
                self.assertEqual(sum(t["end"] == "fired unheard" for t in told["journal"]), told["fired_unheard"])

    def test_the_process_can_end_with_its_timers_pending(self):
        for how in ("pending", "torn-down"):
            self.assertEqual(afterleak("run", "looping_select", "--exit", how, "--checkpoints", "0s,30s,60s").returncode, 0)

    def test_compare_shows_both_sides_and_a_plot(self):
        for pattern in PATTERNS:
            done = afterleak("compare", pattern)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("leaky: leak", done.stdout)
            self.assertIn("fixed: bounded", done.stdout)
            self.assertIn("live timers: " + pattern, done.stdout)

    def test_nothing_is_wider_than_a_terminal(self):
        for arguments in [["list"], ["run", "looping_select", "--plot"], ["run", "looping_select", "--workload", "busy:10000/s"],
                          *(["compare", pattern] for pattern in PATTERNS), ["reproduce", "--out", str(self.folder)]]:
            for line in afterleak(*arguments).stdout.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_expectations_decide_the_exit_code(self):
        for pattern in PATTERNS:
            for variant, fits, other in [("leaky", "leak", "bounded"), ("fixed", "bounded", "leak")]:
                base = ["run", pattern, "--variant", variant]
                self.assertEqual(afterleak(*base, "--expect", fits).returncode, 0)
                done = afterleak(*base, "--expect", other)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"\Aafterleak: expected [^\n]+\n\Z")

    def test_what_comes_between_two_samples_is_judged_too(self):
        """Once it printed "11 live, 9 abandoned", then "bounded: never more than 2 live", and ended with 0."""
        arguments = ["run", "looping_select", "--for", "5m", "--sample", "5m"]
        done = afterleak(*arguments, "--expect", "bounded")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("verdict: leak: nobody can hear 9 of at most 11 live timers\n", done.stdout)
        self.assertIn("found a leak: nobody can hear 9 of at most 11 live timers\n", done.stderr)
        done = afterleak(*arguments, "--expect", "bounded", "--variant", "fixed")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("verdict: bounded: never more than 2 live, none abandoned\n", done.stdout)

    def test_each_kind_of_leak_can_be_expected_not_to_be(self):
        kinds = ["no-abandoned", "not-growing", "nothing-left"]
        for pattern, workload, broken in [("looping_select", "idle", [True, False, True]), ("early_return", "busy:10/s", [True, False, True]),
                                          ("idle_timeout", "busy:10/s", [True, False, True]),
                                          ("signal_before_expiry", "busy:2/s", [True, False, True]),
                                          ("signal_registration", "busy:1/s", [False, True, True])]:
            base = ["run", pattern, "--workload", workload]
            for kind, breaks in zip(kinds, broken):
                with self.subTest(pattern=pattern, kind=kind):
                    done = afterleak(*base, "--expect", kind)
                    self.assertEqual(done.returncode, int(breaks), done)
                    if breaks:
                        self.assertRegex(done.stderr, rf"\Aafterleak: expected {kind}, found a leak: [^\n]+\n\Z")
            for all_kinds in [["--expect", ",".join(kinds)], [word for kind in kinds for word in ("--expect", kind)]]:
                self.assertEqual(afterleak(*base, *all_kinds).returncode, 1)
                done = afterleak(*base, *all_kinds, "--variant", "fixed")
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_loop_that_never_ends_is_left_behind_where_it_waits(self):
        done = afterleak("run", "looping_select", "--timers", "go123", "--expect", "nothing-left")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"the load is over, and 1 goroutine at \S+ waits in select at leaky/looping_select\.cc:\d+ ")

    def test_a_finding_says_where_how_many_what_it_weighs_and_the_cure(self):
        said = re.sub(r"\s+", " ", afterleak("run", "looping_select").stdout)
        source = (ROOT / "leaky/looping_select.cc").read_text().splitlines()
        line = next(number for number, text in enumerate(source, 1) if "give_up" in text)
        self.assertRegex(said, rf"abandoned: 9 x time::After leaky/looping_select\.cc:{line} leaky::LoopingSelect nobody can hear .*"
                         r"9 at once, \d+ of \d+ in all; \d+ bytes, \d+ byte-seconds lost cure: use NewTimer, and Stop it")

    def test_what_is_meant_to_stay_is_allowed(self):
        base = ["run", "looping_select", "--expect", "no-abandoned"]
        for allowed in ["leaky/looping_select.cc", "looping_select.cc=9", "leaky::LoopingSelect"]:
            done = afterleak(*base, "--allow", allowed)
            self.assertEqual((done.returncode, done.stderr), (0, ""), allowed)
            self.assertIn("bounded: never more than 11 live, 9 allowed to be abandoned", done.stdout)
        for too_few in ["looping_select.cc=8", "other.cc", "select.cc", "fixed/looping_select.cc"]:
            self.assertEqual(afterleak(*base, "--allow", too_few).returncode, 1, too_few)
        file = self.folder / "leaks.allow"
        file.write_text("# what the article does\nlooping_select.cc 9  # as it says\n")
        self.assertEqual(afterleak(*base, "--allow-file", str(file)).returncode, 0)
        self.assertEqual(afterleak(*base, "--allow-file", str(file), "--allow", "looping_select.cc=3").returncode, 1)
        registration = ["run", "signal_registration", "--expect", "bounded,nothing-left"]
        self.assertEqual(afterleak(*registration, "--allow", "signal_registration.cc=60").returncode, 1)
        self.assertEqual(afterleak(*registration, "--allow", "signal_registration.cc=61").returncode, 0)

    def test_compare_holds_an_expectation_on_both_sides(self):
        for arguments in [["looping_select", "--expect", "nothing-left", "--timers", "go123"],
                          ["signal_registration", "--expect", "not-growing"], ["early_return", "--expect", "no-abandoned"]]:
            done = afterleak("compare", *arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        done = afterleak("compare", "early_return", "--expect", "not-growing")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aafterleak: expected the leaky side to leak: [^\n]+\n\Z")
        self.assertEqual(afterleak("compare", "early_return", "--expect", "bounded", "--timers", "go123").returncode, 1)
        self.assert_refused(["compare", "early_return", "--expect", "leak"], "--expect", "no-abandoned")

    def test_json_is_as_its_schema_says(self):
        if jsonschema is None:
            self.skipTest("python3-jsonschema is not installed; ./scripts/setup --all installs it")
        schema = json.loads((ROOT / "harness/stage/afterleak-run.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for pattern, mode in itertools.product(PATTERNS, ("go122", "go123")):
            base = [pattern, "--timers", mode, "--expect", "nothing-left", "--json", "-"]
            for arguments in [["run", *base], ["run", *base, "--journal"], ["run", *base, "--journal", "--variant", "fixed"],
                              ["compare", *base]]:
                with self.subTest(arguments):
                    told = json.loads(afterleak(*arguments).stdout)
                    self.assertEqual([error.message for error in validator.iter_errors(told)], [])
        told = json.loads(afterleak("run", "looping_select", "--json", "-").stdout)
        for broken in [{"verdict": "fine"}, {"schema_version": 2}, {"more": 1}, {"findings": [{}]}, {"samples": None}]:
            self.assertFalse(validator.is_valid({**told, **broken}), broken)
        self.assertFalse(validator.is_valid({key: value for key, value in told.items() if key != "schema_version"}))

    def test_sarif_has_what_code_scanning_needs(self):
        file = self.folder / "run.sarif"
        done = afterleak("run", "looping_select", "--expect", "nothing-left", "--sarif", str(file))
        self.assertEqual(done.returncode, 1)
        log = json.loads(file.read_text())
        self.assertEqual((log["version"], len(log["runs"])), ("2.1.0", 1))
        self.assertIn("sarif-2.1.0", log["$schema"])
        driver = log["runs"][0]["tool"]["driver"]
        self.assertEqual(driver["name"], "afterleak")
        rules = driver["rules"]
        for rule in rules:
            self.assertRegex(rule["id"], r"\A[a-z-]+\Z")
            for text in ("shortDescription", "fullDescription", "help"):
                self.assertTrue(rule[text]["text"], rule)
        results = log["runs"][0]["results"]
        self.assertEqual({result["ruleId"] for result in results}, {"abandoned", "left-behind"})
        prints = [result["partialFingerprints"]["afterleakSite/v1"] for result in results]
        self.assertEqual(len(set(prints)), len(prints))
        for result in results:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            self.assertEqual(result["level"], "error")
            self.assertTrue(result["message"]["text"])
            place = result["locations"][0]["physicalLocation"]
            self.assertTrue((ROOT / place["artifactLocation"]["uri"]).is_file(), place)
            self.assertGreater(place["region"]["startLine"], 0)
        for arguments in [["--variant", "fixed"], ["--timers", "go123"]]:
            told = json.loads(afterleak("run", "looping_select", *arguments, "--sarif", "-").stdout)
            self.assertEqual(told["runs"][0]["results"], [])
        told = json.loads(afterleak("run", "signal_registration", "--sarif", "-").stdout)
        self.assertEqual([(r["ruleId"], r["level"]) for r in told["runs"][0]["results"]], [("growing", "warning")])

    def test_a_github_workflow_gets_annotations(self):
        command = r"(?m)^::(\w+) file=([^,:]+),line=(\d+),title=([^,:]+)::.+$"
        said = afterleak("run", "looping_select", "--format", "github").stdout
        self.assertEqual(re.findall(command, said), [("error", "leaky/looping_select.cc", "10", "abandoned%3A time%3A%3AAfter")])
        said = afterleak("run", "signal_registration", "--format", "github").stdout
        self.assertEqual([found[0] for found in re.findall(command, said)], ["warning"])
        self.assertNotIn("::error", afterleak("run", "looping_select", "--format", "github", "--variant", "fixed").stdout)
        self.assertNotIn("::error", afterleak("run", "looping_select").stdout)
        for data in ["--csv", "--json", "--sarif"]:
            self.assert_refused(["run", "looping_select", "--format", "github", data, "-"], "--format github", "standard output")

    def test_in_mode_go123_only_the_registration_leaks(self):
        for pattern in PATTERNS:
            expected = "leak" if pattern == "signal_registration" else "bounded"
            done = afterleak("run", pattern, "--timers", "go123", "--expect", expected)
            self.assertEqual(done.returncode, 0, done)

    def test_csv_and_json_hold_the_samples(self):
        table, everything = self.folder / "run.csv", self.folder / "run.json"
        done = afterleak("run", "looping_select", "--for", "1m30s", "--sample", "500ms", "--csv", str(table), "--json", str(everything))
        self.assertEqual(done.returncode, 0, done)
        rows = list(csv.DictReader(io.StringIO(table.read_text())))
        self.assertEqual(len(rows), 181)
        self.assertEqual((rows[-1]["t_s"], rows[-1]["live"], rows[-1]["abandoned"]), ("90", "11", "9"))
        run = json.loads(everything.read_text())
        self.assertEqual(len(run["samples"]), 181)
        self.assertEqual(run["sites"][0]["file"], "leaky/looping_select.cc")
        self.assertEqual(run["verdict"], "leak")

    def test_a_virtual_run_is_the_same_every_time(self):
        arguments = ["run", "looping_select", "--workload", "busy:100/s", "--seed", "7"]
        self.assertEqual(afterleak(*arguments).stdout, afterleak(*arguments).stdout)

    def test_the_real_clock_shows_the_same_leak(self):
        done = afterleak("run", "early_return", "--clock", "real", "--for", "200ms", "--sample", "100ms")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("2 live, 2 abandoned", done.stdout)

    def test_real_signals_end_the_sessions_of_a_real_clock(self):
        done = afterleak("run", "signal_registration", "--clock", "real", "--for", "2s", "--sample", "100ms", "--workload", "busy:20/s")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("verdict: leak", done.stdout)

    # ---- bad input

    def test_unknown_things_are_refused_with_what_there_is(self):
        self.assert_refused(["run", "nonesuch"], "nonesuch", "looping_select", "signal_registration")
        self.assert_refused(["compare", "nonesuch"], "nonesuch", "looping_select")
        self.assert_refused(["run", "looping_select", "--variant", "broken"], "--variant", "leaky", "fixed")
        self.assert_refused(["run", "looping_select", "--clock", "sundial"], "--clock", "virtual", "real")
        self.assert_refused(["run", "looping_select", "--timers", "go199"], "--timers", "go122", "go123")
        self.assert_refused(["run", "looping_select", "--expect", "luck"], "--expect", "bounded", "leak")
        self.assert_refused(["run", "looping_select", "--expect", "bounded,luck"], "--expect", "luck", "nothing-left")
        self.assert_refused(["run", "looping_select", "--expect", "leak,bounded"], "--expect leak,bounded", "exclude")
        self.assert_refused(["run", "looping_select", "--expect", ""], "--expect")
        self.assert_refused(["run", "looping_select", "--format", "gitlab"], "--format", "github")
        self.assert_refused(["run", "looping_select", "--nonesuch"], "--nonesuch")
        self.assert_refused(["run", "looping_select", "--seed", "-1"], "--seed")
        self.assert_refused(["run", "looping_select", "--seed", "many"], "--seed")
        self.assert_refused(["run"], "PATTERN")
        self.assert_refused(["--nonesuch"], "--nonesuch", "list, run, compare, reproduce")
        self.assert_refused(["walk"], "walk", "list", "run", "compare", "reproduce")
        self.assert_refused([], "subcommand")

    def test_workloads_are_refused_with_how_to_write_them(self):
        for workload in ["nonesuch", "busy", "busy:0/s", "busy:-5/s", "busy:99999999999/s", "busy:10", "message@", "message@3x", ""]:
            self.assert_refused(["run", "looping_select", "--workload=" + workload], "--workload")
        self.assert_refused(["run", "looping_select", "--workload", "signal@1s"], "message@1s")

    def test_allowances_are_refused_with_how_to_write_them(self):
        for allowed in ["", "=3", "a.cc=", "a.cc=-1", "a.cc=many", "a.cc=1.5", "a.cc=" + "9" * 30]:
            self.assert_refused(["run", "looping_select", f"--allow={allowed}"], "--allow")
        file = self.folder / "leaks.allow"
        self.assert_refused(["run", "looping_select", "--allow-file", str(file)], "--allow-file", "leaks.allow", "cannot be read")
        self.assert_refused(["run", "looping_select", "--allow-file", str(self.folder)], "--allow-file", "cannot be read")
        file.write_text("# fine\na.cc 3\nb.cc three\n")
        self.assert_refused(["run", "looping_select", "--allow-file", str(file)], "line 3", "b.cc three", "SITE COUNT")

    def test_checkpoints_outside_of_the_run_are_refused(self):
        self.assert_refused(["run", "looping_select", "--checkpoints", "0s,61s"], "--checkpoints 61s", "0s to 60s")
        self.assert_refused(["run", "looping_select", "--checkpoints", "5"], "--checkpoints", "unit")
        self.assert_refused(["run", "looping_select", "--exit", "never"], "--exit", "pending")

    def test_durations_are_refused_with_how_to_write_them(self):
        for flag in ["--for", "--sample"]:
            for duration in ["3x", "-1s", "0s", "", "3", "1e9s", "99999999999h"]:
                self.assert_refused(["run", "looping_select", f"{flag}={duration}"], flag)
        self.assert_refused(["run", "looping_select", "--for", "1000h", "--sample", "1ns"], "--sample")

    def test_files_that_cannot_be_written_are_refused_before_the_run(self):
        for flag in ["--csv", "--json", "--sarif"]:
            self.assert_refused(["run", "looping_select", flag, str(self.folder / "none" / "run.csv")], "none")
            self.assert_refused(["run", "looping_select", flag, str(self.folder)], str(self.folder))
            self.assert_refused(["run", "looping_select", flag, "/proc/run.csv"], "/proc/run.csv")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere; /proc stands in for a read-only folder above")
    def test_a_read_only_folder_is_refused(self):
        self.folder.chmod(0o500)
        self.assert_refused(["run", "looping_select", "--csv", str(self.folder / "run.csv")], "run.csv")

    def test_a_full_disk_is_said_and_is_an_error(self):
        done = afterleak("run", "looping_select", "--csv", "/dev/full")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aafterleak: [^\n]*/dev/full[^\n]*\n\Z")

    def test_a_refused_file_leaves_the_old_one(self):
        old = self.folder / "run.csv"
        old.write_text("old")
        self.assert_refused(["run", "looping_select", "--csv", str(old), "--for", "3x"], "--for")
        self.assertEqual(old.read_text(), "old")

    def test_numbers_are_refused_with_what_they_may_be(self):
        for flag, least, most in [("--seed", 0, 2**64 - 1), ("--tempo", 1, 1_000_000)]:
            for number in ["abc", " ", " 1", "1 ", "+1", "-1", "1.5", "1e3", "0x10", str(least - 1), str(most + 1), "9" * 400]:
                self.assert_refused(["run", "looping_select", f"{flag}={number}"], flag, f"from {least} to {most}")
            self.assert_refused(["run", "looping_select", flag, ""], flag, f"from {least} to {most}")
            for number in [str(least), str(most), "007"]:
                self.assertEqual(afterleak("run", "early_return", f"{flag}={number}", "--for", "1us").returncode, 0, (flag, number))
        for rate in ["1e9", "-1", "99999999999999999999", "", "0x10", " 1", "1.5"]:
            self.assert_refused(["run", "looping_select", f"--workload=busy:{rate}/s"], "--workload", "busy:1000/s")

    def test_what_could_never_come_is_refused(self):
        self.assert_refused(["run", "looping_select", "--workload", "message@2h"], "message", "2h", "60s", "--for")
        self.assert_refused(["compare", "looping_select", "--workload", "message@61s"], "message", "60s", "--for")
        self.assert_refused(["run", "looping_select", "--workload", "busy:1/s", "--for", "999ms"], "busy:1/s", "999ms", "--for")
        self.assert_refused(["run", "signal_before_expiry", "--for", "500ms"], "signal@1s", "the usual one", "500ms")
        self.assert_refused(["run", "looping_select", "--sample", "2m"], "--sample 2m", "60s")
        for fits in [["--workload", "message@60s"], ["--workload", "busy:1/s", "--for", "1s"], ["--sample", "60s"]]:
            self.assertEqual(afterleak("run", "looping_select", *fits).returncode, 0, fits)

    def test_a_short_run_is_sampled_at_both_ends(self):
        samples = afterleak("run", "looping_select", "--for", "200ms", "--csv", "-").stdout.splitlines()
        self.assertEqual([line.split(",")[0] for line in samples], ["t_s", "0", "0.2"])

    def test_flags_that_need_another_or_stand_twice_are_refused(self):
        self.assert_refused(["run", "looping_select", "--journal"], "--journal", "--json", "afterleak run --help")
        self.assert_refused(["run", "looping_select", "--for", "1s", "--for", "2s"], "--for", "more than once")
        self.assert_refused(["compare", "looping_select", "--seed", "1", "--seed", "1"], "--seed", "more than once")
        self.assert_refused(["run", "looping_select", "--csv", "-", "--plot"], "--plot", "standard output")

    def test_hints_name_the_help_that_helps(self):
        for command in ["run", "compare", "reproduce", "list"]:
            self.assert_refused([command, "--nonesuch"], f"see afterleak {command} --help")
        self.assert_refused(["run", "looping_select", "--for"], "--for", "DURATION missing", "see afterleak run --help")
        self.assert_refused(["run", "looping_select", "--csv"], "--csv", "FILE missing", "see afterleak run --help")
        self.assert_refused([], "see afterleak --help")

    def test_what_the_user_typed_stays_on_one_line(self):
        self.assert_refused(["run", "looping_select", "a\nb"], "a?b")
        self.assert_refused(["wa\nlk"], "wa?lk")

    # ---- where it goes

    def test_one_file_for_two_things_is_refused_however_it_is_spelled(self):
        there = self.folder / "there.csv"
        there.write_text("old")
        (self.folder / "link.csv").symlink_to("there.csv")
        (self.folder / "dangling.csv").symlink_to("new.csv")
        (self.folder / "alias").symlink_to(".")
        for one, other in [("new.csv", "new.csv"), ("new.csv", "./new.csv"), ("new.csv", "alias/alias/./new.csv"),
                           ("new.csv", str(self.folder / "new.csv")), ("new.csv", "dangling.csv"), ("there.csv", "link.csv"),
                           ("-", "-"), ("-", "/dev/stdout"), ("/dev/fd/1", "/dev/stdout"), ("/dev/null", "/dev/null")]:
            for flags in [("--csv", "--json"), ("--json", "--csv")]:
                done = afterleak("run", "looping_select", flags[0], one, flags[1], other, cwd=self.folder)
                self.assertEqual((done.returncode, done.stdout), (2, ""), (one, other))
                self.assertRegex(done.stderr, r"\Aafterleak: --csv [^\n]* are the same file; name two\n\Z")
        self.assertEqual(there.read_text(), "old")
        self.assertFalse((self.folder / "new.csv").exists())
        done = shell('"$P" run looping_select --csv out.csv --json out.json', cwd=self.folder)
        self.assertEqual(done.returncode, 0, done)
        done = shell('"$P" run looping_select --csv out.csv >>out.csv', cwd=self.folder)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("standard output", done.stderr)

    def test_a_name_of_nothing_is_refused(self):
        for flag in ["--csv", "--json", "--sarif"]:
            self.assert_refused(["run", "looping_select", flag, ""], flag, "name", "standard output")
        done = afterleak("reproduce", "--out", "", cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--out", done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])
        (self.folder / "file").touch()
        self.assert_refused(["reproduce", "--out", str(self.folder / "file")], "--out", "no folder")

    def test_a_dash_is_standard_output_with_nothing_but_the_data(self):
        afterleak("run", "looping_select", "--csv", str(self.folder / "csv"), "--json", str(self.folder / "json"))
        for kind, name in itertools.product(("csv", "json"), ("-", "/dev/stdout", "/dev/fd/1")):
            done = afterleak("run", "looping_select", f"--{kind}", name, cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, (self.folder / kind).read_text())
        done = afterleak("run", "looping_select", "--csv", "-", "--json", "other", "--expect", "bounded", cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (1, (self.folder / "csv").read_text()))
        self.assertRegex(done.stderr, r"\Aafterleak: expected [^\n]+\n\Z")
        self.assertEqual((self.folder / "other").read_text(), (self.folder / "json").read_text())
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["csv", "json", "other"])

    def test_a_full_or_closed_stdout_is_an_error(self):
        for arguments in ["list", "list --json", "--help", "run --help", "--version", "run looping_select", "compare looping_select",
                          "run looping_select --csv -", "run looping_select --plot", f"reproduce --out '{self.folder}'"]:
            for where in [">/dev/full", ">&-", "1</dev/null"]:
                done = shell(f'"$P" {arguments} {where}')
                self.assertEqual(done.returncode, 2, (arguments, where, done))
                self.assertRegex(done.stderr, r"\Aafterleak: standard output [^\n]+\n\Z")

    def test_a_limit_on_the_size_of_files_is_an_error_and_no_signal(self):
        done = shell('ulimit -f 1; "$P" run looping_select >out 2>err; echo $?; cat err', cwd=self.folder)
        self.assertRegex(done.stdout, r"\A2\nafterleak: standard output [^\n]+\n\Z")
        done = shell('ulimit -f 1; "$P" run looping_select --csv new.csv >/dev/null', cwd=self.folder)
        self.assertEqual(done.returncode, 2, done)
        self.assertFalse((self.folder / "new.csv").exists())

    def test_stderr_that_cannot_be_written_changes_no_exit_code(self):
        for arguments, code in [("walk", 2), ("run looping_select --for 3x", 2), ("run looping_select --expect bounded", 1),
                                ("run looping_select --expect leak", 0), ("run looping_select --csv /dev/full", 2)]:
            for where in ["2>/dev/full", "2>&-", "2> >(exec true)"]:
                self.assertEqual(shell(f'"$P" {arguments} >/dev/null {where}; exit $?').returncode, code, (arguments, where))
        # What is opened does not get the number of the closed stream.
        done = shell('"$P" run looping_select --expect bounded --csv new.csv --json new.json >/dev/null <&- 2>&-', cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertTrue((self.folder / "new.csv").read_text().startswith("t_s,"))
        json.loads((self.folder / "new.json").read_text())

    def test_a_reader_that_goes_ends_it_quietly(self):
        for arguments in ["run looping_select --csv - --sample 1ms", "run looping_select --csv /dev/stdout --sample 1ms",
                          f"reproduce --out '{self.folder}'", "run looping_select --json new.json", "list", "--help"]:
            for ignored in ["", "trap '' PIPE; "]:
                done = shell(f'{ignored}{{ sleep 0.2; "$P" {arguments}; echo $? >&3; }} 3>&2 | true', cwd=self.folder)
                self.assertEqual(done.stderr, "141\n", arguments)
        json.loads((self.folder / "new.json").read_text())  # what was asked for besides

    def test_a_file_that_fails_takes_nothing_else_with_it(self):
        done = afterleak("run", "looping_select", "--csv", "/dev/full", "--json", str(self.folder / "new.json"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("verdict: leak", done.stdout)
        json.loads((self.folder / "new.json").read_text())

    def test_the_version_is_the_projects(self):
        header = (ROOT / "harness/afterleak/version.h").read_text()
        version = ".".join(re.search(rf"#define AFTERLEAK_VERSION_{part} (\d+)$", header, re.MULTILINE)[1]
                           for part in ("MAJOR", "MINOR", "PATCH"))
        done = afterleak("--version")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"afterleak {version}\n", ""))

    def test_compare_says_why_it_fails(self):
        done = afterleak("compare", "looping_select", "--for", "1ms", "--workload", "idle")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fixed: bounded", done.stdout)
        self.assertRegex(done.stderr, r"\Aafterleak: expected the leaky side to leak: never more than 2 live[^\n]*--for[^\n]*\n\Z")

    # ---- the terminal

    def test_tables_and_plots_are_as_wide_as_the_terminal(self):
        runs = [["list"], ["run", "looping_select", "--plot"], ["run", "looping_select", "--workload", "busy:10000/s"],
                ["compare", "looping_select", "--workload", "busy:100/s"], ["reproduce", "--out", str(self.folder)]]
        for arguments in runs:
            usual = afterleak(*arguments).stdout
            for columns in [20, 54, 60, 80, 132]:
                shown = afterleak(*arguments, env={**os.environ, "COLUMNS": str(columns)}).stdout
                self.assertEqual(on_terminal(columns, *arguments, NO_COLOR="1"), shown)
                for line in without_census(shown).splitlines():
                    self.assertLessEqual(len(line), max(columns, 54), (arguments, line))
                if columns == 80:
                    self.assertEqual(shown, usual)
                if columns == 132 and "─" in usual:
                    self.assertGreater(max(map(len, shown.splitlines())), 120)
        for nonsense in ["", "0", "-3", "wide", "80x"]:
            self.assertEqual(afterleak("list", env={**os.environ, "COLUMNS": nonsense}).stdout, afterleak("list").stdout)
        self.assertEqual(on_terminal(20, "list", COLUMNS="80"), afterleak("list").stdout)

    def test_a_narrow_table_keeps_what_tells_most(self):
        narrow = {**os.environ, "COLUMNS": "54"}
        self.assertRegex(afterleak("run", "looping_select", env=narrow).stdout, r"(?m)^ +t +live abandoned +fired +stopped$")
        self.assertRegex(afterleak("compare", "looping_select", env=narrow).stdout, r"(?m)^ +t \| +live abandoned \| +live abandoned$")

    def test_only_a_terminal_that_can_gets_colour(self):
        arguments = ["run", "looping_select", "--plot"]
        self.assertIn("\x1b[", on_terminal(80, *arguments, NO_COLOR=None))
        for env in [{"TERM": "dumb"}, {"TERM": None}, {"NO_COLOR": "1"}]:
            self.assertNotIn("\x1b", on_terminal(80, *arguments, **env), env)
        self.assertNotIn("\x1b", afterleak(*arguments).stdout)

    # ---- Ctrl-C

    def interrupt(self, *arguments, after=0.5, **options):
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.until_it_listens(process)
        time.sleep(after)  # into the run
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def until_it_listens(self, process):
        """Until it has a handler for SIGINT, or has ended."""
        caught = 0
        while process.poll() is None and not caught & 1 << signal.SIGINT - 1:
            caught = int(re.search(r"^SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)[1], 16)
            time.sleep(0.01)

    def test_ctrl_c_prints_the_census_so_far(self):
        for clock, workload in [("real", "idle"), ("virtual", "busy:100/s")]:
            code, out, err = self.interrupt("run", "looping_select", "--clock", clock, "--for", "1000h", "--sample", "1h",
                                            "--workload", workload)
            self.assertEqual(code, 130, (out, err))
            self.assertIn("interrupted", out)
            self.assertRegex(out, r"census at \S+: \d+ live, \d+ abandoned")
            self.assertIn("leaky/looping_select.cc:", out)

    LONG = ["run", "looping_select", "--for", "1000h", "--sample", "1m", "--workload", "busy:100/s"]

    def test_ctrl_c_writes_what_there_is(self):
        table, everything = self.folder / "run.csv", self.folder / "run.json"
        code, out, err = self.interrupt(*self.LONG, "--csv", str(table), "--json", str(everything), "--expect", "bounded")
        self.assertEqual((code, err), (130, ""))
        self.assertIn("interrupted", out)
        told = json.loads(everything.read_text())
        self.assertTrue(told["interrupted"])
        self.assertGreater(told["at_ns"], 0)
        rows = list(csv.DictReader(io.StringIO(table.read_text())))
        self.assertEqual([row["t_s"] for row in rows], [str(60 * i) for i in range(len(told["samples"]))])
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["run.csv", "run.json"])
        self.assertFalse(json.loads(afterleak("run", "looping_select", "--json", "-").stdout)["interrupted"])

    def test_ctrl_c_claims_nothing_that_was_not_seen(self):
        code, out, _ = self.interrupt(*self.LONG, "--variant", "fixed", "--clock", "real", "--json", "-")
        self.assertEqual(code, 130)
        self.assertIsNone(json.loads(out)["verdict"])
        self.assertIn("samples", json.loads(out))

    def test_ctrl_c_leaves_the_data_alone_on_stdout(self):
        code, out, err = self.interrupt(*self.LONG, "--csv", "-")
        self.assertEqual(code, 130)
        self.assertRegex(out, r"\At_s,[^\n]+\n0,[\d,\n]+\Z")
        self.assertRegex(err, r"\Aafterleak: interrupted at \S+\n\Z")

    def test_ctrl_c_shows_what_there_is_of_a_comparison(self):
        code, out, _ = self.interrupt("compare", *self.LONG[1:])
        self.assertEqual(code, 130)
        self.assertRegex(out, r"interrupted \(leaky side\)\ncensus at \S+: \d+ live")
        code, out, _ = self.interrupt("compare", "early_return", "--clock", "real", "--for", "2s", "--sample", "100ms", after=3)
        self.assertEqual(code, 130)
        side = re.search(r"interrupted \((leaky|fixed) side\)\ncensus at ", out)[1]
        if side == "fixed":  # unless the machine is very slow
            self.assertRegex(out, r"leaky: leak: nobody can hear 2 of at most 2 live timers\n  fixed: interrupted at \S+: never more than ")

    def test_ctrl_c_leaves_the_results_as_they_were(self):
        process = subprocess.Popen([PROGRAM, "reproduce", "--out", str(self.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # too small for what it prints: it cannot end before it is read
        self.until_it_listens(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(err, rf"\Aafterleak: interrupted; nothing was written to {self.folder}\n\Z")
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
