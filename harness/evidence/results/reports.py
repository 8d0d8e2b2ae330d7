"""Writes DIR/reports.md: what the judge says of the programs after public reports.

    python3 -m evidence.results.reports --program REPORTS_PROGRAM --out DIR
"""

import re

from evidence.common import command_line, corpus, files, markdown, runs

NAME = "scripts/reproduce"

HEAD = """# What the judge says of programs after public reports

Written by `./scripts/reproduce`; do not edit. Nothing on this page depends on the machine: each run gives the same bytes.

Each row is a program after public bug reports, leaky and fixed, in [harness/tests/reports/](../harness/tests/reports). The judge sees
150 s of load, and two seconds after it; then fifty short loads, one after the other. What other detectors say of the leaky sides is on
[detectors_reports.md](detectors_reports.md).

- {found}
- {fixed}
- {clean}

In a cell: the kind of leak that is expected, what leaks and how many, and the line that the judge names: where it was armed or started, or
where it waits. *+* says what else is found at the same fault. In mode `go123` a channel timer that nobody can hear is collected, so there
the programs that leak such timers must be silent.

"""

CLEAN = """
## Programs that look leaky and are not

Each is run as the others are, in both modes.

"""


class Judged:
    """What the judge says, by program, side and mode."""

    def __init__(self, program):
        answers = runs.answer(program, runs.ask(program, "judge"))
        self.said = {(a["name"], a["side"], a["mode"]): a for a in answers}

    def silent(self, name, side):
        return all(not (said := self.said[name, side, mode])["findings"] and not said["stale"] for mode in runs.MODES)

    def clean(self):
        return sorted(name for name, side, mode in self.said if side == "clean" and mode == runs.MODES[0])


def lines(finding):
    """Of the program: where it was armed or started, and where it waits."""
    text = f"{finding['file']}:{finding['line']} {finding['waits']}"
    return [int(line) for line in re.findall(r"/leaky\.cc:(\d+)\b", text)]


def expected(case, said):
    """The finding that the case is about, as (text, line); none if it is missed."""
    guilty = corpus.marked(case["case"])
    if case["kind"] == "stale":
        for site in said["stale"]:
            if int(site.rpartition(":")[2]) in guilty:
                return f"stale value, line {guilty[0]}"
        return None
    begin = {"goroutine": "goroutine", "registration": "signal::", "heap": "heap block"}.get(case["what"], "")
    for finding in sorted(said["findings"], key=lambda finding: not finding["kind"].startswith(begin)):
        named = [line for line in guilty if line in lines(finding)]
        if finding["leak"] == case["kind"] and (named or (case["what"] == "heap" and finding["kind"] == "heap block")):
            if not named:  # how many blocks it takes is the C++ library's affair
                return f"{finding['leak']}: {finding['kind']}s"
            return f"{finding['leak']}: {finding['count']} x {finding['kind']}, line {named[0]}"
    return None


def cell(case, said):
    if not said["findings"] and not said["stale"]:
        return "**missed**: silent" if said["mode"] in case["modes"] else "silent"
    main = expected(case, said)
    if not main:
        return "**missed**: " + "; ".join(f"{f['leak']}: {f['kind']}" for f in said["findings"])
    more = sorted({f"{f['leak']} {f['kind']}" for f in said["findings"]} - {re.sub(r": (?:\d+ x )?(.*?)s?(?:, line .*)?$", r" \1", main)})
    return main + (f" (+ {', '.join(more)})" if more else "")


def page(program):
    judged, cases = Judged(program), corpus.cases()
    leaks = [(case, mode) for case in cases for mode in case["modes"]]
    quiet = [(case, mode) for case in cases for mode in runs.MODES if mode not in case["modes"]]
    found = [1 for case, mode in leaks if expected(case, judged.said[case["case"], "leaky", mode])]
    silent = [1 for case, mode in quiet if not judged.said[case["case"], "leaky", mode]["findings"]]
    fixed = [case for case in cases if judged.silent(case["case"], "fixed")]
    clean = [name for name in judged.clean() if judged.silent(name, "clean")]
    head = HEAD.format(
        found=f"{len(cases)} leaky sides in two timer modes: {len(found)} of the {len(leaks)} that leak are found as expected, and "
              f"{len(silent)} of the {len(quiet)} that do not are silent.",
        fixed=f"{len(fixed)} of {len(cases)} fixed sides are silent in both modes.",
        clean=f"{len(clean)} of {len(judged.clean())} programs that look leaky and are not are silent in both modes.")
    rows = [[corpus.link(case), corpus.links(case), case["shape"],
             *(cell(case, judged.said[case["case"], "leaky", mode]) for mode in runs.MODES),
             "silent" if judged.silent(case["case"], "fixed") else "**a finding**"] for case in cases]
    table = markdown.table(["", "reports", "shape", "leaky, `go122`", "leaky, `go123`", "fixed"], rows)
    return head + table + CLEAN + markdown.table(["program", "what it does", "judge"], [
        [f"[{name}](../harness/tests/reports/clean/{name}.cc)", says(name),
         "silent" if judged.silent(name, "clean") else "**a finding**"] for name in judged.clean()])


def says(name):
    """The comment at the top of a clean program."""
    text = (corpus.FOLDER / f"clean/{name}.cc").read_text()
    return " ".join(re.search(r"((?:^// .*\n)+)", text, re.MULTILINE)[1].replace("// ", "").split())


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    files.write_whole(options.out / "reports.md", page(options.program))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
