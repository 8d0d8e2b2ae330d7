"""Tests scripts/workshop as a person would use it, without a terminal.

AFTERLEAK_WORKSHOP_BUILD names a build that has the target workshop. watch_test.py and session_test.py use the first class.
"""

import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from tests import helper
from workshop import catalog
from workshop.builder import Builder

SCRIPT = catalog.ROOT / "scripts/workshop"
EXERCISES = catalog.load()
COUNT = len(EXERCISES)


def absent(exercise):
    """What a check of all says of an exercise on an event loop that is not installed; "" if it is."""
    package = Builder(None).lacks(exercise)
    return package and f"skipped: it needs {package}"


class RunnerTest(helper.FolderTest):
    """A new work folder, whose name has a space, below the current folder."""

    def setUp(self):
        super().setUp()
        self.here = self.folder
        self.folder = self.here / "my workshop"
        self.env = {**os.environ, "AFTERLEAK_WORKSHOP_SECONDS": "5", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}

    def command(self, *arguments):
        return [sys.executable, str(SCRIPT), "--dir", "my workshop", *arguments]

    def workshop(self, *arguments, before=(), **env):
        return subprocess.run([*before, *self.command(*arguments)], cwd=self.here, env={**self.env, **env}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)

    def start(self):
        run = self.workshop("start", "--name", "Ada")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run

    def write(self, name, text):
        (self.folder / f"{name}.cc").write_text(text)

    def solve(self, name):
        self.write(name, EXERCISES[name].solution())
        self.assertEqual(self.workshop("check", name).returncode, 0)

    def state(self, name):
        return json.loads((self.folder / ".workshop/state.json").read_text())["exercises"][name]

    def assert_refused(self, run, *words):
        """Exit code 2, and one line: what is wrong; what would be right."""
        self.assertEqual(run.returncode, 2, run.stdout + run.stderr)
        self.assertRegex(run.stderr, r"\Ascripts/workshop: [^\n]+; [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertEqual(run.stdout, "")


class Start(RunnerTest):
    def test_hands_out_every_exercise_as_shipped_and_says_what_to_do(self):
        run = self.start()
        self.assertIn(f"01_relay (1 of {COUNT}): The weather relay\n  my workshop/01_relay.cc:1\n", run.stdout)
        self.assertRegex(run.stdout, r"workshop --dir my workshop check\n")
        for exercise in EXERCISES.values():
            self.assertEqual((self.folder / exercise.file).read_text(), exercise.shipped())

    def test_again_leaves_everything_as_it_is(self):
        self.start()
        self.write("01_relay", "mine")
        (self.folder / "02_first_quote.cc").unlink()
        self.assertEqual(self.workshop("start").returncode, 0)
        self.assertEqual((self.folder / "01_relay.cc").read_text(), "mine")
        self.assertTrue((self.folder / "02_first_quote.cc").exists())

    def test_bare_starts_and_later_goes_on_where_the_learner_was(self):
        self.assertIn("01_relay", self.workshop().stdout)
        self.workshop("skip")
        run = self.workshop()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f"0 of {COUNT} passed", run.stdout)
        self.assertIn(f"02_first_quote (2 of {COUNT})", run.stdout)

    def test_its_compile_commands_compile_each_file(self):
        self.start()
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        self.assertEqual([pathlib.Path(c["file"]).name for c in commands], [e.file for e in EXERCISES.values() if not absent(e)])
        compilers = [commands[0]["arguments"][0]] + ([shutil.which("clang++-19")] if shutil.which("clang++-19") else [])
        for compiler in compilers:  # clangd is clang
            for command in commands[-1:]:
                done = subprocess.run([compiler, *command["arguments"][1:], "-fsyntax-only", "-Werror"], cwd=command["directory"],
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_commands_before_it_say_so(self):
        for verb in ("check", "hint", "next", "skip", "reset", "solution", "list", "progress"):
            self.assert_refused(self.workshop(verb), "there is no workshop in", "start")
        self.assertFalse(self.folder.exists())


class Check(RunnerTest):
    def test_a_failure_shows_plot_census_sentence_and_time(self):
        self.start()
        run = self.workshop("check")
        self.assertEqual((run.returncode, run.stderr), (1, ""))
        self.assertIn("live timers over virtual time", run.stdout)
        self.assertIn("01_relay: not yet  [leak.abandoned]\nNobody can hear 249 of 251 live timers after 200 turns;", run.stdout)
        self.assertRegex(run.stdout, r"\ncompiled \d+\.\d s, linked \d+\.\d s, checked \d+\.\d s: \d+\.\d s\n")
        lines = (self.folder / "01_relay.cc").read_text().splitlines()
        clickable = re.findall(r"^      (.+):(\d+) workshop::Relay$", run.stdout, re.MULTILINE)
        self.assertEqual(len(clickable), 2)
        for path, line in clickable:
            self.assertEqual((self.here / path), self.folder / "01_relay.cc")
            self.assertIn("time::After", lines[int(line) - 1])
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 80)
        self.assertNotIn("\x1b", run.stdout)

    def test_success_shows_before_and_after_the_diff_and_the_tools(self):
        self.start()
        self.write("01_relay", EXERCISES["01_relay"].solution().replace("silence", "hush"))
        run = self.workshop("check")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("as shipped: peak 251   ─── yours: peak 2\n", run.stdout)
        self.assertRegex(run.stdout, r"\n200 turns +live +abandoned .*\nas shipped +251 +249 .*\nyours +2 +0 .*\n")
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 80)
        self.assertIn("--- my workshop/01_relay.cc\n+++ harness/workshop/solutions/01_relay.cc\n", run.stdout)
        self.assertIn("\n-    const time::ScopedTimer hush(quiet);\n+    const time::ScopedTimer silence(quiet);\n", run.stdout)
        self.assertIn("would have missed it: Valgrind's memcheck and LeakSanitizer.", run.stdout)
        self.assertIn("01_relay: passed\n", run.stdout)
        self.assertTrue(self.state("01_relay")["passed"])

    def test_the_compiler_speaks_for_itself_with_a_path_to_click(self):
        self.start()
        self.write("01_relay", EXERCISES["01_relay"].shipped().replace("int count = 0;", "int count = 0"))
        run = self.workshop("check")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"(?m)^my workshop/01_relay.cc:\d+:\d+: error: ")
        self.assertIn("01_relay: not yet  [compiler]\n", run.stdout)

    def test_warnings_are_shown_when_it_passes_too(self):
        self.start()
        self.write("01_relay", EXERCISES["01_relay"].solution().replace("  int count = 0;\n", "  int count = 0, spare;\n"))
        run = self.workshop("check")
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stdout, r"(?m)^my workshop/01_relay.cc:\d+:\d+: warning: unused variable")

    def test_a_terminal_without_utf_8(self):
        self.start()
        run = self.workshop("check", PYTHONIOENCODING="ascii")
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertRegex(run.stdout, r"\n *0 [+|]#+")
        self.assertTrue(run.stdout.isascii())

    def test_a_function_that_is_gone_is_named(self):
        self.start()
        self.write("01_relay", EXERCISES["01_relay"].shipped().replace("int Relay(", "int Relais("))
        run = self.workshop("check")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"\nworkshop::Relay\([^\n]*")
        self.assertIn("is not there any more", " ".join(run.stdout.split()))

    def test_code_that_ends_the_program_is_found_out(self):
        self.start()
        text = EXERCISES["01_relay"].shipped()
        for statement, failure, words in (
                ("std::exit(0);", "exit", "exit code 0"),
                ("std::abort();", "crash", "SIGABRT"),
                ("*static_cast<volatile int*>(nullptr) = 1;", "crash", "SIGSEGV"),
                ('throw std::runtime_error("tired");', "crash", "tired"),
                ("[]() noexcept { throw 1; }();", "crash", "nobody catches"),
                ("for (;;) Gosched();", "hang", "Virtual time stands still at 0s"),
                ("static std::mutex m; m.lock(); m.lock();", "hang", "outside of its bubble"),
                ("try { Select({}); } catch (...) { for (;;) {} }", "hang", "catch (...)"),
                ("Go([] { for (;;) time::Sleep(1ns); });", "hang", "keeps the clock busy"),
                ("Select({});", "relay.reading", "sent on")):
            with self.subTest(statement):
                code = text.replace("  int count = 0;\n", f"  int count = 0;\n  {statement}\n")
                self.write("01_relay", "#include <cstdlib>\n#include <stdexcept>\n" + code)
                run = self.workshop("check", AFTERLEAK_WORKSHOP_SECONDS="2")
                self.assertEqual(run.returncode, 1, run.stderr)
                self.assertIn(f"[{failure}]", run.stdout)
                self.assertIn(words, " ".join(run.stdout.split()))
        self.assertEqual(self.state("01_relay")["passed"], False)

    def test_what_it_prints_is_shown_but_not_all_of_it(self):
        self.start()
        send = "        out.Send(reading);\n"
        text = EXERCISES["01_relay"].solution().replace(send, send + "        std::puts(reading.c_str());\n")
        self.write("01_relay", "#include <cstdio>\n" + text)
        run = self.workshop("check")
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stdout, r"Your code printed:\n  \.\.\. \d+ lines more\n(  reading\n){20}\n")

    def test_a_deleted_file_comes_back_with_reset(self):
        self.start()
        (self.folder / "01_relay.cc").unlink()
        self.assert_refused(self.workshop("check"), "01_relay.cc is not there", "reset 01_relay")
        self.assertEqual(self.workshop("reset", "01_relay").returncode, 0)
        self.assertEqual(self.workshop("check").returncode, 1)

    def test_the_decoy_wants_a_verdict_and_a_bound_and_no_goroutines(self):
        self.start()
        shipped = EXERCISES["06_reminder"].shipped()
        right = shipped.replace("kUndecided", "kNoLeak").replace("kMostAtOnce = 0", "kMostAtOnce = 38")
        goroutine = right.replace("time::AfterFunc(delay, [bell, text] {", "Go([=] {\n    time::Sleep(delay);\n   ")
        for text, failure in ((shipped, "verdict.undecided"), (shipped.replace("kUndecided", "kLeak"), "verdict.wrong"),
                              (right.replace("38", "50"), "verdict.bound"), (goroutine, "decoy.changed")):
            self.write("06_reminder", text)
            run = self.workshop("check", "6")
            self.assertEqual(run.returncode, 1)
            self.assertIn(f"[{failure}]", run.stdout)
        self.write("06_reminder", "// my own note\n" + right.replace("delay, [", "delay + 0s, ["))
        self.assertEqual(self.workshop("check").returncode, 0)


