"""Runs the benchmark programs, round after round, and writes bench.md, bench.json and their plots.

    python3 -m evidence.bench.main --build DIR (--out DIR | --smoke | --check-only) [--go DIR] [--filter REGEX [--update]] [--compare OLD.json]

scripts/bench calls it. --go: where Go's programs are built. --update: the page gets what was measured, and keeps the rest.
Exit code: 0 done; 1 something got slower; 2 it could not run; 3 gnuplot is missing.
"""

import dataclasses
import pathlib
import random
import re
import shutil
import tempfile

from evidence.bench import comparison, detector_cost, figures, go_verdict, instructions, page as bench_page
from evidence.common import children, command_line, files, markdown
from evidence.common.words import Refused, say
from evidence.go import toolchains

NAME = "scripts/bench"
ROUNDS = 5
OFTEN = 3  # runs in a round, of which the fastest counts: what else a machine does only adds
CLOSE = ("turn_afterleak", "turn_no_census", "turn_no_counters", "turn_bare")  # their ratios are close to 1: as often again
LONG = "/10000000"  # takes others minutes: once, and in a separate process
DETECTOR_ROUNDS = 3  # each the median of some runs
SECONDS = 0.05  # that a benchmark is repeated for, at least
SMALLEST = "-/1[0]{4,}"
TURN = 100  # kTurn of operations.h
LONGEST = 600  # seconds of one program
GO = {"GODEBUG": "asynctimerchan=0"}  # Go 1.23's own timers, though go.mod names an older one; others do not know it
DETECTORS = re.compile(r"\^?(Cost|StartUp|Verdict|Instructions)\b")  # a filter that asks for figures of tools, which are no benchmarks


@dataclasses.dataclass
class Notes:
    """What the page says of the run besides its figures."""

    left_out: list
    silent: list = dataclasses.field(default_factory=list)  # detectors that ran and did not name the line
    updated: list = dataclasses.field(default_factory=list)  # operations that --update measured
    rounds: int = ROUNDS
    often: int = OFTEN
    turn: int = TURN
    messages: int = detector_cost.MESSAGES


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
    found = toolchains.find(work)
    if not found:
        return []
    source = work / "bench"
    source.mkdir(parents=True, exist_ok=True)
    shutil.copy(files.ROOT / "harness/bench/go/timers.go", source)
    (source / "go.mod").write_text(f"module bench\n\ngo {toolchains.OLDEST[0]}.{toolchains.OLDEST[1]}\n")
    built = []
    for toolchain in found:
        program = work / f"timers-{toolchain.version}"
        problem = toolchains.build(toolchain, source, work, program)
        if problem:
            raise Refused(f"Go {toolchain.version} does not build harness/bench/go/timers.go: {problem.splitlines()[-1]}")
        built.append(program)
    return built


def measure(program, seconds, pattern):
    command = [program, "--benchmark_format=json", f"--benchmark_min_time={seconds}"]
    if pattern:  # Google Benchmark's names have more behind them than ours
        command.append("--benchmark_filter=" + re.sub(r"(?<!\\)\$", "(/iterations:[0-9]+)?(/manual_time)?$", pattern))
    ended = children.run(program.name, command, env=GO, timeout=LONGEST).expect()
    if not ended.out.strip():  # no benchmark matches the filter
        return {}
    try:
        return figures.from_google(ended.out)
    except figures.BadFigures as problem:
        raise children.Unavailable(f"{program.name}: {problem}") from None


def run(built, pattern):
    """The repetitions of all programs that have a benchmark of that pattern: one {name: value} for each round."""
    repetitions = []
    for number in range(ROUNDS):
        order = [(one, pattern or "-" + LONG) for one in built for _ in range(OFTEN * (2 if one.name in CLOSE else 1))]
        if not pattern:
            order += [(one, LONG) for one in built if number == 0 or one.name.endswith("_afterleak")]
        random.Random(number).shuffle(order)
        found = figures.gather([measure(one, SECONDS, names) for one, names in order])
        if not found:
            raise Refused(f"no benchmark matches {pattern!r}; names are such as Fifo/libev/1000000")
        say(f"    {number + 1} of {ROUNDS} rounds")
        repetitions.append({name: min(values) for name, values in found.items()})
    return repetitions


