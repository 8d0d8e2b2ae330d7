"""Watch mode: checks whenever the file is saved, and listens to single keys."""

import contextlib
import os
import re
import select
import shlex
import shutil
import signal
import sys
import termios
import tty

from evidence.common import children
from evidence.common.words import Refused
from workshop import show
from workshop.pick import DOWN, ESCAPE, UP, Picker
from workshop.words import paint

POLL = 0.3  # seconds between two looks at the file
QUIT = ("q", "\x04")
SEQUENCE = re.compile(r"\x1b(\[[\d;]*[A-Za-z~]|O[A-Z])?")  # of an arrow or a function key, or Esc
ARROWS = {"\x1b[A": UP, "\x1bOA": UP, "\x1b[B": DOWN, "\x1bOB": DOWN}
REST_OF_IT = 0.05  # seconds in which the rest of such a sequence comes
KEYS = "h hint  n next  s solution  e edit  r reset  l list  c check  ? Go  q quit"


class Keyboard:
    """The terminal in cbreak mode: keys come at once and unechoed, and Ctrl-C is still a signal. Whatever happens, and while the
    process is stopped by Ctrl-Z, the terminal is as it was."""

    def __init__(self):
        self.terminal = sys.stdin.fileno()
        self.resumed = False
        self.typed = ""  # and not yet asked for
        self.gone = False

    def __enter__(self):
        self.saved = termios.tcgetattr(self.terminal)
        tty.setcbreak(self.terminal)
        self.handler = signal.signal(signal.SIGTSTP, self.suspend)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGTSTP, self.handler)
        self.restore()

    def restore(self):
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, self.saved)

    def suspend(self, *_):
        self.restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # stops here, until fg
        signal.signal(signal.SIGTSTP, self.suspend)
        tty.setcbreak(self.terminal)
        self.resumed = True

    def key(self, seconds):
        """The next key; "" if none came in that time; None when the terminal is gone."""
        if not self.typed and children.wait_for([self.terminal], seconds):
            self.take()
        if not self.typed:
            return None if self.gone else ""
        key, self.typed = self.typed[:1], self.typed[1:]
        return key

    def take(self):
        """What can be read, for later."""
        while select.select([self.terminal], [], [], 0)[0] and not self.gone:
            data = os.read(self.terminal, 64)
            self.gone = not data
            if data.endswith(b"\x1b") and select.select([self.terminal], [], [], REST_OF_IT)[0]:
                data += os.read(self.terminal, 64)
            self.typed += SEQUENCE.sub(lambda found: ARROWS.get(found[0], ESCAPE if found[0] == ESCAPE else ""),
                                       data.decode(errors="replace"))

    @contextlib.contextmanager
    def lent(self):
        """While another program has the terminal."""
        self.restore()
        try:
            yield
        finally:
            tty.setcbreak(self.terminal)


def stamp(path):
    """Changes when the file does, also when an editor puts another one in its place."""
    try:
        about = os.stat(path)
        return about.st_mtime_ns, about.st_size, about.st_ino
    except OSError:
        return None


class Stale(Exception):
    """A check is of no use any more: the file was saved, or the learner leaves."""


