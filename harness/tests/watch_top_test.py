"""`afterleak watch --top` on a terminal, as a person sees it: pexpect has the keyboard, and pyte is the screen."""

import os
import pathlib
import re
import signal
import subprocess
import termios
import time

try:
    import pexpect
    import pyte
except ImportError:
    pexpect = pyte = None

from evidence.common import children
from tests import helper

SMALL = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_small"
BEGIN, END = "\x1b[?1049h", "\x1b[?1049l"  # of the screen that is ours
UP, DOWN, LEFT, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[6~"


class Terminal:
    def __init__(self, test, command, columns=80, rows=24, **env):
        self.all = ""
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.Stream(self.screen)
        base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.child = pexpect.spawn("env", ["--default-signal", *map(str, command)], dimensions=(rows, columns), encoding="utf-8",
                                   codec_errors="replace", timeout=helper.PATIENCE, env={**base, "TERM": "xterm", **env})
        test.addCleanup(self.child.close, force=True)
        test.addCleanup(children.kill_sessions, {self.child.pid})

    def read(self):
        try:
            text = self.child.read_nonblocking(1 << 16, timeout=0.02)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            time.sleep(0.02)
            return
        self.all += text
        self.stream.feed(text)

    def rows(self):
        return [line.rstrip() for line in self.screen.display]

    def wait_for(self, condition):
        """Until a row has what the pattern says, or until the condition holds."""
        if isinstance(condition, str):
            pattern, condition = re.compile(condition), lambda: any(pattern.search(row) for row in self.rows())
        deadline = time.monotonic() + helper.PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("waited in vain; the screen has:\n" + "\n".join(self.rows()))
            self.read()

    def sites(self):
        return sum("watched_small.cc:" in row for row in self.rows())

    def type(self, keys):
        self.child.send(keys)

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def is_restored(self):
        modes = termios.tcgetattr(self.child.child_fd)[3]
        return self.all.endswith(END) or (self.all.rfind(END) > self.all.rfind(BEGIN) and bool(modes & termios.ICANON)
                                          and bool(modes & termios.ECHO))

    def end(self):
        self.wait_for(lambda: not self.child.isalive() and (self.read() or True))
        for _ in range(5):
            self.read()
        return self.child.signalstatus or self.child.exitstatus

    def first(self, column):
        """The numbers of a column, from the top."""
        rows = self.rows()
        head = next(i for i, row in enumerate(rows) if re.search(r"\blive\b.*\bsite$", row))
        at = re.search(rf"\*?{column}", rows[head]).end()
        return [row[:at].split()[-1] for row in rows[head + 1:-1] if row[:at].split()]


class Top(helper.FolderTest):
    def setUp(self):
        super().setUp()
        if pyte is None:
            self.skipTest("python3-pexpect and python3-pyte are not installed; ./scripts/setup --all installs them")

    def top(self, *flags, columns=80, rows=24, mode="sites", **env):
        terminal = Terminal(self, [helper.PROGRAM, "watch", "--top", *flags, SMALL, mode], columns, rows, **env)
        if mode == "sites":
            terminal.wait_for("armed at 31 sites")
            terminal.wait_for(lambda: terminal.sites() == min(31, rows - 4))  # the whole of it
        return terminal

    # ---- what it shows

    def test_a_table_on_80_by_24(self):
        top = self.top()
        rows = top.rows()
        self.assertRegex(rows[0], r"^afterleak: .*watched.*s$")
        self.assertEqual(rows[1], "1065 timers armed at 31 sites, 471 live")
        self.assertRegex(rows[2], r"^ +live +peak +armed +stopped +idle +oldest \*word +site$")
        self.assertRegex(rows[3], r"^ +6 +7 +600 +594 +0 +[\d.m]+s leak +watched_small.cc:\d+ timer")
        self.assertEqual(top.sites(), 20)
        self.assertIn("q end view", rows[23])
        self.assertTrue(top.screen.buffer[3][0].reverse, "the first row is selected")
        self.assertEqual(top.screen.buffer[3][0].fg, "red")
        top.type(PAGE_DOWN * 2)
        top.wait_for(lambda: top.sites() == 20 and top.screen.buffer[22][0].reverse)

    def test_a_wider_terminal_has_more_columns_and_it_may_change(self):
        top = self.top(columns=120, rows=40)
        self.assertRegex(top.rows()[2], r"armed +fired +stopped +idle +oldest +left \*word +site$")
        top.wait_for(r"timerfd_settime in Arm from wat")
        top.resize(80, 24)
        top.wait_for(lambda: "fired" not in top.rows()[2] and "q end view" in top.rows()[23])
        for size in ((20, 5), (1, 1), (300, 100)):
            top.resize(*size)
            top.type("l")
        top.wait_for(r"timerfd_settime in Arm from watched_small.cc:\d+ ArmSome<29>$")
        top.wait_for(lambda: top.sites() == 31)

    def test_colours_only_where_they_are_wanted(self):
        for flags, env, colour in (((), {"NO_COLOR": "1"}, "default"), (("--color", "never"), {}, "default"),
                                   (("--color", "always"), {"NO_COLOR": "1"}, "red")):
            with self.subTest((flags, env)):
                top = self.top(*flags, **env)
                self.assertEqual(top.screen.buffer[3][0].fg, colour)
                self.assertTrue(top.screen.buffer[3][0].reverse)

    # ---- keys

    def test_keys_sort_pause_and_show_a_site(self):
        top = self.top()
        top.type("l")
        top.wait_for(lambda: top.first("live")[:3] == ["30", "29", "28"])
        self.assertIn("*live", top.rows()[2])
        top.type("r")
        top.wait_for(lambda: top.first("live")[:3] == ["1", "2", "3"])
        top.type("s")
        top.wait_for(lambda: top.first("stopped")[0] == "594")
        top.type("w")
        top.wait_for(r"\*word")
        top.type("\x1b[H\r")
        top.wait_for("^leak$")
        shown = "\n".join(top.rows())
        for words in ("timerfd_settime at ", " Arm", "    from ", " Leak", " main", "later ones were stopped before",
                      "cure: ", "   stopped          594"):
            self.assertIn(words, shown)
        top.type("\x1b")
        top.wait_for("q end view$")
        top.wait_for(r"\*word")
        top.type(DOWN + "\r")
        top.wait_for("from .* ArmSome<")
        top.type(LEFT + "h")
        top.wait_for("the program goes on, and its report comes")
        top.type("h ")
        top.wait_for("PAUSED")
        watched = top.rows()[0]
        self.assertRegex(watched, r"PAUSED  [\d.m]+s$")
        top.type("l")
        top.wait_for(r"\*live")
        self.assertEqual(top.rows()[0], watched)
        top.type(" ")
        top.wait_for(lambda: "PAUSED" not in top.rows()[0])

    def test_the_output_waits_until_q_and_the_program_goes_on(self):
        top = self.top()
        self.assertNotIn("a line of the program", top.all)
        top.type("q")
        top.wait_for("it reads nothing")
        self.assertLess(top.all.index(END), top.all.index("a line of the program"))
        self.assertTrue(top.is_restored())
        self.assertNotIn("watched for", top.all)
        top.type("\x03")
        self.assertEqual(top.end(), signal.SIGINT)
        self.assertIn("killed by SIGINT; watched for", " ".join(top.all.split()))
        self.assertEqual(top.all.count(BEGIN), 1)

    def test_output_that_is_no_terminal_goes_where_it_goes(self):
        out = self.folder / "out"
        command = f"exec '{helper.PROGRAM}' watch --top '{SMALL}' sites >'{out}' 2>&1"
        top = Terminal(self, ["sh", "-c", command])
        top.wait_for("armed at 31 sites")
        helper.wait_until(lambda: "it reads nothing" in out.read_text(), "it has written")
        top.type("\x03")
        self.assertEqual(top.end(), signal.SIGINT)
        self.assertTrue(top.all.endswith(END))
        self.assertIn("watched for", out.read_text())

    # ---- how it ends

    def test_the_terminal_is_restored_when_the_program_or_we_are_told_to_end(self):
        for whom in ("program", "watcher", "Ctrl-C"):
            with self.subTest(whom):
                top = self.top()
                pid = top.child.pid
                if whom == "program":
                    pid = int(subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True).stdout)
                if whom == "Ctrl-C":
                    top.type("\x03")
                else:
                    os.kill(pid, signal.SIGTERM)
                name = "SIGINT" if whom == "Ctrl-C" else "SIGTERM"
                self.assertEqual(top.end(), signal.Signals[name])
                words = " ".join(top.all[top.all.index(END):].split())
                self.assertIn("a line of the program", words)
                self.assertIn(f"killed by {name}; watched for", words)

    def test_a_program_that_ends_at_once_and_one_that_is_not_there(self):
        top = self.top(mode="three")
        self.assertEqual(top.end(), 0)
        self.assertIn("3 timers armed at 1 site, 3 live", top.all)
        self.assertEqual(top.all.count(BEGIN), top.all.count(END))
        top = Terminal(self, [helper.PROGRAM, "watch", "--top", "no-such-program"])
        self.assertEqual(top.end(), 2)
        self.assertNotIn(BEGIN, top.all)

    def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it(self):
        top = Terminal(self, ["sh", "-i"], PS1="shell> ")
        top.wait_for("^shell>")
        top.type(f"'{helper.PROGRAM}' watch --top '{SMALL}' sites\n")
        top.wait_for("armed at 31 sites")
        top.type("\x1a")
        top.wait_for(lambda: top.all.count(END) == 1 and "shell> " in top.all[top.all.index(END):])
        top.type("fg\n")
        top.wait_for(lambda: top.all.count(BEGIN) == 2)
        top.wait_for("armed at 31 sites")
        top.type("\x03")
        top.wait_for(lambda: top.all.count(END) == 2 and "shell> " in top.all[top.all.rindex(END):])
        self.assertIn("killed by SIGINT", " ".join(top.all.split()))

    def test_no_terminal_is_said(self):
        for env in ({"TERM": "xterm"}, {"TERM": "dumb"}):
            done = subprocess.run([helper.PROGRAM, "watch", "--top", SMALL, "three"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=helper.PATIENCE, start_new_session=True, env={**os.environ, **env}, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"^afterleak: --top draws on the terminal, and .*; --every 10s prints\n$")


if __name__ == "__main__":
    helper.main()
