"""Figures as tables: how many times as much one takes as the other, and how much each takes."""

import dataclasses

from evidence.bench import figures
from evidence.common import markdown


@dataclasses.dataclass(frozen=True)
class Part:
    """Operations that the same peers were measured in, and the peer that the others are divided by."""

    base: str
    operations: dict  # by name: what it is, in words
    peers: dict  # by name: as a table calls it

    def ratios(self, found):
        columns = [peer for peer in self.peers if peer != self.base and any(self.measured(found, each, peer) for each in self.operations)]
        rows = []
        for operation in self.operations:
            for size in figures.sizes(found, operation):
                cells = [figures.ratio(found, f"{operation}/{peer}/{size}", f"{operation}/{self.base}/{size}") for peer in columns]
                if any(cells):
                    rows.append([operation, f"{size:,}", *("" if cell is None else short(cell) for cell in cells)])
        return markdown.table(["operation", "live timers", *(self.peers[peer] for peer in columns)], rows)

    def absolute(self, found):
        return "\n".join(f"### {operation}\n\n{what[0].upper()}{what[1:]}.\n\n{self._of_one(found, operation)}"
                         for operation, what in self.operations.items() if figures.sizes(found, operation))

    def _of_one(self, found, operation):
        columns = [peer for peer in self.peers if self.measured(found, operation, peer)]
        return markdown.table(["live timers", *(self.peers[peer] for peer in columns)],
                              [[f"{size:,}", *(value(found.get(f"{operation}/{peer}/{size}")) for peer in columns)]
                               for size in figures.sizes(found, operation)])

    def measured(self, found, operation, peer):
        return any(f"{operation}/{peer}/{size}" in found for size in figures.sizes(found, operation))


def short(ratio):
    """Three digits below ten where they count, one after the point above."""
    return f"{ratio:.2f}" if ratio < 3 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def value(values):
    """The median, and half of the spread if there is one."""
    if not values:
        return ""
    median, spread = figures.median(values), figures.spread(values)
    text = f"{median:.3g}" if median < 1000 else f"{median:,.0f}"
    return text if spread < 0.005 else f"{text} ±{spread / 2:.0%}"
