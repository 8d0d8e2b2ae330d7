"""The program afterleak as a person types it: what it prints, its exit codes, bad input, Ctrl-C."""

import csv
import io
import itertools
import json
import os
import signal
import subprocess
import time
import unittest

from tests import helper
from tests.helper import PROGRAM

PATTERNS = ["looping_select", "early_return", "signal_before_expiry", "signal_registration"]


def afterleak(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options)


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
        done = afterleak("run", "signal_registration", "--clock", "real", "--for", "500ms", "--sample", "100ms", "--workload", "busy:20/s")
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
        self.assert_refused(["run", "looping_select", "--nonesuch"], "--nonesuch")
        self.assert_refused(["run", "looping_select", "--seed", "-1"], "--seed")
        self.assert_refused(["run", "looping_select", "--seed", "many"], "--seed")
        self.assert_refused(["run"], "PATTERN")
        self.assert_refused(["walk"], "walk", "list", "run", "compare", "reproduce")
        self.assert_refused([], "subcommand")

    def test_workloads_are_refused_with_how_to_write_them(self):
        for workload in ["nonesuch", "busy", "busy:0/s", "busy:-5/s", "busy:99999999999/s", "busy:10", "message@", "message@3x", ""]:
            self.assert_refused(["run", "looping_select", "--workload=" + workload], "--workload")
        self.assert_refused(["run", "looping_select", "--workload", "signal@1s"], "message@1s")

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
        for flag in ["--csv", "--json"]:
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

    def test_a_full_disk_under_stdout_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aafterleak: [^\n]+\n\Z")

    # ---- Ctrl-C

    def interrupt(self, *arguments):
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)  # into the run; a signal before its handler is there ends it at once, which the caller would see
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def test_ctrl_c_prints_the_census_so_far(self):
        for clock, workload in [("real", "idle"), ("virtual", "busy:100/s")]:
            code, out, err = self.interrupt("run", "looping_select", "--clock", clock, "--for", "1000h", "--sample", "1h",
                                            "--workload", workload)
            self.assertEqual(code, 130, (out, err))
            self.assertIn("interrupted", out)
            self.assertRegex(out, r"census at \S+: \d+ live, \d+ abandoned")
            self.assertIn("leaky/looping_select.cc:", out)

    def test_ctrl_c_writes_no_half_file(self):
        table = self.folder / "run.csv"
        code, _, _ = self.interrupt("run", "looping_select", "--for", "1000h", "--sample", "1h", "--workload", "busy:100/s",
                                    "--csv", str(table))
        self.assertEqual(code, 130)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
