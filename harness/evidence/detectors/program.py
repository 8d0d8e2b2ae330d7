"""The program that the detectors look at, and the runs that they look at."""

import dataclasses
import json

from evidence.common import children
from evidence.common.children import Unavailable
from evidence.common.words import Refused

SIDES, EXITS = ("leaky", "fixed"), ("torn-down", "pending")
START, END = "0s", "60s"  # the two instants that decide, unless a run is shorter
PLANTED = 7777  # bytes that --plant-leak loses

# Thousands of timers, and a second or two under Valgrind. A pattern that is not listed runs with its last workload.
WORKLOADS = {"looping_select": "busy:100/s", "early_return": "busy:100/s", "idle_timeout": "busy:100/s",
             "signal_before_expiry": "busy:100/s", "signal_registration": "busy:20/s"}


@dataclasses.dataclass(frozen=True)
class Run:
    pattern: str
    workload: str
    side: str
    exit: str
    line: str = ""  # that arms most of the leaky side's timers, as the census says, such as leaky/looping_select.cc:10
    length: str = END

    def arguments(self, *more):
        return ["run", self.pattern, "--variant", self.side, "--workload", self.workload, "--for", self.length,
                "--sample", "30s" if self.length == END else self.length, "--exit", self.exit, *more]

    def instants(self):
        """When tools that can look at any instant are asked; the first and the last decide."""
        return [f"{t}s" for t in range(0, int(self.length.removesuffix("s")) + 1, 5)]

    def short(self):
        """The same without its load, to compare with when a tool looks only once; it ends with all that it made still there."""
        return dataclasses.replace(self, workload="idle", length="1ms", exit="pending", line="")


# A very short run, with one true leak: a tool that does not find that is broken, or did not really run.
CONTROL = Run("looping_select", "idle", "fixed", "torn-down", length="1ms")
PLANT = "--plant-leak"


class BadProgram(Refused):
    """The program itself does not do its work: no tool is to blame, and no row to be skipped."""


class Program:
    """The two builds of the program afterleak: the usual one, and the one linked with LeakSanitizer."""

    def __init__(self, path, lsan_path):
        self.path, self.lsan_path = path, lsan_path

    def ask(self, *arguments):
        try:
            return children.run(self.path.name, [self.path, *arguments]).expect()
        except Unavailable as reason:
            raise BadProgram(reason) from None

    def arguments(self, run, *more):
        """What a tool has it do."""
        return run.arguments(*more)

    def check(self):
        """Checks that it works without any tool: otherwise the tools would be blamed."""
        for exit_ in EXITS:
            self.ask(*self.arguments(dataclasses.replace(CONTROL, exit=exit_), PLANT, "--checkpoints", START))

    def patterns(self):
        """Name and workload of each, in the program's order."""
        try:
            listed = json.loads(self.ask("list", "--json").out)
            return {p["name"]: WORKLOADS.get(p["name"], p["workloads"][-1]) for p in listed}
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BadProgram(f"what {self.path.name} list --json wrote is not understood: {error!r}") from None

    def arming_line(self, pattern, workload, folder):
        """The line of the leaky side that most of the live timers come from."""
        run = Run(pattern, workload, "leaky", "torn-down")
        self.ask(*run.arguments("--json", folder / f"{pattern}.json"))
        site = max(json.loads((folder / f"{pattern}.json").read_text())["sites"], key=lambda s: s["live"])
        return f"{site['file']}:{site['line']}"
