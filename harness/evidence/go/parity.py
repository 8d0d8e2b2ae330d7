"""Runs each pattern on real Go and in the port, compares, and writes go_parity.md and its plots.

    python3 -m evidence.go.parity --list                            list the Go toolchains
    python3 -m evidence.go.parity --program AFTERLEAK --out DIR     run all, write to DIR
    python3 -m evidence.go.parity --program AFTERLEAK --quick       the newest Go and three workloads only; writes nothing; 77 without Go

scripts/go-parity calls it, and the ctest labelled go. Exit code: 0 all within tolerance; 1 not; 2 it could not run; 3 no Go.
"""

import concurrent.futures
import os
import pathlib
import tempfile
import time

from evidence.common import children, command_line, files
from evidence.common.words import Refused, say
from evidence.go import compare, go_line, printed, report, toolchains

NAME = "scripts/go-parity"

AT_ONCE = 10      # programs that sleep most of the time
BUSY_AT_ONCE = 4  # those that do not
ATTEMPTS = 3      # for a run without enough clean samples; never for one with a wrong number
QUICK = (("looping_select", "idle"), ("looping_select", "busy:100/s"), ("early_return", "calls:1000"))


class Run:
    """One side of one case, under one Go and one GODEBUG."""

    def __init__(self, case, side, toolchain, godebug, mode, driver):
        self.case, self.side, self.toolchain, self.godebug, self.mode, self.driver = case, side, toolchain, godebug, mode, driver
        self.samples = self.points = self.outcome = None
        self.attempts = 0

    def __str__(self):
        return f"{self.case.name}, {self.side}, Go {self.toolchain.version} {self.godebug}"

    def go(self, port):
        case = self.case
        command = [self.driver, "-pattern", case.pattern, "-side", self.side, "-workload", case.workload, "-for", f"{case.length}ms",
                   "-every", f"{case.every}ms", "-offset", f"{case.offset}ms", f"-anchored={str(case.anchored(self.side)).lower()}"]
        done = children.run(str(self), command, timeout=60, env={"GODEBUG": self.godebug, "PATH": "/usr/bin:/bin"}, alone=True)
        if done.code != 0:
            reason = done.err.strip().partition("\n")[0] or f"it ended with {done.code}"
            raise compare.BadRun(f"{self}: {reason}; run it by hand, as harness/evidence/go/driver.go shows")
        header, self.samples = compare.parse_driver(done.out)
        compare.check_mode(header, self.mode)
        self.attempts += 1
        self.points = compare.pair_up(case, self.side, self.samples, port)
        self.outcome = compare.compare(case, self.side, self.points)


def run_port(program, case, side, mode, folder):
    json = folder / f"{case.pattern}.{case.workload.replace('/', '_')}.{side}.{mode}.json"
    command = [program, "run", case.pattern, "--variant", side, "--workload", case.port_workload or case.workload,
               "--for", f"{round(case.length * 1000)}us", "--sample", f"{round(case.port_step() * 1000)}us",
               "--tempo", "10", "--timers", mode, "--json", json]
    done = children.run("afterleak", command)
    if done.code != 0:
        raise compare.BadRun(f"the port's {case.name} did not run: {done.err.strip()}")
    return compare.parse_port(json.read_text())


def run_all(runs, ports, at_once):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        ended = [pool.submit(r.go, ports[r.case, r.side, r.mode][0]) for r in runs]
        for number, future in enumerate(concurrent.futures.as_completed(ended), 1):
            future.result()
            if number % 10 == 0 or number == len(runs):
                say(f"    {number} of {len(runs)} runs")


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_program()
    parser.add_out()
    options = parser.parse_args(arguments)

    work, found = toolchains.here()
    if not found:
        return toolchains.none_is_here(NAME, options.quick)
    if options.list:
        for toolchain in found:
            print(f"Go {toolchain.version}: {toolchain.go}")
        return 0
    if not options.program or not (options.quick or options.out):
        raise Refused("it takes --list, or --program with --out or --quick")

    cases = compare.CASES
    if options.quick:
        found = found[-1:]
        cases = [c for c in cases if (c.pattern, c.workload) in QUICK]
    elif len(have := {mode for t in found for mode in toolchains.modes(t.numbers)}) < 2:
        say(f"    with what is here, Go {', '.join(t.version for t in found)}, whose timers are as in {have.pop()} only; {toolchains.INSTALL}")

    with tempfile.TemporaryDirectory(dir=work) as folder:
        folder = pathlib.Path(folder)
        began = time.monotonic()
        load = os.getloadavg()[0]
        toolchains.lay_out(files.ROOT, folder / "src")
        drivers = {}
        for toolchain in found:
            drivers[toolchain] = folder / f"driver-{toolchain.version}"
            error = toolchains.build(toolchain, folder / "src", work, drivers[toolchain])
            if error:
                raise compare.BadRun(f"Go {toolchain.version} does not build the driver: {error}")
        ports = {(case, side, mode): run_port(options.program, case, side, mode, folder)
                 for case in cases for side in compare.SIDES for mode in ("go122", "go123")}
        say(f"    built with Go {', '.join(t.version for t in found)}, and ran the port, in {time.monotonic() - began:.0f} s")

        runs = [Run(case, side, toolchain, godebug, mode, drivers[toolchain])
                for case in cases for side in compare.SIDES
                for toolchain in found for godebug, mode in toolchain.configurations()]
        run_all([r for r in runs if not r.case.tolerance], ports, AT_ONCE)
        busy = [r for r in runs if r.case.tolerance]
        if busy:
            run_all(busy, ports, BUSY_AT_ONCE)
        for _ in range(ATTEMPTS - 1):
            again = [r for r in runs if not compare.measurable(r.case, r.side, r.points)]
            if again:
                say(f"    too busy a machine: {len(again)} of them again")
                run_all(again, ports, BUSY_AT_ONCE)
        took = time.monotonic() - began
        if options.out:
            lines = go_line.measure(found, folder / "src", work, folder)
            as_printed = {t.version: printed.ask(t, work, folder) for t in found}

    wrong = [r for r in runs if not r.outcome.ok]
    for run in wrong:
        say(f"    not within tolerance: {run}: {'; '.join(run.outcome.wrong)}")
    if options.out:
        report.write(options.out, runs, ports, found, load, took, lines, as_printed)
    print(f"{len(runs) - len(wrong)} of {len(runs)} runs are within tolerance: Go {', '.join(t.version for t in found)}, "
          f"{len(cases)} workloads, {took:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    command_line.main(NAME, main)
