"""The programs after public reports, harness/tests/reports/, as the pages about them read them."""

import json
import re

from evidence.common.files import ROOT
from evidence.common.markdown import literal

FOLDER = ROOT / "harness/tests/reports"


def cases():
    """What the manifest says of each pair."""
    return json.loads((FOLDER / "reports.json").read_text())


def marked(name):
    """The lines of a leaky side that a detector has to name."""
    lines = (FOLDER / name / "leaky.cc").read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if "// LEAK" in line]


def links(case):
    """The reports of a case, as links that say what they are about."""
    return ", ".join(f"[{report['project']}#{re.sub('.*/', '', report['thread'])}]"
                     f"(https://github.com/{report['project']}/{report['thread']} \"{title(report)}\")" for report in case["reports"])


def title(report):
    return literal(report["title"]).replace('"', "'")


def link(case):
    """The number of a case, as a link to its folder."""
    return f"[{case['case'][:2]}](../harness/tests/reports/{case['case']}/leaky.cc)"
