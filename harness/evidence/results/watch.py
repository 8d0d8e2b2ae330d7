"""Writes DIR/watch.md: what `afterleak watch` says of real programs, and of programs that know the truth about their timers.

    python3 -m evidence.results.watch --program AFTERLEAK --truth FOLDER --out DIR

FOLDER: where tests/loops/ was built. What is not installed here is left out, and the page says so.
"""

import concurrent.futures
import json
import pathlib
import re
import shlex
import tempfile

from evidence.common import children, command_line, files, markdown
from evidence.common.words import say
from evidence.real import programs, session

NAME = "scripts/reproduce"
WORDS = ("leak", "grows, not proven")  # what says most first
AT_ONCE = 24
SOURCES = files.ROOT / "harness/tests/loops"

HEAD = """# What `afterleak watch` says

Written by `./scripts/reproduce`; do not edit. The programs run for a second or two on the real clock, so no two runs are alike in every
number. Machine: {machine}.

## Programs as Debian packages them

[Each](../harness/evidence/real/programs.py) is given something small to do, and
[a test](../harness/tests/watch_real_test.py) compares what it answers with what it answers unwatched. `afterleak` is
`.build/release/afterleak`, and a word in capitals stands for a port of loopback.
"""

TRUTH = """
## Programs that know the truth

[harness/tests/loops/](../harness/tests/loops): each arms some 400 timers in two seconds and counts them itself, the right way or with a
mistake. It runs once; and once more with twice the work, held against the first run (`--against`). Nobody names a unit of work: so
*leak* needs later timers of the same line that were stopped ([what a site is told](../harness/watch/README.md#what-a-site-is-told)).

- {found}
- {lines}
- {alarms}

"""

LEFT_OUT = "Left out, as it is not installed here: {}. `scripts/setup --all` installs it.\n"


# ---- Real programs

def real(program, truth):
    """The section, and whether one of them did not work."""
    text, broken = "", False
    multi = truth / "watched_curl"
    for each in (*programs.PROGRAMS, *([programs.curl_multi(multi)] if multi.exists() else [])):
        text += f"\n### {each.name}\n\n"
        if missing := each.missing():
            text += LEFT_OUT.format(" and ".join(missing))
            continue
        try:
            ended = session.run(each, [program, "watch"])
        except children.Unavailable as problem:
            text += f"Left out: {problem}.\n"
            say(f"{NAME}: {problem}")
            broken = True
            continue
        report = ended.said[ended.said.index("afterleak: "):].rstrip()  # before it is what the program itself said
        text += f"{each.does[0].upper()}{each.does[1:]}.\n\n```console\n$ afterleak watch {shlex.join(each.command)}\n{report}\n```\n"
    return text, broken


# ---- Programs that know the truth

class Run:
    """One run of a program: what it says of itself, and what is said of it."""

    def __init__(self, command, report):
        self.truth = json.loads(children.run(command[0].name, command, env={"WATCHED_END": "_exit"}).expect().out.splitlines()[0])
        found = json.loads(report.read_text())
        self.idle_grows = bool(found["idle_grows"])
        self.sites = [site for site in found["sites"] if not pathlib.Path(site["file"]).name.startswith("load_")]

    @property
    def told(self):
        """The site that says most: one that leaks or grows, else the one with the most that are left. None: nothing was armed."""
        def weight(site):
            return WORDS.index(site["word"]) if site["word"] in WORDS else len(WORDS), -site["live"] - site["idle"]
        return min(self.sites, key=weight, default=None)

    @property
    def word(self):
        return self.told["word"] if self.told else "nothing armed"

    @property
    def is_seen(self):
        return self.word in WORDS

    def cell(self):
        return f"**{self.word}**" if self.word == "leak" else self.word


