"""Would the unit tests see it? The library is changed in one small place at a time, and its unit tests run on each change.

    python3 -m tests.mutation_test [--only FILE]... [--sample N [--seed S]] [--jobs N] [--list]      in harness/

One build has all the changes (mutation/sites.py says what they are): the environment of a run chooses. A change is killed when a
program of unit tests fails, crashes or takes ten times as long. One that no program notices is a survivor; each of them stands in
mutation/survivors.toml, with the reason why it changes nothing that a test could see. The test fails where one does not, and where
one stands there that is killed, or is no change of the sources.

Programs run in namespaces: a change may kill whatever it likes. .build/mutation/ keeps the build, and in results.txt what became of
each change. 77: it cannot run here, and one line says why.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import shutil
import subprocess
import sys
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
NOT_COPIED = shutil.ignore_patterns(".build", ".git", "__pycache__", "results", "workshop/SESSION.md")
SLOWER, LEAST, UNKNOWN = 10, 3, 60  # times the usual time; the least and the first guess of that, in seconds
GIGABYTES = 16  # of addresses: many threads need some, and what allocates forever is to end

# The program is not process 1 of its namespace, which signals would not end.
CONTAINED = ["unshare", "--pid", "--ipc", "--mount", "--fork", "--kill-child", "--mount-proc", "--",
             "sh", "-c", '"$@"; exit $?', "sh", "prlimit", f"--as={GIGABYTES << 30}"]


class Program:
    """One of the programs of unit tests."""

    def __init__(self, path):
        self.path, self.name = path, path.name
        self.reached = b""
        self.seconds = self.cpu = UNKNOWN

    def run(self, **environment):
        """How it ended."""
        limits = [f"--cpu={int(self.cpu * SLOWER) + 1}", "--", str(self.path), "--gtest_fail_fast", "--gtest_brief=1"]
        return children.run(self.name, [*CONTAINED, *limits], env=environment, timeout=self.seconds * SLOWER, merged=True)

    def prepare(self, reached, count):
        """Runs it unchanged, and learns what it reaches and how long it takes. False if it does not pass."""
        reached.write_bytes(bytes(count + 1))
        began = time.monotonic()
        ended = self.run(AFTERLEAK_REACHED=str(reached))
        self.seconds, self.cpu = max(time.monotonic() - began, LEAST), ended.cpu
        self.reached = reached.read_bytes()
        return ended.code == 0


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
    step("cmake", "--build", folder, "--target", "harness/afterleak/all")
    # LeakSanitizer takes terabytes of addresses.
    return [Program(path) for path in sorted((folder / "harness/afterleak").glob("*_test")) if not path.name.endswith("_lsan_test")]


def prepare(built, mutants):
    """The programs that pass; and those of the mutants, by number, that the types allow."""
    programs = []
    for program in built:
        if program.prepare(KEPT / "reached", len(mutants)):
            programs.append(program)
            print(f"    {program.name}: {program.seconds:.1f} s, reaches {len(mutants) - program.reached.count(0, 1)}", flush=True)
        else:
            print(f"    {program.name} is left out: it does not pass by itself, without a change and all at once", flush=True)
    return programs, {number: mutant for number, mutant in enumerate(mutants, 1)
                      if all(program.reached[number] < 2 for program in programs)}


class Hunt:
    """Runs mutants, several at a time."""

    def __init__(self, programs, mutants):
        self.programs, self.mutants = programs, mutants
        self.killers = collections.defaultdict(collections.Counter)  # for each file: which program kills its mutants
        self.results, self.lock = {}, threading.Lock()
        self.began = time.monotonic()

    def one(self, number):
        mutant = self.mutants[number]
        killers = self.killers[mutant.source]
        reaching = [program for program in self.programs if program.reached[number]]
        result = "not noticed" if reaching else "not reached"
        for program in sorted(reaching, key=lambda program: (-killers[program], program.seconds)):
            try:
                code = program.run(AFTERLEAK_MUTANT=str(number)).code
                how = "" if code == 0 else "failed" if code == 1 else f"ended with {code}"
            except children.TooLong:
                how = "took too long"
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
    """The survivors that are listed: {name: why}"""
    listed = tomllib.loads(SURVIVORS.read_text())
    return {name.strip(): group["why"] for group in listed["survivors"] for name in group["mutants"]}


def judge(results, mutants):
    """What is wrong, line by line."""
    reasons, names = known(), collections.defaultdict(list)
    for number, result in results.items():
        names[str(mutants[number])].append(result)
    for name, ended in names.items():
        survives = any(result.startswith("not ") for result in ended)
        if survives and name not in reasons:
            yield f"no test sees it, and it is not listed: {name}"
        elif not survives and name in reasons:
            yield f"it is listed, and killed: {name}"
    for name in set(reasons) - set(map(str, mutants.values())):
        yield f"it is listed, and is no change of the sources: {name}"


def main():
    parser = argparse.ArgumentParser(description="Would the unit tests see it?", allow_abbrev=False)
    parser.add_argument("--only", action="append", metavar="FILE", help="mutants of this file, such as census/judge.cc; may be repeated")
    parser.add_argument("--sample", type=int, metavar="N", help="this many mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=random.randrange(1000), help="of the choice; printed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs that run at a time")
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
    sites.find([path for path in files if path.suffix == ".cc"] + [LIBRARY / "afterleak.h"], sources, ROOT / "harness", arguments.jobs)
    mutants = sites.mutants_of(sources)
    chosen = [number for number, mutant in enumerate(mutants, 1) if not arguments.only or mutant.source.name in arguments.only]
    print(f"{len(mutants)} mutants in {len(sources)} files", flush=True)
    if arguments.list:
        for number in chosen:
            print(f"{number:5} {mutants[number - 1].line:4} {mutants[number - 1]}")
        return 0

    KEPT.mkdir(parents=True, exist_ok=True)
    copy(sites.rewrite(sources))
    programs, possible = prepare(build(), mutants)
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
