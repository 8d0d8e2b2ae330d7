"""What each detector is known to say, its misses included. The tests hold it to that, in both directions."""

from evidence.detectors.verdict import GROWS, NO, YES

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


def expected(row, pattern, side, exit_, library=None):
    """The verdict, and whether the arming line is named (None: of a fixed side that does not matter)."""
    if side == "fixed":
        return NO, None
    return KNOWN[row][("torn-down", "pending").index(exit_)]


def unexpected(found, library=None):
    """A line for each finding that is not as expected."""
    for (row, pattern, side, exit_), finding in found.items():
        verdict, named = expected(row, pattern, side, exit_)
        if finding.verdict != verdict or named not in (None, finding.names_line):
            wanted = verdict + ("" if named is None else ", line named" if named else ", line not named")
            got = finding.verdict + (", line named" if finding.names_line else ", line not named")
            yield f"{row}, {pattern}, {side}, {exit_}: expected {wanted}; it says {got}: {finding.evidence}"
