"""The goals that the project has set itself, and whether a run meets them."""

import dataclasses

import figures

LIVE = "1000000"
# Operation: how many times as long as ours the peer has to take, with a million live timers.
FASTER = {
    "Fifo": {"libev": 4, "asio": 8, "libuv": 15, "libevent": 15},
    "ArmStop": {"libev": 2, "asio": 10, "libuv": 10},
    "Churn": {"libev": 3, "asio": 10, "libuv": 10, "libevent": 10},
    "FireAll": {"libev": 2, "asio": 2, "libuv": 6, "libevent": 6},
}
# Figure, in words, what it may be at most, unit. Of two figures: the first over the second.
AT_MOST = [
    (("Fifo/afterleak/10000000", "Fifo/afterleak/1000"), "Fifo with 10,000,000 live timers over 1,000", 2.5, ""),
    (("Bytes/afterleak/1000000",), "bytes per live timer, the queue alone", 64, " bytes"),
    (("AfterBytes",), "bytes of one `After` (timer, channel, site, counters)", 160, " bytes"),
    (("AfterBlocks",), "blocks of one `After`", 1, ""),
    (("Report/1000000",), "census report of 1,000,000 timers, each visited", 50e6, " ms"),
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
    return faster + [after] + [_at_most(found, *goal) for goal in AT_MOST]


def _faster(found, what, our_name, their_name, times):
    ours, theirs = found.get(our_name), found.get(their_name)
    goal = f"{times:.1f} times"
    if not ours or not theirs:
        return Outcome(what, goal, "not measured", None)
    ratio = figures.median(theirs) / figures.median(ours)
    return Outcome(what, goal, f"{ratio:.1f} times", ratio >= times)


def _at_most(found, names, what, most, unit):
    scale = 1e6 if unit == " ms" else 1
    goal = f"at most {most / scale:g}{unit}"
    if not all(found.get(name) for name in names):
        return Outcome(what, goal, "not measured", None)
    value = figures.median(found[names[0]])
    if len(names) == 2:
        value /= figures.median(found[names[1]])
    return Outcome(what, goal, f"{value / scale:.3g}{unit}", round(value, 2) <= most)
