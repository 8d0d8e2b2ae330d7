"""Files that are written whole, and where the project is."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def write_whole(path, text):
    """The old text or the new one is there, and never half of it, whoever else writes it."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
