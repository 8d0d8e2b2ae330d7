"""Some of the programs under a larger load, and what they used meanwhile."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import time

from evidence.common import children
from evidence.real import programs, session as sessions


@dataclasses.dataclass(frozen=True)
class Used:
    cpu: float  # seconds
    wall: float


def processor_time(session):
    """Seconds that the threads which run now have used: of its program, and of the tool before it."""
    total = 0
    for pid in children.members({session.process.pid}):
        for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total / 1e9


def terminate(name):
    """The program, and not a tool that waits for it."""
    def end(session):
        for pid in children.members({session.process.pid}):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe").endswith(f"/{name}"):
                    os.kill(pid, signal.SIGTERM)
                    return
        programs.terminate(session)  # Valgrind, which is the program
    return end


def measured(program, load, **changes):
    """The program with that load, in place of its small one; Used is what is seen of it."""
    def timed(session):
        cpu, wall = processor_time(session), time.monotonic()
        load(session)
        return Used(processor_time(session) - cpu, time.monotonic() - wall)
    if program.end == programs.terminate:
        changes["end"] = terminate(program.command[0])
    return dataclasses.replace(program, load=timed, **changes)


def with_back_end(session):
    """Another nghttpx, in a session that nobody measures, which answers by itself."""
    command = ["nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", "-f", "unix:back;no-tls;healthmon", "-b", "127.0.0.1,1"]
    session.stack.callback(children.end, sessions.start(command, session.folder))


def nghttpx(front, back):
    return ("nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", "-f", f"unix:front;no-tls{front}", "-b", back)


BY_NAME = {program.name: program for program in programs.PROGRAMS}
REQUESTS = 100_000
OF_NGHTTPX = (
    measured(BY_NAME["nghttpx"], programs.nghttpx(2 * REQUESTS, 25, 10), name="nghttpx, which answers",
             does=f"{2 * REQUESTS:,} requests of 25 clients, 10 at once each", command=nghttpx(";healthmon", "127.0.0.1,1"), before=sessions.nothing),
    measured(BY_NAME["nghttpx"], programs.nghttpx(REQUESTS, 25, 10), name="nghttpx, which passes on", before=with_back_end,
             does=f"{REQUESTS:,} requests of 25 clients, 10 at once each", command=nghttpx("", "unix:back;;proto=h2;no-tls")))
OTHERS = (
    measured(BY_NAME["memcached"], programs.memcached(20_000), does="60,000 requests of a client"),
    measured(BY_NAME["named"], programs.named(5_000, 2_500), does="5,000 questions by UDP, 5,000 by TCP"),
    measured(BY_NAME["tmux"], programs.tmux(30), does="30 lines typed"))
LOADS = (*OF_NGHTTPX, *OTHERS)
