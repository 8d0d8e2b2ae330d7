#!/usr/bin/env python3
"""Writes index.html, the page on which a reader drags through the virtual time of each pattern.

    page.py --program AFTERLEAK --out DIR

One file that needs no network: template.html with page.css, the scripts and the data of every run put into it.
What virtual time produces is the same on every machine, and so is the page. Exit code: 0 written; 2 it could not.
"""

import argparse
import json
import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "report")]  # -I leaves it out
import pages  # noqa: E402
import runs  # noqa: E402

LENGTH, EVERY = 60, 1  # seconds: of a run, and between two of its samples
SCRIPTS = ("model.js", "chart.js", "page.js")  # each uses only those before it


class CannotWrite(Exception):
    """One line: what is wrong."""


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


def source(side, name):
    file = f"{side}/{name}.cc"
    return {"file": file, "text": (ROOT / file).read_text()}


def collect(program):
    """The data of the page: every pattern, both sides, both timer modes."""
    patterns = []
    for pattern in runs.patterns(program):
        name, workload = pattern["name"], pattern["story"]
        patterns.append({
            **{key: pattern[key] for key in ("name", "summary", "fix", "event", "article")},
            "workload": workload,
            "sources": {side: source(side, name) for side in runs.SIDES},
            "runs": {mode: {side: pack(runs.run(program, name, side, workload, mode, "--for", f"{LENGTH}s", "--sample", f"{EVERY}s"))
                            for side in runs.SIDES} for mode in runs.MODES}})
    return {"length": LENGTH, "patterns": patterns}


def page(data):
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # no text of a program may end the script element
    text = (HERE / "template.html").read_text()
    for mark, part in {"page.css": (HERE / "page.css").read_text(), "data.json": packed,
                       "scripts": "\n".join((HERE / name).read_text() for name in SCRIPTS)}.items():
        before, found, after = text.partition(f"/*{mark}*/")
        if not found:
            raise CannotWrite(f"template.html lacks /*{mark}*/")
        text = before + part.rstrip() + after
    return text


def refuse(reason):
    print(f"page.py: {reason}", file=sys.stderr)
    return 2


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise CannotWrite(f"{message}; it takes --program AFTERLEAK --out DIR")


def main():
    parser = Parser(usage="page.py --program AFTERLEAK --out DIR", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the program afterleak, built")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder to write index.html to")
    arguments = parser.parse_args()
    if not os.access(arguments.program, os.X_OK):
        raise CannotWrite(f"no program {arguments.program}; build it with ./scripts/reproduce")
    if not arguments.out.is_dir():
        raise CannotWrite(f"no folder {arguments.out}; make it, or name another one with --out")
    pages.write_beside(arguments.out / "index.html", page(collect(arguments.program)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary files go
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except KeyError as error:
        sys.exit(refuse(f"the program's JSON lacks {error}; build it anew with ./scripts/reproduce"))
    except (CannotWrite, runs.NotRun, OSError) as error:
        sys.exit(refuse(error))
