"""What is said to the person at the terminal, and how."""

import os
import sys


def colorful():
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def unicode():
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def paint(text, *styles):
    codes = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
    if not colorful() or not text:
        return text
    return f"\x1b[{';'.join(codes[s] for s in styles)}m{text}\x1b[0m"


def listed(items, last="and"):
    """a, b and c"""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def table(rows, right=()):
    """Lines of aligned columns, without trailing spaces. `right`: the columns that are numbers."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip()
            for row in rows]
