"""Runs claims_test and writes what it found to claims.md: every verdict there is the outcome of a test.

    python3 -m evidence.results.claims --program CLAIMS_TEST --out DIR
"""

import json
import pathlib
import tempfile

from evidence.common import children, command_line, files, markdown, runs
from evidence.common.words import Refused

NAME = "scripts/reproduce"

PARITY, RULES = "go_parity.md", "conformance.md"


def live(pattern, workload, side):
    return PARITY, (pattern, workload, side)


def rule(name):
    return RULES, (name,)


# What real Go was found to do about each claim: what is before it, and where it stands. A row is found by its first cells.
IN_GO = {
    1: [("timers: ", rule("claim 1: timers that a select with two time-outs makes"))],
    2: [("", rule("claim 2: the idle loop, after twelve polls"))],
    3: [("", rule("claim 3: the time-outs of the idle loop, after twelve polls"))],
    4: [("left by a message: ", rule("claim 4: timers that a message leaves"))],
    5: [("dropped: ", rule("After that nobody can hear")), ("stopped: ", rule("a stopped timer"))],
    6: [("live: ", live("looping_select", "idle", "fixed")),
        ("while messages come, with a deadline of 7 and a ticker of 2: ",
         rule("claim 6: while messages come, a loop with a deadline of seven and a ticker of two"))],
    7: [("live after 1,000 calls, after 0.3 s and after 3 s: ", live("early_return", "calls:1000", "leaky"))],
    8: [("live before the signal, after it, and after 3 s: ", live("signal_before_expiry", "signal@250ms", "leaky"))],
    9: [("live before the signal, after it, and after 3 s: ", live("signal_before_expiry", "signal@250ms", "fixed"))],
    10: [("a receive after Stop: ", rule("Stop does not close the channel"))],
    11: [("live after one session: ", live("signal_before_expiry", "signal@250ms", "leaky")),
         ("ten a second: ", live("signal_before_expiry", "busy:10/s", "leaky"))],
    12: [("live after 30 and 60 sessions, with the one that goes on: ", live("signal_registration", "busy:10/s", "leaky"))],
    13: [("After: ", rule("After that nobody can hear")), ("NewTimer: ", rule("a timer that nobody can hear or stop"))],
    14: [("After: ", rule("After that nobody can hear")), ("NewTimer and Stop: ", rule("a stopped timer"))],
    16: [("a timer that nobody can hear: ", rule("a timer that nobody can hear or stop"))],
    17: [("bytes of one leaked timer: ", (PARITY, ("signal_before_expiry", "busy:10/s", "timer")))],
    18: [("times that it looks: ", rule("claim 18: how often a select that waits looks at its channels"))],
}

HEAD = """# What the articles claim, and what was found

Written by `./scripts/reproduce`; do not edit. A test decides each claim in virtual time, with timers as in Go 1.22 unless it says
otherwise, and its outcome is the verdict here. Run one with `./scripts/test -R NAME`.

*In Go* says what real Go does about that claim, from [go_parity.md](go_parity.md) (live timers, at a tenth of the durations) and
[conformance.md](conformance.md) (rules). `=1` and `=0` are values of `GODEBUG=asynctimerchan`: with 1, Go 1.23 keeps a timer until it
fires or is stopped, as Go up to 1.22 does; with 0 it collects one that nobody can hear. Without GODEBUG [the `go` line of
go.mod](go_parity.md#the-go-line-decides) decides, and from Go 1.27 on it is always as with 0.
"""

PRINTED = {
    "number": "15", "article": "A", "claim": "the program as printed shows the leak", "quote": "return msg",
    "test": "go.printed_test",
    "correction": "it is no program: `looping_select` and `early_return` are the two ways to read it",
}


def tables(page):
    """The tables of a page that ./scripts/go-parity or conformance.py wrote, each a list of rows of cells; none if it is not there."""
    found, table = [], []
    for line in (page.read_text() if page.exists() else "").splitlines():
        if line.startswith("| "):
            table.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif table and not line.startswith("|"):
            found.append(table)
            table = []
    return found + [table] if table else found


def row_of(page, key):
    """The row of a page that begins with these cells, by the titles of its columns; None if there is none."""
    for head, *rows in tables(page):
        for row in rows:
            if tuple(row[:len(key)]) == key:
                return dict(zip(head, row))
    return None


def in_versions(row):
    """What a row says of each Go: "11 (1.19.8 / 1.22.12); 2 (1.23.5, =0)"."""
    if "outcome" in row:
        return f"{row['outcome']} in every version"
    versions = {}
    for title, said in row.items():
        if title.startswith("Go "):
            name = title.removeprefix("Go ").replace(" (=", ", =").replace("asynctimerchan=", "=").rstrip(")")
            versions.setdefault(said, []).append(name)
    if len(versions) == 1:
        return f"{[*versions][0]} in every version"
    return "; ".join(f"{said} ({' / '.join(names)})" for said, names in versions.items())


def in_go(number, results):
    said = []
    for words, (page, key) in IN_GO[number]:
        row = row_of(results / page, key)
        said.append(words + in_versions(row) if row else "not measured here")
    return ". ".join(dict.fromkeys(said))


def as_printed(results):
    """Claim 15, which compilers of Go decide; None where no Go was asked."""
    table = next((rows for head, *rows in tables(results / PARITY) if head[0] == "the program as printed"), [])
    if not table:
        return None
    refused = all(said != "nothing: it is built" for _, said in table)
    return {**PRINTED, "verdict": "does not hold" if refused else "holds",
            "measured": "no Go builds it" if refused else "a Go builds it",
            "in_go": "; ".join(f"{said} ({' / '.join(v.removeprefix('Go ') for v, other in table if other == said)})"
                               for said in dict.fromkeys(said for _, said in table))}


def claims(program):
    """The claims that the program decided, as a list of dicts in the order of their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "claims.json"
        done = children.run(program.name, [program, f"--gtest_output=json:{report}"], merged=True)
        if done.code != 0:
            raise Refused(f"a claim was not decided as expected:\n{done.out}")
        suites = json.loads(report.read_text())["testsuites"]
    found = []
    for suite in suites:
        for test in suite["testsuite"]:
            if "claim" in test:
                found.append({**test, "test": f"pairs.{test['classname']}.{test['name']}"})
    return sorted(found, key=lambda claim: int(claim["number"]))


def to_markdown(found, results):
    lines = [HEAD]
    if printed := as_printed(results):
        found = sorted([*found, printed], key=lambda claim: int(claim["number"]))
    for article, title in runs.ARTICLES.items():
        rows = []
        for claim in (c for c in found if c["article"] == article):
            verdict = f"**{claim['verdict']}**" + (f": {claim['correction']}" if claim.get("correction") else "")
            rows.append([claim["number"], f"{claim['claim']}: *\"{claim['quote']}\"*", verdict, claim["measured"],
                         claim.get("in_go") or in_go(int(claim["number"]), results), f"`{claim['test']}`"])
        lines += [f"## {title}", "", runs.SOURCES[article], "",
                  markdown.table(["", "claim, and the words", "verdict", "measured", "in Go", "test"], rows, ["--:", *["---"] * 5])]
    return "\n".join(lines)


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    files.write_whole(options.out / "claims.md", to_markdown(claims(options.program), files.ROOT / "results"))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
