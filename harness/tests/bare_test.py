"""The README's two commands on a bare Debian, with nothing else typed.

    python3 -m tests.bare_test VERSION [--all [--later REGEX]] [-E REGEX]     VERSION: 12 or 13; in harness/

Makes a minimal Debian (mmdebstrap's minbase) on a tmpfs, clones HEAD into it, and runs ./scripts/reproduce and then
./scripts/test there, as root; on 13 in a folder whose name has a space. Both must end with 0, and only tests of optional parts
may be skipped. Afterwards git must see no change in the clone, except in results/ where the tools and the speed of a machine
show: so all that virtual time produces was written again, with the bytes that are committed. Then cpack makes the Debian packages,
and a second minimal Debian installs them and uses them (support/use_packages.sh): what they depend on must suffice. With --all the
optional parts are then installed in the first one, and every test that was skipped has to pass. For those who have no hour, -E leaves
out the tests that fit, and --later keeps others, which would be skipped at their end, for when the optional parts are there. Changes
that are not committed are not tested, and a line says so.

All of it happens in namespaces that end with this process, even if that is killed: no mount, process or folder is left.
Packages come from the mirror that this machine's apt uses. What was downloaded is kept in .build/bare/, and so is what the two
commands printed. 77: it cannot run here, and one line says why.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from evidence.common import command_line
from evidence.common.skipped import skipped_tests
from evidence.common.words import Refused
from tests import user_project
from tests.helper import ROOT
from tests.results_test import OF_A_MACHINE, PLOTS

SUITES = {"12": "bookworm", "13": "trixie"}
FOLDERS = {"12": "root/afterleak", "13": "root/a folder/afterleak"}  # a space in the name must make no difference
STEPS = ("./scripts/reproduce", "./scripts/test", "cpack", "./use_packages.sh")
ALL = ("./scripts/setup --all", "./scripts/go-parity --setup", "./scripts/test --rest --no-skips")
GIGABYTES = 6  # of free memory: the system and the build come to 2, and two compilers run beside them
GIGABYTES_OF_ALL = 12
OPTIONAL = re.compile(r"scripts/(setup --all|go-parity --setup)\b")  # how to get a test that may be skipped

# Process 1 of the namespaces dies with us, and then the kernel kills every other process in them and takes the mounts away.
NAMESPACES = ["setpriv", "--pdeathsig", "KILL", "--",
              "unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc", "--"]
PROBE = 'mount -t tmpfs probe "$1" && mkdir "$1/proc" && mount -t proc proc "$1/proc" && mknod "$1/null" c 1 3 && : >"$1/null"'

# How this machine reaches its mirror; the bare one uses the same settings.
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
WAY = re.compile(r"(?i)Acquire::(https?|Check-|Retries|Force)")

SCRIPT = r"""
set -euo pipefail
suite=$1 mirror=$2 kept=$3 project=$4 folder=$5 gigabytes=$6 but=$7 later=$8 all=$9
mount -t tmpfs -o "mode=755,size=${gigabytes}g" bare "$kept/mount"
if [[ ! -e $kept/base.tar ]]; then
  mkdir "$kept/mount/tmp"
  TMPDIR=$kept/mount/tmp mmdebstrap --mode=root --variant=minbase --format=tar "$suite" "$kept/base.tar.new" "deb $mirror $suite main"
  mv "$kept/base.tar.new" "$kept/base.tar"
fi

# make_system NAME: root becomes a minimal Debian.
make_system() {
  root=$kept/mount/$1
  mkdir "$root"
  mount --bind "$root" "$root" # only where / is a mount can what runs there have a namespace of mounts: our own tests do
  tar -C "$root" -xf "$kept/base.tar"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  mount --bind "$kept/archives" "$root/var/cache/apt/archives"
  cp --remove-destination /etc/resolv.conf "$root/etc/"
  cp "$kept/apt.conf" "$root/etc/apt/apt.conf.d/99machine"
}

