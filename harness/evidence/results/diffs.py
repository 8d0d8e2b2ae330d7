"""Writes DIR/diffs.md: what the fix of each pair changes, and nothing else.

    python3 -m evidence.results.diffs --program AFTERLEAK --out DIR
"""

import difflib

from evidence.common import command_line, files, runs

NAME = "scripts/reproduce"

HEAD = """# What the fixes change

Written by `./scripts/reproduce`; do not edit. The difference between the two sides of a pair is the lesson, so there is no other
difference. Each is what `diff -u leaky/X.cc fixed/X.cc` prints.
"""


def section(pattern):
    name = pattern["name"]
    sides = [(files.ROOT / side / f"{name}.cc").read_text().splitlines() for side in runs.SIDES]
    names = [f"{side}/{name}.cc" for side in runs.SIDES]
    diff = "\n".join(difflib.unified_diff(*sides, *names, lineterm=""))
    return (f"\n## {name}\n\n{pattern['summary'].capitalize()}. **The fix:** {pattern['fix']} "
            f"**The work:** {pattern['work']}\n\n```diff\n{diff}\n```\n\n"
            f"In Go: [leaky](../leaky/{name}.go), [fixed](../fixed/{name}.go).\n")


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    files.write_whole(options.out / "diffs.md", HEAD + "".join(section(p) for p in runs.patterns(options.program)))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
