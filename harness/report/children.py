"""Runs a tool as a child that cannot outlive us, hang, or fill the disk, and says what it cost.

Each child leads a session of its own. When it ends, fails to end in time, or we are stopped, all that is left of its session is
killed: heaptrack, for one, is a shell script that starts others. Out of reach is what starts a session of its own.
"""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

TIMEOUT = os.environ.get("AFTERLEAK_TOOL_TIMEOUT", "120")  # seconds; the slowest run takes 3 on an idle machine
if not (TIMEOUT.isascii() and TIMEOUT.isdigit() and int(TIMEOUT) > 0):
    print(f"AFTERLEAK_TOOL_TIMEOUT is {TIMEOUT!r}; it takes a number of seconds, such as 120", file=sys.stderr)
    sys.exit(2)
TIMEOUT = int(TIMEOUT)
PROBE = min(TIMEOUT, 20)  # for asking a tool its version
MOST_OUTPUT = 200_000_000  # bytes of one file; a broken tool may print for ever

_sessions, _lock, _stopped = set(), threading.Lock(), threading.Event()


class Unavailable(Exception):
    """A tool that is missing, broken, or did not do its work: one line that says which."""


class Stopped(Exception):
    """We were told to stop; no child is started any more."""


class Ended:
    """What a child left behind."""

    def __init__(self, name, code, out, err, cpu):
        self.name, self.code, self.out, self.err, self.cpu = name, code, out, err, cpu

    def expect(self, *codes):
        """Itself, if it ended with one of the codes."""
        if self.code in (codes or (0,)):
            return self
        said = (self.err.strip() or self.out.strip() or "nothing").splitlines()[-1][:200]
        how = f"was killed by {signal.Signals(-self.code).name}" if self.code < 0 else f"ended with {self.code}"
        raise Unavailable(f"{self.name} {how} and said: {said}")


def which(name):
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"{name} is not installed; ./scripts/setup installs it")
    return path


def run(name, command, env=None, timeout=TIMEOUT, litter=None):
    """Runs command, a tool that the user knows as name; raises Unavailable if it does not end in time.

    litter: a file that it would leave in a fixed place if it is killed, with {} for its process id.
    """
    limited = ["setpriv", "--pdeathsig", "KILL", "--", "prlimit", f"--fsize={MOST_OUTPUT}", "--", *map(str, command)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _lock:  # so that stop() knows of it, or it is not started
            if _stopped.is_set():
                raise Stopped
            process = subprocess.Popen(limited, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env={**os.environ, **(env or {})}, start_new_session=True)
            _sessions.add(process.pid)
        try:
            watched = os.pidfd_open(process.pid)
            try:
                in_time = bool(select.select([watched], [], [], timeout)[0])
            finally:
                os.close(watched)
            kill_sessions({process.pid})  # before it is collected, while nobody else can have its id
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            with _lock:
                _sessions.discard(process.pid)
            if litter:
                pathlib.Path(litter.format(process.pid)).unlink(missing_ok=True)
        if _stopped.is_set():
            raise Stopped
        if not in_time:
            raise Unavailable(f"{name} did not end within {timeout} s and was killed")
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Ended(name, process.returncode, *texts, used.ru_utime + used.ru_stime)


def stop():
    """Kills every child and all that it started."""
    _stopped.set()
    with _lock:
        kill_sessions(set(_sessions))


def kill_sessions(sessions):
    """Again and again, because one that is about to be killed may fork."""
    while members := [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _alive_in(pid, sessions)]:
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _alive_in(pid, sessions):
    try:
        state, _, _, its_session = pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:4]
    except (OSError, ValueError):
        return False
    return int(its_session) in sessions and state not in b"ZX"
