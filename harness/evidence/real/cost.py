"""Writes DIR/watch_cost.md: what `afterleak watch` costs real programs, and heaptrack and Massif beside it on the same load.

    python3 -m evidence.real.cost --program AFTERLEAK --out DIR

Every tool watches every program, round after round; a figure is the median. Processor time is that of all processes and threads of the
tool and the program, between the first request and the last answer: neither start nor end is in it. Each tool has to show that it saw
the load. What is not installed here is left out, and the page says so.
"""

import dataclasses
import json
import pathlib
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable

from evidence.common import children, command_line, files, markdown
from evidence.common.children import Unavailable
from evidence.common.words import say
from evidence.detectors.massif import held_bytes
from evidence.real import loads, session

NAME = "scripts/bench"
ROUNDS = 3
OFTEN = 5  # runs in a round of the two whose ratio is close to 1
STARTS = 21
GOALS = {"cpu": 1.15, "wall": 1.10, "start": 20}  # of nghttpx, times; milliseconds

PAGE = """# What `afterleak watch` costs

Written by `./scripts/bench watch`; do not edit. Machine: {machine}.

Each program has the same load alone and under each tool. *CPU* is the processor time of all processes and threads of the tool and the
program together, between the first request and the last answer; *wall* is the time from one to the other, which depends on who asks, too.
`x 1.10` is 1.10 times as long as with nothing. {rounds} rounds in another order each, with {often} runs of each load with nothing and under
`afterleak watch`, and one under the others; every figure is the median of all runs, and the spread is (largest - smallest) / median of
those with nothing.

## Under load

{load}
The goals are for nghttpx at 100,000 requests a second, which is about what it comes to with one request of a client at a time:

{goals}
With ten at a time it comes to more, for it reads and writes less often. What it does for a timer stays the same, so that weighs more:

{beyond}
## To start and to end

`true`, started {starts} times, in milliseconds of real time and of processor time.

{start}{left_out}"""


# ---- Tools: what stands before the program, and how each shows that it saw the load

@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    before: Callable  # before(out): the words; out is where it writes
    saw: Callable = lambda out: True


def watch_saw(out):
    return sum(site["armed"] for site in json.loads(out.read_text())["sites"]) > 0


def heaptrack_saw(out):
    return any(path.stat().st_size > 1000 for path in out.parent.glob(f"{out.name}.*"))


def massif_saw(out):
    return max(held_bytes(out.read_text()), default=0) > 0


def tools(program):
    return [Tool("nothing", lambda out: []),
            Tool("afterleak watch", lambda out: [program, "watch", "--json", out], watch_saw),
            *([Tool("heaptrack", lambda out: ["heaptrack", "-o", out], heaptrack_saw)] if shutil.which("heaptrack") else []),
            *([Tool("Massif", lambda out: ["valgrind", "--tool=massif", f"--massif-out-file={out}"], massif_saw)]
              if shutil.which("valgrind") else [])]


@dataclasses.dataclass
class Cost:
    cpu: list = dataclasses.field(default_factory=list)  # seconds
    wall: list = dataclasses.field(default_factory=list)


def measure(load, tool, folder):
    out = folder / "out"
    ended = session.run(load, tool.before(out))
    if not tool.saw(out):
        raise Unavailable(f"{tool.name} did not see the load of {load.name}")
    for path in folder.iterdir():
        path.unlink()
    return ended.seen


def under_load(asked, of_tools):
    """{load: {tool: Cost}}."""
    found = {load: {tool.name: Cost() for tool in of_tools} for load in asked}
    with tempfile.TemporaryDirectory(prefix="afterleak-cost-") as name:
        for number in range(ROUNDS):
            order = [(load, tool) for load in asked for tool in of_tools for _ in range(OFTEN if tool in of_tools[:2] else 1)]
            random.Random(number).shuffle(order)
            for load, tool in order:
                try:
                    seen = measure(load, tool, pathlib.Path(name))
                except Unavailable as problem:  # such as memcached, which does not start under Valgrind
                    say(f"    {load.name} under {tool.name}: {problem}")
                    continue
                found[load][tool.name].cpu.append(seen.cpu)
                found[load][tool.name].wall.append(seen.wall)
            say(f"    {number + 1} of {ROUNDS} rounds")
    return found


