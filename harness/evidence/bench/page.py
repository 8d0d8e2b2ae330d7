"""Writes bench.md, bench.json and the plots."""

from evidence.bench import figures, goals, plots as bench_plots, tables
from evidence.bench.tables import Part, short
from evidence.common import files, gnuplot, markdown

GO = ("Go's scheduler, which this does not wait for",
      "heap of 4 children; `NewTimer` (a new one, with its channel, in ArmStop and Bytes), `Stop`, `Reset`")
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
    "list": ("takes the first until none is due", "a doubly linked list in the order of arming, which is that of the deadlines only if all "
                                                  "durations are the same: what any queue of linked timers pays at least"),
    "go1.19": GO, "go1.22": GO, "go1.23": GO,
}
QUEUE = Part("afterleak", {
    "Fifo": "one timer is armed and one expires; all have the same duration, as in the leak",
    "ArmStop": "a timer is armed and stopped at once",
    "ArmStopFunc": "the same in Go with `AfterFunc`",
    "Churn": "any of the live timers is stopped and armed again",
    "Arm": "one timer is armed, from none until all are live",
    "FireAll": "one timer expires, until all are gone; their deadlines are random",
    "Bytes": "bytes of the heap per live timer, with the timer itself",
    "BytesChurned": "the same after as many timers were stopped and armed again: what is stopped and not freed counts",
}, dict(zip(PEERS, PEERS)))
TURN = Part("afterleak", {
    "LeakyTurn": "a message is sent, two timers are armed with `After`, one select receives the message; nobody stops the timers",
    "FixedTurn": "a message is sent, one select receives it; a ticker and a deadline stand by that were made before the loop",
}, {peer: peer for peer in ("afterleak", "asio", "go1.19", "go1.22", "go1.23")})
WATCHING = Part("bare", {
    "LeakyTurn": "a turn of the leaky loop, as above",
    "LeakyTurnOfTwo": "the same while another thread does the same in another bubble",
    "FixedTurn": "a turn of the fixed loop",
    "Instructions": "instructions of a turn of the leaky loop, with what frees its two timers at the end; counted by callgrind",
}, {"bare": "neither", "no_counters": "census", "no_census": "counting allocator", "afterleak": "both"})
LOOPS = Part("unwatched", {
    "StartStop_libuv": "`uv_timer_start` and `uv_timer_stop`",
    "StartStop_libevent": "`event_add` and `event_del`",
    "StartStop_asio": "`async_wait` and `cancel`, and the handler that is called then",
    "Request_beast": "processor time of a server's thread for one request, each of 32 clients making one at a time; on Boost.Beast",
    "Request_evhttp": "the same on libevent's evhttp",
}, {"unwatched": "without", "watched": "with the census"})
ALLOCATORS = Part("glibc", {
    "NewDelete": "any of the live blocks of 16 to 271 bytes is deleted, and one of another size taken",
    "NewDeleteOfTwo": "the same while another thread does the same",
}, {name: name for name in ("glibc", "counting", "tcmalloc_minimal", "jemalloc")})

HEAD = """# Benchmarks

What timers cost here and elsewhere, measured side by side; written by `./scripts/bench`.
Measured on: {machine}.{updated}

A factor says how many times as long, or as much, the peer takes as the one it is compared with: above 1 the peer takes more.
"""

UPDATED = """ Measured later than the rest (`--update`): {}. The rest is of the programs as they were before."""