class Watch:
    """`verbs` does the work; each of its methods that is called here prints what there is to see."""

    def __init__(self, verbs):
        self.verbs = verbs
        self.asked = ""  # the key that has to come twice

    def run(self):
        with Keyboard() as keyboard:
            self.keyboard = keyboard
            self.begin()
            while True:
                key = keyboard.key(POLL)
                if key is None or key in QUIT:
                    break
                if keyboard.resumed:
                    keyboard.resumed = False
                    self.prompt()
                if key in (UP, DOWN, ESCAPE):
                    continue
                if key:
                    self.press(key)
                else:
                    self.look()
        print("\nBye. The same command goes on from here.")

    def path(self):
        return self.verbs.folder.file(self.verbs.folder.current)

    def stamps(self):
        return {name: stamp(self.verbs.folder.file(exercise)) for name, exercise in self.verbs.exercises.items()}

    def begin(self):
        """With the story, as long as nothing was done about it."""
        self.seen = self.stamps()
        if self.seen[self.verbs.folder.current.name] and self.verbs.untouched():
            self.verbs.introduce()
            print("\nEdit the file: it is checked whenever you save it, and with c.")
            self.prompt()
        else:
            self.check()

    def look(self):
        """Checks what was saved, and goes to it when it is another exercise."""
        changed = {name for name, now in self.stamps().items() if now != self.seen[name]}
        if not changed:
            return
        children.wait_for([], POLL)  # an editor may be half way through replacing a file
        now = self.stamps()
        saved = [name for name in changed if now[name]]
        if self.verbs.folder.current.name not in changed:
            self.seen = now
            if not saved:
                return
            self.verbs.go_to(self.verbs.exercises[saved[0]])
        self.check()

    def check(self):
        """Begins again when the file is saved meanwhile."""
        while not self.check_once():
            pass
        self.prompt()

    def check_once(self):
        """Whether it came to its end, or there is no need."""
        self.seen = self.stamps()
        if os.environ.get("TERM", "dumb") != "dumb":
            print("\x1b[H\x1b[2J", end="")
        print(f"checking {self.verbs.folder.current.file}", flush=True)
        if self.seen[self.verbs.folder.current.name] is None:
            print(f"{self.verbs.builder.short(self.path())} is not there.\nr, twice, brings it back as it was handed out.")
        else:
            try:
                with children.meanwhile(self.keyboard.terminal, POLL, self.look_meanwhile):
                    self.verbs.check_current()
            except Stale:
                print("stopped")
                return self.leaving()
            except Refused as refused:
                if self.path().exists() and self.verbs.folder.current.name not in self.verbs.folder.absent:
                    raise
                print(refused)  # the file went just now, or the exercise cannot be checked here
        return True

    def look_meanwhile(self):
        self.keyboard.take()
        if self.leaving() or stamp(self.path()) != self.seen[self.verbs.folder.current.name]:
            raise Stale

    def leaving(self):
        return self.keyboard.gone or any(key in self.keyboard.typed for key in QUIT)

    def edit(self):
        """In the learner's editor, which has the terminal until it ends."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor and os.environ.get("TERM_PROGRAM") == "vscode" and shutil.which("code"):
            editor = "code --reuse-window"  # the terminal is one of its panes
        if not editor:
            print("EDITOR is not set: EDITOR=nano, say, or EDITOR='code --wait'.")
            return
        with self.keyboard.lent():
            children.in_the_foreground([*shlex.split(editor), self.path()])

    def prompt(self):
        folder = self.verbs.folder
        passed = f"{folder.passed_count()} of {len(folder.exercises)} passed"
        print(f"\n{paint(KEYS, 'cyan')}\n{folder.current.name}  {passed}  watching {self.verbs.builder.short(self.path())}", flush=True)

    def press(self, key):
        twice, self.asked = key == self.asked, ""
        print()
        if key == "h":
            self.verbs.give_hint(self.verbs.folder.current)
        elif key in ("l", "/"):
            chosen = Picker(self.keyboard, self.verbs.folder).choose()
            print()
            if chosen not in (None, self.verbs.folder.current):
                self.verbs.go_to(chosen)
                self.begin()
                return
        elif key == "n":
            if self.verbs.passed() or twice:
                if self.verbs.advance(skipping=not self.verbs.passed()):
                    self.begin()
                    return
            else:
                self.asked = "n"
                print("It has not passed yet. n again leaves it for later.")
        elif key == "s":
            if self.verbs.passed() or twice:
                self.verbs.show_solution(self.verbs.folder.current)
            else:
                self.asked = "s"
                print("It has not passed yet. s again shows the solution, and that is recorded.")
        elif key == "e":
            self.edit()
        elif key == "?":
            print(show.go_page())
        elif key == "r":
            if twice:
                self.verbs.bring_back(self.verbs.folder.current)
                self.check()
                return
            self.asked = "r"
            print("r again brings the file back as it was handed out; yours is kept in backup/.")
        elif key in ("c", "\n", "\r"):
            self.check()
            return
        else:
            print(f"{key!r} is none of the keys.")
        self.prompt()
