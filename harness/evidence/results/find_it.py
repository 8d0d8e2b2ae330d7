"""Writes DIR/find_it.md: for each library, from the symptom to the test that keeps the leak out.

    python3 -m evidence.results.find_it --out DIR

The code is that of harness/tests/find_it/, whose test compiles it, runs it, and looks for what the page says that it prints.
"""

import dataclasses
import difflib

from evidence.common import command_line, files, runs

NAME = "scripts/reproduce"
FOLDER = files.ROOT / "harness/tests/find_it"

HEAD = """# Find it in your code

Written by `./scripts/reproduce`; do not edit. A request has a time limit. The answer comes, and the limit stays pending: in each
library that looks a little different, and leak checkers call it no leak ([what each says](detectors_loops.md)). Below stands how it
shows, what to look with in a program that runs, and a test that fails with the line.

Everything here is compiled and run by [a test](../harness/tests/find_it/), on both sides: the leak is found, and the fix passes. In C++
the test is linked with `afterleak::loops_main` ([how](../README.md#install-it)), and the code under test stays as it is.

| library | how it shows, besides memory that grows with the requests | in a program that runs |
|---|---|---|
"""


@dataclasses.dataclass(frozen=True)
class Library:
    folder: str
    title: str
    shows: str
    tool: str
    note: str = ""


LIBRARIES = (
    Library("go", "Go", "the heap is largest some seconds after the load, and falls when the limits have expired",
            "`go tool pprof -sample_index=inuse_objects` names `time.NewTimer`, and below it the line",
            "Up to Go 1.22, or with a `go` line below 1.23 in go.mod: [the go line decides](go_parity.md#the-go-line-decides). The test needs "
            "nothing but Go: it counts the objects that a hundred calls leave behind, by the line that made them."),
    Library("asio", "Asio and Boost.Asio", "`io_context::run` does not return though all is answered",
            "`ASIO_ENABLE_HANDLER_TRACKING` prints each wait and its end",
            "What is compiled with Asio links `afterleak::loops_asio`, too. A loop that ends destroys what waits, so the test looks at "
            "what a call leaves behind while the loop is still there."),
    Library("libuv", "libuv", "`uv_run` does not return; `uv_loop_close` says `UV_EBUSY`",
            "`uv_print_all_handles(loop, stderr)` lists each timer; those with an A are armed"),
    Library("libevent", "libevent", "`event_base_dispatch` does not return",
            "`event_base_dump_events(base, stderr)` lists each event with its deadline"),
    Library("glib", "GLib", "a callback comes long after its object has gone, and uses what was freed",
            "GLib lists no sources; heaptrack names who called `g_timeout_source_new`"),
    Library("qt", "Qt", "an object that lives long has more and more children",
            "`object->findChildren<QTimer*>()` has them all; heaptrack names the line",
            "A child is freed with its parent, which is what hides it: so the parent lives on in the test."),
    Library("timerfd", "timerfd", "`Too many open files`",
            "`ls -l /proc/PID/fd` has a line with `timerfd` for each; `/proc/PID/fdinfo/N` has its deadline"),
    Library("posix_timers", "POSIX timers", "`timer_create` fails with `EAGAIN`; signals come for what is long over",
            "`/proc/PID/timers` has an `ID:` for each"),
)


def source(folder, side):
    """The code of a side."""
    (path,) = (FOLDER / folder / side).iterdir()
    return path.read_text()


def said(folder):
    """What the test prints on the leaky side."""
    return (FOLDER / folder / "said.txt").read_text()


def files_of(folder, side):
    """A side and the test, which are a program."""
    return [*(FOLDER / folder / side).iterdir(), *(FOLDER / folder).glob("client_test.*")]


def fence(language, text):
    return f"```{language}\n{text.rstrip()}\n```\n"


def section(library):
    folder = FOLDER / library.folder
    (test,) = folder.glob("client_test.*")
    language = "go" if test.suffix == ".go" else "cpp"
    name = f"client{test.suffix}"
    diff = list(difflib.unified_diff(*(source(library.folder, side).splitlines() for side in runs.SIDES), lineterm="", n=1))[2:]
    return "\n".join([f"\n## {library.title}\n", *([library.note + "\n"] if library.note else []),
                      f"`{name}`, which leaks:\n", fence(language, source(library.folder, "leaky")),
                      f"`{test.name}`, which finds it:\n", fence(language, test.read_text()), fence("text", said(library.folder)),
                      "The fix, with which it passes:\n", fence("diff", "\n".join(diff))])


def main(arguments):
    parser = command_line.Parser(prog=NAME)
    parser.add_out(required=True)
    options = parser.parse_args(arguments)
    rows = "".join(f"| [{each.title}](#{each.title.lower().replace(' ', '-').replace('.', '')}) | {each.shows} | {each.tool} |\n"
                   for each in LIBRARIES)
    files.write_whole(options.out / "find_it.md", HEAD + rows + "".join(map(section, LIBRARIES)))
    return 0


if __name__ == "__main__":
    command_line.main(NAME, main)
