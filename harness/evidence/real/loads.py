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
REQUESTS = {1: 100_000, 10: 200_000}  # by how many each client has at once: some tenths of a second


def asks_nghttpx(does, command, before, at_once):
    requests = REQUESTS[at_once]
    return measured(BY_NAME["nghttpx"], programs.nghttpx(requests, 25, at_once), name=f"nghttpx, which {does}, {at_once} at once",
                    does=f"{requests:,} requests of 25 clients, {at_once} at once each", command=command, before=before)


def of_nghttpx(at_once):
    return (asks_nghttpx("answers", nghttpx(";healthmon", "127.0.0.1,1"), sessions.nothing, at_once),
            asks_nghttpx("passes on", nghttpx("", "unix:back;;proto=h2;no-tls"), with_back_end, at_once))


AT_THE_GOAL, BEYOND_IT = of_nghttpx(1), of_nghttpx(10)  # some 100,000 requests a second, and some 200,000 to 500,000
OTHERS = (
    measured(BY_NAME["memcached"], programs.memcached(20_000), does="60,000 requests of a client"),
    measured(BY_NAME["named"], programs.named(5_000, 2_500), does="5,000 questions by UDP, 5,000 by TCP"),
    measured(BY_NAME["tmux"], programs.tmux(30), does="30 lines typed"))
REQUESTS_OF = {load.name: REQUESTS[at_once] for at_once, of_them in ((1, AT_THE_GOAL), (10, BEYOND_IT)) for load in of_them}
LOADS = (*AT_THE_GOAL, *BEYOND_IT, *OTHERS)
