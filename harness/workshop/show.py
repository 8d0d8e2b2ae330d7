"""What the learner sees of an exercise and of a check: at 80 columns, with colours only on a terminal."""

import difflib
import re
import textwrap

from workshop import catalog
from workshop.words import columns, listed, paint, table

PRINTED_LINES = 20  # of what the learner's code prints
# As check.cc calls them, and as a column does.
COUNTS = {"live": "live", "abandoned": "abandoned", "peak live": "peak", "armed": "armed", "fired": "fired", "fired unheard": "unheard",
          "stopped": "stopped", "byte-seconds lost": "byte-s lost"}


def story(exercise, number, count, path):
    text, _ = catalog.split_story(exercise.shipped())
    title, _, rest = text.partition("\n")
    return "\n".join([paint(f"{exercise.name} ({number} of {count}): {title.strip()}", "bold"), f"  {path}:1", "",
                      *(f"  {line}".rstrip() for line in wrap(rest.strip()))])


def wrap(text, width=76):
    """Paragraphs, filled again: sources are wider than terminals. Tables (four spaces and more) stay, list items stand alone."""
    lines, words = [], []

    def fill():
        lines.extend(textwrap.wrap(" ".join(words), width, break_long_words=False, break_on_hyphens=False))
        words.clear()

    for line in text.splitlines():
        if not line.strip() or line.startswith("    ") or line.lstrip().startswith("- "):
            fill()
        if not line.strip() or line.startswith("    "):
            lines.append(line.rstrip())
        else:
            words.extend(line.split())
    fill()
    return lines


def failure(exercise, result, hints_left):
    """What is wrong: first in full, and last, where the eye is, in one sentence."""
    lines = said(result)
    if result.id not in ("compiler", "linker"):
        lines += ran(result)
        if "plot" in result.details:
            lines += [result.details["plot"].rstrip("\n")]
        if "judged" in result.details:
            lines += result.details["judged"].rstrip("\n").splitlines()
        if "census" in result.details:
            lines += ["", *census(result.details["census"])]
        if result.details.get("goroutines"):
            lines += ["", "Who waits, and where:", *(f"  {line}" for line in result.details["goroutines"].splitlines()[:10])]
        lines += [""]
    lines += [paint(f"{exercise.name}: not yet", "bold", "red") + paint(f"  [{result.id}]", "dim")]
    lines += [paint(line, "bold") for line in wrap(result.sentence)]
    lines += [paint(timing(result.seconds), "dim")]
    if hints_left:
        lines += [paint(f"{hints_left} of 3 hints are left.", "dim")]
    return "\n".join(lines)


def said(result):
    """What the compiler said, as it said it: errors, or warnings."""
    return [result.compiler.rstrip(), ""] if result.compiler.strip() else []


def census(text):
    """Its heading, and its table by line; where the code stands is what to click."""
    return [paint(line, "cyan") if re.match(r" {6}\S.*:\d+ ", line) else line for line in text.rstrip("\n").splitlines()]


def ran(result):
    """What the code printed, its last lines."""
    if not result.printed.strip():
        return []
    lines = result.printed.rstrip("\n").splitlines()
    left = [f"  ... {len(lines) - PRINTED_LINES} lines more"] if len(lines) > PRINTED_LINES else []
    return ["Your code printed:", *left, *(f"  {line[:200]}" for line in lines[-PRINTED_LINES:]), ""]


def success(exercise, result, before, text, path):
    """The way from here to the reference solution, and who would have missed it. Last, so that all of it is in view in 24 lines,
    before and after."""
    lines = [*said(result), *ran(result), *difference(exercise, text, path), ""]
    if exercise.passed_by:
        lines += [*wrap(tools(exercise)), ""]
    lines += [paint(timing(result.seconds), "dim"), ""]
    if "plot" in result.details:
        lines += [result.details["plot"].rstrip("\n")]
    if before:
        lines += ["", *side_by_side(before["totals"], result.details["totals"])]
    return "\n".join([*lines, "", paint(f"{exercise.name}: passed", "bold", "green")])


