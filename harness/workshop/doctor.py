"""What is missing on this machine, and how to get it."""

import os
import shutil
import subprocess

from workshop import catalog
from workshop.words import table


def clangd_version(program):
    if not shutil.which(program):
        return 0
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    words = text.partition("version ")[2].partition(".")[0]
    return int(words) if words.isdigit() else 0


def doctor(folder, builder, script):
    """What is missing and how to get it; 1 when an exercise could not be checked."""
    rows, bad = [["what", "state", "what to do"]], False

    def row(what, good, remedy, needed=True):
        nonlocal bad
        bad = bad or (needed and not good)
        rows.append([what, "there" if good else "missing", "" if good else remedy])

    for program in ("g++", "cmake", "ninja", "setpriv"):
        row(program, shutil.which(program), "./scripts/setup")
    listed = subprocess.run([catalog.ROOT / "scripts/setup", "--list"], capture_output=True, text=True).stdout
    words = [line.split() for line in listed.splitlines()]
    missing = [each[0] for each in words if "missing" in each and "core" in each]
    row("packages", words and not missing, f"./scripts/setup installs {', '.join(missing)}")
    clangd = any(clangd_version(program) >= 16 for program in ("clangd", *(f"clangd-{n}" for n in range(16, 31))))
    row("clangd, 16 or later", clangd, "for editors only: apt-get install clangd-19", needed=False)
    for exercise in folder.exercises.values() if (builder.build / "harness/workshop/objects.txt").exists() else ():
        if package := builder.lacks(exercise):
            row(package, False, f"for {exercise.name} only: apt-get install {package}, then {script} start", needed=False)
    row("build", (builder.build / "harness/workshop/objects.txt").exists(), f"{script} start")
    row(f"folder {builder.short(folder.path)}", folder.started(), f"{script} start")
    if folder.started():
        writable = os.access(folder.path, os.W_OK) and os.access(folder.own, os.W_OK)
        row("    and can be written", writable, "use another one: --dir DIR")
    print("\n".join(table(rows)))
    return 1 if bad else 0
