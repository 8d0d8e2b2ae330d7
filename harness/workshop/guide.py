"""For instructors: the schedules, and the progress of a room."""

import json
import pathlib

from evidence.common.words import Refused
from workshop import catalog
from workshop.show import wrap
from workshop.words import listed, table

EXPORT = "afterleak workshop progress"
# Minutes
OPENING = ((5, "set-up: everybody runs ./scripts/workshop, which builds for a few minutes"),
           (5, "meanwhile: live, abandoned, rooted; the runner"))
CLOSE = 10  # what each takes home
BREAK = 15
LUNCH = 60
DISCUSS = 5  # after each exercise, where there is time


def schedule(title, parts):
    """Rows with the minute at which each part begins; `parts` are (minutes, what)."""
    rows, at = [["at", "min", title]], 0
    for minutes, what in parts:
        rows.append([f"{at // 60}:{at % 60:02}", minutes, what])
        at += minutes
    return [*table(rows, right=(0, 1)), f"In all: {at} minutes."], at


def short_day(exercises):
    """The short ones, a word after each as far as there is time, in 90 minutes."""
    chosen = [e for e in exercises.values() if e.short]
    spare = 90 - sum(minutes for minutes, _ in OPENING) - CLOSE - sum(e.minutes for e in chosen)
    parts = [*OPENING, *((e.minutes, f"{e.name}: {e.title}") for e in chosen)]
    return schedule("90 minutes", [*parts, (spare, "questions, and the numbers of the room"), (CLOSE, "close")])


def long_day(title, exercises, pause):
    """With a talk after each and a break in the middle."""
    parts = list(OPENING)
    for number, e in enumerate(exercises):
        parts.append((e.minutes + DISCUSS, f"{e.name}: {e.title}"))
        if number == (len(exercises) - 1) // 2:
            parts.append(pause)
    return schedule(title, [*parts, (CLOSE, "close")])


def instructor(exercises):
    wrong = catalog.wrong_fixes()
    half = long_day("half a day", [e for e in exercises.values() if not e.day], (BREAK, "break"))
    whole = long_day("a day", list(exercises.values()), (LUNCH, "lunch"))
    lines = ["The workshop, for its instructor", "", *short_day(exercises)[0], "", *half[0], "", *whole[0],
             f"Each exercise has {DISCUSS} minutes more in these two, to talk about it.", ""]
    lines += ["Everybody runs: ./scripts/workshop (once with a network, to set up; after that without).",
              "For the 90 minutes: ./scripts/workshop start --short, so that theirs come first.",
              "At the end everybody runs: ./scripts/workshop progress --export NAME.json",
              "and you run: ./scripts/workshop progress --class *.json"]
    for e in exercises.values():
        lines += ["", f"{e.name}: {e.title} ({e.minutes} minutes{', also in the 90' if e.short else ''})"]
        lines += [f"  Needs {catalog.PACKAGES[e.loop]}: ./scripts/setup --all installs it."] if e.loop else []
        lines += [f"  {line}" for line in wrap(f"Aim: {e.aim}.", 76)]
        lines += ["  Wrong fixes that will come, and what the check calls them:"]
        lines += table([[f"    {fix['fails']}", fix["why"]] for fix in wrong[e.name]])
        lines += ["  Ask:"]
        for question, answer in e.ask:
            lines += [*(f"    {line}" for line in wrap(question, 74)), *(f"      {line}" for line in wrap(answer, 72))]
        lines += [] if e.loop else [f"  {line}" for line in wrap(f"Passed by: {named(e.passed_by)}.", 76)]
    return "\n".join(lines)


def named(tools):
    return listed(catalog.TOOLS[tool] for tool in tools) or "none of the usual tools"


# ---- the progress of one, and of all

def export(folder):
    return {"what": EXPORT, "version": 1, "name": folder.state["name"], "current": folder.state["current"],
            "exercises": {e.name: {**{key: folder.entry(e)[key] for key in ("hints", "checks", "peeked", "passed_at")},
                                   "state": folder.status(e)} for e in folder.exercises.values()}}


def read_export(path, exercises):
    try:
        data = json.loads(pathlib.Path(path).read_text())
        if data["what"] != EXPORT or data["version"] != 1:
            raise ValueError
        marks = {name: (str(data["exercises"][name]["state"]), int(data["exercises"][name]["hints"]),
                        int(data["exercises"][name]["checks"]), bool(data["exercises"][name]["peeked"])) for name in exercises}
        return str(data["name"]), str(data["current"]), marks
    except OSError as error:
        raise Refused(f"cannot read {path} ({error.strerror}); --class takes files that progress --export has written") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{path} is no export of this workshop; progress --export writes one") from error


def room(paths, exercises):
    """A row for each learner, and one for each exercise: where the room stands."""
    people = [read_export(path, exercises) for path in paths]
    rows = [["name", "passed", "skipped", "peeked", "hints", "checks", "now at"]]
    for name, current, marks in people:
        states = [mark[0] for mark in marks.values()]
        rows.append([name[:20], sum(s.startswith("passed") for s in states), states.count("skipped"),
                     sum(mark[3] for mark in marks.values()), sum(mark[1] for mark in marks.values()),
                     sum(mark[2] for mark in marks.values()), current])
    each = [["exercise", "passed", "checks a head", "hints a head"]]
    for name in exercises:
        marks = [person[2][name] for person in people]
        each.append([name, f"{sum(m[0].startswith('passed') for m in marks)} of {len(marks)}",
                     f"{sum(m[2] for m in marks) / len(marks):.1f}", f"{sum(m[1] for m in marks) / len(marks):.1f}"])
    return "\n".join([*table(rows, right=range(1, 6)), "", *table(each, right=(1, 2, 3))])
