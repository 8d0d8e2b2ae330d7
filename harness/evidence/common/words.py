"""What is said to the person at the terminal. On stderr: stdout is for what was asked for."""

import sys


class Refused(Exception):
    """It cannot be done: one line that says what is wrong, and what would be right. Exit code 2."""


def say(line=""):
    print(line, file=sys.stderr, flush=True)
