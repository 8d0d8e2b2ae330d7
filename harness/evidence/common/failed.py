"""Lists the tests that failed, with the end of what each printed.

    python3 -m evidence.common.failed FILE...     each FILE is what ctest --output-junit wrote

For the end of a long log, of which often only the end is kept. A file that is not there or is none is passed over: the
stage that should have written it has said why.
"""

import pathlib
import sys
import xml.etree.ElementTree

LINES, WIDTH = 30, 300  # of each test's output


def failed_tests(file):
    """(name, output) of each."""
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        if case.find("failure") is not None or case.get("status") == "fail":
            yield case.get("name"), case.findtext("system-out") or ""


def main(files):
    for file in files:
        try:
            failed = list(failed_tests(file))
        except (OSError, xml.etree.ElementTree.ParseError):
            continue
        for name, output in failed:
            print(f"\n{pathlib.Path(file).name.partition('.')[0]}: {name}")
            for line in output.rstrip().splitlines()[-LINES:]:
                print(f"  {line[:WIDTH]}")


if __name__ == "__main__":
    main(sys.argv[1:])
