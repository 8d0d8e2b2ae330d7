"""Says which of the Go packages that apt knows are to be installed: python3 -m evidence.go.packages

Prints their names. Exits with 3 if they do not have both kinds of timers, so that the system's backports are worth a look.
"""

import re
import subprocess
import sys

from evidence.go import toolchains


def known():
    """The versions of Go that apt can install or has installed."""
    names = subprocess.run(["apt-cache", "pkgnames", "golang-"], capture_output=True, text=True).stdout.split()
    names = [name for name in names if re.fullmatch(r"golang-\d+\.\d+-go", name)]
    policy = subprocess.run(["apt-cache", "policy", *names], capture_output=True, text=True).stdout if names else ""
    found = re.findall(r"(?m)^golang-(\d+)\.(\d+)-go:\n(?: .*\n)*?  Candidate: [^(\n]", policy)
    return sorted((int(major), int(minor)) for major, minor in found)


def choose(versions):
    """Of versions such as (1, 19): the oldest and the last with old timers only, and the first with both, or else with new ones."""
    versions = [v for v in sorted(versions) if v >= toolchains.OLDEST]
    old = [v for v in versions if toolchains.modes(v) == ["go122"]]
    both = [v for v in versions if len(toolchains.modes(v)) == 2]
    new = [v for v in versions if toolchains.modes(v) == ["go123"]]
    return sorted({*old[:1], *old[-1:], *(both or new)[:1]})


def main():
    chosen = choose(known())
    print(*(f"golang-{major}.{minor}-go" for major, minor in chosen))
    return 0 if any(len(toolchains.modes(v)) == 2 for v in chosen) else 3


if __name__ == "__main__":
    sys.exit(main())
