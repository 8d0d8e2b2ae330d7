"""Finds Go toolchains and builds the driver with them. Nothing here uses the network, a Go set up by the user, or their cache."""

import dataclasses
import os
import pathlib
import re
import shutil

from evidence.common import children, files
from evidence.common.words import say

OLDEST = (1, 19)
BUILD = 600  # seconds; the first run compiles Go's standard library
NEW_TIMERS = (1, 23)  # from here on a timer that nobody can hear is collected
ONLY_NEW_TIMERS = (1, 27)  # and from here on no GODEBUG brings the old ones back
INSTALL = "./scripts/go-parity --setup installs what this system has"


def modes(version):
    """The timer modes that such a Go can run in. The driver asks its Go for the mode, so a wrong answer here is an error there."""
    return [mode for mode, has in (("go122", version < ONLY_NEW_TIMERS), ("go123", version >= NEW_TIMERS)) if has]


@dataclasses.dataclass(frozen=True)
class Toolchain:
    go: str
    version: str  # 1.23.5

    @property
    def numbers(self):
        return tuple(int(n) for n in self.version.split("."))

    def configurations(self):
        """(GODEBUG, the port's timer mode). GODEBUG is set wherever Go knows it: the default depends on how a program is built."""
        if self.numbers >= ONLY_NEW_TIMERS:
            return [("", "go123")]
        godebug = {"go122": "asynctimerchan=1", "go123": "asynctimerchan=0"}
        return [(godebug[mode], mode) for mode in modes(self.numbers)]


def environment(work):
    return {"PATH": "/usr/bin:/bin", "HOME": f"{work}/home", "GOPATH": f"{work}/path", "GOCACHE": f"{work}/cache", "GOENV": "off",
            "GO111MODULE": "on", "GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local", "GOPROXY": "off",
            "GOSUMDB": "off", "CGO_ENABLED": "0", "GODEBUG": ""}


def find(work):
    """One toolchain for each version, the oldest first."""
    root = pathlib.Path(os.environ.get("AFTERLEAK_GO_ROOT", "/usr/lib"))  # overridden by tests
    programs = [str(p) for p in sorted(root.glob("go-*/bin/go"))]
    on_path = shutil.which("go")
    if on_path:
        programs.append(on_path)
    found = {}
    for program in programs:
        try:
            text = children.run(program, [program, "version"], timeout=60, env=environment(work), alone=True).out
        except (OSError, children.TooLong):
            continue
        version = re.match(r"go version go(\d+(?:\.\d+)+)", text)
        if version and tuple(int(n) for n in version[1].split(".")) >= OLDEST:
            found.setdefault(version[1], Toolchain(program, version[1]))
    return sorted(found.values(), key=lambda t: t.numbers)


def here():
    """The folder that Go builds in, and the toolchains."""
    work = files.ROOT / ".build/go"
    work.mkdir(parents=True, exist_ok=True)
    return work, find(work)


def none_is_here(name, in_ctest):
    """Says so; the exit code of a program that needs one."""
    reason = f"no Go is here; {INSTALL}"
    if in_ctest:
        print(f"SKIPPED: {reason}")
        return 77
    say(f"{name}: {reason}")
    return 3


def lay_out(root, src):
    """Copies the Go files to a module without the C++ ones, beside which no Go tool would build them."""
    for pattern, to in (("harness/evidence/go/driver.go", "."), ("harness/evidence/go/stages.go", "."), ("harness/evidence/go/census.go", "."),
                        ("harness/evidence/go/pairs/*.go", "pairs"), ("leaky/*.go", "leaky"), ("fixed/*.go", "fixed")):
        (src / to).mkdir(parents=True, exist_ok=True)
        for file in sorted(root.glob(pattern)):
            shutil.copy(file, src / to)
    (src / "go.mod").write_text(f"module afterleak\n\ngo {OLDEST[0]}.{OLDEST[1]}\n")


def build(toolchain, src, work, driver):
    """None, or what the compiler said."""
    done = children.run(toolchain.go, [toolchain.go, "build", "-trimpath", "-o", driver, "."], timeout=BUILD, cwd=src,
                        env=environment(work), alone=True)
    return None if done.code == 0 else done.err.strip()
