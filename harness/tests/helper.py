"""What the tests in Python share: a folder, fake programs, how programs of the package are started, waiting, and the end."""

import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest

from evidence.common.files import ROOT

signal.signal(signal.SIGINT, signal.default_int_handler)  # so that cleanups run
PROGRAM = os.environ.get("AFTERLEAK_PROGRAM", str(ROOT / ".build/release/afterleak"))


def module(name, *arguments):
    """The command that runs a program of the package, as the scripts do it."""
    return [sys.executable, "-S", "-m", name, *map(str, arguments)]


PATIENCE = 120  # seconds, for a machine that is busy with other tests


def wait_until(condition, what, seconds=PATIENCE):
    """Polls. The limit is only there to end a test that failed."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(0.01)
    return found


def write_program(path, text, shell="/bin/bash"):
    path.unlink(missing_ok=True)  # it may be a link to a real tool
    path.write_text(f"#!{shell}\n{text}\n")
    path.chmod(0o755)
    return path


class FolderTest(unittest.TestCase):
    """With a folder, whose name has a space, for each test."""

    PREFIX = "afterleak test "

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix=self.PREFIX)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


def main(**options):
    """Runs the tests. Ends with 77 instead of 0 if one could not run; ctest then shows it as skipped, with the reason."""
    result = unittest.main(module="__main__", verbosity=2, exit=False, **options).result
    for reason in dict.fromkeys(reason for _, reason in result.skipped):
        print(f"SKIPPED: {reason}")
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
