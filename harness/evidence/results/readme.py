"""Writes DIR/README.md, the page that a reader of results/ lands on.

    python3 -m evidence.results.readme --program AFTERLEAK --out DIR
"""

from evidence.common import command_line, files, markdown, runs

NAME = "scripts/reproduce"

HEAD = """# What the pairs do in virtual time

Written by `./scripts/reproduce`; do not edit. Nothing on this page depends on the machine: each run gives the same bytes.

Every pattern runs for a minute of virtual time. *Live* timers are armed and have not ended; *abandoned* ones are live, and nobody
can hear them any more. *Byte-seconds lost* is what that costs: the bytes of each abandoned timer times the seconds it had left.

| page | what it holds |
|---|---|
| [index.html](index.html) | the timers themselves: pick a pattern, drag through time (one file; open it in a browser) |
| [detectors.md](detectors.md) | what Valgrind, LeakSanitizer, gperftools and heaptrack say about each pair, with the evidence; \
[the same on event loops](detectors_loops.md) |
| [reports.md](reports.md) | programs after public bug reports, and what the judge says of each; [what leak detectors \
say](detectors_reports.md) |
| [claims.md](claims.md) | what the two articles claim, and what was found |
| [diffs.md](diffs.md) | what each fix changes |
| [find_it.md](find_it.md) | the same leak in your code: Go, Asio, libuv, libevent, GLib, Qt, timerfd, POSIX timers, with a test for each |
| [watch.md](watch.md) | what `afterleak watch` says of real programs, and of programs that know the truth about their timers; \
[what it costs them](watch_cost.md) |
| [go_parity.md](go_parity.md), [conformance.md](conformance.md) | the same patterns and the rules under real Go |
| [bench.md](bench.md) | timers, whole turns, allocators and leak detectors side by side: libev, libevent, libuv, Asio, GLib, Go, tcmalloc, \
jemalloc, Valgrind and others |
| [timelines/](timelines/) | the samples of every run, as CSV |
| [traces/](traces/) | the life of every timer on a time axis: open a file in ui.perfetto.dev or chrome://tracing |

*What a machine's speed, libraries or tools decide is on the pages detectors.md, detectors_loops.md, detectors_reports.md, bench.md, \
go_parity.md, conformance.md, watch.md and watch_cost.md, which name it.*
"""

SECTION = """
### {name}

The pattern: {summary}.

{plots}
{table}
What to conclude:

{verdicts}- {go123}
- {fix} [The difference](diffs.md#{name}).
- What both sides do: {work}

To reproduce: `.build/release/afterleak compare {name} --workload {last}`. Timer by timer: [on the page](index.html#{name}), or \
[as a trace](traces/{name}.trace.json) of `{story}`.

On the heap, by the figures of Massif and gperftools on the machine that [detectors.md](detectors.md) names:

![{name}: bytes on the heap over time](detectors/{name}.heap.svg)
"""

COLLECTED = ("With timers as in Go 1.23 (and a `go` line of 1.23 or later, [which decides](go_parity.md#the-go-line-decides)) the leaky side is "
             "bounded too: they are collected when nobody can hear them.")
KEPT = "Timers as in Go 1.23 do not help: what is left behind is no timer that could be collected."

TAIL = """
## Make all of this again

`./scripts/reproduce` writes every page here but those of real Go; `./scripts/reproduce all` writes those too.
"""

COLUMNS = {"workload": "---", "side": "---", "timers": "---", "peak live": "--:", "peak abandoned": "--:", "live at end": "--:",
           "byte-seconds lost": "--:", "verdict": "---"}


def row(run):
    return [f"`{run['workload']}`", run["variant"], run["timers"], str(run["peak_live"]), str(run["peak_abandoned"]),
            str(run["samples"][-1]["live"]), f"{run['byte_seconds_lost']:.0f}", "**leak**" if run["verdict"] == "leak" else "bounded"]


def uncapitalized(text):
    return text[0].lower() + text[1:]


def section(program, pattern):
    name = pattern["name"]
    made = [runs.run(program, name, side, workload, mode)
            for workload in pattern["workloads"] for mode in runs.MODES for side in runs.SIDES]
    collected = all(run["verdict"] == "bounded" for run in made if run["timers"] == "go123")
    stems = [runs.stem(name, workload) for workload in pattern["workloads"]]
    return SECTION.format(
        name=name, summary=pattern["summary"], fix=pattern["fix"], work=uncapitalized(pattern["work"]),
        story=pattern["story"], last=pattern["workloads"][-1],
        plots="".join(f"![{stem}: live and abandoned timers over time](plots/{stem}.svg)\n" for stem in stems),
        table=markdown.table(list(COLUMNS), [row(run) for run in made], list(COLUMNS.values())),
        verdicts="".join(f"- `{run['workload']}`, {run['variant']}: {run['why']}.\n" for run in made if run["timers"] == "go122"),
        go123=COLLECTED if collected else KEPT)


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    patterns = runs.patterns(options.program)
    parts = [HEAD]
    for article, title in runs.ARTICLES.items():
        parts.append(f"\n## {title}\n\n{runs.SOURCES[article]}\n")
        parts += [section(options.program, pattern) for pattern in patterns if pattern["article"] == article]
    files.write_whole(options.out / "README.md", "".join(parts) + TAIL)
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