def ask_detectors(build, go, notes):
    """The same of the detectors; writes down which of them are silent or left out."""
    repetitions = []
    with tempfile.TemporaryDirectory(prefix="afterleak-", ignore_cleanup_errors=True) as name:
        folder, programs_ = pathlib.Path(name), build / "harness/bench"
        for number in range(DETECTOR_ROUNDS):
            cost, cost_left_out = detector_cost.cost(programs_, folder)
            verdict, silent, verdict_left_out = detector_cost.verdict(build / "afterleak", build / "afterleak_lsan", folder)
            repetitions += [cost, verdict]
            say(f"    {number + 1} of {DETECTOR_ROUNDS} rounds of the detectors")
        counts, counts_left_out = instructions.of_a_turn(programs_, folder)
        in_go, go_silent, go_left_out = go_verdict.go_verdict(go, folder) if go else ({}, [], [])
    notes.silent = silent + go_silent
    notes.left_out += list(dict.fromkeys(cost_left_out + verdict_left_out + counts_left_out + go_left_out))
    return repetitions + [counts, in_go]


def smoke(built, left_out):
    for program in built:
        measure(program, 0.001, SMALLEST)
        print(f"{program.name} runs")
    for line in left_out:
        print(line)


def update(out, found, notes):
    """The figures of the run that wrote bench.json, with those of this one in their places."""
    machine, kept = figures.load(out / "bench.json")
    if machine != markdown.machine():
        raise Refused(f"{out}/bench.json was measured on another machine ({machine}), and cannot be updated here")
    silent, updated = figures.remarks(out / "bench.json")
    if not any(name.startswith("Verdict/") for name in found):
        notes.silent = silent
    notes.updated = sorted({*updated, *(re.split("[/_]", name)[0] for name in found)})
    return {**kept, **found}


def parse(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_out()
    parser.add_argument("--go", type=pathlib.Path)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--filter", default="")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--compare", type=pathlib.Path)
    parser.add_argument("--check-only", action="store_true")
    options = parser.parse_args(arguments)
    try:
        re.compile(options.filter)
    except re.error as problem:
        raise Refused(f"{options.filter!r} is no regular expression ({problem}); write one such as 'Fifo/.*/1000$'") from None
    if options.smoke and (options.filter or options.compare):
        raise Refused("--smoke measures nothing; write it without --filter and --compare")
    if options.update and not options.filter:
        raise Refused("--update needs --filter REGEX: what is to be measured again")
    if not (options.check_only or options.build and (options.out or options.smoke)):
        raise Refused("it takes --build with --out or --smoke, or --check-only")
    return options, figures.load(options.compare) if options.compare else None


def main(arguments):
    options, old = parse(arguments)
    if options.check_only:
        return 0
    build = options.build.resolve()
    built, left_out = programs(build / "harness/bench")
    go = options.go.resolve() if options.go else None
    if go:
        with_go = go_programs(go)
        built += with_go
        left_out += [] if with_go else [f"Go is left out: none is here; {toolchains.INSTALL}"]
    if options.smoke:
        smoke(built, left_out)
        return 0
    for line in left_out:
        say(f"    {line}")
    notes = Notes(left_out)
    only_detectors = DETECTORS.match(options.filter)
    repetitions = ask_detectors(build, go, notes) if only_detectors or not options.filter else []
    if not only_detectors:
        repetitions += run(built, options.filter)
    found = figures.gather(repetitions)
    not_drawn = None
    if options.filter:
        for name in found:
            if re.search(options.filter, name):
                print(f"{name}: {figures.median(found[name]):.4g} (spread {figures.spread(found[name]):.0%})")
    if options.update or not options.filter:
        not_drawn = bench_page.write(options.out, update(options.out, found, notes) if options.update else found, notes)
        if not_drawn:
            say(f"{NAME}: the plots are left out: {not_drawn}")
    worse = False
    if old:
        lines, worse = comparison.report(*old, markdown.machine(), found)
        print("\n".join(lines))
    return 1 if worse else 3 if not_drawn else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
