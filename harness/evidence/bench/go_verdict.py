"""How long real Go takes until its heap profile has named the line of the idle loop's leak, with each Go that is here.

Go has its own clock only, so the 30 seconds that the loop of go/idle_loop.go runs are real ones. All Gos wait at the same time. The
clock starts with the program, which is built before, and stops when `go tool pprof` has listed what the heap holds after the last
turn and did not after the first. The line is named if that is an object for each turn in between, or more. Go 1.23 collects
timers that nobody can hear, perhaps all but the last, so there the line may not be named.
"""

import concurrent.futures
import re
import shutil
import time

from evidence.common import children, files
from evidence.common.children import Unavailable
from evidence.detectors.verdict import names
from evidence.go import toolchains

SOURCE = files.ROOT / "harness/bench/go/idle_loop.go"
ARMS = "<-time.After(giveUp)"
POLL, TURNS = "3s", 10  # which take the 30 seconds
PPROF = ["tool", "pprof", "-text", "-lines", "-sample_index=inuse_objects", "-nodefraction=0"]


def arming_line():
    line = next(number for number, text in enumerate(SOURCE.read_text().splitlines(), 1) if ARMS in text)
    return f"{SOURCE.name}:{line}"


def names_line(table, line, turns):
    """True if pprof's table has the line with an object for each of the turns, or more."""
    rows = re.findall(r"(?m)^ *\S+ +\S+% +\S+% +(-?\d+) +\S+% +(\S.*)$", table)
    if "Type: inuse_objects" not in table or not rows:
        raise Unavailable("go tool pprof wrote no table of the program's heap")
    return any(int(held) >= turns and names(row, line) for held, row in rows)


def _build(toolchain, work):
    source = work / "idle_loop"
    source.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE, source)
    (source / "go.mod").write_text(f"module bench\n\ngo {toolchains.OLDEST[0]}.{toolchains.OLDEST[1]}\n")
    program = work / f"idle_loop-{toolchain.version}"
    problem = toolchains.build(toolchain, source, work, program)
    if problem:
        raise Unavailable(f"it does not build {SOURCE.name}: {problem.splitlines()[-1]}")
    return program


def _watch(toolchain, program, work, folder, poll):
    """Nanoseconds, and whether the line is named."""
    environment = {**toolchains.environment(work), "GODEBUG": "asynctimerchan=0"}
    profiles = [folder / f"{program.name}.{which}.pb.gz" for which in ("first", "last")]
    began = time.monotonic_ns()
    children.run(program.name, [program, poll, TURNS, *profiles], env=environment).expect()
    command = [toolchain.go, *PPROF, "-base", profiles[0], program, profiles[1]]
    table = children.run("go tool pprof", command, env=environment).expect().out
    named = names_line(table, arming_line(), TURNS - 1)
    return time.monotonic_ns() - began, named


def go_verdict(work, folder, poll=POLL):
    """({"Verdict/go1.22": nanoseconds}, [each Go that ran and did not name the line], [a line for each that is left out]).

    work: where Go builds and caches. folder: where the profiles are written.
    """
    figures, silent, left_out = {}, [], []
    found = toolchains.find(work)
    if not found:
        left_out.append(f"the idle loop in Go is left out: no Go is here; {toolchains.INSTALL}")
    with concurrent.futures.ThreadPoolExecutor(max(1, len(found))) as pool:
        built = []
        for toolchain in found:
            name = f"go{toolchain.numbers[0]}.{toolchain.numbers[1]}"
            try:
                built.append((name, toolchain, _build(toolchain, work)))
            except (Unavailable, OSError) as reason:
                left_out.append(f"{name} is left out: {reason}")
        waiting = [(name, pool.submit(_watch, toolchain, program, work, folder, poll)) for name, toolchain, program in built]
        for name, answer in waiting:
            try:
                took, named = answer.result()
            except (Unavailable, OSError) as reason:
                left_out.append(f"{name} is left out: {reason}")
                continue
            if named:
                figures[f"Verdict/{name}"] = took
            else:
                silent.append(name)
    return figures, silent, left_out
