"""What virtual time produces is the same on every run and machine: results/ as committed is what the program writes now."""

import csv
import difflib
import json
import os
import re
import shutil
import subprocess
import unittest

from evidence.common import runs
from evidence.detectors.program import WORKLOADS
from tests import helper
from tests.helper import PROGRAM, ROOT


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


# What real Go, real clocks and real tools were found to do, on the machine that the file names.
OF_A_MACHINE = re.compile(r"go_parity|conformance\.md|detectors|bench|watch")
PLOTS = re.compile(r"plots/")


def anchors(page):
    """What can stand behind the # of a link to a page, as GitHub makes it of headings; of index.html: the names of patterns."""
    text = page.read_text()
    if page.suffix == ".html":
        return {p.stem for p in (ROOT / "leaky").glob("*.cc")}
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


class Results(helper.FolderTest):
    def write(self, writer, program=PROGRAM):
        done = subprocess.run(helper.module(writer, "--program", program, "--out", self.folder), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_same(self, now, committed):
        self.assertEqual(sorted(now), sorted(committed), "run ./scripts/reproduce and commit what it wrote")
        for name, text in now.items():
            diff = difflib.unified_diff(committed[name].splitlines(), text.splitlines(), "committed " + name, "now", lineterm="")
            self.assertEqual(text, committed[name], "run ./scripts/reproduce and look at the change:\n" +
                             "\n".join(line[:300] for line in list(diff)[:40]))

    def test_the_committed_results_are_what_the_program_writes(self):
        subprocess.run([PROGRAM, "reproduce", "--out", self.folder], check=True, stdout=subprocess.DEVNULL)
        self.write("evidence.results.claims", os.environ["AFTERLEAK_CLAIMS_TEST"])
        self.write("evidence.results.reports", os.environ["AFTERLEAK_REPORTS_PROGRAM"])
        for writer in ("evidence.results.readme", "evidence.results.diffs", "evidence.results.recording", "evidence.page.page"):
            self.write(writer)
        subprocess.run(helper.module("evidence.results.find_it", "--out", self.folder), check=True)
        self.assert_same(files(self.folder), {name: text for name, text in files(ROOT / "results").items()
                                              if not OF_A_MACHINE.match(name) and not PLOTS.match(name)})

    def test_so_are_the_plots(self):
        committed = {name: text for name, text in files(ROOT / "results").items() if PLOTS.match(name)}
        versions = {re.search(r"GNUPLOT ([\w. ]+?) *<", text)[1] for text in committed.values()}
        self.assertEqual(len(versions), 1, "plots of one version of gnuplot")
        if shutil.which("gnuplot") is None:
            self.skipTest("gnuplot is not installed; ./scripts/setup installs it")
        here = subprocess.run(["gnuplot", "--version"], capture_output=True, text=True).stdout
        if here.split()[1:] != versions.pop().split():
            self.skipTest(f"this is {here.strip()}, and the plots as committed are drawn by another version")
        self.write("evidence.results.plots")
        self.assert_same(files(self.folder), committed)

    def test_every_page_says_the_same_numbers(self):
        """Peaks and conclusions are exact, so they agree wherever they stand. Once "peak live 2" and "never more than 0 live" did not."""
        told = {}  # the conclusion on each pattern, workload and side
        for section in re.split(r"(?m)^### ", (ROOT / "results/README.md").read_text())[1:]:
            pattern = section.split(maxsplit=1)[0]
            peaks = {found[:2]: found[2:] for found in re.findall(r"(?m)^\| `(\S+)` \| (\w+) \| go122 \| (\d+) \| (\d+) \|", section)}
            conclusions = {found[:2]: found[2] for found in re.findall(r"(?m)^- `(\S+)`, (\w+): (.*)\.$", section)}
            self.assertEqual(sorted(peaks), sorted(conclusions))
            for (workload, side), conclusion in conclusions.items():
                with self.subTest(pattern=pattern, workload=workload, side=side):
                    live, abandoned = peaks[workload, side]
                    self.assertRegex(conclusion, rf"\A(never more than {live} live, none abandoned|"
                                     rf"nobody can hear {abandoned} of at most {live} live timers?|\S+ at \S+ grows to \d+)\Z")
                    told[pattern, workload, side] = conclusion
                    rows = list(csv.DictReader((ROOT / f"results/timelines/{runs.stem(pattern, workload)}.{side}.go122.csv").open()))
                    self.assertLessEqual(max(int(row["live"]) for row in rows), int(live))
                    self.assertLessEqual(max(int(row["abandoned"]) for row in rows), int(abandoned))
        self.assertEqual(len(told), 18)
        page = re.search(r'(?s)<script type="application/json" id="data">(.*?)</script>', (ROOT / "results/index.html").read_text())[1]
        same = 0
        for pattern, (side, run) in ((p, item) for p in json.loads(page)["patterns"] for item in p["runs"]["go122"].items()):
            same += (key := (pattern["name"], pattern["workload"], side)) in told
            self.assertEqual(told.get(key, run["why"]), run["why"], key)
        self.assertGreater(same, 3)

    def test_the_scorecard_quotes_the_census_as_it_is(self):
        quoted = set(re.findall(r"(?m)^(\w+) +(leaky|fixed) +(?:torn-down|pending) +(verdict: .*)$", (ROOT / "results/detectors.md").read_text()))
        now = set()
        for pattern, workload in WORKLOADS.items():
            for side in runs.SIDES:
                said = subprocess.run([PROGRAM, "run", pattern, "--variant", side, "--workload", workload], capture_output=True, text=True,
                                      env={**os.environ, "COLUMNS": "200"}).stdout
                now.add((pattern, side, re.search(r"(?m)^verdict: .*$", said)[0]))
        self.assertEqual(quoted, now, "run ./scripts/reproduce and commit what it wrote")

    def test_no_path_of_a_machine_is_in_them(self):
        for name, text in files(ROOT / "results").items():
            self.assertNotIn(str(ROOT), text, name)
            self.assertNotRegex(text, r"/(home|root|tmp/tmp|tmp/afterleak)\b", name)

    def test_every_link_leads_somewhere(self):
        for page in [ROOT / "README.md", *(ROOT / "results").glob("*.md")]:
            prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())  # a lambda in code is no link
            for link in re.findall(r"\]\(([^)\s]+)\)", prose):
                if link.startswith("https://"):  # nothing here asks the network
                    continue
                path, _, anchor = link.partition("#")
                target = page.parent / path if path else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target))


if __name__ == "__main__":
    unittest.main(verbosity=2)
