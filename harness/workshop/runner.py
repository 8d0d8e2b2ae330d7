"""The verbs of scripts/workshop."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import sys

from evidence.common import children
from evidence.common.words import Refused, say
from workshop import catalog, doctor, folder as folders, guide, show
from workshop.arguments import ABOUT, parse
from workshop.builder import Builder
from workshop.watch import Watch
from workshop.words import colorful, listed, paint, unicode


class Lacking(Refused):
    """An exercise is on an event loop that is not installed."""


class Verbs:
    def __init__(self, args):
        self.args = args
        self.exercises = catalog.load()
        usual = os.environ.get("AFTERLEAK_WORKSHOP_DIR", catalog.ROOT / "workshop")  # overridden by session_test.py
        path = pathlib.Path(args.dir or usual).absolute()
        self.folder = folders.Folder(path, self.exercises)
        self.builder = Builder(self.folder.own / "build")
        self.script = sys.argv[0] + (f" --dir {args.dir}" if args.dir else "")

    def named(self):
        """The exercise that was named on the command line (its number will do), or the current one."""
        name = pathlib.Path(self.args.exercise or self.folder.current.name).name
        found = [e for e in self.exercises.values() if name in (e.name, e.file, e.name[:2], e.name[:2].lstrip("0"), e.name[3:])]
        if not found:
            raise Refused(f"there is no exercise {name}; one of: {', '.join(self.exercises)}")
        return found[0]

    def go_to(self, exercise):
        self.folder.state["current"] = exercise.name
        self.folder.save()

    def load(self):
        self.folder.load()
        self.see_what_is_absent()

    def see_what_is_absent(self):
        with contextlib.suppress(Refused):  # nothing is built yet
            self.folder.absent = {e.name: package for e in self.exercises.values() if (package := self.builder.lacks(e))}

    # ---- what watch mode does too

    def introduce(self):
        names = list(self.exercises)
        current = self.folder.current
        print(show.story(current, names.index(current.name) + 1, len(names), self.builder.short(self.folder.file(current))))

    def check_current(self):
        exercise = self.folder.current
        if package := self.builder.lacks(exercise):
            raise Lacking(f"{exercise.name} is on an event loop that is not installed; apt-get install {package}, then {self.script} start")
        path = self.folder.file(exercise)
        text = self.folder.read(exercise)
        result = self.builder.check(exercise, path, colorful(), unicode())
        self.folder.checked(exercise, text, result.passed)
        if not result.passed:
            print(show.failure(exercise, result, 3 - self.folder.entry(exercise)["hints"]))
            return False
        before = None if exercise.decoy or exercise.test else json.loads(self.builder.before(exercise).read_text())
        print(show.success(exercise, result, before, text, self.builder.short(path)))
        if self.folder.next_open() is None:
            print(paint(self.all_passed(), "bold"))
            print(f"{self.script} progress --export FILE writes it down.\n\n{show.your_own_code()}")
        else:
            print("The command next, or the key n, goes on.")
        return True

    def all_passed(self):
        packages = [package for name, package in self.folder.absent.items() if not self.folder.entry(self.exercises[name])["passed"]]
        return f"All {len(self.exercises)} exercises have passed." if not packages else \
            f"All have passed, but for {len(packages)} that need {listed(dict.fromkeys(packages))}: scripts/setup --all installs that."

    def untouched(self):
        """Nothing was done about it yet."""
        exercise = self.folder.current
        return not self.folder.entry(exercise)["checks"] and self.folder.read(exercise) == exercise.shipped()

    def passed(self):
        return self.folder.entry(self.folder.current)["passed"]

    def give_hint(self, exercise):
        entry = self.folder.entry(exercise)
        entry["hints"] = min(entry["hints"] + 1, 3)
        self.folder.save()
        print(show.hint(exercise, entry["hints"]))

    def show_solution(self, exercise):
        if not self.folder.entry(exercise)["passed"]:
            self.folder.entry(exercise)["peeked"] = True
            self.folder.save()
        print(exercise.solution(), end="")

    def bring_back(self, exercise):
        backup = self.folder.reset(exercise)
        kept = f"; yours is kept in {self.builder.short(backup)}" if backup else ""
        print(f"{self.builder.short(self.folder.file(exercise))} is as it was handed out{kept}.")

    def advance(self, skipping=False):
        """Goes to the next exercise that is open, and whether there is one."""
        if skipping:
            self.folder.entry(self.folder.current)["skipped"] = True
        following = self.folder.next_open()
        if following is None:
            print(self.all_passed())
        elif following is self.folder.current:
            print(f"{following.name} is the only one that is left.")
        else:
            self.go_to(following)
            return True
        self.folder.save()
        return False

    def list(self):
        print(show.listing(self.folder))

    # ---- one for each command

    def hand_out(self):
        self.builder.prepare(self.exercises.values())
        self.folder.start(self.args.name, self.args.short)
        self.see_what_is_absent()
        self.folder.write_compile_commands(self.builder)

    def start(self):
        new = not self.folder.started()
        self.hand_out()
        print(f"{'Your work folder' if new else 'Your work folder is there already'}: {self.builder.short(self.folder.path)}\n")
        self.introduce()
        print(f"\nEdit the file, then: {self.script} check\nOr let it check whenever you save: {self.script} watch\n"
              f"New to Go? One page: {self.script} go")

    def resume(self):
        if not self.folder.started() or self.args.name or self.args.short:
            self.hand_out()
        self.load()
        if sys.stdin.isatty() and sys.stdout.isatty():
            return self.watch()
        print(show.progress(self.folder))
        self.introduce()
        print(f"\nEdit the file, then: {self.script} check\nStuck? {self.script} hint")

    def check(self):
        self.builder.prepare()
        if self.args.all:
            return self.check_all()
        exercise, before = self.named(), self.folder.current
        self.go_to(exercise)
        passed = self.check_current()
        if exercise is not before:
            print(f"You are at {exercise.name} now; before it was {before.name}.")
        return 0 if passed else 1

    def check_all(self):
        """A line for each."""
        results = {}
        for exercise in self.exercises.values():
            if exercise.name in self.folder.absent:
                print(f"{exercise.name:<16}  skipped: it needs {self.folder.absent[exercise.name]}", flush=True)
                continue
            text = self.folder.read(exercise)
            result = results[exercise.name] = self.builder.check(exercise, self.folder.file(exercise))
            self.folder.checked(exercise, text, result.passed)
            print(f"{exercise.name:<16}  {paint('passed', 'green') if result.passed else f'not yet  [{result.id}]'}", flush=True)
        return 0 if all(result.passed for result in results.values()) else 1

    def watch(self):
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Refused("watch needs a terminal; check checks once, anywhere")
        self.go_to(self.named())
        self.builder.prepare()
        Watch(self).run()

    def hint(self):
        self.give_hint(self.named())

    def next(self):
        if not self.passed():
            raise Refused(f"{self.folder.current.name} has not passed yet; the command skip leaves it for later")
        if self.advance():
            self.introduce()

    def skip(self):
        if self.advance(skipping=not self.passed()):
            self.introduce()

    def reset(self):
        for exercise in self.exercises.values() if self.args.all else [self.named()]:
            self.bring_back(exercise)
            if self.args.all:
                self.folder.entry(exercise).update(folders.FRESH)
        if self.args.all:
            self.go_to(next(iter(self.exercises.values())))

    def solution(self):
        exercise = self.named()
        if not self.folder.entry(exercise)["passed"] and not self.args.peek:
            raise Refused(f"{exercise.name} has not passed yet; solution --peek shows it all the same, and that is recorded")
        self.show_solution(exercise)

    def go(self):
        print(show.go_page())

    def progress(self):
        if self.args.room:
            print(guide.room(self.args.room, self.exercises))
            return
        self.load()
        if self.args.name:
            self.folder.state["name"] = self.args.name
        if not self.args.export:
            return self.list()
        out = pathlib.Path(self.args.export).absolute()
        if not out.parent.is_dir():
            raise Refused(f"{out.parent} is no folder; make it first, or give another FILE")
        folders.write_whole(out, json.dumps(guide.export(self.folder), indent=1) + "\n")
        print(f"{self.builder.short(out)}: {self.folder.passed_count()} of {len(self.exercises)} passed")

    def doctor(self):
        return doctor.doctor(self.folder, self.builder, self.script)


def run(arguments):
    args = parse(arguments)
    if args.help or args.h:
        print(f"Usage: scripts/workshop [COMMAND] [--dir DIR]\n\n{ABOUT}", end="")
        return 0
    verbs = Verbs(args)
    if args.instructor:
        print(guide.instructor(verbs.exercises))
        return 0
    if args.verb == "go":
        return verbs.go() or 0
    if args.verb in ("doctor", "progress"):  # they look, and change nothing
        return getattr(verbs, args.verb)() or 0
    if args.verb == "list":
        verbs.load()
        return verbs.list() or 0
    if args.verb not in ("start", "") and not verbs.folder.started():
        raise Refused(f"there is no workshop in {verbs.folder.path}; begin with: {verbs.script} start")
    try:
        with verbs.folder.locked(args.verb or "watch"):
            if args.verb not in ("start", ""):
                verbs.load()
            return getattr(verbs, args.verb or "resume")() or 0
    except folders.AtWork as held:
        if args.verb not in ("check", "hint", "solution"):
            raise
        say(f"{held.command} is at work here: nothing is written down")
        verbs.load()
        verbs.folder.only_looks = True
        verbs.builder.work = verbs.folder.own / f"build.{os.getpid()}"
        try:
            return getattr(verbs, args.verb)() or 0
        finally:
            shutil.rmtree(verbs.builder.work, ignore_errors=True)


def main():
    children.heed_signals()
    sys.stdout.reconfigure(errors="replace")  # compilers quote as they like, terminals show what they can
    try:
        status = run(sys.argv[1:])
    except Refused as refused:
        say(f"scripts/workshop: {refused}")
        status = 2
    except children.Stopped:
        status = 0  # stopped() says by what
    except BrokenPipeError:
        sys.stdout = io.StringIO()  # or Python says it again at its end
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    number = children.stopped()
    if number == signal.SIGINT:
        say("\nscripts/workshop: stopped by SIGINT; the same command goes on from here")
    return 128 + number if number else status