class WithoutAnEventLoop(RunnerTest):
    """A build that has not found libuv."""

    def setUp(self):
        super().setUp()
        real = Builder(None).build
        build = self.here / "build"
        (build / "harness/workshop").mkdir(parents=True)
        (build / "compile_commands.json").symlink_to(real / "compile_commands.json")
        lists = (real / "harness/workshop/objects.txt").read_text()
        (build / "harness/workshop/objects.txt").write_text(lists.replace("\nloop_libuv:\n", "\nlibuv is not there\n"))
        self.env["AFTERLEAK_WORKSHOP_BUILD"] = str(build)
        self.start()

    def test_its_exercise_is_handed_out_and_names_the_package(self):
        self.assertTrue((self.folder / "13_heartbeat.cc").exists())
        self.assertRegex(self.workshop("list").stdout, r"\n   13_heartbeat +15  needs libuv1-dev ")
        self.assert_refused(self.workshop("check", "13"), "13_heartbeat is on an event loop that is not installed", "apt-get install libuv1-dev")
        self.assertRegex(self.workshop("doctor").stdout, r"\nlibuv1-dev +missing +for 13_heartbeat only: apt-get install libuv1-dev")
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        self.assertNotIn("13_heartbeat.cc", [pathlib.Path(c["file"]).name for c in commands])

    def test_a_check_of_all_skips_it_and_so_does_next(self):
        file = self.folder / ".workshop/state.json"
        state = json.loads(file.read_text())
        for name in EXERCISES:
            state["exercises"][name]["passed"] = name != "13_heartbeat"
            self.write(name, "#include nothing\n")
        file.write_text(json.dumps(state))
        self.assertRegex(self.workshop("next").stdout, r"All have passed, but for \d+ that need [^\n]*libuv1-dev[^\n]*: scripts/setup --all")
        self.assertIn("\n13_heartbeat      skipped: it needs libuv1-dev\n", self.workshop("check", "--all").stdout)


