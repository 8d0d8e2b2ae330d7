"""Messages to the person at the terminal, on stderr; stdout is for results."""

import sys


class Refused(Exception):
    """It cannot be done: one line that says what is wrong, and what would be right. Exit code 2."""


def say(line=""):
    print(line, file=sys.stderr, flush=True)