HOW = """## How it was measured

- {rounds} rounds; each figure is the median of its repetitions. A repetition is the fastest of {often} runs in a round, for what
  watches a turn of twice as many: what else the machine does only adds to a time. Each run is a process, and their order changes from
  one round to the next. Detectors run in separate rounds. The spread is (largest - smallest) / median of the repetitions:
  half of all times have at most {typical:.0%}, the noisiest is {worst} with {worst_spread:.0%}.
- What the heap has had, it keeps (`mallopt` in [measure.h](../harness/bench/measure.h)): else glibc gives memory back after each
  repetition, and the next one measures how fast the machine makes pages.
- A bubble has a second thread, which looks after the first. So its locks are atomic, as in every program that has two.
- The same code measures everybody: [operations.h](../harness/bench/timer_queue/operations.h) the queues,
  [turns.h](../harness/bench/turn/turns.h) the turns. Time is processor time of the thread, kernel included.
- Everybody reads the same virtual clock, which replaces `clock_gettime` and `gettimeofday` in the program, so that reading time costs
  a function call at most. Before anything is measured each program shows that a timer of 30 s expires without waiting.
  `timerfd_create` is refused, so that Asio looks at its queue instead of asking the kernel.
- {turn} operations of a queue to one turn of the loop, in which the peers ask the kernel for events; ours has none to ask. Timers are
  due one millisecond apart, because libuv and GLib count in milliseconds. In Churn the clock moves by a microsecond per operation.
- Fifo of afterleak covers each live timer once per measurement: a radix queue moves many timers at once, now and then.
- A turn on Asio: three operations share a flag, whichever completes first wins. It is spared `epoll_wait`, which it would call in each
  turn. Ours runs on the virtual clock, in one goroutine. No timer expires while turns are measured; they do in between.
- Go is on its own clock, on one processor and with its garbage collector; real time. Its leaky turn is measured with up to 1,000,000
  live timers: the turns that it takes with more last longer than their timers. It makes at least 2,000 turns at a time, because it has
  to wait for their timers in between, so with 1,000 live timers there are up to 5,000. Since Go 1.23 a timer that nobody can hear is
  collected, so its leaky turn leaves nothing.
- Bytes: what the C library's heap holds (`mallinfo2`: small blocks and mapped ones), after all are armed; of Go, its heap after a collection.
- Every timer that expires calls a callback. The two containers keep it in an object per timer, as the libraries do.
- GLib is measured with 1,000 timers only: each turn of its loop looks at all of them. libevent_common and list have one duration, so
  they have no FireAll.
- With 10,000,000 live timers the peers are measured once, because some take minutes; such a figure has no spread.
- `neither` is the same program linked with a census that keeps nothing, and without the operators that count.{absent}
"""


def times(found, ours, *theirs):
    """`libev 9.1, Asio 20.3 times`: how many times as long each of theirs takes, of those that were measured."""
    ratios = [(name.split("/")[1], figures.ratio(found, name, ours)) for name in theirs]
    return ", ".join(f"{peer} {short(ratio)}" for peer, ratio in ratios if ratio)


def in_short(found):
    """A line for each thing that was measured; none is typed in."""
    million = "1000000"
    fifo, turn, bare = f"Fifo/afterleak/{million}", f"LeakyTurn/afterleak/{million}", f"LeakyTurn/bare/{million}"
    lines = []
    if fifo in found:
        lines.append(f"With 1,000,000 live timers, to arm one and let one expire takes {figures.median(found[fifo]):.0f} ns. Times as long: "
                     + times(found, fifo, *(f"Fifo/{peer}/{million}" for peer in ("libev", "asio", "libuv", "libevent"))) + ".")
    if turn in found:
        lines.append(f"A whole turn of the leaky loop takes {figures.median(found[turn]):.0f} ns. Times as long: "
                     + times(found, turn, *(f"LeakyTurn/{peer}/{million}" for peer in TURN.peers if peer != "afterleak")) + ".")
    if figures.ratio(found, turn, "FixedTurn/afterleak/2"):
        lines.append(f"That is {short(figures.ratio(found, turn, 'FixedTurn/afterleak/2'))} times a turn of the fixed loop: what the leak costs in "
                     "time, besides the memory.")
    if figures.ratio(found, turn, bare):
        dearest = max((name for name in found if name.startswith("Cost/")), key=lambda name: figures.median(found[name]), default=None)
        counted = figures.ratio(found, "Instructions/afterleak/80000", "Instructions/bare/80000")
        lines.append(f"Census and counting allocator together make a turn {short(figures.ratio(found, turn, bare))} times as long"
                     + (f", of {short(counted)} times the instructions" if counted else "")
                     + (f"; {dearest.partition('/')[2]} makes the same loop {short(figures.ratio(found, dearest, 'Cost/bare'))} times as long."
                        if figures.ratio(found, dearest, "Cost/bare") else "."))
    verdicts = sorted((figures.median(values), name.partition("/")[2]) for name, values in found.items() if name.startswith("Verdict/"))
    if verdicts:
        lines.append("The line that leaks in the idle loop is named after "
                     + ", ".join(f"{seconds / 1e9:.2g} s ({name})" for seconds, name in verdicts) + ".")
    return "\n".join(f"- {line}" for line in lines) + "\n" if lines else ""


