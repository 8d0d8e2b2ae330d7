"""Tests watch mode through a pseudo-terminal."""

import io
import os
import re
import signal
import subprocess

try:
    import pexpect
except ImportError:
    pexpect = None

from evidence.common.children import alive
from tests import helper
from workshop import runner_test


class Terminal:
    """A program on a new terminal of 24 lines of 80 columns, or another size, started by a shell with job control: Debian's dash, which
    does not set the terminal's modes itself. Signals may be ignored where the tests run, and the shell would inherit that."""

    def __init__(self, command, cwd, env, size=(24, 80)):
        self.seen = io.StringIO()
        self.shell = pexpect.spawn("env", ["--default-signal", "sh", "-i"], cwd=cwd, env={**env, "TERM": "xterm", "PS1": "shell> "},
                                   dimensions=size, encoding="utf-8", codec_errors="replace", timeout=helper.PATIENCE)
        self.shell.logfile_read = self.seen
        self.wait_for("shell> ")
        self.type("stty -onlcr\n")  # a line ends as it does in the tests
        self.wait_for("shell> ")
        self.type(" ".join(f"'{word}'" for word in command) + "; echo \"code $?\"\n")

    @property
    def all(self):
        return self.seen.getvalue()

    def type(self, keys):
        self.shell.send(keys)

    def wait_for(self, pattern):
        """Reads until the pattern is there, and forgets what came up to its end."""
        try:
            self.shell.expect(re.compile(pattern))
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"waited in vain for {pattern!r}; the terminal has:\n{self.all}") from None
        return self.shell.match

    def close(self):
        self.shell.close(force=True)


