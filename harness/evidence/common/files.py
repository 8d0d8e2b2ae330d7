"""Files that are written whole, and where the project is."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def write_whole(path, text):
    """The file holds the old text or the new one, never half of it, even if others write it at the same time."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