def side_by_side(before, after):
    rows = [[f"{before['turns']} turns", *COUNTS.values()]]
    rows += [[whose, *(f"{totals[name]:,}" for name in COUNTS)] for whose, totals in (("as shipped", before), ("yours", after))]
    return table(rows, right=range(1, len(COUNTS) + 1))


def difference(exercise, text, path):
    why, reference = catalog.split_story(exercise.solution())
    _, own = catalog.split_story(text)
    diff = list(difflib.unified_diff(own.splitlines(), reference.splitlines(), str(path),
                                     f"harness/workshop/solutions/{exercise.file}", n=1, lineterm=""))
    if not diff:
        return wrap(f"Your code is the reference solution, to the letter. {why}")
    styles = {"+": "green", "-": "red", "@": "cyan"}
    painted = [paint(line, styles[line[0]]) if line[0] in styles else line for line in diff]
    return [*wrap(f"From yours to the reference solution (one way of many). {why}"), "", *painted]


def tools(exercise):
    """True of the file as it was handed out: the author's check runs these tools on it."""
    passed = listed(catalog.TOOLS[tool] for tool in exercise.passed_by)
    if exercise.decoy:
        return f"{passed} find nothing here either, and for once they are right. They say the same of 01_relay."
    return f"Which tools would have missed it: {passed}. They find nothing in the file as it was handed out."


def go_page():
    return (catalog.HERE / "go.txt").read_text().rstrip("\n")


def your_own_code():
    """The CMake of README.md, for those who have passed everything."""
    readme = (catalog.ROOT / "README.md").read_text()
    blocks = re.findall(r"^```cmake\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    cmake = next(block for block in blocks if "find_package(afterleak" in block)
    return "\n".join(["Your own code is next. In its CMakeLists.txt:", "", *(f"  {line}".rstrip() for line in cmake.splitlines()), "",
                      "Then write for it what you have written in 11_your_test; README.md says how it is installed."])


def timing(seconds):
    parts = [f"{what} {value:.1f} s" for what, value in seconds.items()]
    return f"{', '.join(parts)}: {sum(seconds.values()):.1f} s" if parts else ""


def listing(folder):
    """All exercises, and how far the learner is."""
    heading, *lines = exercise_rows(folder, folder.exercises.values(), columns())
    marks = {"passed": "green", "skipped": "yellow"}
    painted = [paint(line, "bold") if exercise is folder.current else paint(line, marks.get(folder.status(exercise).split(",")[0], "dim"))
               for line, exercise in zip(lines, folder.exercises.values())]
    return "\n".join([paint(heading, "bold"), *painted, "", progress(folder)])


def chosen(folder, exercises, at):
    """A line for each of them, one marked as chosen."""
    lines = exercise_rows(folder, exercises, columns() - 2)[1:] if exercises else []
    return [paint(f"* {line}", "reverse") if number == at else f"  {line}" for number, line in enumerate(lines)]


def exercise_rows(folder, exercises, width):
    """A heading, and a line for each."""
    rows = [["", "exercise", "min", "state", "hints", "what it is about"]]
    for exercise in exercises:
        entry = folder.entry(exercise)
        here = ">" if exercise is folder.current else " "
        state = folder.status(exercise)
        if exercise.name in folder.absent and not entry["passed"]:
            state = f"needs {folder.absent[exercise.name]}"
        rows.append([here, exercise.name, exercise.minutes, state, entry["hints"] or "", exercise.title])
    return [line if len(line) <= width else line[:width - 3].rstrip() + "..." for line in table(rows, right=(2, 4))]


def progress(folder):
    passed, count = folder.passed_count(), len(folder.exercises)
    minutes = sum(e.minutes for e in folder.exercises.values() if not folder.entry(e)["passed"])
    filled = "#" * round(30 * passed / count)
    return f"[{filled:.<30}] {passed} of {count} passed" + (f", some {minutes} minutes to go" if minutes else "")


def hint(exercise, level):
    kinds = ("the symptom", "the tool to run", "the fix")
    lines = []
    for i in range(level):
        lines += [paint(f"Hint {i + 1} of 3, {kinds[i]}:", "bold"), *(f"  {line}" for line in wrap(exercise.hints[i], 74))]
    return "\n".join(lines)
