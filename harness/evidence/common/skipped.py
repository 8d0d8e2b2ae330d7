"""Lists the tests that ctest skipped: which, why, and how to get them.

    python3 -m evidence.common.skipped FILE     FILE is what ctest --output-junit wrote

Prints nothing and exits with 0 if none was skipped; prints the list and exits with 1 if any was; exits with 2 if FILE
cannot be read.

The reason is found in the test's output: a GTEST_SKIP() message, or a line "SKIPPED: reason". By the project's rule a
reason says what is wrong, a semicolon, and what would be right; the second half is how to get the test.
"""

import re
import xml.etree.ElementTree

from evidence.common import command_line
from evidence.common.words import Refused

# GoogleTest: "file:line: Skipped", the message (it may be empty, or many lines), and the test's last line.
GTEST = re.compile(r"^\S[^\n]*: Skipped\n(.*?)^\[  SKIPPED \]", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^SKIPPED: (.*)$", re.MULTILINE)
NO_REASON = "no reason is given; give one where it is skipped"
NO_WAY = "scripts/setup --all, if it is a tool that is missing"


def reason_of(case):
    """Why a <testcase> was skipped; None if it was not."""
    status = case.get("status")
    if status == "disabled":
        return "it is disabled in its source; enable it there"
    skipped = case.find("skipped")
    # "notrun" is also the status of a program that is not there: a failure, which ctest itself reports.
    if skipped is not None and not skipped.get("message", "").startswith("SKIP_"):
        return None
    # A test that passed may say that it left out a part: that counts as skipped, or it would be silent.
    if skipped is None and status != "run":
        return None
    output = case.findtext("system-out") or ""
    found = GTEST.findall(output) + PYTHON.findall(output)
    if skipped is not None:
        found = found or [NO_REASON]
    reasons = dict.fromkeys(" ".join(reason.split()).removeprefix("SKIPPED: ") or NO_REASON for reason in found)
    return " / ".join(reasons) or None


def skipped_tests(file):
    """A dict of reasons, each with its tests' names."""
    by_reason = {}
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        reason = reason_of(case)
        if reason:
            by_reason.setdefault(reason, []).append(case.get("name"))
    return by_reason


def main(arguments):
    parser = command_line.Parser(prog="skipped")
    parser.add_argument("file")
    file = parser.parse_args(arguments).file
    try:
        by_reason = skipped_tests(file)
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        raise Refused(f"no list of skipped tests: {error}; ctest did not end as it should") from None
    if not by_reason:
        return 0
    total = sum(len(names) for names in by_reason.values())
    print(f"\nSkipped: {total} {'test' if total == 1 else 'tests'}")
    for reason, names in by_reason.items():
        why, _, how = reason.partition("; ")
        print(f"  {', '.join(names[:4])}{f' and {len(names) - 4} more' if len(names) > 4 else ''}")
        print(f"    why:       {why}")
        print(f"    to get it: {how or NO_WAY}")
    print()
    return 1


if __name__ == "__main__":
    command_line.main("scripts/test", main)
