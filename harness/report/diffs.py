#!/usr/bin/env -S python3 -I -S
"""Writes DIR/diffs.md: what the fix of each pair changes, and nothing else.

    diffs.py --program AFTERLEAK --out DIR
"""

import argparse
import difflib
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # -I leaves it out
import pages  # noqa: E402
import runs  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

HEAD = """# What the fixes change

Written by `./scripts/reproduce`; do not edit. The difference between the two sides of a pair is the lesson, so there is no other
difference. Each is what `diff -u leaky/X.cc fixed/X.cc` prints.
"""


def section(pattern):
    name = pattern["name"]
    sides = [(ROOT / side / f"{name}.cc").read_text().splitlines() for side in runs.SIDES]
    names = [f"{side}/{name}.cc" for side in runs.SIDES]
    diff = "\n".join(difflib.unified_diff(*sides, *names, lineterm=""))
    return (f"\n## {name}\n\n{pattern['summary'].capitalize()}. **The fix:** {pattern['fix']}\n\n```diff\n{diff}\n```\n\n"
            f"In Go: [leaky](../leaky/{name}.go), [fixed](../fixed/{name}.go).\n")


def main(arguments):
    parser = argparse.ArgumentParser(prog="harness/report/diffs.py")
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    pages.write_beside(options.out / "diffs.md", HEAD + "".join(section(p) for p in runs.patterns(options.program)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (runs.NotRun, OSError) as problem:
        print(f"scripts/reproduce: {problem}", file=sys.stderr)
        sys.exit(2)
