"""Markdown for the pages of results/."""

import os
import pathlib
import platform
import re


def machine():
    """The machine that a measurement was made on, as the page says it."""
    model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)
    return f"{name[1] if name else 'Linux'}, {platform.machine()}, {os.cpu_count()} processors ({model[1] if model else 'unknown model'})"


def literal(text):
    """Text for a cell that shows as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(head, rows, rules=None):
    """rules: what stands under each title; "---" if not given."""
    lines = [f"| {' | '.join(head).lstrip()} |", f"|{'|'.join(rules or ['---'] * len(head))}|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"
