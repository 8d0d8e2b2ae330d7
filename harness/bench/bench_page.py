"""Writes bench.md, bench.json and the plots."""

import figures
import gnuplot
import goals
import pages

SIZES = (1_000, 100_000, 1_000_000, 10_000_000)
OPERATIONS = {
    "Fifo": "one timer is armed and one expires; all have the same duration, as in the leak",
    "ArmStop": "a timer is armed and stopped at once",
    "ArmStopFunc": "the same in Go with `AfterFunc`",
    "Churn": "any of the live timers is stopped and armed anew",
    "Arm": "one of so many timers is armed, with none to begin with",
    "FireAll": "one of so many timers with random deadlines expires",
    "Bytes": "bytes of the heap per live timer, with the timer itself",
    "BytesChurned": "the same after as many timers as are live were stopped and armed anew: what is stopped and not freed counts",
}
GO = ("Go's scheduler, which this does not wait for",
      "heap of 4 children; `NewTimer` (made anew in ArmStop and Bytes, channel included), `Stop`, `Reset`")
PEERS = {  # how its loop is driven, and what it is
    "afterleak": ("`TimerQueue::PopDue` until none is due", "radix queue of intrusive lists"),
    "libev": ("`ev_run(EVRUN_NOWAIT)`", "heap of 4 children; `ev_timer_start`, `ev_timer_stop`"),
    "libevent": ("`event_base_loop(EVLOOP_NONBLOCK)`", "binary heap; `event_add`, `event_del`"),
    "libevent_common": ("`event_base_loop(EVLOOP_NONBLOCK)`", "a list for one duration, announced by `event_base_init_common_timeout`"),
    "libuv": ("`uv_run(UV_RUN_NOWAIT)`", "binary heap of linked nodes; `uv_timer_start`, `uv_timer_stop`"),
    "asio": ("`io_context::poll`", "binary heap; `async_wait`, `cancel`, which runs the handler; no locks (`ASIO_CONCURRENCY_HINT_UNSAFE`)"),
    "glib": ("`g_main_context_iteration(FALSE)`", "a list, all of it looked at in each turn; `g_timeout_source_new`, `g_source_destroy`"),
    "multimap": ("erases the first until none is due", "`std::multimap`, balanced tree; `emplace`, `erase`"),
    "priority_queue": ("pops until none is due", "`std::priority_queue`; a stopped timer stays until it is due or half of the heap is stopped"),
    "go1.19": GO, "go1.22": GO, "go1.23": GO,
}
COLOURS = {"afterleak": gnuplot.RED, "libev": gnuplot.BLUE, "asio": gnuplot.ORANGE, "libuv": gnuplot.GREEN,
           "libevent": gnuplot.VIOLET, "libevent_common": gnuplot.VIOLET}

HEAD = """# Benchmarks

What the timer queue costs, beside the timers that C and C++ programs use, in one run; written by `./scripts/bench`.
Measured on: {machine}.
"""

HOW = """## How it was measured

- {rounds} repetitions; each figure is their median. A repetition is a process for each peer, and the order of the peers changes from
  one repetition to the next. The spread is (largest - smallest) / median: half of all times have at most {typical:.0%}, the noisiest is
  {worst} with {worst_spread:.0%}.
- The same code measures everybody (`harness/bench/timer_queue/operations.h`): processor time of the thread, kernel included.
- Everybody reads the same virtual clock, which replaces `clock_gettime` and `gettimeofday` in the program, so that reading time costs
  a function call at most. Before anything is measured each program shows that a timer of 30 s expires without waiting.
  `timerfd_create` is refused, so that Asio looks at its queue instead of asking the kernel.
- {turn} operations to one turn of the loop, in which the peers ask the kernel for events; ours has none to ask. Timers are due
  one millisecond apart, because libuv and GLib count in milliseconds. In Churn the clock moves by a microsecond per operation.
- Fifo of afterleak covers each live timer once per measurement: a radix queue moves many timers at once, now and then.
- Go is on its own clock, on one processor and with its garbage collector; real time, up to 1,000,000 live timers.
- Bytes: what the C library's heap holds (`mallinfo2`: small blocks and mapped ones), after all are armed; of Go, its heap after a collection.
- Every timer that expires calls a callback. The two containers keep it in an object per timer, as the libraries do.
- GLib is measured with 1,000 timers only: each turn of its loop looks at all of them. Arm and FireAll end at 1,000,000: more take
  some peers ten seconds and longer. libevent_common has one duration, so it has no FireAll.{absent}
"""


def peers_of(found, operation):
    return [peer for peer in PEERS if any(f"{operation}/{peer}/{size}" in found for size in SIZES)]


def factor(found, operation, peer, size):
    ours = found.get(f"{'ArmStop' if operation == 'ArmStopFunc' else operation}/afterleak/{size}")
    theirs = found.get(f"{operation}/{peer}/{size}")
    return f"{figures.median(theirs) / figures.median(ours):.1f}" if ours and theirs else ""


def ratios(found):
    rows = []
    others = [peer for peer in PEERS if peer != "afterleak" and any(peer in peers_of(found, each) for each in OPERATIONS)]
    for operation in OPERATIONS:
        for size in SIZES:
            cells = [factor(found, operation, peer, size) for peer in others]
            if any(cells):
                rows.append([operation, f"{size:,}", *cells])
    return pages.table(["operation", "live timers", *others], rows)


