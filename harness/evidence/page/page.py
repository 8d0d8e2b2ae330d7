"""Writes index.html, the page on which a reader drags through the virtual time of each pattern.

    python3 -m evidence.page.page --program AFTERLEAK --out DIR

One file that needs no network: template.html with page.css, the scripts and the data of every run put into it.
What virtual time produces is the same on every machine, and so is the page. Exit code: 0 written; 2 it could not.
"""

import json
import pathlib
import re

from evidence.common import command_line, files, runs
from evidence.common.words import Refused

NAME = "scripts/reproduce"
HERE = pathlib.Path(__file__).resolve().parent

LENGTH, EVERY = 60, 1  # seconds: of a run, and between two of its samples
SCRIPTS = ("model.js", "chart.js", "story.js", "page.js")  # each uses only those before it


def seconds(ns):
    """A number that JSON writes short: 27, 0.5; None stays None."""
    return None if ns is None else ns // 10**9 if ns % 10**9 == 0 else ns / 1e9


def pack(run):
    """What the page needs of a run, small: timers as rows, and what repeats only once."""
    sites, parked, rows = [], [], []
    for timer in run["journal"]:
        site = {"kind": timer["kind"], "file": timer["file"], "line": timer["line"]}
        if site not in sites:
            sites.append(site)
        instants = (seconds(timer.get(f"{name}_ns")) for name in ("armed", "deadline", "period", "abandoned", "ended"))
        row = [sites.index(site), *instants, timer["end"]]
        ticks = [seconds(at) for at in timer.get("ticks_ns", [])]
        rows.append([*row, ticks] if ticks else row)
    parked_at = []
    for sample in run["samples"]:
        waiting = [{key: goroutine[key] for key in ("waits_for", "file", "line")} for goroutine in sample.get("goroutines", [])]
        if waiting not in parked:
            parked.append(waiting)
        parked_at.append(parked.index(waiting))
    return {"verdict": run["verdict"], "why": run["why"], "every": EVERY, "sites": sites, "timers": rows,
            "heap": [sample["heap_bytes"] for sample in run["samples"]], "parked": parked, "parkedAt": parked_at}


# Where a side is, in each language and on each event loop. Not every pattern is written for all of them.
CODE = {"C++": "{side}/{name}.cc", "Go": "{side}/{name}.go", "Asio": "{side}/asio/{name}.cc", "libuv": "{side}/libuv/{name}.cc",
        "libevent": "{side}/libevent/{name}.cc", "GLib": "{side}/glib/{name}.cc"}
TOLD, BUSY = "looping_select", "busy:100/s"  # the pattern of the story, and the load that shows what it costs


def sources(name):
    """The text of both sides, wherever the pattern is written: {"Go": {"leaky": {file, text}, ...}, ...}."""
    found = {}
    for code, place in CODE.items():
        sides = {side: place.format(side=side, name=name) for side in runs.SIDES}
        if all((files.ROOT / file).exists() for file in sides.values()):
            found[code] = {side: {"file": file, "text": (files.ROOT / file).read_text()} for side, file in sides.items()}
    return found


def times():
    """The seconds that a member of LoopTimes stands for: {"poll": 3, ...}."""
    header = (files.ROOT / "harness/pairs/looping_select.h").read_text()
    return {name: int(value) for name, value in re.findall(r"Duration (\w+) = std::chrono::seconds\((\d+)\);", header)}


def cost(run):
    """What the abandoned timers of a run came to."""
    return {"abandoned": run["peak_abandoned"], "bytes": sum(finding["bytes"] for finding in run["findings"])}


def collect(program):
    """The data of the page: every pattern, both sides, both timer modes."""
    patterns = []
    for pattern in runs.patterns(program):
        name, workload = pattern["name"], pattern["story"]
        patterns.append({
            **{key: pattern[key] for key in ("name", "summary", "fix", "work", "event", "article")},
            "workload": workload,
            "sources": sources(name),
            "runs": {mode: {side: pack(runs.run(program, name, side, workload, mode, "--for", f"{LENGTH}s", "--sample", f"{EVERY}s"))
                            for side in runs.SIDES} for mode in runs.MODES}})
    idle, busy = (cost(runs.run(program, TOLD, "leaky", workload)) for workload in ("idle", BUSY))
    return {"length": LENGTH, "patterns": patterns, "times": times(), "codes": list(CODE),
            "story": {"pattern": TOLD, "idle": idle, "busy": busy, "rate": int(re.search(r"\d+", BUSY)[0])}}


def page(data):
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # no text of a program may end the script element
    text = (HERE / "template.html").read_text()
    for mark, part in {"page.css": (HERE / "page.css").read_text(), "data.json": packed,
                       "scripts": "\n".join((HERE / name).read_text() for name in SCRIPTS)}.items():
        before, found, after = text.partition(f"/*{mark}*/")
        if not found:
            raise Refused(f"template.html lacks /*{mark}*/")
        text = before + part.rstrip() + after
    return text


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    try:
        text = page(collect(options.program))
    except KeyError as missing:
        raise Refused(f"the program's JSON lacks {missing}; build it again with ./scripts/reproduce") from None
    files.write_whole(options.out / "index.html", text)
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