def goals_text(found):
    outcomes = goals.outcomes(found)
    measured = [each for each in outcomes if each.met is not None]
    met = {True: "met", False: "**not met**", None: ""}
    return (f"{sum(each.met for each in measured)} of {len(measured)} are met. Where nothing else is said, with 1,000,000 live timers.\n\n"
            + markdown.table(["what", "goal", "measured", ""], [[each.what, each.goal, each.measured, met[each.met]] for each in outcomes]))


def floor_text(found):
    """How near Churn is to what a list without any order takes, where that was measured."""
    rows = [[f"{size:,}", *(tables.value(found.get(f"Churn/{peer}/{size}")) for peer in ("afterleak", "list"))]
            for size in figures.sizes(found, "Churn") if f"Churn/list/{size}" in found]
    if not rows:
        return ""
    of_list = times(found, f"Churn/list/{goals.LIVE}", *(f"Churn/{peer}/{goals.LIVE}" for peer in goals.FASTER["Churn"]))
    return ("Churn is bound by memory: to stop any one of many timers is to read and write it and its two neighbours in the list, which "
            "lie anywhere. `list` keeps no order and does nothing but that, so it is the floor of every queue of linked timers. Ours finds a "
            "bucket besides; the more instructions and stores that takes, the fewer timers does a processor wait for at a time. In "
            "nanoseconds:\n\n"
            + markdown.table(["live timers", "afterleak", "list"], rows)
            + (f"\nHow many times as long as that floor the peers take, with 1,000,000 live timers: {of_list}.\n" if of_list else ""))


def leak_text(found):
    """How many times as long a turn takes when the timers of earlier turns are still there."""
    peers = [peer for peer in TURN.peers if f"FixedTurn/{peer}/2" in found]
    rows = [[f"{size:,}", *(short(each) if each else "" for each in
                            (figures.ratio(found, f"LeakyTurn/{peer}/{size}", f"FixedTurn/{peer}/2") for peer in peers))]
            for size in figures.sizes(found, "LeakyTurn")]
    return markdown.table(["live timers", *peers], rows) if peers else ""


def detectors_text(found, silent):
    bare = "Cost/bare"
    names = sorted((name for name in found if name.startswith("Cost/")), key=lambda name: figures.median(found[name]))
    cost = [[name.partition("/")[2], short(figures.ratio(found, name, bare)), f"{figures.median(found[name]) / 1e9:.2f} s",
             f"{figures.median(found[name.replace('Cost', 'StartUp', 1)]):.1%}"] for name in names if bare in found]
    names = sorted((name for name in found if name.startswith("Verdict/")), key=lambda name: figures.median(found[name]))
    verdicts = [[name.partition("/")[2], f"{figures.median(found[name]) / 1e9:.2f} s"] for name in names]
    never = [name for name in silent if f"Verdict/{name}" not in found]  # one may be silent in a round
    return ((markdown.table(["detector", "times the bare run", "processor time", "its start in that"], cost) + "\n" if cost else "")
            + "Until it has named the line that arms the timers, on the idle loop (60 s of virtual time; real Go 30 s of real time), from its "
            "start until its report has been read:\n\n" + markdown.table(["detector", "seconds"], verdicts)
            + (f"\n{', '.join(never)} ran and did not name the line.\n" if never else ""))


def others(found):
    """What has no peer."""
    names = sorted(name for name in found if len(name.split("/")) < 3 and name.partition("/")[0] not in figures.NOT_TIMES | {"Cost", "Verdict"}
                   or name.startswith("After/"))
    return markdown.table(["benchmark", "nanoseconds", "spread"],
                          [[name, f"{figures.median(found[name]):,.0f}", f"{figures.spread(found[name]):.0%}"] for name in names])


