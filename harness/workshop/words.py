"""What is said to the person at the terminal, and how."""

import os
import shutil
import sys


def colorful():
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def unicode():
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def columns():
    """As wide as a line may be: the terminal, but no wider than reads well; 80 where there is none."""
    return max(40, min(shutil.get_terminal_size((80, 24)).columns, 120)) if sys.stdout.isatty() else 80


def rows():
    return shutil.get_terminal_size((80, 24)).lines


def paint(text, *styles):
    codes = {"bold": "1", "dim": "2", "reverse": "7", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
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
