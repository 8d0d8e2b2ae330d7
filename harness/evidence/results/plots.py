"""Draws live and abandoned timers over virtual time, leaky against fixed: DIR/plots/PATTERN.WORKLOAD.svg.

    python3 -m evidence.results.plots --program AFTERLEAK --out DIR

Exit code: 0 all drawn; 2 it could not run; 3 gnuplot is missing or broken, which it says in one line.
"""

from evidence.common import command_line, gnuplot, runs
from evidence.common.words import say

NAME = "scripts/reproduce"


def seconds(ns):
    return f"{ns / 1e9:g}"


def deadlines(run):
    """Of the timers that are armed first, the instants at which they are due and their lines: {instant: "file:line"}."""
    first = {}
    for life in run["journal"]:
        if life["armed_ns"] == run["journal"][0]["armed_ns"] and life["deadline_ns"] is not None:
            first.setdefault(life["deadline_ns"], f"{life['file']}:{life['line']}")
    return {at: line for at, line in first.items() if at <= run["for_ns"]}


def body(both):
    leaky = both["leaky"]
    top = max(1, max(s["live"] for run in both.values() for s in run["samples"]))
    text = f"set xrange [0:{seconds(leaky['for_ns'])}]\n"
    for number, (at, line) in enumerate(sorted(deadlines(leaky).items())):
        text += (f"set arrow from {seconds(at)}, graph 0 to {seconds(at)}, graph 1 nohead back linewidth 1 dashtype 3 "
                 f"linecolor '{gnuplot.GREY}'\n"
                 f"set label {gnuplot.quote('due: ' + line)} at {seconds(at)}, graph {0.97 - 0.07 * number:g} offset 0.5,0 "
                 f"noenhanced font ',11' textcolor '{gnuplot.GREY}'\n")
    curves = []
    for side, colour in (("leaky", gnuplot.RED), ("fixed", gnuplot.BLUE)):
        samples = both[side]["samples"]
        text += gnuplot.block(side, [(seconds(s["t_ns"]), s["live"], s["abandoned"]) for s in samples])
        curves.append(f"${side} using 1:2 with steps linewidth 2.5 linecolor '{colour}' title '{side}: live'")
        if side == "leaky":
            curves.append(f"${side} using 1:3 with steps linewidth 2 dashtype 2 linecolor '{gnuplot.ORANGE}' title 'leaky: abandoned'")
    if top < 8:
        text += "set ytics 1\n"
    return text + "plot " + ", \\\n  ".join(curves) + "\n"


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    folder = options.out / "plots"
    folder.mkdir(exist_ok=True)
    try:
        draw(folder, options.program)
    except gnuplot.NotDrawn as reason:
        say(f"{NAME}: the plots are left out: {reason}")
        return 3
    return 0


def draw(folder, program):
    for pattern in runs.patterns(program):
        for workload in pattern["workloads"]:
            both = {side: runs.run(program, pattern["name"], side, workload) for side in runs.SIDES}
            gnuplot.draw(folder / f"{runs.stem(pattern['name'], workload)}.svg", f"{pattern['name']}, {workload}",
                         "virtual time, seconds (dotted: deadlines of the first timers)", "timers", body(both))


if __name__ == "__main__":
    command_line.main(NAME, main)
