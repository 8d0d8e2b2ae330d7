"""Holds the library against real Go, rule by rule, and writes results/conformance.md.

    python3 -m evidence.go.conformance --program GO_CONFORMANCE --out DIR    every Go that is here, both timer modes
    python3 -m evidence.go.conformance --program GO_CONFORMANCE --ctest      the same; writes nothing; 77 without Go

The rules are those in conformance/. Exit code: 0 all the same, or different on purpose;
1 not; 2 it could not run; 3 no Go.
"""

import collections
import concurrent.futures
import pathlib
import shutil
import tempfile
import time

from evidence.common import children, command_line, files, markdown
from evidence.common.words import Refused, say
from evidence.go import toolchains

NAME = "scripts/reproduce"

# Rules whose outcome differs on purpose, and why. One that does not differ is an error.
REASONS = {
    "default action: the same three for SIGINT":
        "a quirk of Go's run-time: what Ignore did to SIGINT and SIGHUP counts as what was there before Notify; "
        "here every signal is like SIGTERM above",
    "default action: SIGUSR1 without Notify":
        "Go's run-time catches nearly every signal from its start, and drops this one; "
        "here the kernel keeps what nobody asked for",
} | dict.fromkeys(
    ("deadlock: Mutex.Lock", "deadlock: RWMutex.Lock", "deadlock: RWMutex.RLock"),
    "Go's traceback names the lock; that of Go 1.19 said semacquire") | {
    "deadlock: WaitGroup.Wait":
        "Go's traceback says semacquire up to 1.24, and since 1.25 what it says here",
}

NOT_YET = "not in this Go"  # what an older one says of a rule about something that came later

RUNS = 3  # of a rule that is not the same at once: Go's clock is real, and the machine may have been late
TIMEOUT = 180


class BadRun(Refused):
    """It could not be compared."""


class Column:
    """One program in one configuration: what it says of each rule."""

    def __init__(self, name, mode, command, godebug=None):
        self.name, self.mode, self.godebug = name, mode, godebug
        self.command = ["env", "--default-signal", *command]  # signals as at login, however this was started
        self.outcomes, self.tests = {}, {}

    def run(self, *arguments):
        environment = {"PATH": "/usr/bin:/bin"} | ({} if self.godebug is None else {"GODEBUG": self.godebug})
        done = children.run(self.name, [*self.command, *arguments], timeout=TIMEOUT, env=environment, alone=True)
        if done.code != 0:
            raise BadRun(f"{self.name} ended with {done.code}: {done.err.strip().splitlines()[:1]}")
        outcomes = {}
        for line in done.out.splitlines():
            rule, *rest = line.split("\t")
            if not rest or rule in outcomes or len(rest) != (1 if self.godebug is None else 2):
                raise BadRun(f"{self.name} printed no rule, or one twice: {line!r}")
            outcomes[rule] = rest[0]
            self.tests[rule] = rest[-1]
        return outcomes

    def is_like(self, port, rule):
        """Whether the port does the same, as far as this Go can tell."""
        return self.outcomes[rule] in (NOT_YET, port[self.mode].outcomes[rule])

    def run_all(self):
        self.outcomes = self.run()

    def settle(self, rule):
        """The outcome of most runs."""
        seen = collections.Counter([self.outcomes[rule]])
        for _ in range(RUNS - 1):
            seen.update([self.run("--only", rule)[rule]])
        self.outcomes[rule], times = seen.most_common(1)[0]
        return times


def build(toolchain, work, folder):
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for file in pathlib.Path(__file__).with_name("conformance").glob("*.go"):
        shutil.copy(file, source)
    (source / "go.mod").write_text("module conformance\n\ngo 1.19\n")
    program = folder / f"go-{toolchain.version}"
    problem = toolchains.build(toolchain, source, work, program)
    if problem:
        raise BadRun(f"Go {toolchain.version} does not build conformance/*.go: {problem}")
    return program


