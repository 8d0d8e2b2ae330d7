"""Writes go_parity.md and its plots."""

import re
import statistics

from evidence.common import gnuplot
from evidence.common.files import write_whole
from evidence.common.markdown import machine, table
from evidence.go import compare


def column(run):
    return run.toolchain.version, run.godebug


def title(key, toolchain_has_both):
    version, godebug = key
    return f"Go {version}" + (f", {godebug}" if toolchain_has_both else "")


class Grid:
    """The runs by case, side and column: those with go122's timers first."""

    def __init__(self, runs):
        self.at = {(r.case, r.side, column(r)): r for r in runs}
        self.modes = {}
        both = {r.toolchain.version for r in runs if len(r.toolchain.configurations()) == 2}
        for run in runs:
            self.modes.setdefault(run.mode, {})[column(run)] = title(column(run), run.toolchain.version in both)
        self.rows = list(dict.fromkeys((r.case, r.side) for r in runs))

    def runs(self, case, side, mode=None):
        return [self.at[case, side, key] for m, keys in self.modes.items() if mode in (None, m) for key in keys]


def joined(numbers):
    return ", ".join("?" if n is None else f"{n:,}" for n in numbers)


def main_table(grid):
    head, rows = ["pattern", "workload", "side"], []
    for mode, keys in grid.modes.items():
        head += [f"port, {mode}", *keys.values()]
    head += ["tolerance", "verdict"]
    for case, side in grid.rows:
        row = [case.pattern, case.workload, side]
        for mode in grid.modes:
            runs = grid.runs(case, side, mode)
            row += [joined(runs[0].outcome.expected), *(joined(r.outcome.numbers) for r in runs)]
        held = compare.HELD_BY_GO.get((case.pattern, side))
        row.append(f"{case.tolerance:.0%}" if case.tolerance else f"exact, +{held} (a)" if held else "exact")
        bad = sum(not r.outcome.ok for r in grid.runs(case, side))
        row.append(f"**{bad} not within**" if bad else "same" if not held else "same but for (a)")
        rows.append(row)
    return table(head, rows)


def span(times):
    """From the least to the most, in seconds, of times in milliseconds."""
    least, most = (f"{choose(times, default=0) / 1000:.2f}" for choose in (min, max))
    return "" if not times else f"{least} s" if least == most else f"{least} to {most} s"


def curve_table(grid):
    rows = []
    for case, side in grid.rows:
        for mode in grid.modes:
            outcomes = [r.outcome for r in grid.runs(case, side, mode)]
            total, clean, agree = (sum(getattr(o, name) for o in outcomes) for name in ("total", "clean", "agree"))
            released = [o.released.t for o in outcomes if o.released]
            port = [o.port_released.t for o in outcomes if o.port_released]
            rest = "never any" if not any(p.port for r in grid.runs(case, side, mode) for p in r.points) else "never"
            rows.append([case.pattern, case.workload, side, mode, f"{total:,}", f"{clean:,}",
                         f"{agree / clean:.1%}" if clean else "none", f"{max(o.worst for o in outcomes):,}",
                         span(port) or rest, span(released) or rest])
    return table(["pattern", "workload", "side", "timers", "samples of Go", "clean", "of those exactly the port's", "most off by",
                  "port: nothing live from", "Go: nothing live from"], rows)


def bytes_table(grid, ports):
    rows = []
    for case, side in grid.rows:
        mode = "go122"
        if side != "leaky" or ports[case, side, mode][1] is None:
            continue
        cells = []
        for run in grid.runs(case, side, mode):
            found = compare.leaked_bytes(run.samples)
            cells.append(f"{found[0]:.0f}" + (f" + {found[1]:.0f}" if found[1] else "") if found else "none")
        of = "registration" if case.pattern == "signal_registration" else "timer"
        rows.append([case.pattern, case.workload, of, f"{ports[case, side, mode][1]:.0f}", *cells])
    return table(["pattern", "workload", "one", "port, go122", *grid.modes.get("go122", {}).values()], rows)


