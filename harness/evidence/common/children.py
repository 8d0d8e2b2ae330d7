"""Child processes that cannot outlive us, hang, or fill the disk.

Each child leads a new session. When it ends, does not end in time, or we are told to stop, all that is left of its session is
killed; heaptrack, for example, is a shell script that starts other programs. A child that starts another session, and what is left
if we are killed ourselves, are handled by contained.py, under which the scripts and ctest run us.

A signal handler takes no lock, raises nothing and waits for nothing: it is Python's, in C, and writes the number to a pipe
(signal.set_wakeup_fd). A thread that waits for a child waits for that pipe too; it then kills its child and raises Stopped.
"""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from evidence.common.words import Refused

TIMEOUT = os.environ.get("AFTERLEAK_TOOL_TIMEOUT", "120")  # seconds; the slowest run takes 3 on an idle machine
if not (TIMEOUT.isascii() and TIMEOUT.isdigit() and int(TIMEOUT) > 0):
    print(f"AFTERLEAK_TOOL_TIMEOUT is {TIMEOUT!r}; it takes a number of seconds, such as 120", file=sys.stderr)
    sys.exit(2)
TIMEOUT = int(TIMEOUT)
PROBE = min(TIMEOUT, 20)  # for asking a tool its version
MOST_OUTPUT = 200_000_000  # bytes of one file; a broken tool may print forever
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_caught, _catch = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)  # the number of each signal that has a handler
_stop = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # readable from the first of STOPS on: never read, so all threads see it
_stopped_by = 0
_meanwhile = None  # a file, seconds and what to call (meanwhile)


class Unavailable(Refused):
    """A tool that is missing, broken, or did not do its work: one line that says which."""


class TooLong(Unavailable):
    """It did not end in time."""


class Stopped(Exception):
    """We were told to stop; no more children are started."""


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


# ---- Signals

def heed_signals():
    """From now on Ctrl-C, TERM and HUP stop what waits here, and nothing else."""
    signal.set_wakeup_fd(_catch, warn_on_full_buffer=False)
    for number in STOPS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, lambda *_: None)


def stopped():
    """The number of the signal that told us to stop; 0: none did."""
    global _stopped_by
    try:
        caught = os.read(_caught, 64)
    except BlockingIOError:
        caught = b""
    for number in caught:
        if number in STOPS and not _stopped_by:
            _stopped_by = number
            os.eventfd_write(_stop, 1)
    return _stopped_by


@contextlib.contextmanager
def meanwhile(file, seconds, look):
    """While this lasts, what waits for a child calls `look` when the file can be read, and that often. What it raises ends the
    child, and comes out of the wait."""
    global _meanwhile
    _meanwhile = file, seconds, look
    try:
        yield
    finally:
        _meanwhile = None


def wait_for(files, seconds=None):
    """Waits until some of the files can be read, and returns those; none when the seconds are over. Raises Stopped."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if deadline is None else max(0, deadline - time.monotonic())
        also, pause, look = _meanwhile or (None, left, None)
        watched = [*files, _caught, _stop] + ([also] if look else [])
        ready = select.select(watched, [], [], pause if left is None else min(left, pause))[0]
        if stopped():
            raise Stopped
        if look:
            look()
        if found := [file for file in ready if file in files]:
            return found
        if deadline is not None and time.monotonic() >= deadline:
            return []


# ---- Children

def which(name):
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"{name} is not installed; ./scripts/setup installs it")
    return path


def start(command, **options):
    """A process that leads a new session. The kernel kills it if the thread that started it dies."""
    if stopped():
        raise Stopped
    guard = ["setpriv", "--pdeathsig", "KILL", "--", "prlimit", f"--fsize={MOST_OUTPUT}", "--"] if shutil.which("setpriv") else []
    return subprocess.Popen([*guard, *map(str, command)], stdin=subprocess.DEVNULL, start_new_session=True, **options)


def in_the_foreground(command):
    """Runs what talks to the person at the terminal, such as sudo, and returns its exit code. Ctrl-C reaches it; it may end in its own way."""
    code = subprocess.call(list(map(str, command)))
    if stopped():
        raise Stopped
    return code


def lines(stream):
    """Each line of a pipe, which must be unbuffered, as soon as it is there. Raises Stopped."""
    rest = b""
    while wait_for([stream]) and (data := os.read(stream.fileno(), 65536)):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode(errors="replace") + "\n" for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def wait(process, seconds):
    """Whether it ended within that time. Does not collect it. Raises Stopped."""
    watched = os.pidfd_open(process.pid)
    try:
        return bool(wait_for([watched], seconds))
    finally:
        os.close(watched)


def end(process, gently=0):
    """Kills what is left of its session, and collects it. gently: seconds from TERM to KILL, in which it can remove its files.
    Returns what it used."""
    if gently and process.pid in members({process.pid}):
        kill_session(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + gently
        while members({process.pid}) and time.monotonic() < deadline:
            time.sleep(0.01)
    kill_sessions({process.pid})  # before it is collected, while nobody else can have its id
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


def run(name, command, env=None, timeout=TIMEOUT, alone=False, litter=None, gently=0, merged=False, **options):
    """Runs command, a tool that the user knows as name; raises TooLong if it does not end in time.

    env: what its environment has besides ours, or, alone, all that it has. litter: a file that it would leave in a fixed place if
    it is killed, with {} for its process id. merged: both of its streams in one. Its output goes to a file and not through a pipe,
    which what it leaves behind could keep open.
    """
    options["env"] = {**({} if alone else os.environ), **(env or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(command, stdout=out, stderr=subprocess.STDOUT if merged else err, **options)
        try:
            in_time = wait(process, timeout)
        finally:
            used = end(process, gently)
            if litter:
                pathlib.Path(litter.format(process.pid)).unlink(missing_ok=True)
        if not in_time:
            raise TooLong(f"{name} did not end within {timeout} s and was killed")
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Ended(name, process.returncode, *texts, used.ru_utime + used.ru_stime)


# ---- Sessions

def kill_session(session, number):
    for pid in members({session}):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def kill_sessions(sessions):
    """Repeats until none is left: a process may fork just before it is killed."""
    while left := members(sessions):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def members(sessions):
    """The processes of the sessions that run."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if (about := status(pid)) and about.session in sessions and about.runs]


def alive(pid):
    """Whether it runs. A zombie does not: process 1 of a container may never collect it."""
    about = status(pid)
    return bool(about and about.runs)


class Status:
    def __init__(self, state, parent, session):
        self.runs, self.parent, self.session = state not in "ZX", parent, session


def status(pid):
    """What the kernel says of a process; None: there is none."""
    try:
        state, parent, _, session = pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return Status(state.decode(), int(parent), int(session))