def text(machine, found, notes, plots):
    """notes: see write()."""
    times = {name: figures.spread(values) for name, values in found.items()
             if figures.is_time(name) and len(values) > 1}
    worst = max(times, key=times.get)
    absent = "".join(f"\n- {line[0].upper()}{line[1:]}." for line in notes.left_out)
    queue_plots = "".join(f"\n![{operation}](bench/{operation.lower()}.svg)\n" for operation in plots if operation != "Leak")
    leak_plot = "\n![Leak](bench/leak.svg)\n" if "Leak" in plots else ""
    parts = [
        HEAD.format(machine=machine, updated=UPDATED.format(", ".join(notes.updated)) if notes.updated else ""),
        in_short(found),
        "## Goals\n\n" + goals_text(found),
        "## The timer queue\n\nHow many times as long, or as much, the peer takes as afterleak.\n\n" + QUEUE.ratios(found) + queue_plots,
        floor_text(found),
        "## A turn of the loop\n\nThe whole turn of the [leaky](../leaky/looping_select.cc) and the [fixed](../fixed/looping_select.cc) loop, "
        "census and counting allocator on, and the same on Asio and in Go. How many times as long the peer takes as afterleak:\n\n"
        + TURN.ratios(found) + "\nWhat the leak costs: the leaky turn over the fixed one, as the live set grows.\n\n" + leak_text(found) + leak_plot,
        "## What watching costs\n\nOf a turn, how many times as long it takes with the census, with the counting allocator, and with both, "
        "as with neither.\n\n" + WATCHING.ratios(found)
        + "\n`new` and `delete` by themselves, against plain glibc:\n\n" + ALLOCATORS.ratios(found).replace("live timers", "live blocks"),
        "A timer of an [event loop](../harness/bench/loops/turns.h) is armed and stopped, and a "
        "[server under load](../harness/bench/loops/service.cc) answers a request, with the census of loops in front of the library and "
        "without:\n\n" + LOOPS.ratios(found) if any(name.partition("/")[0] in LOOPS.operations for name in found) else "",
        "## What each detector costs\n\nA round of the [leaky loop](../harness/bench/turn/leaky_loop.cc) with 200,000 messages, as fast as it "
        "takes them, against the same with nothing that watches. A run has as many rounds as it takes for the tool's start to be "
        "about 1 % of it: the last column says what it was. All timers of a round are live at once, and expire before the next, which is "
        "in it, too; in a turn, above, it is not. "
        "`./scripts/bench --filter '^Cost'` measures this alone.\n\n".replace("200,000", f"{notes.messages:,}")
        + detectors_text(found, notes.silent),
        "## Absolute\n\nNanoseconds for one operation, or bytes; ± is half of the spread.\n",
        *(part.absolute(found) for part in (QUEUE, TURN)),
        "### With and without what watches\n\nNanoseconds of a turn, or instructions.\n\n"
        + WATCHING.absolute(found).replace("### ", "#### "),
        LOOPS.absolute(found),
        ALLOCATORS.absolute(found).replace("live timers", "live blocks"),
        "### Without a peer\n\n[One `After`](../harness/bench/census_bench.cc) (Go's beside it), the census, its report, and "
        "[whole runs](../harness/bench/pairs_bench.cc) of the looping select; [virtual time](../harness/bench/loops/virtual.cc) on event loops, "
        "in real time.\n\n" + others(found),
        HOW.format(rounds=notes.rounds, often=notes.often, turn=notes.turn, typical=figures.median(list(times.values())), worst=f"`{worst}`",
                   worst_spread=times[worst], absent=absent),
        markdown.table(["peer", "one turn of its loop", "its timers"], [[peer, *PEERS[peer]] for peer in PEERS]),
    ]
    return "\n".join(part for part in parts if part)


def write(out, found, notes):
    """None, or why there are no plots. notes: what main.py knows of the run besides the figures."""
    machine = markdown.machine()
    drawn, not_drawn = [], None
    try:
        drawn = bench_plots.draw(out / "bench", found, list(PEERS))
    except gnuplot.NotDrawn as reason:
        not_drawn = str(reason)
    files.write_whole(out / "bench.json", figures.to_text(machine, found, notes.silent, notes.updated))
    files.write_whole(out / "bench.md", text(machine, found, notes, drawn))
    return not_drawn
