"""Builds what the checks need, and checks one file: compiles it as CMake would, links it with its check, and runs that."""

import contextlib
import dataclasses
import fcntl
import glob
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from evidence.common import children
from evidence.common.words import Refused, say
from workshop import catalog

# For a check, which ends itself then (watchdog.h); what is so far gone that it cannot is killed a little later.
LIMIT = int(os.environ.get("AFTERLEAK_WORKSHOP_SECONDS", "10"))
GRACE = 3
FRESH = "The check runs the code in several fresh run-times, one after the other, in one process."
GENTLY = 1  # seconds in which a compiler that is stopped may take its temporary files away
# Leaks are judged by the check. What AddressSanitizer finds is told where the check finds nothing, so it goes on. A bad pointer is no
# object that is gone. The second time what is freed is overwritten: a loop's library is not compiled for AddressSanitizer, and is to
# notice, too.
ASAN = "detect_leaks=0:detect_stack_use_after_return=1:halt_on_error=0:handle_segv=0"
ONCE_MORE = "max_free_fill_size=4096:free_fill_byte=254"
ASAN_FOUND = re.compile(r"ERROR: AddressSanitizer: (heap-\S+|stack-\S+|global-\S+|dynamic-\S+|attempting \S+)")
# What a wall of errors comes from.
MEANT = ((re.compile(r"no matching function for call to .Recv\((?:const )?(?:afterleak::)?time::(?:Timer|Ticker|ScopedTimer|ScopedTicker)"),
          "a Timer is no channel. Its C() is: Recv(timer.C())."),)
BEGUN = ["-Wno-unused-parameter"]  # about what a learner has only begun
NO_SUCH_FUNCTION = re.compile(r"undefined reference to [`'](workshop::[^']*)'")
FASTER = ["-fuse-ld=gold"] if shutil.which("ld.gold") else []  # it links in half of the time


def run(command, timeout=None, **options):
    """Its exit code and output (both streams); None for the code when it took too long."""
    try:
        ended = children.run(command[0], command, timeout=timeout, gently=GENTLY, merged=True, **options)
        return ended.code, ended.out
    except children.TooLong:
        return None, ""


@contextlib.contextmanager
def later(command, **options):
    """As beside, but it begins when it is waited for."""
    yield lambda: run(command, **options)


@contextlib.contextmanager
def beside(command, **options):
    """Runs it while the block goes on. Gives what waits for its end, and returns as run does. If nobody has, the block ends it."""
    with tempfile.TemporaryFile() as out:
        child = children.start(command, stdout=out, stderr=subprocess.STDOUT, **options)

        def finish():
            children.wait(child, None)
            children.end(child)
            out.seek(0)
            return child.returncode, out.read().decode(errors="replace")
        try:
            yield finish
        finally:
            if child.returncode is None:
                children.end(child, GENTLY)


@dataclasses.dataclass
class Result:
    passed: bool
    id: str = ""
    sentence: str = ""
    compiler: str = ""  # what the compiler or the linker said
    printed: str = ""  # what the learner's code printed
    details: dict = dataclasses.field(default_factory=dict)  # what check.cc writes
    seconds: dict = dataclasses.field(default_factory=dict)


