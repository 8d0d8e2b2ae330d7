#!/usr/bin/env -S python3 -I -S
"""Runs claims_test and writes what it found to claims.md: every verdict there is the outcome of a test.

claims.py CLAIMS_TEST FOLDER
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ARTICLES = {"A": "Article A: time-outs in a looping select", "B": "Article B: a session that a signal ends"}

HEAD = """# What the articles claim, and what was found

Written by `./scripts/reproduce`; do not edit. A test decides each claim in virtual time, with timers as in Go 1.22 unless it says
otherwise, and its outcome is the verdict here. Run one with `./scripts/test -R NAME`.
"""


def claims(program):
    """The claims that the program decided, as a list of dicts in the order of their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "claims.json"
        done = subprocess.run([program, f"--gtest_output=json:{report}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"claims.py: a claim was not decided as expected:\n{done.stdout}")
        suites = json.loads(report.read_text())["testsuites"]
    found = []
    for suite in suites:
        for test in suite["testsuite"]:
            if "claim" in test:
                found.append({**test, "test": f"pairs.{test['classname']}.{test['name']}"})
    return sorted(found, key=lambda claim: int(claim["number"]))


def to_markdown(found):
    lines = [HEAD]
    for article, title in ARTICLES.items():
        lines += [f"## {title}", "", "| | claim | verdict | measured | test |", "|--:|---|---|---|---|"]
        for claim in (c for c in found if c["article"] == article):
            verdict = f"**{claim['verdict']}**" + (f": {claim['correction']}" if claim.get("correction") else "")
            lines.append(f"| {claim['number']} | {claim['claim']} | {verdict} | {claim['measured']} | `{claim['test']}` |")
        lines.append("")
    return "\n".join(lines)


def main(program, folder):
    target = pathlib.Path(folder) / "claims.md"
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(to_markdown(claims(program)))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("claims.py: takes the program claims_test and a folder", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
