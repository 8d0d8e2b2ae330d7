"""What each detector is known to say, its misses included. The tests hold it to that, in both directions."""

from evidence.detectors.verdict import GROWS, MAYBE, NO, YES

# Row: for a process that ends after teardown, and with its timers pending, the verdict on the leaky side and whether
# its arming line is named.
KNOWN = {
    "Memcheck at exit": ((NO, False), (NO, True)),
    "Memcheck in the run": ((GROWS, True), (GROWS, True)),
    "LeakSanitizer": ((NO, False), (NO, False)),
    "HeapLeakChecker": ((NO, False), (NO, False)),
    "Massif": ((GROWS, True), (GROWS, True)),
    "DHAT": ((GROWS, True), (GROWS, True)),
    "gperftools heap profiler": ((GROWS, True), (GROWS, True)),
    "heaptrack": ((GROWS, True), (YES, True)),
    "counting allocator": ((GROWS, False), (GROWS, False)),
    "census": ((YES, True), (YES, True)),
}

# On an event loop, where it differs from that. libuv and Asio link the timers themselves, in the middle of what the program allocates
# for one; libevent and GLib have an array or a list of pointers to the start of what they allocate.
LINKED = {"Memcheck at exit": ((NO, False), (MAYBE, True)), "Memcheck in the run": ((MAYBE, True), (MAYBE, True))}
ON_LOOPS = {"libuv": LINKED, "libevent": {}, "glib": {}, "asio": LINKED}
SESSION = "signal_before_expiry"  # whose fixed side has a timer at 60 s
# What a pair allocates with operator new for the timers of libevent and GLib is less than counts as growth.
SMALL = {("libevent", "looping_select"), ("glib", "looping_select"), ("glib", SESSION)}
# The session is allocated on one line, and its timer armed on another, where nothing is allocated: who looks at the heap cannot name that.
ELSEWHERE = {"Memcheck at exit", "Memcheck in the run", "Massif", "DHAT", "gperftools heap profiler"}


def expected(row, pattern, side, exit_, library=None):
    """The verdict, and whether the arming line is named (None: of a fixed side that does not matter)."""
    if side == "fixed":
        wanted = pattern == SESSION and row == "Memcheck in the run" and ON_LOOPS.get(library) is LINKED
        return MAYBE if wanted else NO, None
    verdict, named = {**KNOWN, **ON_LOOPS.get(library, {})}[row][("torn-down", "pending").index(exit_)]
    if row == "counting allocator" and (library, pattern) in SMALL:
        verdict = NO
    if library == "libuv" and pattern == SESSION and row in ELSEWHERE:
        named = False
    return verdict, named


def unexpected(found, library=None):
    """A line for each finding that is not as expected."""
    for (row, pattern, side, exit_), finding in found.items():
        verdict, named = expected(row, pattern, side, exit_, library)
        if finding.verdict != verdict or named not in (None, finding.names_line):
            wanted = verdict + ("" if named is None else ", line named" if named else ", line not named")
            got = finding.verdict + (", line named" if finding.names_line else ", line not named")
            yield f"{row}, {pattern}, {side}, {exit_}: expected {wanted}; it says {got}: {finding.evidence}"
