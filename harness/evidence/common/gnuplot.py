"""Plots, drawn by gnuplot in one style.

The SVG that gnuplot writes has fixed colours. A style sheet put into it turns background and text where the reader's
pages are dark, so that a plot is legible in both; the colours of the curves are chosen to be seen on either.
"""

import html
import tempfile

from evidence.common import children, files
from evidence.common.words import Refused

RED, BLUE, ORANGE, GREEN, VIOLET, GREY = "#d1495b", "#2e86c1", "#e08e1b", "#3a9d5d", "#8e6bbf", "#8a8f98"

STYLE = """<style>
@media (prefers-color-scheme: dark) {
  rect[fill="#ffffff"], polygon[fill="#ffffff"] { fill: #12161c; }
  text, tspan { fill: #d8dee6; }
  path[stroke="black"], g[stroke="black"] > path { stroke: #aab2bd; }
  .gridline { stroke: #39424e; }
}
</style>
"""

HEAD = """set terminal svg size {width},{height} dynamic font 'sans-serif,13' background '#ffffff'
set encoding utf8
set title {title} noenhanced
set key {key} noenhanced
set xlabel {xlabel} offset 0,0.3 noenhanced
set ylabel {ylabel} noenhanced
set yrange [0:*]
set offsets graph 0, graph 0, graph 0.22, graph 0
set border 3 back
set bmargin 6
set tics nomirror out
set grid ytics linecolor '#d5d9de' linewidth 0.6 dashtype solid
set format y '%.0f'
"""


class NotDrawn(Refused):
    """gnuplot is missing, or did not draw; one line that says which."""


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def block(name, rows):
    """A data block for inline use: $name."""
    return f"${name} << END\n" + "\n".join(" ".join(str(cell) for cell in row) for row in rows) + "\nEND\n"


def draw(path, title, xlabel, ylabel, body, key="below", width=800, height=400):
    """Writes the plot that `body` (settings, data blocks and the plot command) describes to path."""
    head = HEAD.format(width=width, height=height, key=key, title=quote(title), xlabel=quote(xlabel), ylabel=quote(ylabel))
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".gnuplot") as script:
            script.write(head + body)
            script.flush()
            svg = children.run("gnuplot", [children.which("gnuplot"), script.name], timeout=children.PROBE).expect().out
    except children.Unavailable as reason:
        raise NotDrawn(str(reason)) from None
    opening = svg.find("<svg")
    end = svg.find(">", opening)
    if opening < 0 or end < 0 or not svg.rstrip().endswith("</svg>"):
        raise NotDrawn("gnuplot wrote no SVG; is another program of that name first on PATH?")
    svg = svg[:end + 1] + "\n" + STYLE + svg[end + 1:]
    files.write_whole(path, svg.replace("<title>Gnuplot</title>", f"<title>{html.escape(title)}</title>", 1))