class Case:
    """A variant of a program."""

    def __init__(self, name, variant, what):
        self.name, self.variant, self.what = name, variant, what

    def run(self, program, truth):
        """Once, and once more with twice the work."""
        with tempfile.TemporaryDirectory(prefix="afterleak-watch-") as name:
            half, all_ = pathlib.Path(name) / "half.json", pathlib.Path(name) / "all.json"
            watched = [truth / f"watched_{self.name}", self.variant]
            self.once = Run([program, "watch", "--json", half, *watched], half)
            self.twice = Run([program, "watch", "--json", all_, "--against", half, *watched, "2"], all_)

    @property
    def left(self):
        """What is left that nobody wants: (how many, what), none if nothing is."""
        live, objects = self.once.truth["live"], self.once.truth["objects"]
        if self.once.truth["line"] and live:
            return live, "live"
        return (objects - live, "idle") if objects > live else None

    @property
    def is_told(self):
        return self.once.word == "leak"

    @property
    def is_seen(self):
        return self.once.is_seen or self.twice.is_seen

    @property
    def at_its_line(self):
        return self.once.told["line"] == self.once.truth["line"]

    def line(self):
        """Whether the line is right, and how many are left there."""
        told = self.once.told
        if not self.left:
            return ""
        if self.left[1] == "idle":
            return f"{told['idle']} idle at line {told['line']}"
        if self.at_its_line:
            return f"right: {told['live']} live at line {told['line']}"
        return f"{told['live']} live at line {told['line']}, armed at {self.once.truth['line']}"

    def why(self):
        """Of what is left, and is not called a leak."""
        if not self.left or self.is_told:
            return ""
        site = self.once.told
        stopped = site["stopped"] - site["put_off"]
        if self.left[1] == "idle":
            return "no timer is left: each was stopped, or fired, and its object is not freed" + (
                "; `--fail-on idle` fails" if self.once.idle_grows else "")
        if stopped:
            return f"{stopped} of {site['armed']} were stopped, as late as those that are left would be: a plateau"
        if site["fired"]:
            return f"none was stopped, and {site['fired']} of {site['armed']} have fired: a plateau, as wanted time-outs have it"
        return "none was ever stopped, and none is over yet: wanted ones look the same"


def cases(truth):
    """Those that are built, and the names of those that are not."""
    found, missing = [], []
    for source in sorted(set(SOURCES.glob("*.cc")) - set(SOURCES.glob("watched*.cc"))):
        variants = re.findall(r"^// (\d): (.*)$", source.read_text(), re.MULTILINE)
        if variants and (truth / f"watched_{source.stem}").exists():
            found += [Case(source.stem, number, what) for number, what in variants]
        elif variants:
            missing.append(source.stem)
    return found, missing


def table(program, truth):
    found, missing = cases(truth)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:  # they wait nearly all of the time
        list(pool.map(lambda case: case.run(program, truth), found))
    leaky = [case for case in found if case.left]
    clean = [case for case in found if not case.left]
    live = [case for case in leaky if case.left[1] == "live"]
    alarms = [case for case in clean if case.is_seen]
    text = TRUTH.format(
        found=f"{len(leaky)} leave something behind: {sum(case.is_told for case in leaky)} are called a leak in one run, and "
              f"{sum(case.is_seen and not case.is_told for case in leaky)} more are seen to grow, there or against half of the work. For each that "
              "is not called a leak the table says why.",
        lines=f"{sum(case.at_its_line for case in live)} of {len(live)} that leave timers live are told by the line that armed them.",
        alarms=f"{len(clean)} leave nothing behind that nobody wants: {sum(case.is_told for case in clean)} are called a leak"
               + (f", and {len(alarms)} seen to grow ({', '.join(case.what for case in alarms)})." if alarms else "."))
    text += markdown.table(["program", "variant", "left behind", "the judge's word", "against half of the work", "line", "why no leak"], [
        [f"[{case.name}](../harness/tests/loops/{case.name}.cc)", case.what, f"{case.left[0]} {case.left[1]}" if case.left else "",
         case.once.cell(), case.twice.cell(), case.line(), case.why()]
        for case in found])
    if missing:
        text += "\n" + f"Left out, as the library is not installed here: {', '.join(missing)}. `scripts/setup --all` installs it.\n"
    return text


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_program(required=True)
    parser.add_argument("--truth", type=pathlib.Path, metavar="FOLDER", required=True)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    truth = options.truth.resolve()
    section, broken = real(options.program, truth)
    page = HEAD.format(machine=markdown.machine()) + section + table(options.program, truth)
    files.write_whole(options.out / "watch.md", page)
    return 3 if broken else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