TEXT = """# The port beside real Go

Written by `./scripts/go-parity`; do not edit. Measured on the real clock, so no two runs are alike in every number.

{machine}; load average {load:.1f} when it began. Go {versions}. {within} of {all} runs are within tolerance; {took:.0f} s.

## Live timers and registrations

At a tenth of the articles' durations: poll 300 ms, give up after 3 s, sessions of 3 s. *go122* and *go123* are the port's two
modes for timers; beside each stand the versions of Go that have such timers. Where the number changes in steps, each step:
`early_return calls:1000` and `signal_before_expiry signal@250ms` before 300 (250) ms, up to 3 s, and after 3 s;
`signal_registration` grows forever: at 3 s and at 6 s; the fixed `looping_select` before 3 s and after. The others: from 3 s on,
when the first timers for giving up have ended.

{main}
(a) After `signal.Stop` Go's package os/signal still refers to one channel: `Stop` removes it from a list whose array keeps the
pointer until the next `Stop`. It is one channel at any time and no registration, so the port has none.

## Tolerances

- **exact**: one sample of Go may be blurred, by a late message, a late timer, or a turn during garbage collection. So a sample
  is taken half way between two turns; it is *clean* if no turn fell in its garbage collection, if the collection began and
  ended between the two instants that the workload sets, and if as many turns had been made as the workload says by then, by one
  poll before and by one give-up before (a timer of a late turn ends late). None of that looks at the number of timers. The
  number in the table is the most frequent one of the clean samples, and it must be the port's number.
- **3 %** at 1,000/s: a turn lasts 1 ms, which is no longer than a collection and the lateness of a sleep on a loaded machine. Each
  ms of that moves 2 of 3,300 timers; the median of the samples may be 3 % off, which is 50 ms. Both timers of each turn during
  a collection are taken off, since what is allocated during a collection counts as live.
- **the curve**: no clean sample may be more than 4 timers (two turns) off the port's number for its turn, or 3 % of the most. In
  Go 1.23, up to a quarter of the timers in the queue may be ones that nobody hears: they are removed a few at a time.
- **the release**: the first of the samples without a live timer may be 300 ms (a tenth) from the port's, which is 3 samples, or one
  when idle. A timer that was stopped stays on Go's heap until a processor next looks through its queue.
  *never*: something is live at the end. *never any*: the port has nothing live at any sample.
- **bytes** are shown and not judged: another language's objects have other sizes.

## The go line decides

What Go 1.23 changed is not a matter of the toolchain alone. Where GODEBUG says nothing, the `go` line in go.mod of the main module
decides, and a program whose line is older keeps the timers of Go 1.22 ([release notes](https://go.dev/doc/go1.23#timer-changes)). The
leaky `early_return`, after 1,000 calls:

{lines}
Go 1.27 has no such choice any more: [asynctimerchan is removed](https://go.dev/doc/go1.27#runtime)
([proposal](https://github.com/golang/go/issues/76472)). It also has a
[goroutine leak profile](https://go.dev/doc/go1.27#goroutineleak-profiles) ([proposal](https://github.com/golang/go/issues/74609)), which
finds goroutines that can never run on, and no timers.

## The program as printed

Article A's program is not built by any Go. `harness/evidence/go/printed.py` has a shorter one with the same faults:

{printed}
## The curve, and the time until all is released

All samples of all versions of Go with such timers. Idle loops are compared turn by turn, since each time-out is late a little and
the next one starts from there: by the last turn that came to {drift}.

{curve}
## Bytes of one leaked timer or registration

Go: its objects on the heap (a timer, its channel and the channel's slot; for a registration its channel, the slot and the
table of os/signal), and after the + its share of the run-time's list of timers. Port: what operator new was asked for.

{bytes}
## How it is measured

`runtime.MemProfile` with `MemProfileRate` 1 after `runtime.GC`: objects on the heap that were allocated in the pattern's function, by
what allocated them. The instant of a sample is the end of the garbage collection as the run-time tells it. What mode Go's timers
are in is asked of a timer's channel, not believed of GODEBUG. Runs with too few clean samples were repeated, never ones with a
wrong number; {repeated} were. The port runs in virtual time.
{plots}"""


def lines_table(lines):
    return table(["Go", "`go` line", "timers as in", "live"], [[b.version, f"`go {b.line}`", b.mode, f"{b.live:,}"] for b in lines])


def printed_table(as_printed):
    return table(["the program as printed", "its compiler says"],
                 [[f"Go {version}", "; ".join(faults) or "nothing: it is built"] for version, faults in as_printed.items()])


def drift(grid):
    found = [abs(r.points[-1].t - (r.samples[len(r.points) - 1]["turns"] + 0.5) * r.case.interval)
             for case, side in grid.rows if case.anchored(side) for r in grid.runs(case, side)]
    return f"{statistics.median(found):.0f} ms (median)" if found else "nothing"


PORT = (gnuplot.BLUE, gnuplot.VIOLET)
GO = (gnuplot.ORANGE, gnuplot.GREEN, gnuplot.RED, gnuplot.GREY)


def plot(grid, case, ports, out):
    """The name of the plot of the case's leaky side."""
    name = f"{case.pattern}.{re.sub('[^a-z0-9]+', '-', case.workload)}.svg"
    lines, data = [], []
    for number, mode in enumerate(grid.modes):
        port = ports[case, "leaky", mode][0]
        step = max(1, len(port) // 600)
        data.append(gnuplot.block(f"port{number}", [(f"{t / 1e9:.4f}", live * case.scale) for t, live in list(port.items())[::step]]))
        lines.append(f"$port{number} with steps linewidth 2 linecolor '{PORT[number]}' title 'port, {mode}'")
        for index, (key, text) in enumerate(grid.modes[mode].items()):
            run = grid.at[case, "leaky", key]
            data.append(gnuplot.block(f"go{number}_{index}", [(f"{p.t / 1000:.4f}", p.live) for p in run.points]))
            lines.append(f"$go{number}_{index} with points pointtype {4 + 2 * index} pointsize 0.6 "
                         f"linecolor '{GO[(number * 3 + index) % len(GO)]}' title '{text}'")
    gnuplot.draw(out / name, f"{case.pattern}, {case.workload}, leaky side", "seconds", "live",
                 "set bmargin 8\n" + "".join(data) + "plot " + ", \\\n  ".join(lines) + "\n")
    return name


def write(out, runs, ports, found, load, took, lines, as_printed):
    grid = Grid(runs)
    plots = ""
    try:
        (out / "go_parity").mkdir(exist_ok=True)
        names = [plot(grid, case, ports, out / "go_parity") for case in dict.fromkeys(c for c, _ in grid.rows)]
        plots = "\n## Plots: the leaky sides\n\nLines: the port. Points: all samples of Go, the blurred ones too.\n\n" + "".join(
            f"![{name[:-4]}](go_parity/{name})\n" for name in names)
    except gnuplot.NotDrawn as reason:
        print(f"scripts/go-parity: the plots are left out: {reason}")
    text = TEXT.format(machine=machine(), load=load, took=took, plots=plots, versions=", ".join(t.version for t in found),
                       within=sum(r.outcome.ok for r in runs), all=len(runs), repeated=sum(r.attempts > 1 for r in runs),
                       lines=lines_table(lines), printed=printed_table(as_printed),
                       main=main_table(grid), curve=curve_table(grid), bytes=bytes_table(grid, ports), drift=drift(grid))
    write_whole(out / "go_parity.md", text)
