"""Runs of the program afterleak, as the pages and plots read them."""

import json
import pathlib
import re
import subprocess
import tempfile

SIDES = ("leaky", "fixed")
MODES = ("go122", "go123")


class NotRun(Exception):
    """The program did not do what it was asked; one line that says so."""


def ask(program, *arguments):
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotRun(f"{program} did not run: {problem}") from None
    if done.returncode != 0:
        raise NotRun(f"{program} {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def patterns(program):
    return json.loads(ask(program, "list", "--json"))


def run(program, pattern, side, workload, mode="go122", *more):
    """One minute of it, with the life of every timer under "journal"."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run.json"
        ask(program, "run", pattern, "--variant", side, "--workload", workload, "--timers", mode, "--journal", "--json", str(file),
            *more)
        return json.loads(file.read_text())


def stem(pattern, workload):
    """The beginning of the names of files about a pattern on a workload; as in harness/cli/reproduce.cc."""
    return f"{pattern}.{re.sub('[:@/]', '-', workload)}"
