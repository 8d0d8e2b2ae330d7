"""What is run, and the comparison of a run on real Go with the port's: pure functions over their samples."""

import collections
import dataclasses
import json
import statistics

from evidence.common.words import Refused


@dataclasses.dataclass(frozen=True)
class Case:
    """One pattern under one workload. All times are milliseconds, at a tenth of the articles' durations."""
    pattern: str
    workload: str          # as driver.go reads it
    every: float           # from one sample to the next
    offset: float          # of the first one
    length: float
    windows: tuple         # (from, to): in each of them the numbers of live timers are held against each other
    fixed_windows: tuple = ()  # the same for the fixed side, where that is another
    interval: float = 0    # from one turn of the leaky side to the next; 0: the pattern has no such rhythm
    port_workload: str = ""  # where it has another name there
    scale: int = 1         # how many times Go does what the port does once
    tolerance: float = 0   # 0: exact; else the part of the number that may be missing or too much

    @property
    def name(self):
        return f"{self.pattern} {self.workload}"

    def windows_of(self, side):
        return self.fixed_windows if side == "fixed" and self.fixed_windows else self.windows

    def anchored(self, side):
        """Nothing sets the idle loop's pace but its own time-outs, which are late a little each time."""
        return self.interval > 0 and self.workload == "idle" and side == "leaky"

    def port_step(self):
        """The port's sampling interval: its multiples meet the middle of every interval."""
        return self.interval / 2 if self.interval else 10.0


POLL, GIVE_UP = 300, 3000
END = float("inf")
BEFORE_AND_AFTER = ((0, 3000), (3000, END))
CASES = (
    Case("looping_select", "idle", every=300, offset=150, length=6300, windows=((3000, END),), fixed_windows=BEFORE_AND_AFTER,
         interval=300),
    Case("looping_select", "busy:10/s", every=100, offset=50, length=6000, windows=((3000, END),), fixed_windows=BEFORE_AND_AFTER,
         interval=100),
    Case("looping_select", "busy:100/s", every=100, offset=5, length=6000, windows=((3000, END),), fixed_windows=BEFORE_AND_AFTER,
         interval=10),
    Case("looping_select", "busy:1000/s", every=100, offset=0.5, length=6000, windows=((3000, END),), fixed_windows=BEFORE_AND_AFTER,
         interval=1, tolerance=0.03),
    Case("early_return", "calls:1000", every=100, offset=80, length=3500, windows=((0, 300), (300, 3000), (3000, END)),
         port_workload="message@0s", scale=1000),
    Case("early_return", "busy:100/s", every=100, offset=5, length=6000, windows=((3000, END),), interval=10),
    Case("idle_timeout", "idle", every=100, offset=50, length=6300, windows=((0, END),)),
    Case("idle_timeout", "busy:10/s", every=100, offset=50, length=6000, windows=((3000, END),), interval=100),
    Case("idle_timeout", "busy:100/s", every=100, offset=5, length=6000, windows=((3000, END),), interval=10),
    Case("signal_before_expiry", "signal@250ms", every=100, offset=80, length=3500, windows=((0, 250), (250, 3000), (3000, END))),
    Case("signal_before_expiry", "busy:10/s", every=100, offset=50, length=6000, windows=((3000, END),), interval=100),
    Case("signal_registration", "busy:10/s", every=100, offset=50, length=6000, windows=((0, 3000), (3000, END)), interval=100),
)
SIDES = ("leaky", "fixed")

# Where Go's heap is known to hold another number of objects than it has timers and registrations; report.py says why.
HELD_BY_GO = {("signal_registration", "fixed"): 1}


class BadRun(Refused):
    """A run that cannot be compared, in one line."""