class Watch(runner_test.RunnerTest):
    prompt = r"watching my workshop/(\w+)\.cc"

    def setUp(self):
        super().setUp()
        if pexpect is None:
            self.skipTest("python3-pexpect is not installed; ./scripts/setup --all installs it")

    def watch(self, *arguments, size=(24, 80), **env):
        if not self.folder.exists():
            self.start()
        env = {**self.env, **env}
        del env["COLUMNS"]  # it would count more than the terminal
        terminal = Terminal(self.command(*arguments), self.here, env, size)
        self.addCleanup(terminal.close)
        terminal.wait_for(self.prompt)
        return terminal

    def assert_restored(self, terminal, code):
        terminal.wait_for(rf"code {code}\n")
        terminal.wait_for("shell> ")
        terminal.type("stty -a | tr ';' '\\n'\n")
        modes = terminal.wait_for(r"isig[^$]*shell> ")[0].split()
        for mode in ("icanon", "echo", "isig"):
            self.assertIn(mode, modes)

    def program(self):
        """Its process id, from the lock that it holds."""
        return int((self.folder / ".workshop/lock").read_text().split()[0])

    def test_checks_at_once_and_whenever_the_file_is_saved(self):
        terminal = self.watch("watch")
        self.assertIn(f"01_relay (1 of {runner_test.COUNT}): The weather relay", terminal.all)
        self.assertIn("it is checked whenever you save", terminal.all)
        self.assertNotIn("not yet", terminal.all)
        terminal.type("\n")
        terminal.wait_for(r"01_relay: not yet.*leak\.abandoned")
        terminal.wait_for(self.prompt)
        self.write("01_relay", runner_test.EXERCISES["01_relay"].solution())
        terminal.wait_for("01_relay: passed")
        terminal.wait_for(f"1 of {runner_test.COUNT} passed")
        # As editors save: another file in its place.
        beside = self.folder / "01_relay.cc~"
        beside.write_text(runner_test.EXERCISES["01_relay"].shipped())
        beside.rename(self.folder / "01_relay.cc")
        terminal.wait_for("01_relay: not yet")
        terminal.wait_for(self.prompt)
        terminal.type("q")
        terminal.wait_for("Bye")
        self.assert_restored(terminal, 0)

    def test_a_file_that_does_not_compile_and_one_that_is_deleted(self):
        terminal = self.watch("watch")
        self.write("01_relay", "int main(")
        terminal.wait_for(r"my workshop/01_relay.cc:\S* ?.*error")
        terminal.wait_for(self.prompt)
        (self.folder / "01_relay.cc").unlink()
        terminal.wait_for("is not there.\nr, twice")
        terminal.wait_for(self.prompt)
        self.write("01_relay", runner_test.EXERCISES["01_relay"].solution())
        terminal.wait_for("01_relay: passed")
        terminal.wait_for(self.prompt)
        (self.folder / "01_relay.cc").unlink()
        terminal.wait_for("is not there")
        terminal.type("rr")
        terminal.wait_for("is as it was handed out")
        terminal.wait_for("01_relay: not yet")

    def test_it_goes_where_the_learner_saves(self):
        terminal = self.watch("watch")
        self.write("03_backup", runner_test.EXERCISES["03_backup"].solution())
        terminal.wait_for("03_backup: passed")
        self.assertEqual(terminal.wait_for(self.prompt)[1], "03_backup")
        (self.folder / "04_reload.cc").unlink()  # is no save
        self.write("03_backup", runner_test.EXERCISES["03_backup"].shipped())
        terminal.wait_for("03_backup: not yet")

    def test_its_keys(self):
        terminal = self.watch()
        terminal.type("h")
        terminal.wait_for("Hint 1 of 3, the symptom")
        terminal.type("h")
        terminal.wait_for("Hint 2 of 3, the tool to run")
        terminal.type("x")
        terminal.wait_for("'x' is none of the keys")
        terminal.type("\x1b[A")  # an arrow is no key of ours, and its letters are none either
        terminal.type("n")
        terminal.wait_for("not passed yet. n again leaves it for later")
        terminal.type("h")  # and so the n before does not count any more
        terminal.wait_for("Hint 3")
        terminal.type("n")
        terminal.wait_for("n again")
        terminal.type("n")
        terminal.wait_for(rf"02_first_quote \(2 of {runner_test.COUNT}\): The first price wins")
        self.assertEqual(terminal.wait_for(self.prompt)[1], "02_first_quote")
        self.write("02_first_quote", runner_test.EXERCISES["02_first_quote"].solution())
        terminal.wait_for("02_first_quote: passed")
        terminal.wait_for(self.prompt)
        terminal.type("r")
        terminal.wait_for("r again")
        self.assertEqual((self.folder / "02_first_quote.cc").read_text(), runner_test.EXERCISES["02_first_quote"].solution())
        terminal.type("r")
        terminal.wait_for("yours is kept in my workshop/backup/02_first_quote.1.cc")
        terminal.wait_for("02_first_quote: not yet")
        terminal.wait_for(self.prompt)
        terminal.type("c")
        terminal.wait_for("02_first_quote: not yet")
        terminal.wait_for(self.prompt)
        terminal.type("q")
        self.assert_restored(terminal, 0)
        self.assertTrue(self.state("01_relay")["skipped"])
        again = self.watch()  # bare, on a terminal: it goes on where the learner was
        self.assertIn("02_first_quote: not yet", again.all)
        again.type("q")
        self.assertRegex(again.all, rf"02_first_quote  0 of {runner_test.COUNT} passed")

    def test_the_page_on_go_the_solution_and_the_editor(self):
        editor = helper.write_program(self.here / "editor", 'echo "it edits $1"')
        terminal = self.watch("watch", EDITOR=f"'{editor}'")
        terminal.type("?")
        terminal.wait_for("Go, for those who know C")
        terminal.wait_for("queue between goroutines")
        terminal.type("s")
        terminal.wait_for("s again shows the solution, and that is recorded")
        self.assertFalse(self.state("01_relay")["peeked"])
        terminal.type("s")
        terminal.wait_for("The shift has one timer for all turns")
        self.assertTrue(self.state("01_relay")["peeked"])
        terminal.type("e")
        terminal.wait_for(f"it edits {self.folder}/01_relay.cc")
        terminal.type("h")
        terminal.wait_for("Hint 1 of 3")
        terminal.type("q")
        self.assert_restored(terminal, 0)
        terminal = self.watch("watch", EDITOR="", VISUAL="")
        terminal.type("e")
        terminal.wait_for("EDITOR is not set")

    def test_a_save_or_q_stops_a_check(self):
        terminal = self.watch("watch", AFTERLEAK_WORKSHOP_SECONDS="600")
        text = runner_test.EXERCISES["01_relay"].shipped()
        hangs = text.replace("  int count = 0;\n", "  int count = 0;\n  for (;;) Gosched();\n")
        self.write("01_relay", hangs)
        helper.wait_until(self.running, "a check runs")
        self.write("01_relay", runner_test.EXERCISES["01_relay"].solution())
        terminal.wait_for("01_relay: passed")
        terminal.wait_for(self.prompt)
        self.write("01_relay", hangs)
        helper.wait_until(self.running, "a check runs")
        terminal.type("q")
        terminal.wait_for("stopped")
        self.assert_restored(terminal, 0)
        helper.wait_until(lambda: not self.running(), "no check runs")

    def test_ctrl_c_while_it_waits(self):
        terminal = self.watch("watch")
        terminal.type("\x03")
        terminal.wait_for("stopped by SIGINT")
        self.assert_restored(terminal, 130)

    def running(self):
        """The processes of checks."""
        program = f"{self.folder}/.workshop/build/01_relay"
        found = subprocess.run(["pgrep", "--full", program], capture_output=True, text=True).stdout.split()
        return [pid for pid in map(int, found) if alive(pid)]

    def test_ctrl_c_while_a_check_hangs_leaves_nothing_behind(self):
        terminal = self.watch("watch", AFTERLEAK_WORKSHOP_SECONDS="60")
        text = runner_test.EXERCISES["01_relay"].shipped()
        self.write("01_relay", text.replace("  int count = 0;\n", "  int count = 0;\n  for (;;) Gosched();\n"))
        helper.wait_until(self.running, "a check runs")
        terminal.type("\x03")
        terminal.wait_for("stopped by SIGINT")
        self.assert_restored(terminal, 130)
        helper.wait_until(lambda: not self.running(), "no check runs")

    def test_a_check_that_cannot_end_itself_is_killed_and_the_watch_goes_on(self):
        terminal = self.watch("watch", AFTERLEAK_WORKSHOP_SECONDS="1")
        text = runner_test.EXERCISES["01_relay"].shipped()
        self.write("01_relay", text + "const int before_main = [] { for (volatile int i = 0;; i = 1) {} return 0; }();\n")
        helper.wait_until(self.running, "a check runs")
        terminal.wait_for("had to be killed")
        helper.wait_until(lambda: not self.running(), "no check runs")
        terminal.type("h")
        terminal.wait_for("Hint 1")

    def test_term_restores_the_terminal_too(self):
        terminal = self.watch("watch")
        os.kill(self.program(), signal.SIGTERM)
        self.assert_restored(terminal, 143)

    def test_an_error_of_its_own_restores_the_terminal_too(self):
        terminal = self.watch("watch")
        (self.folder / ".workshop/state.json").unlink()
        (self.folder / ".workshop/state.json").mkdir()  # cannot be replaced
        terminal.type("h")
        terminal.wait_for("scripts/workshop: cannot write .*state.json")
        self.assert_restored(terminal, 2)

    def test_ctrl_z_gives_the_terminal_back_and_fg_goes_on(self):
        terminal = self.watch("watch")
        terminal.type("\x1a")
        terminal.wait_for("Stopped")
        terminal.wait_for("shell> ")
        terminal.type("stty -a | tr ';' '\\n'\n")
        modes = terminal.wait_for(r"isig[^$]*shell> ")[0].split()
        self.assertIn("icanon", modes)
        self.assertIn("echo", modes)
        terminal.type("fg\n")
        terminal.wait_for(self.prompt)
        terminal.type("h")
        terminal.wait_for("Hint 1 of 3")
        terminal.type("q")
        terminal.wait_for("Bye")

    def test_a_second_run_says_who_is_at_work(self):
        terminal = self.watch("watch")
        run = self.workshop("next")
        self.assert_refused(run, f"workshop watch (process {self.program()}) is at work")
        terminal.type("q")
        self.assert_restored(terminal, 0)
        self.assertEqual(self.workshop("check").returncode, 1)

    def test_colours_are_for_terminals_and_can_be_refused(self):
        for env, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            terminal = self.watch("watch", **env)
            terminal.type("c")
            terminal.wait_for(self.prompt)
            terminal.type("q")
            terminal.wait_for("Bye")
            self.assertEqual("\x1b[1;31m01_relay: not yet" in terminal.all, colored)
            self.assertEqual(bool(re.search(r"\x1b\[[\d;]*[1-9]m", terminal.all)), colored)

    def test_the_list_is_searched_and_enter_goes_there(self):
        terminal = self.watch("watch", NO_COLOR="1")
        terminal.type("/")
        terminal.wait_for(rf"\* > +01_relay [^/]*Enter goes there [^/]*\n{runner_test.COUNT} of {runner_test.COUNT} / ")
        terminal.type("nobody asio")
        terminal.wait_for(rf"\n2 of {runner_test.COUNT} / nobody asio")
        terminal.type("\x15nothing like it")
        terminal.wait_for("nothing has that in it")
        terminal.type("\r")  # goes nowhere
        terminal.type("\x1b")
        self.assertEqual(terminal.wait_for(self.prompt)[1], "01_relay")
        terminal.type("l")
        terminal.type("first q")
        terminal.wait_for(r"\* .*02_first_quote[^/]*\n1 of .* / first q$")
        terminal.type("\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x1b[B\x1b[B\x1b[A\x1bOB")
        terminal.wait_for(r"\* +03_backup")
        terminal.type("\n")
        terminal.wait_for(rf"03_backup \(3 of {runner_test.COUNT}\)")
        self.assertEqual(terminal.wait_for(self.prompt)[1], "03_backup")
        terminal.type("q")
        self.assert_restored(terminal, 0)

    def shown(self, terminal):
        """Without colours; from the last time that the screen was cleared."""
        screen = terminal.all.split("code $?", 1)[1].rpartition("\x1b[2J")[2]
        return re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", screen)

    def test_it_fits_the_terminal(self):
        for size in ((24, 80), (40, 120)):
            with self.subTest(size):
                lines, columns = size
                terminal = self.watch("watch", size=size)
                terminal.type("chhh?")
                terminal.wait_for("queue between goroutines")
                terminal.wait_for(self.prompt)
                self.assertLessEqual(max(map(len, self.shown(terminal).splitlines())), columns)
                before = len(terminal.all)
                terminal.type("/")
                terminal.wait_for(rf"{runner_test.COUNT} of {runner_test.COUNT} / ")
                drawn = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", terminal.all[before:]).splitlines()
                self.assertLessEqual(max(map(len, drawn)), columns)
                self.assertLess(len(drawn), lines)
                self.assertEqual(any("The progress bar that outlived its download" in line for line in drawn), columns == 120)
                terminal.type("\x1b")
                self.write("01_relay", runner_test.EXERCISES["01_relay"].solution().replace("hush", "silence"))
                terminal.wait_for("01_relay: passed")
                terminal.wait_for(rf"{self.prompt}\n")
                in_view = self.shown(terminal).split("\n")[-lines:]
                self.assertIn("    live timers over virtual time", in_view)
                self.assertTrue(any(line.startswith("200 turns ") for line in in_view))
                self.assertIn("01_relay: passed", in_view)
                terminal.type("q")
                self.assert_restored(terminal, 0)
                self.write("01_relay", runner_test.EXERCISES["01_relay"].shipped())


if __name__ == "__main__":
    helper.main()