class Builder:
    def __init__(self, work, two_at_once=(os.cpu_count() or 1) > 1):
        self.two_at_once = two_at_once  # a waste where the check fails, but half of the wait where it passes
        self.build = pathlib.Path(os.environ.get("AFTERLEAK_WORKSHOP_BUILD", catalog.ROOT / ".build/release"))
        self.work = work  # a folder for what is made of the learner's files
        self.here = pathlib.Path.cwd()

    # ---- once

    def prepare(self, exercises=()):
        """Sets up and builds what is missing: nothing, mostly. Looks again for the event loops that `exercises` lack."""
        if "AFTERLEAK_WORKSHOP_BUILD" in os.environ:  # tests, whose build is done and may be locked by those who run them
            return
        with self.lock():
            if not (self.build / "build.ninja").exists():
                say("==> setting up (scripts/setup installs what is missing)")
                if children.in_the_foreground([catalog.ROOT / "scripts/setup"]) != 0:
                    raise Refused("scripts/setup failed; its reason is above, and the command doctor lists what is missing")
                self.configure()
            elif (self.build / "harness/workshop/objects.txt").exists() and any(map(self.lacks, exercises)):
                self.configure()
            self.run_ninja()

    def configure(self):
        say("==> configuring")
        code, output = run(["cmake", "--preset", "release"], cwd=catalog.ROOT)
        if code != 0:
            sys.stderr.write(output)
            raise Refused("configuring failed; cmake's errors are above")

    def lock(self):
        """The lock that all scripts share (lib.sh), while it builds."""
        try:
            (catalog.ROOT / ".build").mkdir(exist_ok=True)
            file = open(catalog.ROOT / ".build/lock", "a+")
        except OSError:
            raise Refused(f"cannot write {catalog.ROOT}/.build/lock; the scripts need a folder that they may write to")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid, _, command = file.read().strip().partition(" ")
            raise Refused(f"{command or 'another script'} (process {pid or 'unknown'}) is at work in this tree; wait for its end")
        file.truncate(0)
        file.write(f"{os.getpid()} scripts/workshop\n")
        file.flush()
        return file

    def run_ninja(self):
        """Shows how far it is, where there is anything to do."""
        child = children.start(["cmake", "--build", self.build, "--target", "workshop"], cwd=catalog.ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        rest, shown, began = [], 0.0, False
        try:
            for line in children.lines(child.stdout):
                if not re.match(r"\[[1-9]\d*/\d+\] ", line):  # [0/2] looks whether there is anything to do
                    rest.append(line)
                elif sys.stderr.isatty() or time.monotonic() - shown > 5:
                    if not began:
                        say("==> building (once; a few minutes at most)")
                    began, shown = True, time.monotonic()
                    sys.stderr.write(f"\r\x1b[K{line.rstrip()[:78]}" if sys.stderr.isatty() else line)
                    sys.stderr.flush()
            if began and sys.stderr.isatty():
                sys.stderr.write("\r\x1b[K")
            children.wait(child, None)
        finally:
            children.end(child, GENTLY)
            child.stdout.close()
        if child.returncode != 0:
            sys.stderr.write("".join(rest))
            raise Refused("building failed; the compiler's errors are above")

    # ---- for each check

    def lists(self):
        """objects.txt, which CMakeLists.txt writes."""
        try:
            return (self.build / "harness/workshop/objects.txt").read_text()
        except OSError:
            raise Refused(f"{self.build} has no workshop in it; run the command start")

    def lacks(self, exercise):
        """The package of the event loop that an exercise needs and the build has not found; "" if nothing is missing."""
        there = not exercise.loop or f"\nloop_{exercise.loop}:\n" in self.lists()
        return "" if there else catalog.PACKAGES[exercise.loop]

    def objects(self, kind, name=None):
        """The files under a heading; of those, the one that belongs to an exercise."""
        text = self.lists()
        files = re.search(rf"^{kind}:\n((?:/.*\n)*)", text, re.MULTILINE)[1].splitlines()
        mine = (f"{name}.cc", f"{name}_check.cc")
        return [file for file in files if not file.endswith(".gch") and (not name or pathlib.Path(file).name.startswith(mine))]

    def compile_command(self, exercise, source, for_editors=False, once_more=False):
        """That of CMake for the exercise's solution (once more: for its check under AddressSanitizer), for another file. Editors use
        other compilers, which take no GCC's precompiled header, and do not know all of its warnings."""
        like = f"checks/{exercise.name}_check.cc" if once_more else f"solutions/{exercise.file}"
        wanted = str(catalog.HERE / like)
        group = (f"_{exercise.loop}" if exercise.loop else "") + ("_tests" if exercise.test else "")
        target = f"/workshop_{'asan' if once_more else 'solutions'}{group}.dir/"
        entries = json.loads((self.build / "compile_commands.json").read_text())
        words = shlex.split(next(entry["command"] for entry in entries if entry["file"] == wanted and target in entry["command"]))
        command, skip = [], False
        for word in words:
            if skip or word in ("-c", wanted) or word.startswith("-ffile-prefix-map"):
                skip = False
            elif word == "-o" or (for_editors and word == "-include"):
                skip = True
            elif not (for_editors and word in ("-Wno-restrict", "-Winvalid-pch")):
                command.append(word)
        if for_editors and exercise.loop == "asio":  # Asio 1.22 takes Clang's coroutines for those of before C++20
            command += ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]
        return [*command, "-c", str(source)]

    def short(self, path):
        """As a terminal in this folder can click it."""
        path = pathlib.Path(path)
        return path.relative_to(self.here) if path.is_relative_to(self.here) else path

    def link_command(self, program, own, exercise, heap=True, flags=(), once_more=False):
        kinds = ("asan",) if once_more else ("checks", "asan" if exercise.sanitized else "check")
        mine = [file for kind in kinds for file in self.objects(kind) if not file.endswith("_check.cc.o")
                or file.endswith(f"/{exercise.name}_check.cc.o")]
        if exercise.test:
            mine += self.objects("tested") + self.objects(f"tested_{exercise.name}")
        if exercise.loop:  # what stands in front of the loop's library is asked for by name, and comes before it
            flags = [*flags, "-Wl,--undefined=afterleak_loops", "-Wl,--undefined=afterleak_loops_time"]
            mine += self.objects("loops")
        if once_more or exercise.sanitized:
            flags = [*flags, "-fsanitize=address"]
        elif not exercise.loop:
            flags = [*flags, "-Wl,--strip-debug"]  # nobody looks up a line, and it takes half of the time
        after = self.objects(f"loop_{exercise.loop}") if exercise.loop else []
        objects = [own, *mine, *(self.objects("heap") if heap else []), *self.objects("libraries"), *after]
        compiler = self.compile_command(exercise, own)[0]
        return [compiler, *FASTER, *flags, "-pthread", "-o", program, *objects]

    def link(self, program, own, exercise, **options):
        return run(self.link_command(program, own, exercise, **options), cwd=self.here)

    def check(self, exercise, source, color=False, unicode=True):
        self.work.mkdir(parents=True, exist_ok=True)
        own = self.work / f"{exercise.name}.o"
        began = time.monotonic()
        with self.once_more(exercise, source) if exercise.once_more else contextlib.nullcontext() as once_more:
            code, said = self.compile(exercise, source, own, color)
            seconds = {"compiled": time.monotonic() - began}
            if code != 0:
                sentence = next((sentence for pattern, sentence in MEANT if pattern.search(said)), "the errors are above.")
                return Result(False, "compiler", f"It does not compile: {sentence}", compiler=said, seconds=seconds)
            before = None
            if not (exercise.decoy or exercise.test or source.read_text(errors="replace") == exercise.shipped()):
                before = self.before(exercise)
            result = self.judge(exercise, own, once_more, before=before, color=color, unicode=unicode)
        result.compiler, result.seconds = said + result.compiler, {**seconds, **result.seconds}
        return result

    def compile(self, exercise, source, own, color=False, once_more=False):
        colors = ["-fdiagnostics-color=always"] if color else ["-fdiagnostics-color=never"]
        return run([*self.compile_command(exercise, self.short(source), once_more=once_more), *BEGUN, *colors, "-o", own], cwd=self.here)

    # What has passed runs once more under AddressSanitizer: a reference may outlive what it refers to, and nobody notice. Where the
    # exercise is on an event loop, it runs under it the first time.

    @contextlib.contextmanager
    def once_more(self, exercise, source):
        """Makes the program for that; gives what waits for it, and returns it."""
        own = self.work / f"{exercise.name}.asan.o"
        steps = [[*self.compile_command(exercise, self.short(source), once_more=True), "-o", own], self.link_once_more(exercise, own)]
        command = ["sh", "-c", " && ".join(shlex.join(map(str, step)) for step in steps)]
        with (beside if self.two_at_once else later)(command, cwd=self.here) as made:
            yield lambda: self.linked_once_more(exercise, *made())

    def link_once_more(self, exercise, own, flags=()):
        """The command."""
        return self.link_command(self.work / f"{exercise.name}.asan", own, exercise, flags=flags, once_more=True)

    def linked_once_more(self, exercise, code, said):
        """The program, by how its making ended."""
        if code != 0:
            raise Refused(f"cannot build {exercise.file} for AddressSanitizer: {said.strip()}")
        return self.work / f"{exercise.name}.asan"

    def judge(self, exercise, own, once_more, flags=(), before=None, color=False, unicode=True):
        """Of what is compiled. `once_more` gives the program for AddressSanitizer, if it is asked for that."""
        program, out = self.work / exercise.name, self.work / f"{exercise.name}.json"
        seconds = {}
        began = time.monotonic()

        def lap(what):
            nonlocal began
            seconds[what] = time.monotonic() - began
            began = time.monotonic()

        code, linker = self.link(program, own, exercise, flags=flags)
        lap("linked")
        if code != 0:
            missing = NO_SUCH_FUNCTION.search(linker)
            sentence = (f"{missing[1]} is not there any more; harness/workshop/exercises.h says how it is called."
                        if missing else "It does not link: the errors are above.")
            return Result(False, "linker", sentence, compiler=linker, seconds=seconds)
        result = self.run_check(program, out, before=before, color=color, unicode=unicode)
        lap("checked")
        if result.passed or result.id in ("crash", "exit"):
            logs = self.logs(out)
            if exercise.sanitized or once_more:
                again = self.work / f"{exercise.name}.again.json"
                second = self.run_check(program if exercise.sanitized else once_more(), again, options=ONCE_MORE)
                logs += self.logs(again)
                lap("checked once more")
                if result.passed and second.id == "crash":
                    self.tell_of_gone_object(result, "it crashes when what is freed is overwritten", second.printed)
            self.look_for_gone_objects(exercise, logs, result)
        result.seconds = seconds
        return result

    def look_for_gone_objects(self, exercise, logs, result):
        """By what AddressSanitizer has written."""
        printed = "".join(log.read_text(errors="replace") for log in logs)
        found = ASAN_FOUND.search(printed)
        if found:
            here = re.search(rf"{re.escape(exercise.file)}:\d+", printed[found.start():])
            self.tell_of_gone_object(result, f"{found[1]}{', ' + here[0] if here else ''}", printed[found.start():])

    def tell_of_gone_object(self, result, how, printed):
        result.passed, result.id, result.printed = False, "gone", printed
        result.sentence = (f"The code uses an object that is gone ({how}): what is captured by reference, or `this`, may not live as long.")

    def logs(self, out):
        """What AddressSanitizer has written in the check that wrote `out`: a file for each process."""
        return sorted(out.parent.glob(f"{glob.escape(out.name)}.asan.*"))

    def run_check(self, program, out, options="", before=None, color=False, unicode=True):
        for old in (out, *self.logs(out)):
            old.unlink(missing_ok=True)
        arguments = (["--before", before] if before else []) + (["--color"] if color else []) + ([] if unicode else ["--ascii"])
        code, printed = run([program, out, *arguments], timeout=LIMIT + GRACE, cwd=self.here,
                            env={"ASAN_OPTIONS": f'{ASAN}:log_path="{out}.asan":{options}'})
        if code is None:
            return Result(False, "hang", f"The check had to be killed after {LIMIT + GRACE} s: the code holds it up.")
        try:
            details = json.loads(out.read_text())
            return Result(details["passed"], details.get("id", ""), details.get("sentence", ""), printed=printed, details=details)
        except (OSError, ValueError):
            pass
        if code == -signal.SIGALRM:  # of a check on an event loop (on_loop.h)
            return Result(False, "hang", f"After {LIMIT} s the code was still at work: which callback does not return, or wants to be "
                                         "called again at once?", printed=printed)
        if code < 0:
            return Result(False, "crash", f"The code makes the program die of {signal.Signals(-code).name}. {FRESH}", printed=printed)
        return Result(False, "exit", f"The code ended the whole program (exit code {code}) before the check was over.",
                      printed=printed)

    def before(self, exercise):
        """The result of the file as it was handed out, which is made once."""
        out = self.work / f"{exercise.name}.before.json"
        own = self.objects("shipped", exercise.name)[0]
        made_of = [own, *self.objects("checks", exercise.name), *self.objects("check"), *self.objects("libraries")]
        if not out.exists() or out.stat().st_mtime < max(os.stat(file).st_mtime for file in made_of):
            program = self.work / f"{exercise.name}.before"
            code, said = self.link(program, own, exercise)
            if code != 0:
                raise Refused(f"cannot link {own}: {said.strip()}; run the command start again")
            self.run_check(program, out)
        return out
