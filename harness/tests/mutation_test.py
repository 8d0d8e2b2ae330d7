"""Would the tests see it? The library is changed in one small place at a time; its unit tests and those of the pairs run on each change.

    python3 -m tests.mutation_test [--only FILE]... [--sample N [--seed S]] [--jobs N] [--list]      in harness/

One build has all the changes (mutation/sites.py says what they are): the environment of a run chooses. Every test runs once
unchanged, which shows what it reaches; a change meets those that reach it. It is killed when one fails, crashes or takes ten times as
long. One that no test notices is a survivor; each of them stands in mutation/survivors.toml, with the reason why it changes nothing
that a test could see. The test fails where one does not, and where one stands there that is no change of the sources, or is killed: but a
race may be (may_be_killed), as the threads run.

Programs run in namespaces: a change may kill whatever it likes. .build/mutation/ keeps the build, and in results.txt what became of
each change. 77: it cannot run here, and one line says why.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

from evidence.common import children
from evidence.common.files import ROOT, write_whole
from evidence.common.words import Refused
from tests.mutation import sites

LIBRARY = ROOT / "harness/afterleak"
HERE = pathlib.Path(__file__).parent / "mutation"
SURVIVORS = HERE / "survivors.toml"
KEPT = ROOT / ".build/mutation"
PARTS = ("harness/afterleak", "harness/pairs")
NOT_COPIED = shutil.ignore_patterns(".build", ".git", "__pycache__", "results", "workshop/SESSION.md")
SLOWER, LEAST, UNKNOWN = 10, 0.5, 60  # times the usual time; the least and the first guess of that, in seconds
GIGABYTES = 16  # of addresses: many threads need some, and what allocates forever is to end

# The program is not process 1 of its namespace, which signals would not end.
CONTAINED = ["unshare", "--pid", "--ipc", "--mount", "--fork", "--kill-child", "--mount-proc", "--",
             "sh", "-c", '"$@"; exit $?', "sh", "prlimit", f"--as={GIGABYTES << 30}"]


@dataclasses.dataclass
class Test:
    """A unit test; and, once it has run unchanged, what it reaches and how long it takes."""
    name: str
    seconds: float = UNKNOWN
    cpu: float = UNKNOWN
    reached: bytes = b""


def seconds_of(tests):
    return sum(test.seconds for test in tests)


class Program:
    """One of the programs of unit tests."""

    def __init__(self, path):
        self.path, self.name, self.tests = path, path.name, []

    def run(self, tests, **environment):
        """How it ended with these tests."""
        seconds, cpu = SLOWER * max(seconds_of(tests), LEAST), SLOWER * max(sum(test.cpu for test in tests), LEAST)
        command = [*CONTAINED, f"--cpu={int(cpu) + 1}", "--", str(self.path), "--gtest_fail_fast", "--gtest_brief=1",
                   f"--gtest_filter={':'.join(test.name for test in tests)}"]
        return children.run(self.name, command, env=environment, timeout=seconds, merged=True)

    def list_tests(self):
        suite = None
        for line in children.run(self.name, [str(self.path), "--gtest_list_tests"]).out.splitlines():
            name = line.split("#")[0].strip()
            if not line.startswith(" "):
                suite = name
            elif "DISABLED_" not in suite + name:
                yield Test(suite + name)

    def try_out(self, test, count):
        """Runs it unchanged. It is one of the program's tests if it passes."""
        with tempfile.NamedTemporaryFile() as reached:
            reached.write(bytes(count + 1))
            reached.flush()
            began = time.monotonic()
            try:
                ended = self.run([test], AFTERLEAK_REACHED=reached.name)
            except children.TooLong:
                ended = None
            test.seconds = time.monotonic() - began
            test.reached = pathlib.Path(reached.name).read_bytes()
        if ended and ended.code == 0:
            test.cpu = ended.cpu
            self.tests.append(test)
        else:
            print(f"    {self.name}: {test.name} is left out: it does not pass unchanged", flush=True)

    def batches(self, number):
        """The tests that reach a change, several in each: few enough that one that hangs is soon found out."""
        batch = []
        for test in sorted(self.tests, key=lambda test: test.seconds):
            if not test.reached[number]:
                continue
            if batch and seconds_of(batch) + test.seconds > LEAST:
                yield batch
                batch = []
            batch.append(test)
        if batch:
            yield batch


