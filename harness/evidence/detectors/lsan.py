"""LeakSanitizer, in a build of the program that is linked with it: memory that nothing refers to, when the process ends."""

import re

from evidence.common import children
from evidence.common.children import Unavailable
from evidence.detectors.program import CONTROL, PLANT, PLANTED
from evidence.detectors.verdict import Finding, mask, names

FOUND = 23  # its exit code when it found a leak


def parse(ended):
    """Bytes leaked, and the line that says so; with log_threads=1 it also says that it looked at all."""
    leaked = re.search(r"(?m)^SUMMARY: LeakSanitizer: (\d+) byte\(s\) leaked in .*$", ended.err)
    looked = re.search(r"(?m)^==\d+==Processing thread \d+\.$", ended.err)
    if not looked or bool(leaked) != (ended.code == FOUND):
        raise Unavailable(f"LeakSanitizer did not look for leaks: exit code {ended.code}, and no line \"Processing thread\""
                          if not looked else f"LeakSanitizer ended with {ended.code}, which its report does not explain")
    if leaked:
        return int(leaked[1]), mask(leaked[0])
    return 0, f"{mask(looked[0])} ... and no report; exit code {ended.code}"


def version(program):
    """It is the compiler's, which the program names; it has no other number."""
    try:
        found = re.search(rb"(GCC): \([^)]*\) ([\d.]+)|(clang) version ([\d.]+)", program.lsan_path.read_bytes())
    except OSError:
        raise Unavailable(f"{program.lsan_path.name} is not built; build the target afterleak_lsan") from None
    compiler = b" ".join(filter(None, found.groups())).decode() if found else "an unknown compiler"
    return f"LeakSanitizer of {compiler}"


class LeakSanitizer:
    label, tools = "sanitizer", {"LeakSanitizer": version}
    rows = ("LeakSanitizer",)
    kind = "unreachable memory"
    commands = ("LSAN_OPTIONS=log_threads=1 {lsan_run}",)

    @staticmethod
    def check(program, run, *more):
        return children.run("LeakSanitizer", [program.lsan_path, *program.arguments(run, *more)],
                            env={"LSAN_OPTIONS": f"log_threads=1:exitcode={FOUND}"}).expect(0, FOUND)

    def control(self, program, folder):
        lost, said = parse(self.check(program, CONTROL, PLANT))
        if lost != PLANTED:
            raise Unavailable(f"LeakSanitizer did not find the planted leak of {PLANTED} bytes; it wrote: {said}")

    def examine(self, program, run, folder):
        ended = self.check(program, run)
        lost, said = parse(ended)
        return (Finding(lost > 0, None, said, names(ended.err, run.line), ended.cpu),)
