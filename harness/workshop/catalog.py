"""The exercises and what is known of them: exercises.toml, and the files of the same names."""

import dataclasses
import pathlib
import re
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = {"memcheck": "Valgrind's memcheck", "leaksanitizer": "LeakSanitizer"}
PACKAGES = {"asio": "libasio-dev", "libuv": "libuv1-dev", "glib": "libglib2.0-dev", "libevent": "libevent-dev"}  # Debian's


@dataclasses.dataclass(frozen=True)
class Exercise:
    name: str
    title: str
    aim: str
    minutes: int
    short: bool
    fails: str
    hints: list
    ask: list
    passed_by: list
    decoy: bool
    test: bool  # the learner writes a test
    day: bool  # it belongs to a whole day only
    loop: str  # the event loop that it is on; "" for goroutines

    @property
    def file(self):
        return f"{self.name}.cc"

    @property
    def header(self):
        return f"on_{self.loop}.h" if self.loop else "exercises.h"

    @property
    def sanitized(self):
        """It is checked under AddressSanitizer from the first: to compile it twice takes too long."""
        return bool(self.loop) and not self.test

    @property
    def once_more(self):
        """What passes its check runs once more under AddressSanitizer."""
        return not (self.loop or self.test)

    def shipped(self):
        return (HERE / "exercises" / self.file).read_text()

    def solution(self):
        return (HERE / "solutions" / self.file).read_text()


def split_story(text):
    """The comment at the top, without its slashes, and the code below it."""
    lines = text.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    return "".join(re.sub("^// ?", "", line) for line in lines[:count]), "".join(lines[count:])


def load():
    """All exercises, by name, in their order."""
    known = tomllib.loads((HERE / "exercises.toml").read_text())
    return {name: Exercise(name=name, decoy=about.pop("decoy", False), test=about.pop("test", False), day=about.pop("day", False),
                           loop=about.pop("loop", ""), **about)
            for name, about in known.items()}


def fixes():
    """By exercise; the wrong ones have the key "fails"."""
    return tomllib.loads((HERE / "fixes.toml").read_text())


def wrong_fixes():
    return {name: [fix for fix in tried if "fails" in fix] for name, tried in fixes().items()}


def apply(text, edit, what):
    """The text with each [old, new] of `edit` done once."""
    for old, new in edit:
        if text.count(old) != 1:
            raise ValueError(f"{what}: {old!r} is there {text.count(old)} times")
        text = text.replace(old, new)
    return text
