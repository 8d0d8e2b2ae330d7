"""Runs a command and leaves none of its processes behind, whatever happens to the command, this program or its parent.

    python3 -m evidence.common.contained [--grace SECONDS] -- COMMAND...

Three processes. The owner is the one that was started: it passes INT, TERM and HUP on, and ends as the command does. Its child, the
guardian, is in a new session, so that no signal to a group reaches it, and is what the kernel makes the parent of all orphans
below it (PR_SET_CHILD_SUBREAPER), so that none escapes by a double fork or setsid. The guardian's child is the command, which leads
another session. When the command ends, or the owner is gone (the kernel closes its end of a pipe), or a signal was passed on and the
time of grace is over, the guardian kills all that is below it. Needs no privilege.

Out of reach: a process of another user, such as one started through sudo.
"""

import ctypes
import os
import pathlib
import select
import signal
import sys
import time

# HUP is left alone if it is ignored already, as under nohup.
PASSED_ON = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else [])]
GRACE = 5.0  # seconds from a signal that is passed on until all is killed
ORPHANED = 1.0  # the same once the owner is dead
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def below(top):
    """The processes below one, and the session of each."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent, _, session = pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if state not in b"ZX":
            children.setdefault(int(parent), []).append((int(pid), int(session)))
    found, unseen = [], [top]
    while unseen:
        more = children.get(unseen.pop(), [])
        found += more
        unseen += [pid for pid, _ in more]
    return found


def send(number, pids):
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def collect():
    """Collects what has ended; returns whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def kill_all_below():
    """Repeats until none is left: a process may fork just before it is killed. Bounded, for what the kernel itself cannot end."""
    deadline = time.monotonic() + 10
    while collect() and time.monotonic() < deadline:
        send(signal.SIGKILL, [pid for pid, _ in below(os.getpid())])
        time.sleep(0.005)


def execute(command):
    os.setsid()
    # bash lets what it starts in the background ignore INT and QUIT, and Python ignores PIPE and XFSZ.
    for number in (*PASSED_ON, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"contained: {command[0]} cannot be run: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def guard(command, grace, owner, report):
    """The guardian's life. owner: a byte is a signal to pass on, its end is the owner's. report: where the command's status goes."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # so that the command hears what comes before it is the command
    child = os.fork()
    if child == 0:
        os.close(owner)
        os.close(report)
        execute(command)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # who reads the command's output must not wait for us
        os.dup2(nothing, stream)
    watched, waits_for, deadline, status = os.pidfd_open(child), [owner], None, None
    while True:
        left = None if deadline is None else max(0, deadline - time.monotonic())
        ready = select.select([watched, *waits_for], [], [], left)[0]
        if watched in ready:
            status = os.waitpid(child, 0)[1]
            break
        if not ready:
            break
        number = os.read(owner, 1)
        if not number:  # the owner was killed
            waits_for, grace = [], ORPHANED
        deadline = min(deadline or float("inf"), time.monotonic() + grace)
        send(number[0] if number else signal.SIGTERM, [child, *(pid for pid, session in below(os.getpid()) if session == child and pid != child)])
    kill_all_below()
    try:
        os.write(report, (signal.SIGKILL if status is None else status).to_bytes(4, "little"))
    except BrokenPipeError:
        pass
    os._exit(0)


def contain(command, grace=GRACE):
    """Runs it to its end. Returns its exit code; negative: the signal that ended it."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # for what a killed guardian leaves
    caught, catch = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(catch, warn_on_full_buffer=False)
    for number in PASSED_ON:
        signal.signal(number, lambda *_: None)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # if our parent is killed, we stop too
    owner, tell = os.pipe2(os.O_CLOEXEC)
    answer, report = os.pipe2(os.O_CLOEXEC)
    guardian = os.fork()
    if guardian == 0:
        signal.set_wakeup_fd(-1)
        for number in PASSED_ON:
            signal.signal(number, signal.SIG_IGN)
        os.close(tell)
        os.close(answer)
        guard(command, grace, owner, report)
    os.close(owner)
    os.close(report)
    while True:
        ready = select.select([answer, caught], [], [])[0]
        if answer in ready:
            break
        try:
            os.write(tell, os.read(caught, 64))
        except BrokenPipeError:
            pass
    status = os.read(answer, 4)
    if not status:  # the guardian was killed
        kill_all_below()
        return -signal.SIGKILL
    os.waitpid(guardian, 0)
    return os.waitstatus_to_exitcode(int.from_bytes(status, "little"))


def main(arguments):
    grace = GRACE
    if arguments[:1] == ["--grace"]:
        grace, arguments = float(arguments[1]), arguments[2:]
    if arguments[:1] != ["--"] or len(arguments) < 2:
        print("contained: it takes -- and a command", file=sys.stderr)
        return 2
    code = contain(arguments[1:], grace)
    if code < 0:  # end in the same way
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
