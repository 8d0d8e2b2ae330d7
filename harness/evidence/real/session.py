"""One run of a program in a folder that is removed after it: what it is given to do, what was seen of it, and how it ended."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable

from evidence.common import children

ATTEMPTS = 5  # a port that is free when we look may not be free any more when it is taken


def nothing(_):
    pass


@dataclasses.dataclass(frozen=True)
class Program:
    """A program as its package has it, and a load for it. Each function gets the session."""

    name: str
    package: str
    does: str  # what the load is, as a clause
    command: tuple  # its current folder is the session's. A word may contain one of Session.words
    load: Callable  # gives it something to do, and returns what was seen, alike in each run
    before: Callable = nothing  # what it needs before it starts
    ready: Callable = nothing  # waits until it can be asked
    end: Callable = nothing  # ends what does not end by itself
    also: tuple = ()  # other programs that the load starts, and their packages

    def missing(self):
        """The packages of what is not installed here."""
        return [package for name, package in ((self.command[0], self.package), *self.also) if "/" not in name and not shutil.which(name)]


@dataclasses.dataclass
class Session:
    folder: pathlib.Path
    words: dict  # what stands for a port in a command: the port
    stack: contextlib.ExitStack  # what has to end with it
    env: dict = dataclasses.field(default_factory=dict)
    process: object = None

    def until(self, condition, what):
        """Polls; returns what the condition returned."""
        deadline = time.monotonic() + children.TIMEOUT
        while not (found := condition()):
            if children.wait(self.process, 0.02):
                raise children.Unavailable(f"waited in vain until {what}: it has ended")
            if time.monotonic() > deadline:
                raise children.TooLong(f"waited {children.TIMEOUT} s in vain until {what}")
        return found

    def ends(self):
        if not children.wait(self.process, children.TIMEOUT):
            raise children.TooLong(f"it did not end within {children.TIMEOUT} s")

    def run(self, *command):
        """What another program in the folder prints."""
        return children.run(command[0], command, cwd=self.folder, env=self.env).out

    def connect(self, name="socket"):
        """To a socket in the folder, once it is there."""
        def tried():
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(str(self.folder / name))
                return client
            except OSError:
                client.close()
                return None
        return self.stack.enter_context(self.until(tried, "it listens"))


@dataclasses.dataclass(frozen=True)
class Ended:
    seen: list
    code: int
    said: str  # its standard error, with the words for ports
    used: object  # as wait4 says, of it and of all that it has waited for


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(command, folder, env=None, **files):
    return children.start(command, cwd=folder, env={**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8", **(env or {})},
                          **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **files})


def _run(program, before):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="afterleak watched ", ignore_cleanup_errors=True)))
        session = Session(folder, {"PORT": str(free_port())}, stack)
        program.before(session)
        command = [*before, *program.command]
        for word, value in session.words.items():
            command = [str(part).replace(word, value) for part in command]
        with (folder / "out").open("wb") as out, (folder / "said").open("wb") as said:
            session.process = start(command, folder, session.env, stdout=out, stderr=said)
            try:
                program.ready(session)
                seen = program.load(session)
                program.end(session)
                session.ends()
            finally:
                used = children.end(session.process)
        said = (folder / "said").read_text(errors="replace")
        for word, value in session.words.items():
            said = re.sub(rf"\b{value}\b", word, said)
        return Ended(seen, session.process.returncode, said, used)


def run(program, before=()):
    """Runs it, behind the words `before`. Another port is tried where it ended and not done its work."""
    for attempt in range(ATTEMPTS):
        try:
            return _run(program, before)
        except children.TooLong:
            raise
        except children.Unavailable:
            if attempt + 1 == ATTEMPTS or "PORT" not in " ".join(program.command):
                raise
