"""What decides in which mode a Go since 1.23 has its timers: the `go` line of the main module's go.mod."""

import dataclasses

from evidence.common import children
from evidence.go import compare, toolchains

LINES = ("1.22", "1.23")


@dataclasses.dataclass(frozen=True)
class Built:
    """The driver, built by one Go under one `go` line, and run without GODEBUG."""
    version: str
    line: str
    mode: str  # as it was found out
    live: int  # after 1,000 calls of the leaky early_return


def measure(found, source, work, folder):
    """One for each Go since 1.23 and each line."""
    return [run(toolchain, line, source, work, folder) for toolchain in found if toolchain.numbers >= toolchains.NEW_TIMERS for line in LINES]


def run(toolchain, line, source, work, folder):
    (source / "go.mod").write_text(f"module afterleak\n\ngo {line}\n")
    driver = folder / f"driver-{toolchain.version}-line-{line}"
    error = toolchains.build(toolchain, source, work, driver)
    if error:
        raise compare.BadRun(f"Go {toolchain.version} does not build the driver with `go {line}`: {error}")
    command = [driver, "-pattern", "early_return", "-side", "leaky", "-workload", "calls:1000", "-for", "250ms", "-offset", "200ms"]
    done = children.run(f"the driver with go {line}", command, timeout=60, env={"PATH": "/usr/bin:/bin"}, alone=True)
    header, samples = compare.parse_driver(done.out)
    return Built(toolchain.version, line, "go122" if header["async_channels"] else "go123", samples[-1]["live"])
