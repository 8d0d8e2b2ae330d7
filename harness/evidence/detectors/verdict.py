"""What a detector says of one run, and the one rule by which that is decided."""

import dataclasses
import re

# Bytes more at 60 s than at 0 s: above what containers and buffers keep for themselves, far below the smallest leak here.
GROWTH = 16 * 1024

YES, MAYBE, GROWS, NO = "leak", "possibly", "growth", "no"


@dataclasses.dataclass
class Finding:
    """What one detector says of one run. Numbers and evidence are the tool's."""

    leaks: bool  # it says that memory is leaked
    growth: int | None  # bytes held at 60 s and not at 0 s; None: it does not look at two instants
    evidence: str  # the line of its output that says so
    names_line: bool  # its report names the line that armed the timers
    cpu: float  # seconds of the run itself, not of what prints the report
    maybe: bool = False  # it says that memory may be lost
    curve: dict | None = None  # bytes held by instant, of those tools that look at many
    kinds: tuple = ()  # bytes of each of Memcheck's kinds of loss

    @property
    def verdict(self):
        if self.leaks:
            return YES
        if self.maybe:
            return MAYBE
        return GROWS if self.growth is not None and self.growth > GROWTH else NO


def number(text):
    return int(text.replace(",", ""))


def names(text, line):
    """True if text has a source line such as leaky/looping_select.cc:10, with or without a path before it."""
    return re.search(rf"(?<![\w.-]){re.escape(line)}(?!\d)", text) is not None


def mask(text):
    """One line of a tool's output, without what differs from run to run and machine to machine, and without template arguments."""
    text = re.sub(r"==\d+==", "==PID==", text.strip())
    text = re.sub(r"\b0x[0-9a-fA-F]+\b", "0xADDRESS", text)
    text = re.sub(r"(?<![\w.])/?(?:[\w.+-]+/)+(?=(?:leaky|fixed|harness)/[\w/]+\.(?:cc|h)\b)", "", text)
    text = re.sub(r"\bthread \d+", "thread PID", text)
    text = re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", text)
    while (shorter := re.sub(r"(\w)<[^<>]*>", r"\1\0", text)) != text:  # from the inside out
        text = shorter
    return text.replace("\0", "<>")
