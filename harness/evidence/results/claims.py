"""Runs claims_test and writes what it found to claims.md: every verdict there is the outcome of a test.

    python3 -m evidence.results.claims --program CLAIMS_TEST --out DIR
"""

import json
import pathlib
import tempfile

from evidence.common import children, command_line, files, markdown, runs
from evidence.common.words import Refused

NAME = "scripts/reproduce"

# What real Go was found to do about a claim: a row of go_parity.md (pattern, workload, side) or a rule of conformance.md.
IN_GO = {
    1: ("looping_select", "idle", "leaky"), 2: ("looping_select", "idle", "leaky"), 3: ("looping_select", "idle", "leaky"),
    4: ("early_return", "calls:1000", "leaky"), 5: ("looping_select", "idle", "fixed"), 6: ("looping_select", "idle", "fixed"),
    7: ("early_return", "calls:1000", "leaky"), 8: ("signal_before_expiry", "signal@250ms", "leaky"),
    9: ("signal_before_expiry", "signal@250ms", "fixed"), 10: ("Stop does not close the channel",),
    11: ("signal_before_expiry", "busy:10/s", "leaky"), 12: ("signal_registration", "busy:10/s", "leaky"),
}

HEAD = """# What the articles claim, and what was found

Written by `./scripts/reproduce`; do not edit. A test decides each claim in virtual time, with timers as in Go 1.22 unless it says
otherwise, and its outcome is the verdict here. Run one with `./scripts/test -R NAME`. What Go does is taken from
[go_parity.md](go_parity.md), at a tenth of the durations: live timers at the instants named there; and, where it is a rule, from
[conformance.md](conformance.md).
"""


def rows(page):
    """The cells of every table row of a page that ./scripts/go-parity or conformance.py wrote; none if it is not there."""
    text = page.read_text() if page.exists() else ""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")]


def in_go(number, results):
    key = list(IN_GO[number])
    if len(key) == 1:
        found = next((row for row in rows(results / "conformance.md") if row[0].strip() == key[0]), None)
        return f"{found[2].strip(' |')} in every version" if found else "not measured here"
    table = rows(results / "go_parity.md")
    head = next((row for row in table if row[0] == "pattern"), None)
    found = next((row for row in table if row[:3] == key), None)
    if head is None or found is None:
        return "not measured here"
    versions = {}
    for version, number in zip(head, found):
        if version.startswith("Go "):
            versions.setdefault(number, []).append(version.removeprefix("Go ").replace("asynctimerchan=", "="))
    return "; ".join(f"{number} ({' / '.join(names)})" for number, names in versions.items())


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
    for article, title in runs.ARTICLES.items():
        rows = []
        for claim in (c for c in found if c["article"] == article):
            verdict = f"**{claim['verdict']}**" + (f": {claim['correction']}" if claim.get("correction") else "")
            rows.append([claim["number"], claim["claim"], verdict, claim["measured"], in_go(int(claim["number"]), results),
                         f"`{claim['test']}`"])
        lines += [f"## {title}", "", markdown.table(["", "claim", "verdict", "measured", "in Go", "test"], rows, ["--:", *["---"] * 5])]
    return "\n".join(lines)


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    files.write_whole(options.out / "claims.md", to_markdown(claims(options.program), files.ROOT / "results"))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
