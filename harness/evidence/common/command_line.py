"""The command line of every program of the package: how arguments are judged, and how a program ends.

Exit codes: 0 done; 1 something is not as expected; 2 it could not run, which one line says; 3 a tool is missing or broken and the
rest was written; 128 and the number of the signal that stopped it.
"""

import argparse
import os
import pathlib
import sys

from evidence.common import children
from evidence.common.words import Refused, say


class Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def __init__(self, **options):
        super().__init__(allow_abbrev=False, **options)

    def error(self, message):
        raise Refused(message)

    def add_program(self, option="--program", **more):
        self.add_argument(option, type=program, metavar="PROGRAM", **more)

    def add_out(self, **more):
        self.add_argument("--out", type=out, metavar="DIR", **more)


def program_and_out(name, arguments):
    """Parses --program and --out, all that most writers of results/ take."""
    parser = Parser(prog=name)
    parser.add_program(required=True)
    parser.add_out(required=True)
    return parser.parse_args(arguments)


def program(text):
    """A program that was built."""
    path = pathlib.Path(text)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise Refused(f"{text or 'nothing'} is no program; build it: cmake --build --preset release")
    return path.resolve()


def out(text):
    """The folder that --out names. It must exist, so that a typing error does not make a new folder."""
    if not text:
        raise Refused("--out is empty; write --out DIR")
    path = pathlib.Path(text)
    if not path.is_dir():
        raise Refused(f"--out {text} is not a folder; make it first, or name another one")
    if not os.access(path, os.W_OK | os.X_OK):
        raise Refused(f"--out {text} cannot be written to; name another folder")
    return path


def main(name, work):
    """Ends the process with what work(arguments) returns. name: the command that the person typed; errors begin with it."""
    children.heed_signals()
    try:
        status = work(sys.argv[1:])
        sys.stdout.flush()
    except children.Stopped:
        status = 0  # stopped() says by what
    except (Refused, OSError) as problem:
        say(f"{name}: {problem}")
        status = 2
    sys.exit(128 + children.stopped() if children.stopped() else status)
