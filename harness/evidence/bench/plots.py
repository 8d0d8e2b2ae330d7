"""The plots of bench.md: what an operation costs over the number of live timers."""

from evidence.bench import figures
from evidence.common import gnuplot

COLOURS = {"afterleak": gnuplot.RED, "libev": gnuplot.BLUE, "asio": gnuplot.ORANGE, "libuv": gnuplot.GREEN,
           "libevent": gnuplot.VIOLET, "libevent_common": gnuplot.VIOLET}
# The others are grey; each has a different mark.
DOT = 7
MARKS = {"glib": 4, "multimap": 8, "priority_queue": 12, "list": 2, "go1.19": 1, "go1.22": 3, "go1.23": 6}
TURN_COLOURS = COLOURS | {"go1.22": gnuplot.BLUE, "go1.23": gnuplot.GREEN}
SETTINGS = """set logscale xy
unset offsets
set xrange [700:14000000]
set yrange [*:*]
set xtics ('1,000' 1e3, '10,000' 1e4, '100,000' 1e5, '1,000,000' 1e6, '10,000,000' 1e7)
"""
# What, its title, its y axis.
PLOTS = {
    "Fifo": ("Fifo: one timer is armed and one expires, as in the leak", "nanoseconds"),
    "ArmStop": ("ArmStop: a timer is armed and stopped at once", "nanoseconds"),
    "Churn": ("Churn: any of the live timers is stopped and armed again", "nanoseconds"),
    "FireAll": ("FireAll: one timer expires; deadlines are random", "nanoseconds"),
    "Bytes": ("Bytes of the heap per live timer", "bytes"),
}
LEAK = ("A turn of the loop: leaky, and (dashed) fixed", "nanoseconds")


def curve(found, operation, peer, title, dash=None, colours=COLOURS):
    """(a data block, the words of the plot command that draw it)."""
    name = f"{operation}_{peer}".replace(".", "_")  # gnuplot's names have no dots
    rows = [(size, f"{figures.median(found[f'{operation}/{peer}/{size}']):.4g}") for size in figures.sizes(found, operation)
            if f"{operation}/{peer}/{size}" in found]
    width, usual = (3, 1) if peer == "afterleak" else (1.5, 1 if peer in colours and peer != "libevent_common" else 2)
    style = f"linewidth {width} dashtype {dash or usual} linecolor '{colours.get(peer, gnuplot.GREY)}' title '{title}'"
    if operation == "FixedTurn":  # its live timers are two, whatever else lives
        return "", f"{rows[0][1]} with lines {style}"
    mark = DOT if peer in colours else MARKS[peer]
    return gnuplot.block(name, rows), f"${name} using 1:2 with linespoints pointtype {mark} pointsize {0.5 if mark == DOT else 0.8} {style}"


def plot(path, title, unit, curves):
    blocks, commands = zip(*curves)
    body = SETTINGS + "".join(blocks) + "plot " + ", \\\n  ".join(commands) + "\n"
    gnuplot.draw(path, title, "live timers", unit, body, key="outside right top vertical maxcols 1", width=900, height=460)


def draw(folder, found, peers):
    """The plots that it has drawn. peers: in the order in which a plot is to name them."""
    folder.mkdir(exist_ok=True)
    drawn = []

    def measured(operation):
        return [peer for peer in peers if any(name.startswith(f"{operation}/{peer}/") for name in found)]

    for operation, (title, unit) in PLOTS.items():
        if measured(operation):
            plot(folder / f"{operation.lower()}.svg", title, unit, [curve(found, operation, peer, peer) for peer in measured(operation)])
            drawn.append(operation)
    turns = [peer for peer in measured("LeakyTurn") if peer in TURN_COLOURS and f"FixedTurn/{peer}/2" in found]
    if turns:
        leaky = [curve(found, "LeakyTurn", peer, f"{peer}, leaky", colours=TURN_COLOURS) for peer in turns]
        fixed = [curve(found, "FixedTurn", peer, f"{peer}, fixed", 2, TURN_COLOURS) for peer in turns]
        plot(folder / "leak.svg", *LEAK, leaky + fixed)
        drawn.append("Leak")
    return drawn
