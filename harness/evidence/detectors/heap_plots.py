"""Bytes on the heap over virtual time, leaky against fixed, as Massif and gperftools report them."""

from evidence.common import gnuplot

TOOLS = {"Massif": ("linespoints linewidth 2 pointtype 7 pointsize 0.4", gnuplot.RED, gnuplot.BLUE),
         "gperftools heap profiler": ("points pointtype 7 pointsize 0.6", gnuplot.ORANGE, gnuplot.GREEN)}


def draw(out, scorecard):
    """The file of each pattern's plot; raises gnuplot.NotDrawn."""
    if not any(scorecard.of(row) for row in TOOLS):
        raise gnuplot.NotDrawn("neither Massif nor gperftools' heap profiler has figures to draw")
    files = {}
    for pattern, workload in scorecard.patterns.items():
        data, curves = "", []
        for row, (style, *colours) in TOOLS.items():
            for side, colour in zip(("leaky", "fixed"), colours):
                finding = scorecard.of(row).get((pattern, side, "torn-down"))
                if finding:
                    name = f"curve{len(curves)}"
                    data += gnuplot.block(name, [(at.rstrip("s"), held / 1000) for at, held in finding.curve.items()])
                    title = f"{side}, {row.removesuffix(' heap profiler')}"
                    curves.append(f"${name} with {style} linecolor rgb '{colour}' title '{title}'")
        (out / "detectors").mkdir(exist_ok=True)
        files[pattern] = f"{pattern}.heap.svg"
        gnuplot.draw(out / "detectors" / files[pattern], f"{pattern}, {workload}: bytes on the heap", "virtual time (s)", "kB",
                     data + "plot " + ", \\\n  ".join(curves) + "\n")
    return files
