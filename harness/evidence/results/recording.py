"""Writes DIR/recording.svg: a terminal in which the README's commands are typed, and what they print.

    python3 -m evidence.results.recording --program AFTERLEAK --out DIR

Each command is run, and each line is drawn as it was printed. The picture moves by itself and stops at the last command; for readers
who ask for less motion, and where pictures do not move, it shows that one only.
"""

import html
import os
import re

from evidence.common import children, command_line, files

NAME = "scripts/reproduce"
COMMANDS = ("run looping_select", "compare looping_select --workload busy:100/s")

COLUMN, ROW, MARGIN, BAR = 7.8, 17, 14, 26  # pixels; the bar is that of the window
TYPED, LINE, READ = 0.04, 0.05, 5.0  # seconds: for a letter, for a line, and to read a screen

STYLE = """
text { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d8dee6; }
.prompt { fill: #7fb77e; }
.leak { fill: #f08b56; }
.fine { fill: #6fa8e3; }
.past { opacity: 0; }
@media (prefers-reduced-motion: no-preference) {
  .row, .letter { animation: appear .01s both; }
  .past { animation: past .01s both; }
}
@keyframes appear { from { opacity: 0; } to { opacity: 1; } }
@keyframes past { from { opacity: 1; } to { opacity: 0; } }
"""


def printed(program, command):
    """What the program prints at the usual width, on a terminal without colours."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return children.run(f"{program} {command}", [program, *command.split()], env=environment, alone=True).expect().out.rstrip().splitlines()


def kind(line):
    """The colour of a line: of what leaks, of what does not, or the usual one."""
    if re.match(r" *(verdict: leak|leaky: leak|abandoned:|cure:|leaky/)", line):
        return " leak"
    return " fine" if re.match(r" *fixed: bounded", line) else ""


def coloured(line):
    """The curves of a plot in the colours of their sides; not its axis."""
    shown = html.escape(line)
    for curve, colour in () if "┬" in line else (("[┏┓┗┛┃━]+", "leak"), ("─{3,}", "fine")):
        shown = re.sub(curve, rf'<tspan class="{colour}">\g<0></tspan>', shown)
    return shown


def text(line, row, delay, name):
    """A line, in columns of a terminal whatever the font."""
    indent = len(line) - len(line.lstrip())
    shown = line.strip()
    return (f'<text class="{name}" style="animation-delay:{delay:.2f}s" x="{MARGIN + indent * COLUMN:g}" y="{BAR + row * ROW}" '
            f'textLength="{len(shown) * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">{coloured(shown)}</text>')


def screen(command, lines, begins):
    """What the screen holds, and when its last line is there."""
    typed = f"afterleak {command}"
    at = begins + 0.5
    rows = [text("$", 1, begins, "row prompt")]
    for column, letter in enumerate(typed):
        if letter != " ":
            rows.append(text(" " * (column + 2) + letter, 1, at + column * TYPED, "letter"))
    at += len(typed) * TYPED + 0.4
    for number, line in enumerate(lines):
        if line.strip():
            rows.append(text(line, number + 2, at + number * LINE, "row" + kind(line)))
    return "\n".join(rows), at + len(lines) * LINE


def picture(program):
    screens, begins, height = [], 0.0, 0
    for number, command in enumerate(COMMANDS):
        lines = printed(program, command)
        rows, done = screen(command, lines, begins)
        last = number == len(COMMANDS) - 1
        begins = done + READ
        past = "" if last else f' class="past" style="animation-delay:{begins:.2f}s"'
        screens.append(f"<g{past}>\n{rows}\n</g>")
        height = max(height, len(lines) + 1)
    width, height = 2 * MARGIN + 80 * COLUMN, BAR + height * ROW + MARGIN
    dots = "".join(f'<circle cx="{MARGIN + 4 + 16 * number}" cy="13" r="4.5" fill="#4a525d"/>' for number in range(3))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}">\n'
            f"<title>{' and '.join('afterleak ' + command for command in COMMANDS)}</title>\n<style>{STYLE}</style>\n"
            f'<rect width="100%" height="100%" rx="8" fill="#14161a"/>\n{dots}\n' + "\n".join(screens) + "\n</svg>\n")


def main(arguments):
    options = command_line.program_and_out(NAME, arguments)
    files.write_whole(options.out / "recording.svg", picture(options.program))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
