"""Writes DIR/watch.md: what `afterleak watch` says of real programs, and of programs that know the truth about their timers.

    python3 -m evidence.results.watch --program AFTERLEAK --truth FOLDER --out DIR

FOLDER: where tests/loops/ was built. What is not installed here is left out, and the page says so.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import tempfile
import time

from evidence.common import children, command_line, files, markdown
from evidence.common.words import say

NAME = "scripts/reproduce"
WORDS = ("leak", "grows, not proven")  # what says most first
SOURCES = files.ROOT / "harness/tests/loops"
READY = 20  # seconds, for a server to answer

HEAD = """# What `afterleak watch` says

Written by `./scripts/reproduce`; do not edit. The programs run for a second or two on the real clock, so no two runs are alike in every
number. Machine: {machine}.

## Programs as Debian packages them

Each is given something small to do. `afterleak` is `.build/release/afterleak`.
"""

TRUTH = """
## Programs that know the truth

[harness/tests/loops/](../harness/tests/loops): each arms some 400 timers in two seconds and counts them itself, the right way or with a
mistake. One run, and nobody names a unit of work: so *leak* needs later timers of the same line that were stopped
([what a site is told](../harness/watch/README.md#what-a-site-is-told)).

- {found}
- {lines}
- {alarms}

"""

LEFT_OUT = "Left out, as it is not installed here: {}. `scripts/setup --all` installs it.\n"


# ---- Real programs. Each function gives the program something to do; the folder is the current one of all that it starts.

def wait_until(condition, what, process):
    deadline = time.monotonic() + READY
    while not condition():
        if children.wait(process, 0.02):
            raise children.Unavailable(f"waited in vain until {what}: it has ended")
        if time.monotonic() > deadline:
            raise children.TooLong(f"waited {READY} s in vain until {what}")


def memcached(folder, process):
    path = folder / "socket"
    wait_until(path.exists, "memcached listens", process)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        for _ in range(200):
            for request in (b"set a 0 0 2\r\nhi\r\n", b"get a\r\n"):
                client.sendall(request)
                client.recv(4096)
    children.wait(process, 1)  # its clock ticks once a second
    process.terminate()


def tmux(folder, process):
    def ask(*words):
        return children.run("tmux", ["tmux", "-S", "socket", "-N", *words], cwd=folder).out

    wait_until(lambda: ask("new-session", "-d", "-P", "-x", "80", "-y", "24", "sh"), "tmux listens", process)
    wait_until(lambda: ask("capture-pane", "-p").strip(), "its shell asks", process)
    for number in range(5):
        ask("send-keys", f"echo $((6 * {number}))", "Enter")
    # What is typed before the prompt is there leaves the answer beside a prompt.
    wait_until(lambda: re.search(r"(?m)^(\S )?24$", ask("capture-pane", "-p")), "its shell has answered", process)
    ask("kill-server")


def nothing(*_):
    pass


SLEEP = "import asyncio; asyncio.run(asyncio.sleep(0.1))"
REAL = (  # package, what it does meanwhile, command, load
    ("memcached", "400 requests, then SIGTERM", ["memcached", "-u", "root", "-s", "socket"], memcached),
    ("tmux", "a session, some lines typed, `kill-server`", ["tmux", "-S", "socket", "-f", "/dev/null", "-D"], tmux),
    ("libglib2.0-bin", "lists a folder's attributes", ["gio", "info", "/"], nothing),
    ("python3", "waits a tenth of a second", ["python3", "-c", SLEEP], nothing),
)


@contextlib.contextmanager
def started(command, folder):
    """In its session, of which nothing is left. Its report goes to the file `said`."""
    with (folder / "said").open("wb") as said, open(os.devnull, "wb") as nowhere:
        process = children.start(command, cwd=folder, stdout=nowhere, stderr=said,
                                 env={**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8"})
        try:
            yield process
        finally:
            children.end(process)


def watched(program, command, load):
    """What is said of it."""
    with tempfile.TemporaryDirectory(prefix="afterleak-watch-") as name:
        folder = pathlib.Path(name)
        with started([program, "watch", *command], folder) as process:
            load(folder, process)
            if not children.wait(process, children.TIMEOUT):
                raise children.TooLong(f"{command[0]} did not end")
        return (folder / "said").read_text(errors="replace").rstrip()


def shown(command):
    return " ".join(f"'{word}'" if re.search(r"[^\w./-]", word) else word for word in command)


def real(program):
    """The section, and whether one of them did not work."""
    text, broken = "", False
    for package, does, command, load in REAL:
        text += f"\n### {command[0]}\n\n"
        if not shutil.which(command[0]):
            text += LEFT_OUT.format(package)
            continue
        try:
            said = watched(program, command, load)
        except children.Unavailable as problem:
            text += f"Left out: {problem}.\n"
            say(f"{NAME}: {problem}")
            broken = True
            continue
        text += f"{does[0].upper()}{does[1:]}.\n\n```console\n$ afterleak watch {shown(command)}\n{said}\n```\n"
    return text, broken


# ---- Programs that know the truth

class Case:
    """A variant of a program: what it is, what it says of itself, and what is said of it."""

    def __init__(self, name, variant, what):
        self.name, self.variant, self.what = name, variant, what

    def run(self, program, truth):
        with tempfile.TemporaryDirectory(prefix="afterleak-watch-") as name:
            file = pathlib.Path(name) / "report.json"
            ended = children.run(self.name, [program, "watch", "--json", file, truth / f"watched_{self.name}", self.variant],
                                 env={"WATCHED_END": "_exit"}).expect()
            self.truth = json.loads(ended.out.splitlines()[0])
            report = json.loads(file.read_text())
        self.idle_grows = bool(report["idle_grows"])
        self.sites = [site for site in report["sites"] if not pathlib.Path(site["file"]).name.startswith("load_")]
        return self

    @property
    def left(self):
        """What is left that nobody wants: (how many, what), none if nothing is."""
        live, objects = self.truth["live"], self.truth["objects"]
        if self.truth["line"] and live:
            return live, "live"
        return (objects - live, "idle") if objects > live else None

    @property
    def told(self):
        """The site that says most: one that leaks or grows, else the one with the most that are left. None: nothing was armed."""
        def weight(site):
            return WORDS.index(site["word"]) if site["word"] in WORDS else len(WORDS), -site["live"] - site["idle"]
        return min(self.sites, key=weight, default=None)

    @property
    def is_told(self):
        return self.told is not None and self.told["word"] == "leak"

    @property
    def at_its_line(self):
        return self.told["line"] == self.truth["line"]

    def word(self):
        word = self.told["word"] if self.told else "nothing armed"
        return f"**{word}**" if self.is_told else word

    def line(self):
        """Whether the line is right, and how many are left there."""
        if not self.left:
            return ""
        if self.left[1] == "idle":
            return f"{self.told['idle']} idle at line {self.told['line']}"
        if self.at_its_line:
            return f"right: {self.told['live']} live at line {self.told['line']}"
        return f"{self.told['live']} live at line {self.told['line']}, where they were armed again; first at {self.truth['line']}"

    def why(self):
        """Of what is left, and is not called a leak."""
        if not self.left or self.is_told:
            return ""
        site = self.told
        if self.left[1] == "idle":
            return "no timer is left: each was stopped, or fired, and its object is not freed" + (
                "; `--fail-on idle` fails" if self.idle_grows else "")
        if site["stopped"]:
            return f"{site['stopped']} of {site['armed']} were stopped, as late as those that are left would be: a plateau"
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
    with concurrent.futures.ThreadPoolExecutor(max(len(found), 1)) as pool:  # they wait nearly all of the time
        list(pool.map(lambda case: case.run(program, truth), found))
    leaky = [case for case in found if case.left]
    clean = [case for case in found if not case.left]
    live = [case for case in leaky if case.left[1] == "live"]
    text = TRUTH.format(
        found=f"{len(leaky)} leave something behind: {sum(case.is_told for case in leaky)} are called a leak. For each other one the table says "
              "why not.",
        lines=f"{sum(case.at_its_line for case in live)} of {len(live)} that leave timers live are told by the line that armed them, the others "
              "by the one that armed them again.",
        alarms=f"{len(clean)} leave nothing behind that nobody wants: {sum(case.is_told for case in clean)} are called a leak.")
    text += markdown.table(["program", "variant", "left behind", "the judge's word", "line", "why no leak"], [
        [f"[{case.name}](../harness/tests/loops/{case.name}.cc)", case.what, f"{case.left[0]} {case.left[1]}" if case.left else "",
         case.word(), case.line(), case.why()]
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
    section, broken = real(options.program)
    page = HEAD.format(machine=markdown.machine()) + section + table(options.program, options.truth.resolve())
    files.write_whole(options.out / "watch.md", page)
    return 3 if broken else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
