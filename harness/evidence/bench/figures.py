"""What the benchmarks measured: for each figure its repetitions. Read from Google Benchmark, kept as JSON, summed up.

A figure is named OPERATION/PEER/TIMERS, such as Fifo/libev/1000000; those that have no peer are named as Google Benchmark does, and
Cost, StartUp and Verdict have a leak detector in the peer's place.
"""

import json
import re
import statistics

from evidence.common.words import Refused

NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# The counters of each benchmark, and the figures that they become.
COUNTERS = {"Bytes": {"bytes": "Bytes", "bytes_churned": "BytesChurned"},
            "After": {"bytes_per_timer": "AfterBytes", "blocks_per_timer": "AfterBlocks"},
            "CensusArm": {"census_bytes_per_timer": "CensusBytes"}}
NOT_TIMES = {"Bytes", "BytesChurned", "AfterBytes", "AfterBlocks", "CensusBytes", "Instructions", "StartUp"}
# Peers and detectors that are of this project: what they take is to be kept low.
OURS = {"afterleak", "no_census", "no_counters", "bare", "counting", "census", "counting allocator", "census and counting allocator", "watched"}


class BadFigures(Refused):
    """One line that says what is wrong with them."""


def from_google(text):
    """The figures of one repetition of one program: {name: value}, times in nanoseconds."""
    try:
        benchmarks = json.loads(text)["benchmarks"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise BadFigures("it wrote no figures") from None
    found = {}
    for one in benchmarks:
        if one.get("error_occurred"):
            raise BadFigures(f"{one['name']}: {one['error_message']}")
        name = re.sub(r"/(iterations:\d+|manual_time)", "", one["name"])
        operation, slash, rest = name.partition("/")
        if operation != "Bytes":  # its time is of no interest
            found[name] = one["real_time"] * NANOSECONDS[one["time_unit"]]
        for counter, figure in COUNTERS.get(operation, {}).items():
            if counter in one:
                found[figure + slash + rest] = one[counter]
    return found


def gather(repetitions):
    """{name: [value of each repetition]} of [{name: value}]."""
    found = {}
    for repetition in repetitions:
        for name, value in repetition.items():
            found.setdefault(name, []).append(value)
    return found


def sizes(found, operation):
    """How many timers the operation was measured with."""
    return sorted({int(name.rpartition("/")[2]) for name in found if re.fullmatch(rf"{operation}/[^/]+/\d+", name)})


def is_ours(name):
    """Not a peer's, whose code did not change: if one of those takes longer, the machine does."""
    parts = name.split("/")
    return parts[1] in OURS if len(parts) == 3 or parts[0] in ("Cost", "Verdict") else parts[0] != "StartUp"


def is_time(name):
    return name.partition("/")[0] not in NOT_TIMES


def median(values):
    return statistics.median(values)


def ratio(found, name, base):
    """The median of one figure over that of another; None if one is missing."""
    return median(found[name]) / median(found[base]) if found.get(name) and found.get(base) else None


def spread(values):
    """How far the repetitions lie apart, as a part of their median."""
    return (max(values) - min(values)) / median(values) if median(values) else 0.0


def to_text(machine, figures, silent=(), updated=()):
    """The file that --compare and --update read. Four digits: the rest is noise. `silent`: detectors that ran and did not name the line.
    `updated`: operations that were measured after the others."""
    lines = [f"  {json.dumps(name)}: {json.dumps([float(f'{v:.4g}') for v in values])}" for name, values in sorted(figures.items())]
    about = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}"
                      for name, value in (("machine", machine), ("silent", list(silent)), ("updated", list(updated))))
    return f'{{{about}, "figures": {{\n' + ",\n".join(lines) + "\n}}\n"


def load(path):
    """(machine, figures) of a file that an earlier run wrote."""
    try:
        read = json.loads(path.read_text())
        machine, figures = read["machine"], read["figures"]
        if not all(isinstance(name, str) and values and all(isinstance(v, (int, float)) for v in values)
                   for name, values in figures.items()):
            raise TypeError
    except OSError as problem:
        raise BadFigures(f"{path} cannot be read ({problem.strerror}); name the bench.json of an earlier run") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadFigures(f"{path} holds no figures; name the bench.json of an earlier run") from None
    return machine, figures


def remarks(path):
    """(silent, updated) of a file that load has read."""
    read = json.loads(path.read_text())
    return read.get("silent", []), read.get("updated", [])
