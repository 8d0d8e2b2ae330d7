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
    # pdeathsig: should this be killed, no program is left behind.
    command = ["setpriv", "--pdeathsig", "KILL", "--", str(program), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise NotRun(f"{program} {' '.join(arguments)}: {reason[-1]}")
    return done.stdout


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
    """The beginning of the names of files about a pattern on a workload; as in harness/cli/reproduce.cc."""
    return f"{pattern}.{re.sub('[:@/]', '-', workload)}"