def copy(texts):
    """The project, with the rewritten texts; what stays the same is not written again."""
    wanted = {pathlib.Path(source.path).relative_to(ROOT): text for source, text in texts.items()}

    def write(old, new):
        text = wanted.get(pathlib.Path(old).relative_to(ROOT))
        data = pathlib.Path(old).read_bytes() if text is None else text.encode("latin-1")
        new = pathlib.Path(new)
        if not new.exists() or new.read_bytes() != data:
            new.write_bytes(data)
            shutil.copymode(old, new)

    shutil.copytree(ROOT, KEPT / "source", copy_function=write, ignore=NOT_COPIED, dirs_exist_ok=True)


def build():
    """The programs, with all changes in them."""
    def step(*command):
        print("   ", " ".join(map(str, command)), flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Refused(f"the rewritten library does not build:\n{done.stdout[-6000:]}")

    folder = KEPT / "build"
    step("cmake", "-S", KEPT / "source", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
         f"-DCMAKE_CXX_FLAGS=-std=c++20 -w -fpermissive -Wno-narrowing -include '{HERE}/mutant.h'")
    step("cmake", "--build", folder, "--target", *(f"{part}/all" for part in PARTS))
    # LeakSanitizer takes terabytes of addresses.
    return [Program(path) for part in PARTS for path in sorted((folder / part).glob("*_test")) if not path.name.endswith("_lsan_test")]


def prepare(programs, mutants, jobs):
    """Tries out all tests. Gives those of the mutants, by number, that the types allow."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(program.try_out, test, len(mutants)) for program in programs for test in list(program.list_tests())]
        try:
            for future in concurrent.futures.as_completed(waiting):
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
    for program in programs:
        print(f"    {program.name}: {len(program.tests)} tests, {seconds_of(program.tests):.1f} s", flush=True)
    return {number: mutant for number, mutant in enumerate(mutants, 1)
            if all(test.reached[number] < 2 for program in programs for test in program.tests)}


class Hunt:
    """Runs mutants, several at a time."""

    def __init__(self, programs, mutants):
        self.programs, self.mutants = programs, mutants
        self.listed, _ = known()
        self.killers = collections.defaultdict(collections.Counter)  # for each file: which program kills its mutants
        self.results, self.lock = {}, threading.Lock()
        self.began = time.monotonic()

    @staticmethod
    def meet(program, batch, number):
        """How these tests ended with the mutant, if not well."""
        try:
            code = program.run(batch, AFTERLEAK_MUTANT=str(number)).code
        except children.TooLong:
            return "took too long"
        return "" if code == 0 else "failed" if code == 1 else f"ended with {code}"

    def one(self, number):
        mutant = self.mutants[number]
        killers = self.killers[mutant.source]
        batches = [(program, batch) for program in self.programs for batch in program.batches(number)]
        result = "not noticed" if batches else "not reached"
        for program, batch in sorted(batches, key=lambda each: (-killers[each[0]], seconds_of(each[1]))):
            how = self.meet(program, batch, number)
            if how and str(mutant) in self.listed:  # it was the machine, if not again
                how = self.meet(program, batch, number)
            if how:
                killers[program] += 1
                result = f"{program.name} {how}"
                break
        with self.lock:
            self.results[number] = result
            if result.startswith("not "):
                print(f"    {mutant.line:4} {mutant}: {result}", flush=True)
            if len(self.results) % 50 == 0:
                print(f"    {len(self.results)} of {len(self.chosen)}, {time.monotonic() - self.began:.0f} s", flush=True)

    def run(self, chosen, jobs):
        self.chosen = chosen
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(self.one, number) for number in chosen]
            try:
                for future in concurrent.futures.as_completed(waiting):
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)
        return {number: self.results[number] for number in chosen}


def known():
    """The survivors that are listed; and those of them that a run may kill all the same."""
    groups = tomllib.loads(SURVIVORS.read_text())["survivors"]

    def names_in(some):
        return {name.strip() for group in some for name in group["mutants"]}

    return names_in(groups), names_in(group for group in groups if group.get("may_be_killed"))


def judge(results, mutants):
    """What is wrong, line by line."""
    (listed, may_be_killed), names = known(), collections.defaultdict(list)
    for number, result in results.items():
        names[str(mutants[number])].append(result)
    for name, ended in names.items():
        survives = any(result.startswith("not ") for result in ended)
        if survives and name not in listed:
            yield f"no test sees it, and it is not listed: {name}"
        elif not survives and name in listed - may_be_killed:
            yield f"it is listed, and killed: {name}"
    for name in listed - set(map(str, mutants.values())):
        yield f"it is listed, and is no change of the sources: {name}"


def main():
    parser = argparse.ArgumentParser(description="Would the tests see it?", allow_abbrev=False)
    parser.add_argument("--only", action="append", metavar="FILE", help="mutants of this file, such as census/judge.cc; may be repeated")
    parser.add_argument("--sample", type=int, metavar="N", help="this many mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=random.randrange(1000), help="of the choice; printed")
    parser.add_argument("--jobs", type=int, default=3 * os.cpu_count(), help="programs that run at a time: many only wait until they are killed")
    parser.add_argument("--list", action="store_true", help="list the mutants, and run none")
    arguments = parser.parse_args()
    for tool in (sites.CLANG, "cmake", "ninja"):
        if shutil.which(tool) is None:
            raise children.Unavailable(f"{tool} is not installed; ./scripts/setup --all installs it")
    if children.run("unshare", [*CONTAINED, "true"]).code != 0:
        raise children.Unavailable("namespaces are not allowed here; run it as root, where root may unshare")

    files = [path for path in sorted(LIBRARY.rglob("*")) if path.suffix in (".h", ".cc") and not path.stem.endswith("_test")]
    sources = [sites.Source(path, str(path.relative_to(LIBRARY))) for path in files]
    unknown = set(arguments.only or ()) - {source.name for source in sources}
    if unknown:
        raise Refused(f"{', '.join(sorted(unknown))}: no such file in {LIBRARY}; one is census/judge.cc")
    sites.find([path for path in files if path.suffix == ".cc"] + [LIBRARY / "afterleak.h"], sources, ROOT / "harness", os.cpu_count())
    mutants = sites.mutants_of(sources)
    chosen = [number for number, mutant in enumerate(mutants, 1) if not arguments.only or mutant.source.name in arguments.only]
    print(f"{len(mutants)} mutants in {len(sources)} files", flush=True)
    if arguments.list:
        for number in chosen:
            print(f"{number:5} {mutants[number - 1].line:4} {mutants[number - 1]}")
        return 0

    KEPT.mkdir(parents=True, exist_ok=True)
    copy(sites.rewrite(sources))
    programs = build()
    possible = prepare(programs, mutants, arguments.jobs)
    chosen = [number for number in chosen if number in possible]
    if arguments.sample and arguments.sample < len(chosen):
        print(f"{arguments.sample} of {len(chosen)}, chosen with --seed {arguments.seed}")
        chosen = random.Random(arguments.seed).sample(chosen, arguments.sample)

    results = Hunt(programs, possible).run(chosen, arguments.jobs)
    write_whole(KEPT / "results.txt", "".join(f"{number:5} {possible[number].line:4} {possible[number]}: {results[number]}\n"
                                              for number in sorted(results)))
    survivors = [number for number in sorted(results) if results[number].startswith("not ")]
    print(f"{len(results)} mutants: {len(results) - len(survivors)} killed, {len(survivors)} survived; {KEPT}/results.txt lists them")
    wrong = list(judge(results, possible))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    children.heed_signals()
    try:
        sys.exit(main())
    except children.Unavailable as error:
        print(f"SKIPPED: {error}")
        sys.exit(77)
    except Refused as error:
        print(error)
        sys.exit(1)
    except children.Stopped:
        sys.exit(130)
