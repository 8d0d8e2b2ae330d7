"""Runs of the program afterleak, as the pages and plots read them."""

import json
import pathlib
import re
import tempfile

from evidence.common import children
from evidence.common.words import Refused

SIDES = ("leaky", "fixed")
MODES = ("go122", "go123")
ARTICLES = {"A": "Article A: time-outs in a looping select", "B": "Article B: a session that a signal ends"}

# Where the patterns come from, in Markdown. The author of article A could not be found out, nor an address of it.
SOURCES = {
    "A": "\"Case of a leaking timer in go\", 13 November 2022. It quotes [a post of ArangoDB]"
         "(https://www.arangodb.com/2020/09/a-story-of-a-memory-leak-in-go-how-to-properly-use-time-after/) of September 2020, whose shape "
         "`idle_timeout` has.",
    "B": "[\"A Randomly-Timed Memory Leak\"](https://github.com/AppleGamer22/applegamer22.github.io/blob/"
         "144a8eb9de8cacd105b3bbf1ee705a10d0b54d18/content/posts/go/a_randomly-timed_memory_leak/index.md), Omri Bornstein, "
         "14 January 2023.",
}


class NotRun(Refused):
    """The program did not do what it was asked; one line that says so."""


def ask(program, *arguments):
    done = children.run(str(program), [program, *arguments])
    if done.code != 0:
        reason = done.err.strip().splitlines() or [f"exit code {done.code}"]
        raise NotRun(f"{program} {' '.join(arguments)}: {reason[-1]}")
    return done.out


def answer(program, text):
    """What the program wrote as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        raise NotRun(f"{program} did not answer in JSON; --program takes afterleak") from None


def patterns(program):
    return answer(program, ask(program, "list", "--json"))


def run(program, pattern, side, workload, mode="go122", *more):
    """One minute of it, with the life of every timer under "journal"."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run.json"
        ask(program, "run", pattern, "--variant", side, "--workload", workload, "--timers", mode, "--journal", "--json", str(file),
            *more)
        return answer(program, file.read_text())


def stem(pattern, workload):
    """The beginning of the names of files about a pattern on a workload; the program names its timelines so too."""
    return f"{pattern}.{re.sub('[:@/]', '-', workload)}"