class Progress(RunnerTest):
    def test_hints_come_one_by_one_and_are_counted(self):
        self.start()
        for level, kind in enumerate(("the symptom", "the tool to run", "the fix"), 1):
            run = self.workshop("hint")
            self.assertEqual(run.returncode, 0)
            self.assertIn(f"Hint {level} of 3, {kind}:", run.stdout)
            self.assertNotIn(f"Hint {level + 1}", run.stdout)
            self.assertEqual(self.state("01_relay")["hints"], level)
        self.assertEqual(self.workshop("hint").stdout, run.stdout)

    def test_next_is_for_what_has_passed_and_skip_for_the_rest(self):
        self.start()
        self.assert_refused(self.workshop("next"), "01_relay has not passed yet", "skip")
        self.assertIn(f"02_first_quote (2 of {COUNT})", self.workshop("skip").stdout)
        self.assertTrue(self.state("01_relay")["skipped"])
        self.solve("02_first_quote")
        self.assertIn(f"03_backup (3 of {COUNT})", self.workshop("next").stdout)
        listing = self.workshop("list").stdout
        self.assertRegex(listing, r"\n   01_relay +15  skipped")
        self.assertRegex(listing, r"\n   02_first_quote +10  passed")
        self.assertRegex(listing, r"\n>  03_backup +10  open")
        self.assertIn(f"1 of {COUNT} passed", listing)
        self.write("02_first_quote", "changed")
        self.assertIn("passed, changed since", self.workshop("list").stdout)

    def test_on_a_short_day_its_exercises_come_first(self):
        self.assertEqual(self.workshop("start", "--short").returncode, 0)
        for exercise in [e for e in EXERCISES.values() if e.short][1:]:
            self.assertIn(f"\n{exercise.name} (", "\n" + self.workshop("skip").stdout)
        self.assertIn("\n08_idle_line (", "\n" + self.workshop("skip").stdout)

    def test_after_the_last_one_those_that_were_skipped_come(self):
        self.start()
        self.workshop("skip")
        self.solve("02_first_quote")
        file = self.folder / ".workshop/state.json"
        state = json.loads(file.read_text())
        for name in list(EXERCISES)[2:]:
            state["exercises"][name]["passed"] = True
        file.write_text(json.dumps(state))
        self.assertIn(f"01_relay (1 of {COUNT})", self.workshop("next").stdout)
        self.write("01_relay", EXERCISES["01_relay"].solution())
        run = self.workshop("check").stdout
        self.assertIn(f"All {COUNT} exercises have passed.", run)
        self.assertIn("  find_package(afterleak CONFIG REQUIRED)\n", run)
        self.assertIn(f"All {COUNT} exercises have passed.", self.workshop("next").stdout)

    def test_the_solution_is_for_afterwards_or_is_recorded(self):
        self.start()
        self.assert_refused(self.workshop("solution"), "has not passed yet", "--peek")
        self.assertEqual(self.workshop("solution", "--peek").stdout, EXERCISES["01_relay"].solution())
        self.assertTrue(self.state("01_relay")["peeked"])
        self.solve("02_first_quote")
        self.assertEqual(self.workshop("solution", "2").stdout, EXERCISES["02_first_quote"].solution())
        self.assert_refused(self.workshop("solution", "3"), "03_backup has not passed yet")
        self.assertFalse(self.state("02_first_quote")["peeked"])

    def test_reset_loses_nothing(self):
        self.start()
        for text in ("first", "second"):
            self.write("01_relay", text)
            backup = f"my workshop/backup/01_relay.{1 + (text == 'second')}.cc"
            self.assertIn(f"yours is kept in {backup}", self.workshop("reset").stdout)
        self.assertEqual([(self.folder / f"backup/01_relay.{n}.cc").read_text() for n in (1, 2)], ["first", "second"])
        self.solve("02_first_quote")
        self.write("03_backup", "third")
        run = self.workshop("reset", "--all")
        self.assertEqual(run.stdout.count("as it was handed out"), COUNT)
        self.assertEqual(self.state("01_relay")["hints"], 0)
        self.assertIn("> 01_relay", self.workshop("list").stdout.replace(">  ", "> "))
        self.assertEqual((self.folder / "backup/03_backup.1.cc").read_text(), "third")
        self.assertEqual((self.folder / "backup/02_first_quote.1.cc").read_text(), EXERCISES["02_first_quote"].solution())
        self.assertFalse(self.state("02_first_quote")["passed"])
        for exercise in EXERCISES.values():
            self.assertEqual((self.folder / exercise.file).read_text(), exercise.shipped())

    def test_a_check_of_all_has_a_line_for_each(self):
        self.start()
        for exercise in EXERCISES.values():
            self.write(exercise.name, "#include nothing\n")
        self.write("02_first_quote", EXERCISES["02_first_quote"].solution())
        run = self.workshop("check", "--all")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stdout.splitlines(), [
            f"{e.name:<16}  " + ("passed" if e.name == "02_first_quote" else absent(e) or "not yet  [compiler]") for e in EXERCISES.values()])
        self.assertTrue(self.state("02_first_quote")["passed"])
        self.assertEqual(self.state("01_relay")["checks"], 1)

    def test_a_check_says_where_one_is(self):
        self.start()
        self.write("02_first_quote", "#include nothing\n")
        self.assertIn("You are at 02_first_quote now; before it was 01_relay.\n", self.workshop("check", "2").stdout)
        self.assertNotIn("You are at", self.workshop("check", "2").stdout)

    def test_beside_a_watch_one_may_look(self):
        self.start()
        self.write("01_relay", EXERCISES["01_relay"].solution())
        state = (self.folder / ".workshop/state.json").read_text()
        with open(self.folder / ".workshop/lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            held.write("4711 workshop watch\n")
            held.flush()
            for arguments, printed in ((["hint", "2"], "Hint 1 of 3"), (["check"], "01_relay: passed"), (["solution", "--peek"], "#include")):
                run = self.workshop(*arguments)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertIn(printed, run.stdout)
                self.assertEqual(run.stderr, "workshop watch is at work here: nothing is written down\n")
            self.assert_refused(self.workshop("reset"), "workshop watch (process 4711) is at work in ")
        self.assertEqual((self.folder / ".workshop/state.json").read_text(), state)
        self.assertEqual(list((self.folder / ".workshop").glob("build.*")), [])

    def test_a_timer_in_place_of_its_channel_gets_a_plain_line(self):
        self.start()
        solution = EXERCISES["01_relay"].solution()
        self.assertEqual(solution.count("Recv(end.C())"), 1)
        self.write("01_relay", solution.replace("Recv(end.C())", "Recv(end)"))
        self.assertIn("It does not compile: a Timer is no channel. Its C() is: Recv(timer.C()).\n", self.workshop("check").stdout)

    def test_a_damaged_state_is_one_line_and_a_way_out(self):
        self.start()
        self.write("01_relay", "mine")
        file = self.folder / ".workshop/state.json"
        for text in ("", "{", "[]", '{"version": 2}', '{"version": 1, "name": "x", "current": "none", "exercises": {}}',
                     '{"version": 1, "name": "x", "current": "01_relay", "exercises": []}'):
            file.write_text(text)
            self.assert_refused(self.workshop("check"), "state.json cannot be read", "move it away")
            self.assertEqual(file.read_text(), text)
        for arguments in (["list"], ["start"], []):
            self.assert_refused(self.workshop(*arguments), "state.json cannot be read", "move it away")
        file.rename(self.here / "state.json")
        self.assertEqual(self.workshop("start").returncode, 0)
        self.assertEqual((self.folder / "01_relay.cc").read_text(), "mine")

    def test_export_and_the_table_of_a_room(self):
        self.start()
        self.solve("01_relay")
        self.workshop("hint", "2")
        self.assertEqual(self.workshop("progress", "--export", "ada.json").returncode, 0)
        exported = json.loads((self.here / "ada.json").read_text())
        self.assertEqual((exported["name"], exported["exercises"]["01_relay"]["state"]), ("Ada", "passed"))
        self.assertEqual(self.workshop("progress", "--export", "eve.json", "--name", "Eve").returncode, 0)
        self.assertEqual(json.loads((self.here / "eve.json").read_text()), {**exported, "name": "Eve"})
        exported["name"], exported["exercises"]["01_relay"]["state"] = "Bob", "open"
        (self.here / "bob.json").write_text(json.dumps(exported))
        run = self.workshop("progress", "--class", "ada.json", "bob.json")
        self.assertRegex(run.stdout, r"\nAda +1 +0 +0 +1 +1  01_relay\nBob +0 +0 +0 +1 +1  01_relay\n")
        self.assertRegex(run.stdout, r"\n01_relay +1 of 2 +1\.0 +0\.0\n")
        (self.here / "bad.json").write_text("{}")
        self.assert_refused(self.workshop("progress", "--class", "ada.json", "bad.json"), "bad.json is no export")
        self.assert_refused(self.workshop("progress", "--class", "ada.json", "none.json"), "cannot read none.json")
        self.assert_refused(self.workshop("progress", "--export", "no/such/ada.json"), "is no folder")


class TheRest(RunnerTest):
    def test_bad_input_gets_one_line(self):
        self.start()
        for arguments, word in ((["frobnicate"], "frobnicate"), (["check", "99"], "01_relay"), (["--frobnicate"], "--frobnicate"),
                                (["hint", "--all"], "--all"), (["hint", "--peek"], "--peek"),
                                (["reset", "1", "--all"], "not both"),
                                (["list", "1"], "list takes no 1"), (["check", "1", "2"], "2"), (["watch"], "terminal"),
                                (["--export", "x"], "progress"), (["progress", "--export"], "--export"),
                                (["check", "--class", "x"], "progress")):
            with self.subTest(arguments):
                self.assert_refused(self.workshop(*arguments), word)

    def test_help_names_every_command(self):
        run = self.workshop("--help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for verb in ("start", "list", "next", "hint", "check", "watch", "reset", "skip", "solution", "go", "doctor",
                     "progress"):
            self.assertRegex(run.stdout, rf"(?m)^  [a-z, ]*\b{verb}\b")
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 80)

    def test_the_schedules_add_up(self):
        text = self.workshop("--instructor").stdout
        for title, exercises, total in (("90 minutes", [e for e in EXERCISES.values() if e.short], 90),
                                        ("half a day", [e for e in EXERCISES.values() if not e.day], None),
                                        ("a day", EXERCISES.values(), None)):
            rows = re.search(rf"min +{title}\n((?: *\d:\d\d .*\n)+)In all: (\d+) minutes", text)
            parts = [(int(h) * 60 + int(m), int(minutes), what)
                     for h, m, minutes, what in re.findall(r"(\d):(\d\d) +(\d+)  (.*)", rows[1])]
            for (at, minutes, _), (following, _, _) in zip(parts, parts[1:]):
                self.assertEqual(at + minutes, following)
            self.assertTrue(all(minutes > 0 for _, minutes, _ in parts))
            self.assertEqual(sum(part[1] for part in parts), int(rows[2]))
            named = [what.split(":")[0] for _, _, what in parts if re.match(r"\d\d_", what)]
            self.assertEqual(named, [e.name for e in exercises])
            self.assertTrue(total is None or int(rows[2]) == total)
            self.assertLessEqual(int(rows[2]), 430 if title == "a day" else 240)
        for exercise in EXERCISES.values():
            part = text.split(f"\n{exercise.name}: ")[1].split("\n\n")[0]
            self.assertIn("Aim: ", part)
            self.assertGreaterEqual(len(re.findall(r"(?m)^    [a-z]+(\.[a-z_]+)?  ", part)), 3)
            self.assertEqual(len(re.findall(r"(?m)^    \S.*\?\n(?:    \S.*\n)*      \S", part.split("Ask:\n")[1])), len(exercise.ask))

    def test_doctor_says_what_is_missing(self):
        run = self.workshop("doctor")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"folder my workshop +missing +.* start\n")
        self.start()
        run = self.workshop("doctor")
        self.assertEqual(run.returncode, 0, run.stdout)
        run = self.workshop("doctor", PATH="/nowhere")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"\ng\+\+ +missing +./scripts/setup\n")

    def test_a_folder_that_cannot_be_written(self):
        self.start()
        # Root may write everywhere, unless it gives that up.
        weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
        if weak and subprocess.run([*weak, "true"], capture_output=True).returncode != 0:
            self.skipTest("root may not give up its right to write everywhere here; run the tests as another user")
        for path in (self.folder, self.folder / ".workshop"):
            path.chmod(0o555)
        try:
            run = self.workshop("progress", "--export", "my workshop/x.json", before=weak)
            self.assert_refused(run, "cannot write", "--dir DIR")
            (self.folder / ".workshop/lock").chmod(0o444)
            for verb in ("check", "hint", "reset", "start"):
                self.assert_refused(self.workshop(verb, before=weak), "cannot write", "--dir DIR")
            self.assertEqual(self.workshop("list", before=weak).returncode, 0)
            self.assertRegex(self.workshop("doctor", before=weak).stdout, "can be written +missing")
        finally:
            for path in (self.folder, self.folder / ".workshop"):
                path.chmod(0o755)

    def test_a_file_in_the_place_of_the_folder(self):
        self.folder.write_text("")
        self.assert_refused(self.workshop("start"), "cannot make the folder")
        self.assertEqual(self.folder.read_text(), "")

    def test_a_folder_of_something_else(self):
        self.folder.mkdir()
        (self.folder / "compile_commands.json").write_text("[]")
        self.assert_refused(self.workshop("start"), "belongs to something else")
        self.assertEqual((self.folder / "compile_commands.json").read_text(), "[]")
        self.assertFalse((self.folder / "01_relay.cc").exists())

    def test_two_runs_at_once(self):
        self.start()
        with open(self.folder / ".workshop/lock", "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            held.write("4711 workshop watch\n")
            held.truncate()
            held.flush()
            for verb in ("next", "skip", "reset", "start"):
                self.assert_refused(self.workshop(verb), "workshop watch (process 4711) is at work")
            self.assertEqual(self.workshop("list").returncode, 0)  # who only looks, may
        self.assertEqual(self.workshop("hint").returncode, 0)


class Building(helper.FolderTest):
    """A copy of the tree whose setup and cmake are fakes."""

    def setUp(self):
        super().setUp()
        self.here = self.folder
        for part in ("scripts", "harness/workshop", "harness/evidence/common"):
            shutil.copytree(catalog.ROOT / part, self.here / part)
        (self.here / "harness/evidence/__init__.py").touch()
        self.tools = self.here / "tools"
        self.tools.mkdir()
        self.fake(self.here / "scripts/setup", "echo setup >>calls")
        self.fake(self.tools / "cmake", """
            echo "cmake $*" >>calls
            if [ "$1" = --preset ]; then mkdir -p .build/release; touch .build/release/build.ninja; exit; fi
            echo "[1/1] x"; echo "x.cc:1: error: bad"; exit 1""")

    def fake(self, path, text):
        helper.write_program(path, f"cd {str(self.here)!r}\n{text}")

    def workshop(self):
        env = {key: value for key, value in os.environ.items() if key != "AFTERLEAK_WORKSHOP_BUILD"}
        return subprocess.run([sys.executable, self.here / "scripts/workshop", "start"], cwd=self.here, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={**env, "PATH": f"{self.tools}:{os.environ['PATH']}"})

    def test_sets_up_configures_and_builds_its_target(self):
        run = self.workshop()
        self.assertEqual(run.returncode, 2)
        calls = (self.here / "calls").read_text().splitlines()
        self.assertEqual(calls, ["setup", "cmake --preset release",
                                 f"cmake --build {self.here}/.build/release --target workshop"])
        self.assertIn("x.cc:1: error: bad\n", run.stderr)
        self.assertRegex(run.stderr.splitlines()[-1], "^scripts/workshop: building failed; ")

    def test_stops_where_a_step_fails(self):
        self.fake(self.tools / "cmake", "echo CMake Error: bad; exit 1")
        run = self.workshop()
        self.assertEqual(run.returncode, 2)
        self.assertIn("CMake Error: bad\n", run.stderr)
        self.assertRegex(run.stderr.splitlines()[-1], "^scripts/workshop: configuring failed; ")
        self.fake(self.here / "scripts/setup", "exit 2")
        self.assertRegex(self.workshop().stderr.splitlines()[-1], "^scripts/workshop: scripts/setup failed; ")

    def test_waits_for_nobody_who_holds_the_tree(self):
        (self.here / ".build").mkdir()
        with open(self.here / ".build/lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            held.write("4711 scripts/test -L pairs\n")
            held.flush()
            run = self.workshop()
        self.assertEqual(run.returncode, 2)
        self.assertIn("scripts/test -L pairs (process 4711) is at work in this tree; ", run.stderr)
        self.assertFalse((self.here / "calls").exists())


if __name__ == "__main__":
    helper.main()
