"""Child processes that never outlive the one that started them."""

import os
import shutil
import signal
import subprocess
import tempfile


def popen(command, **options):
    """Starts it in a session of its own, to be killed by the kernel should this process die."""
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    return subprocess.Popen([*guard, *map(str, command)], stdin=subprocess.DEVNULL, start_new_session=True, **options)


def stop(child):
    """Ends it and its process group: by TERM, so that compilers take their temporary files away, then by KILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        try:
            os.killpg(child.pid, number)
            child.wait(timeout=3)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def run(command, timeout=None, **options):
    """Its exit code and output (both streams); None for the code when it took too long. Stopped with whatever stops us. Not
    through a pipe: a limit on the size of files, which checks have, is then one on what they print."""
    with tempfile.TemporaryFile() as out:
        child = popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            stop(child)
        out.seek(0)
        return code, out.read().decode(errors="replace")