def parse_driver(text):
    """The header and the samples that driver.go printed."""
    try:
        lines = [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise BadRun(f"the driver printed what is no JSON: {error}") from error
    if len(lines) < 2 or "go" not in lines[0] or any("t_ns" not in line for line in lines[1:]):
        raise BadRun("the driver printed no samples")
    return lines[0], lines[1:]


def check_mode(header, mode):
    """Raises BadRun unless Go had the timers that were asked for; the driver learns that from a channel's capacity."""
    found = "go122" if header["async_channels"] else "go123"
    if found != mode:
        raise BadRun(f"{header['go']} with GODEBUG={header['godebug']} has timers as in {found}, not {mode}")


def parse_port(text):
    """The port's live timers by instant, in nanoseconds, and what a live timer costs its heap, in bytes (None without any)."""
    samples = json.loads(text)["samples"]
    most, least = (choose(samples, key=lambda s: s["live"]) for choose in (max, min))
    more = most["live"] - least["live"]
    more = more if more > 1 else 0  # beside one timer the rest of the heap is no small matter
    return {s["t_ns"]: s["live"] for s in samples}, (most["heap_bytes"] - least["heap_bytes"]) / more if more else None


@dataclasses.dataclass
class Point:
    """One sample of Go beside the port's number."""
    n: int           # which one
    t: float         # when, in milliseconds
    live: int
    port: int
    clean: bool      # the sample belongs to one interval between two turns, so that there is one right number

    @property
    def off(self):
        return self.live - self.port


def turns_due(case, t):
    return max(0, int(t // case.interval))


def pair_up(case, side, samples, port):
    """Each sample of Go with the port's number in the middle of the same interval.

    On the leaky side an interval is counted in turns, since it is turns that arm timers; on the fixed side, in time.
    """
    points = []
    # Calls at once take a while on a real clock, and so do the ends of their timers.
    spread = samples[-1]["last_turn_ns"] / 1e6 + 10 if case.scale > 1 else 0
    for n, sample in enumerate(samples):
        t = sample["t_ns"] / 1e6
        began = t - sample["took_ns"] / 1e6
        clean = sample["more"] == 0
        if case.interval:
            turn = sample["turns"] if side == "leaky" else int(t // case.interval)
            at = (turn + 0.5) * case.interval
            if not case.anchored(side):
                clean = clean and turn * case.interval < began and t < (turn + 1) * case.interval
            if side == "leaky" and not case.anchored(side):
                # Turns that came late then end their timers late now.
                clean = clean and sample["edges"] == [turns_due(case, t - length) for length in (POLL, GIVE_UP)]
        else:
            at = case.offset + n * case.every
            clean = clean and abs(t - at) < 15 and not any(start < t < start + spread for start, _ in case.windows)
        live = sample["live"]
        if case.tolerance:
            # Turns come faster than garbage is collected. Both timers of a turn in the meantime count as live.
            live -= 2 * sample["more"] if side == "leaky" else 0
            clean = t - at < 20
        number = port.get(round(at * 1e6))
        if number is None:
            if at < case.length:
                raise BadRun(f"{case.name}: the port has no sample at {at} ms")
            continue
        points.append(Point(n, t, live, number * case.scale, clean))
    return points


def in_window(points, window):
    return [p for p in points if window[0] <= p.t < window[1]]


def measurable(case, side, points):
    """Whether in each window at least half of the samples are clean, and at least two of them; otherwise the machine was too busy."""
    for window in case.windows_of(side):
        inside = in_window(points, window)
        clean = sum(p.clean for p in inside)
        if clean < 2 or clean * 2 < len(inside):
            return False
    return True


@dataclasses.dataclass
class Outcome:
    """What one run came to. `numbers` and `expected` have one entry for each window."""
    numbers: list
    expected: list
    clean: int
    total: int
    agree: int            # clean samples with exactly the port's number
    worst: int            # the largest difference of a clean sample
    released: Point       # the first of the samples without a live timer; None: there was none at the end, or all are
    port_released: Point
    wrong: list           # what is not within tolerance, in words; empty: all is

    @property
    def ok(self):
        return not self.wrong


def release(points, live):
    """The first point from which on nothing is live, up to the end; None if something is at the end."""
    first = None
    for p in points:
        if live(p) > 0:
            first = None
        elif first is None:
            first = p
    return first


def compare(case, side, points):
    held = HELD_BY_GO.get((case.pattern, side), 0)
    wrong, numbers, expected = [], [], []
    clean = [p for p in points if p.clean]
    if not measurable(case, side, points):
        wrong.append("too few clean samples: the machine was too busy")
    for window in case.windows_of(side):
        inside = [p for p in in_window(points, window) if p.clean]
        if not inside:
            numbers.append(None)
            expected.append(None)
            continue
        port = inside[-1].port  # of a number that grows, the last
        # The number is the most frequent difference: a late turn or timer blurs single samples, and never most of them.
        if case.tolerance:
            number = port + round(statistics.median(p.off for p in inside))
            good = abs(number - port - held) <= case.tolerance * port
        else:
            number = port + collections.Counter(p.off for p in inside).most_common(1)[0][0]
            good = number == port + held
        numbers.append(number)
        expected.append(port)
        if not good:
            wrong.append(f"{number} live instead of {port + held}")
    # Before the first Stop there is nothing yet that Go holds.
    off = [p.off - (held if p.off else 0) for p in clean]
    # The curve: no clean sample may be further off than two late turns (4 timers), or 3 % of the most.
    most = max((p.port for p in points), default=0)
    limit = max(4, 0.03 * most)
    worst = max((abs(d) for d in off), default=0)
    if worst > limit:
        wrong.append(f"a sample is {worst} off the port's curve")
    released = port_released = None
    if most > 0:  # where the port never has a live timer, a stray one of Go is a matter of the curve
        released, port_released = release(clean, lambda p: max(0, p.live - held)), release(clean, lambda p: p.port)
        if (released is None) != (port_released is None) or (released and abs(released.n - port_released.n) > max(1, 300 // case.every)):
            at = [f"at {p.t:.0f} ms" if p else "never" for p in (released, port_released)]
            wrong.append(f"all released {at[0]} instead of {at[1]}")
    return Outcome(numbers, expected, len(clean), len(points), sum(d == 0 for d in off), worst, released, port_released, wrong)


def leaked_bytes(samples):
    """What a leaked timer or registration costs Go's heap: (bytes, bytes of the run-time's timer list per timer)."""
    last = max(samples, key=lambda s: s["live"])
    if last["registrations"] > last["timers"]:
        return last["registration_bytes"] / last["registrations"], 0.0
    if last["timers"] == 0:
        return None
    return last["timer_bytes"] / last["timers"], last["queue_bytes"] / last["timers"]