def starts(of_tools):
    """{tool: Cost} of a program that does nothing."""
    found = {tool.name: Cost() for tool in of_tools}
    with tempfile.TemporaryDirectory(prefix="afterleak-cost-") as name:
        for _ in range(STARTS):
            for tool in of_tools:
                began = time.monotonic()
                ended = children.run(tool.name, [*tool.before(pathlib.Path(name) / "out"), "true"])
                found[tool.name].wall.append(time.monotonic() - began)
                found[tool.name].cpu.append(ended.cpu)
    return found


# ---- The page

def times(values, bare):
    return "does not run" if not values else f"x {statistics.median(values) / statistics.median(bare):.2f}"


def spread(values):
    return f"{(max(values) - min(values)) / statistics.median(values):.0%}"


def load_table(found):
    rows = []
    for load, costs in found.items():
        bare = costs["nothing"]
        rows.append([f"{load.name}: {load.does}", f"{statistics.median(bare.cpu):.2f} s", spread(bare.cpu),
                     *(times(cost.cpu, bare.cpu) for name, cost in costs.items() if name != "nothing"),
                     f"{statistics.median(bare.wall):.2f} s", spread(bare.wall),
                     *(times(cost.wall, bare.wall) for name, cost in costs.items() if name != "nothing")])
    names = [name for name in next(iter(found.values())) if name != "nothing"]
    return markdown.table(["load", "CPU, nothing", "spread", *names, "wall, nothing", "spread", *names], rows)


def ratio(costs, what):
    return statistics.median(getattr(costs["afterleak watch"], what)) / statistics.median(getattr(costs["nothing"], what))


def rate(load, costs):
    """Requests a second, with nothing."""
    return f"{loads.REQUESTS_OF[load.name] / statistics.median(costs['nothing'].wall):,.0f} a second"


def goals_table(found, started):
    rows = [[f"{load.name}, {what}", rate(load, costs), f"at most {GOALS[what]:.2f} times", f"{ratio(costs, what):.2f} times",
             ratio(costs, what) <= GOALS[what]]
            for load, costs in found.items() if load in loads.AT_THE_GOAL for what in ("cpu", "wall")]
    more = 1000 * (statistics.median(started["afterleak watch"].wall) - statistics.median(started["nothing"].wall))
    rows.append(["start of a process", "", f"at most {GOALS['start']} ms more", f"{more:.0f} ms", more <= GOALS["start"]])
    return markdown.table(["what", "load", "goal", "measured", ""], [[*row, "met" if met else "**not met**"] for *row, met in rows])


def beyond_table(found):
    return markdown.table(["what", "load", "CPU", "wall"], [[load.name, rate(load, costs), f"{ratio(costs, 'cpu'):.2f} times",
                                                             f"{ratio(costs, 'wall'):.2f} times"]
                                                            for load, costs in found.items() if load in loads.BEYOND_IT])


def start_table(found):
    return markdown.table(["tool", "wall", "CPU"], [[name, *(f"{1000 * statistics.median(values):.0f} ms" for values in (cost.wall, cost.cpu))]
                                                    for name, cost in found.items()])


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_program(required=True)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    of_tools = tools(options.program)
    here = [load for load in loads.LOADS if not load.missing()]
    left_out = sorted({package for load in loads.LOADS for package in load.missing()})
    started = starts(of_tools)
    found = under_load(here, of_tools)
    text = PAGE.format(machine=markdown.machine(), rounds=ROUNDS, often=OFTEN, starts=STARTS, load=load_table(found),
                       goals=goals_table(found, started), beyond=beyond_table(found), start=start_table(started),
                       left_out=f"\nLeft out, as they are not installed here: {', '.join(left_out)}.\n" if left_out else "")
    files.write_whole(options.out / "watch_cost.md", text)
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
