"""The goals that the project has set itself, and whether a run meets them."""

import dataclasses

from evidence.bench import figures

LIVE = "1000000"
# Operation: how many times as long as ours the peer has to take, with a million live timers.
FASTER = {
    "Fifo": {"libev": 4, "asio": 8, "libuv": 15, "libevent": 15},
    "ArmStop": {"libev": 2, "asio": 10, "libuv": 10},
    "Churn": {"libev": 3, "asio": 10, "libuv": 10, "libevent": 10},
    "FireAll": {"libev": 2, "asio": 2, "libuv": 6, "libevent": 6},
}
VIRTUAL = ("libuv", "libevent", "libev", "glib", "asio", "sd_event", "qt")  # loops that have a program for it


def ratio(first, second):
    return lambda found: figures.ratio(found, first, second)


def total(*names):
    return lambda found: sum(figures.median(found[name]) for name in names) if all(found.get(name) for name in names) else None


def more(name, base):
    """How much longer one figure takes than another."""
    return lambda found: (figures.median(found[name]) - figures.median(found[base]) if found.get(name) and found.get(base) else None)


# What, how the figures give it, its upper limit, its unit.
AT_MOST = [
    ("Fifo with 10,000,000 live timers over 1,000", ratio("Fifo/afterleak/10000000", "Fifo/afterleak/1000"), 2.5, ""),
    ("bytes per live timer, queue and census", total("Bytes/afterleak/1000000", "CensusBytes/1000000"), 64, " bytes"),
    ("bytes of one `After` (timer, channel, site, counters)", total("AfterBytes"), 160, " bytes"),
    ("blocks of one `After`", total("AfterBlocks"), 1, ""),
    ("leaky turn: counting allocator over glibc's", ratio(f"LeakyTurn/afterleak/{LIVE}", f"LeakyTurn/no_counters/{LIVE}"), 1.05, ""),
    ("the same in each of two threads, 100,000 live timers",
     ratio("LeakyTurnOfTwo/afterleak/100000", "LeakyTurnOfTwo/no_counters/100000"), 1.10, ""),
    ("leaky turn: census and counting allocator over neither", ratio(f"LeakyTurn/afterleak/{LIVE}", f"LeakyTurn/bare/{LIVE}"), 1.15, ""),
    ("census report of 1,000,000 timers of one site", total(f"Report/{LIVE}"), 10e6, " ms"),
    ("census report of 1,000,000 timers of 1,000 sites", total(f"ReportOfThousandSites/{LIVE}"), 10e6, " ms"),
    ("libuv's start and stop: what the census adds", more("StartStop_libuv/watched/1000", "StartStop_libuv/unwatched/1000"), 130, " ns"),
    ("Asio's wait, cancel and completion: with the census over without",
     ratio("StartStop_asio/watched/1000", "StartStop_asio/unwatched/1000"), 2, ""),
    ("a request to a server on Boost.Beast: with the census over without", ratio("Request_beast/watched/32", "Request_beast/unwatched/32"), 1.15, ""),
    ("the same on libevent's evhttp", ratio("Request_evhttp/watched/32", "Request_evhttp/unwatched/32"), 1.15, ""),
    *((f"a virtual hour with a tick each 3 s, on {loop}", total(f"VirtualHour_{loop}"), 30e6, " ms") for loop in VIRTUAL),
    *((f"a virtual minute of 100 requests a second from another thread, on {loop}", total(f"VirtualRequests_{loop}/100"), 500e6, " ms")
      for loop in VIRTUAL),
    *((f"a virtual minute of 10,000 ticks a second, on {loop}", total(f"VirtualTicks_{loop}/10000"), 3000e6, " ms") for loop in VIRTUAL),
]


@dataclasses.dataclass(frozen=True)
class Outcome:
    what: str
    goal: str
    measured: str
    met: bool | None  # None: not measured


def outcomes(found):
    """Of figures {name: repetitions}."""
    faster = [_faster(found, f"{operation} against {peer}", f"{operation}/afterleak/{LIVE}", f"{operation}/{peer}/{LIVE}", times)
              for operation, peers in FASTER.items() for peer, times in peers.items()]
    after = _faster(found, "`After` against Go 1.22", "After", "After/go1.22/0", 2)
    return faster + [after] + [_at_most(what, value(found), *goal) for what, value, *goal in AT_MOST]


def _faster(found, what, ours, theirs, times):
    goal, ratio_ = f"{times:.1f} times", figures.ratio(found, theirs, ours)
    return Outcome(what, goal, "not measured", None) if ratio_ is None else Outcome(what, goal, f"{ratio_:.1f} times", ratio_ >= times)


def _at_most(what, value, most, unit):
    scale = 1e6 if unit == " ms" else 1
    goal = f"at most {most / scale:g}{unit}"
    return Outcome(what, goal, "not measured", None) if value is None else Outcome(what, goal, f"{value / scale:.3g}{unit}", value <= most)
