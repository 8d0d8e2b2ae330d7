#!/usr/bin/env python3
"""Runs the benchmark programs, round after round, and writes bench.md, bench.json and their plots.

    bench.py --programs DIR (--out DIR | --smoke | --check-only) [--go DIR] [--filter REGEX] [--compare OLD.json]

scripts/bench calls it. --go: where Go's programs are built. Exit code: 0 done; 1 something got slower; 2 it could not run; 3 gnuplot is missing.
"""

import argparse
import pathlib
import random
import re
import shutil
import signal
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("harness/bench", "harness/report", "harness/go")]  # -I leaves them out
import bench_page  # noqa: E402
import children  # noqa: E402
import comparison  # noqa: E402
import figures  # noqa: E402
import pages  # noqa: E402
import toolchains  # noqa: E402

ROUNDS = 5
SECONDS = 0.05  # that a benchmark is repeated for, at least
SMALLEST = "-/1[0]{4,}"
TURN = 100  # kTurn of operations.h
LONGEST = 600  # seconds of one program
GO = {"GODEBUG": "asynctimerchan=0"}  # Go 1.23's own timers, though go.mod names an older one; others do not know it


class Refused(Exception):
    """One line: what is wrong, and what would be right."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refused(message)


def say(text):
    print(text, file=sys.stderr, flush=True)


def stop(number, _):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    children.stop()
    raise SystemExit(128 + number)


def programs(folder):
    """([the programs that were built], [a line for each peer that is left out]), as CMake has found them."""
    built, left_out = [], []
    for line in (folder / "programs.txt").read_text().splitlines():
        name, _, package = line.partition(" ")
        if package:
            left_out.append(f"{name.removeprefix('timer_queue_')} is left out: {package} is not installed; scripts/setup --all installs it")
        else:
            built.append(folder / name)
    return built, left_out


def go_programs(work):
    """Go's timers, built with each Go that is here."""
    source = work / "bench"
    source.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "harness/bench/go/timers.go", source)
    (source / "go.mod").write_text(f"module bench\n\ngo {toolchains.OLDEST[0]}.{toolchains.OLDEST[1]}\n")
    built = []
    for toolchain in toolchains.find(work):
        program = work / f"timers-{toolchain.version}"
        problem = toolchains.build(toolchain, source, work, program)
        if problem:
            raise Refused(f"Go {toolchain.version} does not build harness/bench/go/timers.go: {problem.splitlines()[-1]}")
        built.append(program)
    return built


def measure(program, seconds, pattern):
    command = [program, "--benchmark_format=json", f"--benchmark_min_time={seconds}"]
    if pattern:
        command.append(f"--benchmark_filter={pattern}")
    ended = children.run(program.name, command, env=GO, timeout=LONGEST).expect()
    if not ended.out.strip():  # no benchmark matches the filter
        return {}
    try:
        return figures.from_google(ended.out)
    except figures.BadFigures as problem:
        raise children.Unavailable(f"{program.name}: {problem}") from None


def run(built, pattern):
    repetitions = []
    for number in range(ROUNDS):
        order = list(built)
        random.Random(number).shuffle(order)
        found = {}
        for program in order:
            found.update(measure(program, SECONDS, pattern))
        if not found:
            raise Refused(f"no benchmark matches {pattern!r}; names are such as Fifo/libev/1000000")
        say(f"    {number + 1} of {ROUNDS} repetitions")
        repetitions.append(found)
    return figures.gather(repetitions)


def smoke(built, left_out):
    for program in built:
        measure(program, 0.001, SMALLEST)
        print(f"{program.name} runs")
    for line in left_out:
        print(line)


def parse(arguments):
    parser = Parser(prog="scripts/bench", allow_abbrev=False)
    parser.add_argument("--programs", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--go", type=pathlib.Path)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--filter", default="")
    parser.add_argument("--compare", type=pathlib.Path)
    parser.add_argument("--check-only", action="store_true")
    options = parser.parse_args(arguments)
    try:
        re.compile(options.filter)
    except re.error as problem:
        raise Refused(f"{options.filter!r} is no regular expression ({problem}); write one such as 'Fifo/.*/1000$'") from None
    if options.smoke and (options.filter or options.compare):
        raise Refused("--smoke measures nothing; write it without --filter and --compare")
    return options, figures.load(options.compare) if options.compare else None


def main(arguments):
    options, old = parse(arguments)
    if options.check_only:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    built, left_out = programs(options.programs)
    if options.go:
        with_go = go_programs(options.go.resolve())
        built += with_go
        left_out += [] if with_go else [f"Go is left out: none is here; {toolchains.INSTALL}"]
    if options.smoke:
        smoke(built, left_out)
        return 0
    for line in left_out:
        say(f"    {line}")
    found = run(built, options.filter)
    not_drawn = None
    if options.filter:
        for name in found:
            print(f"{name}: {figures.median(found[name]):.4g} (spread {figures.spread(found[name]):.0%})")
    else:
        not_drawn = bench_page.write(options.out, found, left_out, ROUNDS, TURN)
        if not_drawn:
            say(f"scripts/bench: the plots are left out: {not_drawn}")
    worse = False
    if old:
        lines, worse = comparison.report(*old, pages.machine(), found)
        print("\n".join(lines))
    return 1 if worse else 3 if not_drawn else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Refused, figures.BadFigures, children.Unavailable, OSError) as problem:
        say(f"scripts/bench: {problem}")
        sys.exit(2)
