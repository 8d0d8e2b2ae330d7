"""What Memcheck, Massif and DHAT share."""

import re

from evidence.common import children
from evidence.common.children import Unavailable

LABEL = "valgrind"


def version(_program):
    ended = children.run("valgrind", [children.which("valgrind"), "--version"], timeout=children.PROBE).expect()
    if not re.fullmatch(r"valgrind-\d+\.\d+.*", ended.out.strip()):
        raise Unavailable(f"valgrind --version wrote what is not understood: {ended.out.strip()[:80]!r}")
    return ended.out.strip().replace("-", " ")


def run(folder, options, program, arguments):
    """Its log, and how the run ended. Its own exit codes are the program's, so the log must show that it ran."""
    log = folder / "valgrind.log"
    # An empty --fullpath-after: whole paths, of which the project's part is what a census names. The prefix: or a killed run
    # leaves its pipes in /tmp.
    command = ["valgrind", *options, "--fullpath-after=", f"--vgdb-prefix={folder}/vgdb", f"--log-file={log}", program, *arguments]
    ended = children.run("valgrind", command, env={"AFTERLEAK_SNAPSHOTS": str(folder)}).expect()
    text = log.read_text(errors="replace") if log.exists() else ""
    if not re.search(r"(?m)^==\d+== Using Valgrind-", text):
        raise Unavailable("valgrind ended with 0 but wrote no log")
    return text, ended
