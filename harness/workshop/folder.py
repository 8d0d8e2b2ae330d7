"""The work folder: the learner's files, and what is remembered of them in .workshop/state.json."""

import contextlib
import datetime
import fcntl
import getpass
import hashlib
import json
import os
import pathlib
import socket

from evidence.common import files
from evidence.common.words import Refused

VERSION = 1
FRESH = {"passed": False, "passed_at": "", "passed_as": "", "skipped": False, "hints": 0, "checks": 0, "peeked": False}


def now():
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def write_whole(path, text):
    try:
        files.write_whole(path, text)
    except OSError as error:
        raise Refused(f"cannot write {path} ({error.strerror}); use a folder that you may write to, with --dir DIR") from error


class AtWork(Refused):
    """Another run is; `command` says which."""

    def __init__(self, command, text):
        super().__init__(text)
        self.command = command


class Folder:
    only_looks = False  # nothing is saved

    def __init__(self, path, exercises):
        self.path = pathlib.Path(path)
        self.exercises = exercises
        self.own = self.path / ".workshop"
        self.state_file = self.own / "state.json"
        self.state = None
        self.absent = {}  # exercises that cannot be checked here, and the package that each needs

    def file(self, exercise):
        return self.path / exercise.file

    def entry(self, exercise):
        return self.state["exercises"][exercise.name]

    @property
    def current(self):
        return self.exercises[self.state["current"]]

    def started(self):
        return self.state_file.exists()

    @contextlib.contextmanager
    def locked(self, verb):
        """One run at a time may change the folder. The lock is the kernel's and goes with its process; its text is for the
        message."""
        self.make(self.own)
        try:
            lock = open(self.own / "lock", "a+")
        except OSError as error:
            raise Refused(f"cannot write {self.path} ({error.strerror}); use a folder that you may write to, with --dir DIR") \
                from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                pid, _, held = lock.read().strip().partition(" ")
                held = held or "another run"
                raise AtWork(held, f"{held} (process {pid or 'unknown'}) is at work in {self.path}; use its keys, "
                                   f"or end it first") from None
            lock.truncate(0)
            lock.write(f"{os.getpid()} workshop {verb}\n")
            lock.flush()
            yield

    def make(self, path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"cannot make the folder {path} ({error.strerror}); use one that you may write to, with --dir DIR") \
                from error

    # ---- state

    def load(self):
        try:
            state = json.loads(self.state_file.read_text())
            if state["version"] != VERSION:
                raise ValueError(f"it is of version {state['version']}, and this is version {VERSION}")
            entries = {name: {**FRESH, **state["exercises"].get(name, {})} for name in self.exercises}
            if state["current"] not in self.exercises:
                raise ValueError(f"there is no exercise {state['current']}")
            self.state = {"version": VERSION, "name": str(state["name"]), "current": state["current"],
                          "short": bool(state.get("short")), "exercises": entries}
        except FileNotFoundError:
            raise Refused(f"there is no workshop in {self.path}; begin with the command start") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise Refused(f"{self.state_file} cannot be read ({why}); move it away and run the command start: "
                          f"your exercise files stay as they are, and check finds out what passes") from None

    def save(self):
        if not self.only_looks:
            write_whole(self.state_file, json.dumps(self.state, indent=1) + "\n")

    def start(self, name=None, short=False):
        """Makes what is not there; leaves all that is."""
        commands = self.path / "compile_commands.json"
        if commands.exists() and next(iter(self.exercises)) not in commands.read_text(errors="replace"):
            raise Refused(f"{commands} belongs to something else; use another folder for the workshop, with --dir DIR")
        if self.started():
            self.load()
        else:
            first = next(iter(self.exercises))
            self.state = {"version": VERSION, "name": name or user(), "current": first, "short": False,
                          "exercises": {each: dict(FRESH) for each in self.exercises}}
        if name:
            self.state["name"] = name
        if short:
            self.state["short"] = True
        for exercise in self.exercises.values():
            if not self.file(exercise).exists():
                write_whole(self.file(exercise), exercise.shipped())
        self.save()

    def write_compile_commands(self, builder):
        """For clangd and its like: each of the learner's files, at its absolute path."""
        commands = [{"directory": str(self.path), "file": str(self.file(exercise)),
                     "arguments": builder.compile_command(exercise, self.file(exercise), for_editors=True)}
                    for exercise in self.exercises.values() if not builder.lacks(exercise)]
        write_whole(self.path / "compile_commands.json", json.dumps(commands, indent=1) + "\n")

    def read(self, exercise):
        try:
            return self.file(exercise).read_text(errors="replace")
        except OSError as error:
            raise Refused(f"{self.file(exercise)} is not there ({error.strerror}); the command `reset {exercise.name}` "
                          f"brings it back as it was handed out") from None

    # ---- what happens

    def checked(self, exercise, text, passed):
        entry = self.entry(exercise)
        entry["checks"] += 1
        if passed:
            entry.update(passed=True, skipped=False, passed_as=digest(text), passed_at=entry["passed_at"] or now())
        elif entry["passed_as"] == digest(text):
            entry["passed"] = False  # the same text does not pass any more
        self.save()

    def status(self, exercise):
        entry = self.entry(exercise)
        if entry["passed"]:
            file = self.file(exercise)
            same = file.exists() and digest(file.read_text(errors="replace")) == entry["passed_as"]
            return "passed" if same else "passed, changed since"
        return "skipped" if entry["skipped"] else "open"

    def reset(self, exercise):
        """Brings the file back; what was there is kept. Returns where, or None when there was nothing to lose."""
        file, backup = self.file(exercise), None
        old = file.read_text(errors="replace") if file.exists() else None
        if old is not None and old != exercise.shipped():
            self.make(self.path / "backup")
            number = 1
            while (backup := self.path / "backup" / f"{exercise.name}.{number}.cc").exists():
                number += 1
            try:
                backup.write_bytes(file.read_bytes())
            except OSError as error:
                raise Refused(f"cannot write {backup} ({error.strerror}); nothing was changed") from error
        write_whole(file, exercise.shipped())
        self.entry(exercise).update(passed=False, passed_as="", passed_at="", skipped=False)
        self.save()
        return backup

    def next_open(self):
        """The next exercise that is not passed, those that were skipped last; None when all are. Of a short day, its exercises
        come first."""
        names = list(self.exercises)
        at = names.index(self.state["current"])
        around = [self.exercises[name] for name in names[at + 1:] + names[:at + 1]]
        left = [e for e in around if not self.entry(e)["passed"] and e.name not in self.absent]
        if self.state["short"]:
            left.sort(key=lambda e: not e.short)
        return next((e for e in left if not self.entry(e)["skipped"]), left[0] if left else None)

    def passed_count(self):
        return sum(self.entry(e)["passed"] for e in self.exercises.values())


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def user():
    """In a class there are many "student"s."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"learner@{socket.gethostname()}"
