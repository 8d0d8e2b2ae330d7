"""What every page of results/ is written with."""

import os
import pathlib
import platform
import re


def write_beside(path, text):
    """Whole or not at all, whoever else writes it."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def machine():
    """The machine that a measurement was made on, as the page says it."""
    model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)
    return f"{name[1] if name else 'Linux'}, {platform.machine()}, {os.cpu_count()} processors ({model[1] if model else 'unknown model'})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
