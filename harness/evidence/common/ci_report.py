"""What .ci/run says at its end: the tests that failed, with the end of what each printed, and a line for each stage.

    python3 -m evidence.common.ci_report FOLDER STAGE=SECONDS...

FOLDER/STAGE/*.xml is what ctest --output-junit wrote in that stage, in the order of the names: of a test that ran twice the
later one counts. Of a long log often only the end is kept, so all that matters stands here. The last line is the sum of all
in ctest's words, which scripts look for; it is left out if a stage ran no test.
"""

import pathlib
import sys
import xml.etree.ElementTree

LINES, WIDTH = 30, 300  # of each test's output


def tests_of(folder):
    """A dict: a test's name, and the end of its output if it failed, else None."""
    tests = {}
    for file in sorted(folder.glob("*.xml")):
        try:
            cases = list(xml.etree.ElementTree.parse(file).iter("testcase"))
        except (OSError, xml.etree.ElementTree.ParseError):
            continue  # the stage that should have written it has said why
        for case in cases:
            failed = case.find("failure") is not None or case.get("status") == "fail"
            tests[case.get("name")] = (case.findtext("system-out") or "").rstrip().splitlines()[-LINES:] if failed else None
    return tests


def summary(tests):
    """It rounds down, as ctest does, so that 100% is said only where nothing failed."""
    failed = sum(output is not None for output in tests)
    return f"{(len(tests) - failed) * 100 // len(tests)}% tests passed, {failed} tests failed out of {len(tests)}"


def main(folder, *stages):
    lines, every, whole = [], [], True
    for stage in stages:
        name, _, seconds = stage.partition("=")
        tests = tests_of(pathlib.Path(folder) / name)
        for test, output in tests.items():
            if output is not None:
                print("\n".join([f"\n{name}: {test}", *(f"  {line[:WIDTH]}" for line in output)]))
        whole = whole and bool(tests)
        every += tests.values()
        lines.append(f"{name}: {summary(tests.values()) if tests else 'the tests did not run'}; {seconds} s")
    print("\n".join(["", *lines]))
    if whole:
        print(f"\n{summary(every)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
