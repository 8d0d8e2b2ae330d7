"""The list of exercises, to search and to choose from: what is typed filters it, arrows move, Enter goes there."""

import os

from workshop import show
from workshop.words import columns, paint, rows

UP, DOWN, ESCAPE = "\ue000", "\ue001", "\x1b"  # the first two as Keyboard.take gives them
BACKSPACE, KILL_LINE = ("\x7f", "\b"), "\x15"
LEAVE = (ESCAPE, "\x04", None)
KEYS = "type to filter  up, down  Enter goes there  Esc leaves"


def matching(folder, typed):
    """The exercises whose number, name, title, aim, event loop or state has each of the words."""
    def text(exercise):
        return " ".join([exercise.name, exercise.title, exercise.aim, exercise.loop, folder.status(exercise)]).lower()
    return [exercise for exercise in folder.exercises.values() if all(word in text(exercise) for word in typed.lower().split())]


class Picker:
    def __init__(self, keyboard, folder):
        self.keyboard = keyboard
        self.folder = folder
        self.typed = ""
        self.found = matching(folder, "")
        self.at = self.found.index(folder.current)
        self.drawn = 0  # lines

    def choose(self):
        """The exercise; None if the learner does not want one."""
        while True:
            self.draw()
            key = ""
            while key == "":
                key = self.keyboard.key(1)
            if key in LEAVE:
                return None
            if key in ("\n", "\r"):
                if self.found:
                    return self.found[self.at]
            elif key in (UP, DOWN):
                self.at = max(0, min(self.at + (1 if key == DOWN else -1), len(self.found) - 1))
            else:
                self.edit(key)

    def edit(self, key):
        if key in BACKSPACE:
            self.typed = self.typed[:-1]
        elif key == KILL_LINE:
            self.typed = ""
        elif key.isprintable():
            self.typed += key
        self.found, self.at = matching(self.folder, self.typed), 0

    def draw(self):
        """In the place of what it drew before. No line is wider than the terminal, nor is the whole higher."""
        room = max(rows() - 4, 1)
        first = max(0, min(self.at - room // 2, len(self.found) - room))
        lines = [*show.chosen(self.folder, self.found[first:first + room], self.at - first)]
        lines = lines or ["  nothing has that in it"]
        counts = f"{len(self.found)} of {len(self.folder.exercises)}"
        if self.drawn and os.environ.get("TERM", "dumb") != "dumb":
            print(f"\r\x1b[{self.drawn}A\x1b[J", end="")
        print("\n".join([*lines, paint(KEYS, "cyan")]))
        self.drawn = len(lines) + 1
        print(f"{counts} / {self.typed}"[-columns() + 1:], end="", flush=True)