def value(found, name):
    values = found.get(name)
    if not values:
        return ""
    text = f"{figures.median(values):.3g}" if figures.median(values) < 1000 else f"{figures.median(values):,.0f}"
    return text if figures.spread(values) < 0.005 else f"{text} ±{figures.spread(values) / 2:.0%}"


def absolute(found, operation):
    peers = peers_of(found, operation)
    return pages.table(["live timers", *peers], [[f"{size:,}", *(value(found, f"{operation}/{peer}/{size}") for peer in peers)]
                                                for size in SIZES if any(f"{operation}/{peer}/{size}" in found for peer in peers)])


def others(found):
    """What has no peer: the loops of turn_bench and pairs_bench."""
    names = sorted(name for name in found if name.partition("/")[0] not in OPERATIONS)
    return pages.table(["benchmark", "nanoseconds", "spread"], [[name, f"{figures.median(found[name]):,.0f}", f"{figures.spread(found[name]):.0%}"]
                                                              for name in names if not name.startswith(("AfterBy", "AfterBl"))])


def met(outcome):
    return {True: "met", False: "**not met**", None: ""}[outcome.met]


def text(machine, found, left_out, rounds, turn, plots):
    outcomes = goals.outcomes(found)
    measured = [each for each in outcomes if each.met is not None]
    times = {name: figures.spread(values) for name, values in found.items() if not name.startswith(("Bytes", "AfterB"))}
    worst = max(times, key=times.get)
    absent = "".join(f"\n- {line[0].upper()}{line[1:]}." for line in left_out)
    parts = [
        HEAD.format(machine=machine),
        f"## Goals\n\n{sum(each.met for each in measured)} of {len(measured)} are met. A factor says how many times as long as afterleak the "
        "peer takes, with 1,000,000 live timers.\n\n"
        + pages.table(["what", "goal", "measured", ""], [[each.what, each.goal, each.measured, met(each)] for each in outcomes]),
        "## How many times as long, or as much, the peer takes\n\n" + ratios(found),
        *(f"![{operation}](bench/{operation.lower()}.svg)\n" for operation in plots),
        "## Absolute\n\nNanoseconds for one operation, or bytes; ± is half of the spread.\n",
        *(f"### {operation}\n\n{what[0].upper()}{what[1:]}.\n\n{absolute(found, operation)}" for operation, what in OPERATIONS.items()
          if peers_of(found, operation)),
        "### The loops\n\nReal time: what [one turn](../harness/bench/turn_bench.cc) costs, the census on, and "
        "[whole runs](../harness/bench/pairs_bench.cc) of the looping select.\n\n" + others(found),
        HOW.format(rounds=rounds, turn=turn, typical=figures.median(list(times.values())), worst=f"`{worst}`", worst_spread=times[worst],
                   absent=absent),
        pages.table(["peer", "one turn of its loop", "its timers"], [[peer, *PEERS[peer]] for peer in PEERS]),
    ]
    return "\n".join(parts)


def body(found, operation):
    curves = []
    blocks = ""
    for peer in peers_of(found, operation):
        name = peer.replace(".", "_")  # gnuplot's names have no dots
        rows = [(size, f"{figures.median(found[f'{operation}/{peer}/{size}']):.4g}") for size in SIZES if f"{operation}/{peer}/{size}" in found]
        blocks += gnuplot.block(name, rows)
        width, dash = (3, 1) if peer == "afterleak" else (1.5, 1 if COLOURS.get(peer) and peer != "libevent_common" else 2)
        curves.append(f"${name} using 1:2 with linespoints pointtype 7 pointsize 0.5 linewidth {width} dashtype {dash} "
                      f"linecolor '{COLOURS.get(peer, gnuplot.GREY)}' title '{peer}'")
    low = "10" if operation.startswith("Bytes") else "1"
    return ("set logscale xy\nunset offsets\nset xrange [700:14000000]\n" f"set yrange [{low}:*]\n"
            "set xtics ('1,000' 1e3, '10,000' 1e4, '100,000' 1e5, '1,000,000' 1e6, '10,000,000' 1e7)\n"
            + blocks + "plot " + ", \\\n  ".join(curves) + "\n")


def draw(folder, found):
    """The operations whose plots it has drawn."""
    folder.mkdir(exist_ok=True)
    drawn = [each for each in ("Fifo", "ArmStop", "Churn", "FireAll", "Bytes") if peers_of(found, each)]
    for operation in drawn:
        gnuplot.draw(folder / f"{operation.lower()}.svg", f"{operation}: {OPERATIONS[operation]}", "live timers",
                     "bytes" if operation == "Bytes" else "nanoseconds", body(found, operation), key="outside right top vertical maxcols 1", width=900)
    return drawn


def write(out, found, left_out, rounds, turn):
    """None, or why there are no plots."""
    machine = pages.machine()
    drawn, not_drawn = [], None
    try:
        drawn = draw(out / "bench", found)
    except gnuplot.NotDrawn as reason:
        not_drawn = str(reason)
    pages.write_beside(out / "bench.json", figures.to_text(machine, found))
    pages.write_beside(out / "bench.md", text(machine, found, left_out, rounds, turn, drawn))
    return not_drawn
