"""Which tests have not passed yet, for scripts/test --rest.

    python3 -m evidence.common.rest --passed FILE     prints the names of the tests that passed as a whole; FILE is what
                                                      ctest --output-junit wrote
    ctest -N | python3 -m evidence.common.rest NAMES  prints what ctest's -I takes to run all but those of the file NAMES;
                                                      nothing if there is no other

A test that left out a part of itself and said so has not passed. 2: a file cannot be read.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree

from evidence.common import command_line
from evidence.common.skipped import reason_of
from evidence.common.words import Refused


def passed(file):
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        if case.get("status") == "run" and reason_of(case) is None:
            yield case.get("name")


def others(listing, names):
    """Which of the tests in ctest's listing are not among the names. -I counts from 1 those that -R and -LE choose."""
    listed = re.findall(r"(?m)^ *Test +#\d+: (.*?)(?: \(Disabled\))?$", listing)
    return [str(place) for place, name in enumerate(listed, 1) if name not in names]


def main(arguments):
    parser = command_line.Parser(prog="rest")
    parser.add_argument("--passed", action="store_true")
    parser.add_argument("file")
    given = parser.parse_args(arguments)
    try:
        if given.passed:
            print("".join(f"{name}\n" for name in passed(given.file)), end="")
        elif numbers := others(sys.stdin.read(), set(pathlib.Path(given.file).read_text().splitlines())):
            print(",".join(["0,0,0", *numbers]))  # start, end, stride, and each test
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        raise Refused(f"which tests passed is not known: {error}; run scripts/test without --rest first") from None


if __name__ == "__main__":
    command_line.main("scripts/test", main)