# inside FOLDER COMMAND...: runs it in the system; writes down how it ended, and tells it to those who wait.
inside() {
  local folder=$1 status=0 began=$SECONDS
  shift
  printf '\n$ %s\n' "$*"
  chroot "$root" env -C "/$folder" HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "$@" </dev/null 3>&- || status=$?
  printf '%d %s\n' "$status" "${*%% -E*}" >>"$kept/ran"
  printf '%s ended with %d after %d s\n' "$*" "$status" $((SECONDS - began)) >&3
}

make_system system
git clone --quiet "$project" "$root/$folder"
cd "$root/$folder"
touch ../cloned
inside "$folder" ./scripts/reproduce
not_yet=$but${but:+${later:+|}}$later
inside "$folder" ./scripts/test ${not_yet:+-E "$not_yet"}
cp .build/release.ctest.xml "$kept/first.ctest.xml" || true
git status --porcelain --untracked-files=all >"$kept/status"
git diff >"$kept/diff"
find results -type f ! -newer ../cloned >"$kept/unwritten"

chroot "$root" apt-get install -y --no-install-recommends dpkg-dev </dev/null # dpkg-shlibdeps says what the program depends on
inside "$folder/.build/release" cpack
make_system other
mkdir "$root/packages"
cp .build/release/packages/*.deb harness/tests/support/use_packages.sh "$root/packages"
cp -r "$kept/project" "$root/packages"
inside packages ./use_packages.sh

if [[ -n $all ]]; then
  root=$kept/mount/system
  while read -ra command; do
    if [[ -n $but && ${command[0]} == ./scripts/test ]]; then command+=(-E "$but"); fi
    inside "$folder" "${command[@]}"
  done <<<"$all"
  cp .build/release.ctest.xml "$kept/rest.ctest.xml" || true
fi
"""


class Lacks(Exception):
    """What this machine lacks; what would be right."""


def probe(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode == 0


def look(mount_point, gigabytes=GIGABYTES):
    """Raises Lacks where it cannot run."""
    for program in ("mmdebstrap", "git", "apt-get", "unshare", "setpriv"):
        if shutil.which(program) is None:
            raise Lacks(f"{program} is not installed; ./scripts/setup --all installs it")
    if os.geteuid() != 0:
        raise Lacks("only root can make a bare system; as root, run: scripts/test -L bare")
    if not probe("git", "-C", ROOT, "rev-parse", "HEAD"):
        raise Lacks("git finds no commit here that root may read, and a clone is what a bare system gets; git clone the project as root")
    if not probe(*NAMESPACES, "bash", "-c", PROBE, "probe", mount_point):
        raise Lacks("namespaces, mounts or device nodes are not allowed here; run it where root may unshare, mount and mknod")
    free = re.search(r"MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    if free and int(free[1]) < gigabytes * 1e6:
        raise Lacks(f"{int(free[1]) / 1e6:.1f} GB of memory are free; it takes {gigabytes}")


def find_mirror(suite, release):
    """The first of the archives that this machine's apt uses which has Debian's suite; `release` becomes its signed list."""
    sources = subprocess.run(["apt-get", "update", "--print-uris"], capture_output=True, text=True).stdout
    for mirror in dict.fromkeys(re.findall(r"(?m)^'([^']+)/dists/[^']+/InRelease'", sources)):
        if probe("/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root",
                 "download-file", f"{mirror}/dists/{suite}/InRelease", release):
            return mirror
    raise Lacks(f"no mirror in this machine's apt sources gives Debian's {suite}; look whether apt-get update works")


def prepare(suite, kept, gigabytes):
    """The mirror. Throws away the kept system if it is not of what the mirror has now."""
    for folder in ("archives", "mount"):
        (kept / folder).mkdir(parents=True, exist_ok=True)
    look(kept / "mount", gigabytes)
    new, release, base = kept / "InRelease.new", kept / "InRelease", kept / "base.tar"
    mirror = find_mirror(suite, new)
    if not release.exists() or release.read_bytes() != new.read_bytes():
        base.unlink(missing_ok=True)
    new.rename(release)
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    (kept / "apt.conf").write_text("".join(line for line in dump.splitlines(keepends=True) if WAY.match(line)))
    for file in ("ran", "first.ctest.xml", "rest.ctest.xml", "status", "diff", "unwritten"):
        (kept / file).unlink(missing_ok=True)
    shutil.rmtree(kept / "project", ignore_errors=True)
    user_project.write(kept / "project")
    return mirror


def changed(kept):
    """What the two commands changed in the clone and should not have: (file, why)."""
    diffs = dict(re.findall(r"(?ms)^diff --git a/(\S+) .*?\n(.*?)(?=^diff --git |\Z)", (kept / "diff").read_text(errors="replace")))
    for line in (kept / "status").read_text().splitlines():
        name = line[3:]
        inside = name.removeprefix("results/")
        # Another version of gnuplot draws another picture, and writes its version into it.
        by_another_gnuplot = PLOTS.match(inside) and re.search(r"(?m)^\+.*GNUPLOT", diffs.get(name, ""))
        if inside == name or not (OF_A_MACHINE.match(inside) or by_another_gnuplot):
            yield f"{line} is not as committed:\n" + "\n".join(diffs.get(name, "").splitlines()[:20])
    for name in (kept / "unwritten").read_text().splitlines():
        if not OF_A_MACHINE.match(name.removeprefix("results/")):
            yield f"{name} was not written again"


def judge(kept, steps=STEPS):
    """A list of what is wrong."""
    ran = [line.partition(" ") for line in (kept / "ran").read_text().splitlines()] if (kept / "ran").exists() else []
    wrong = [f"{command} ended with {status}" for status, _, command in ran if status != "0"]
    if len(ran) != len(steps) or not (kept / "unwritten").exists():
        return [*wrong, "the bare system could not be made or looked at"]
    junit = kept / "first.ctest.xml"
    if not junit.exists():
        return [*wrong, "no test ran"]
    for why, tests in skipped_tests(junit).items():
        print(f"skipped: {', '.join(tests)}: {why}")
        if not OPTIONAL.search(why):
            wrong.append(f"{', '.join(tests)} skipped, and {'is' if len(tests) == 1 else 'are'} no optional part: {why}")
    return wrong + list(changed(kept))


def main(arguments):
    parser = command_line.Parser(prog="bare_test")
    parser.add_argument("version", choices=SUITES)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("-E", dest="but", default="")
    parser.add_argument("--later", default="")
    given = parser.parse_args(arguments)
    if given.later and not given.all:
        parser.error("--later is of use with --all alone; write -E")
    version, suite, every = given.version, SUITES[given.version], ALL if given.all else ()
    kept = ROOT / ".build/bare" / suite
    gigabytes = GIGABYTES_OF_ALL if every else GIGABYTES
    try:
        mirror = prepare(suite, kept, gigabytes)
    except Lacks as lack:
        print(f"SKIPPED: {lack}")
        return 77
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout:
        print("what is not committed is not tested: a bare system gets a clone of HEAD")
    log = kept / "log"
    began = time.monotonic()
    environment = {name: os.environ[name] for name in ("PATH", "HOME", *PROXIES) if name in os.environ}
    sys.stdout.flush()
    status = subprocess.run(["bash", "-c", 'exec 3>&1 >"$0" 2>&1; exec "$@"', log, *NAMESPACES, "bash", "-c", SCRIPT, "bare",
                             suite, mirror, kept, ROOT, FOLDERS[version], str(gigabytes), given.but, given.later, "\n".join(every)],
                            env=environment, stdin=subprocess.DEVNULL).returncode
    wrong = judge(kept, STEPS + every) or ([f"making the bare system ended with {status}"] if status else [])
    print(f"Debian {version}: {time.monotonic() - began:.0f} s; all that was printed there is in {log.relative_to(ROOT)}")
    if wrong:
        print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as problem:
        print(f"bare_test: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