def probe(found, program, work):
    """The columns of Go, and those of the port by timer mode."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        folder = pathlib.Path(folder)
        go = []
        for toolchain in found:
            built = build(toolchain, work, folder)
            for godebug, mode in toolchain.configurations():
                short = f" ({godebug[-2:]})" if len(toolchain.configurations()) == 2 else ""
                go.append(Column(f"Go {toolchain.version}{short}", mode, [str(built)], godebug))
        port = {mode: Column(f"port {mode}", mode, [str(program), "--timers", mode]) for mode in ("go122", "go123")}
        with concurrent.futures.ThreadPoolExecutor(len(go) + 2) as pool:  # they sleep most of the time
            list(pool.map(Column.run_all, [*go, *port.values()]))
        rules = list(go[0].outcomes)
        for column in [*go, *port.values()]:
            if list(column.outcomes) != rules:
                other = [r for r in column.outcomes if r not in rules] + [r for r in rules if r not in column.outcomes]
                raise BadRun(f"{column.name} has other rules than {go[0].name}, or in another order: {other[:3]}")
        for column in go:
            for rule in rules:
                if not column.is_like(port, rule) and rule not in REASONS:
                    first = column.outcomes[rule]
                    times = column.settle(rule)
                    say(f"    again: {rule}: {column.name} said {first!r}, and {column.outcomes[rule]!r} in {times} of {RUNS}")
    return go, port


def judge(go, port):
    """(same, on purpose, wrong): rules; a rule with a reason it does not need is wrong."""
    same, purpose, wrong = [], [], [r for r in REASONS if r not in go[0].outcomes]
    for rule in go[0].outcomes:
        equal = all(c.is_like(port, rule) for c in go)
        (wrong if equal == (rule in REASONS) else same if equal else purpose).append(rule)
    return same, purpose, wrong


def table(head, rows):
    return markdown.table(head, [map(markdown.literal, row) for row in rows])


def summary(go, port, same, purpose, wrong):
    return (f"{len(go[0].outcomes)} rules: {len(same)} the same in the port as in every Go, {len(purpose)} different on purpose, "
            f"{len(wrong)} not the same")


def page(go, port, same, purpose, wrong):
    columns = [*go, *port.values()]
    names = [c.name for c in columns]
    tests = go[0].tests

    def full(rules, verdict):
        return table(["rule", "drawn from", *names, "same", *(["why"] if verdict == "on purpose" else [])],
                     [[r, tests.get(r, ""), *(c.outcomes.get(r, "") for c in columns), verdict,
                       *([REASONS[r]] if verdict == "on purpose" else [])] for r in rules])

    moved = [r for r in same if len({c.outcomes[r] for c in columns} - {NOT_YET}) > 1]
    agreed = [r for r in same if r not in moved]
    parts = [
        "# Go's semantics, rule by rule\n",
        f"**{summary(go, port, same, purpose, wrong)}.**\n",
        "Written by `./scripts/reproduce all`; do not edit. Each rule is drawn from what one of Go's tests asserts, in\nthe "
        "sources of 1.23, or from what an article claims ([claims.md](claims.md)); the code in "
        "[conformance/](../harness/evidence/go/conformance) is ours: its `.go` files ask Go, "
        "the `.cc` files beside them ask the port, in the same\nwords. "
        "`(=1)` and `(=0)` are values of `GODEBUG=asynctimerchan`. The port in mode go122 is held against Go up to "
        "1.22 and against\nlater ones with `=1`, in mode go123 against those with `=0`. Without GODEBUG the `go` line of the main "
        "module's go.mod decides:\nbelow 1.23 it is `=1`. Go 1.27 has no such setting, and timers as with `=0`.\n",
    ]
    if wrong:
        parts += ["## Not the same\n", full(wrong, "no")]
    if purpose:
        parts += ["## Different on purpose\n", full(purpose, "on purpose")]
    if moved:
        parts += ["## The same, and changed by Go 1.23\n", full(moved, "yes")]
    parts += ["## The same everywhere\n",
              "Each of these gave the one outcome in " + ", ".join(names) + ". A Go that is older than what a rule is about\n"
              "is passed over.\n",
              table(["rule", "drawn from", "outcome"], [[r, tests[r], port["go122"].outcomes[r]] for r in agreed])]
    return "\n".join(parts)


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_program(required=True)
    parser.add_out()
    parser.add_argument("--ctest", action="store_true", help="write nothing, and end with 77 where no Go is")
    options = parser.parse_args(arguments)
    if bool(options.out) == options.ctest:
        raise Refused("it takes --out or --ctest, and not both")

    work, found = toolchains.here()
    if not found:
        return toolchains.none_is_here(NAME, options.ctest)

    began = time.monotonic()
    go, port = probe(found, options.program, work)
    same, purpose, wrong = judge(go, port)
    if not options.ctest:
        files.write_whole(options.out / "conformance.md", page(go, port, same, purpose, wrong))
    for rule in wrong:
        if rule not in go[0].outcomes:
            print(f"not the same: there is a reason for {rule!r}, which is no rule")
        elif rule in REASONS:
            print(f"not the same: there is a reason for {rule!r}, which does not differ")
        else:
            print(f"not the same: {rule}: " + ", ".join(f"{c.name}: {c.outcomes[rule]!r}" for c in [*go, *port.values()]))
    print(f"{summary(go, port, same, purpose, wrong)} ({', '.join(c.name for c in go)}; {time.monotonic() - began:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
