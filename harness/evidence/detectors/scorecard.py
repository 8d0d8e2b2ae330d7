"""Runs every detector on every pattern, both sides and both ends of the process, and reports its progress."""

import concurrent.futures
import os
import pathlib
import tempfile
import threading
import time

from evidence.common.children import Unavailable
from evidence.common.words import say
from evidence.detectors.dhat import Dhat
from evidence.detectors.gperftools import HeapLeakChecker, HeapProfiler
from evidence.detectors.heaptrack import Heaptrack
from evidence.detectors.lsan import LeakSanitizer
from evidence.detectors.massif import Massif
from evidence.detectors.memcheck import Memcheck
from evidence.detectors.own import Census, CountingAllocator
from evidence.detectors.program import EXITS, SIDES, Run

NAME = "scripts/reproduce"  # that has us run
AT_ONCE = max(2, os.cpu_count() or 2)


def detectors():
    """New ones: two of them remember what a program held before its load."""
    return (Memcheck(), LeakSanitizer(), HeapLeakChecker(), Massif(), Dhat(), HeapProfiler(), Heaptrack(), CountingAllocator(), Census())


DETECTORS = detectors()


class Scorecard:
    """What was found: by row, pattern, side and exit. A row with a reason in `skipped` counts for nothing."""

    def __init__(self, program, detectors=DETECTORS):
        self.program, self.detectors = program, detectors
        self.versions, self.skipped, self.found = {}, {}, {}
        self.patterns, self.lines = {}, {}
        self.lock = threading.Lock()

    def rows(self):
        return [(detector, row) for detector in self.detectors for row in detector.rows]

    def of(self, row):
        """By pattern, side and exit."""
        return {key[1:]: finding for key, finding in self.found.items() if key[0] == row}

    def skip(self, detectors, reason):
        """Says once that nothing these detectors find will count."""
        with self.lock:
            new = [d for d in detectors if d not in self.skipped]
            self.skipped.update(dict.fromkeys(new, str(reason)))
        if new:
            say(f"{NAME}: {reason}; SKIPPED: {', '.join(row for d in new for row in d.rows)}")

    def run(self):
        with tempfile.TemporaryDirectory(prefix="afterleak-", ignore_cleanup_errors=True) as folder, \
                concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            self.folder = pathlib.Path(folder)
            try:
                pool.submit(self.program.check).result()
                self.patterns = pool.submit(self.program.patterns).result()
                self.lines = dict(zip(self.patterns, pool.map(self._arming_line, self.patterns.items())))
                self._probe(pool)
                list(pool.map(self._control, self.detectors))
                self._examine(pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        skipped = [row for detector in self.skipped for row in detector.rows]
        self.found = {key: finding for key, finding in self.found.items() if key[0] not in skipped}

    def _arming_line(self, item):
        return self.program.arming_line(*item, self.folder)

    def _probe(self, pool):
        """Each tool is asked once, and named once if it cannot be used."""
        asked = {name: version for detector in self.detectors for name, version in detector.tools.items()}
        answers = {name: pool.submit(version, self.program) for name, version in asked.items()}
        for name, answer in answers.items():
            try:
                self.versions[name] = answer.result()
            except (Unavailable, OSError) as reason:
                self.skip([d for d in self.detectors if name in d.tools], reason)

    def _try(self, detector, work):
        """Does the work in a new folder, unless the detector has been given up."""
        if detector in self.skipped:
            return
        try:
            with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
                work(pathlib.Path(folder))
        except (Unavailable, OSError) as reason:
            self.skip([detector], reason)

    def exits(self, detector):
        """The ends of a process that it is asked about."""
        return EXITS

    def _control(self, detector):
        self._try(detector, lambda folder: detector.control(self.program, folder))

    def _pattern(self, detector, pattern):
        for side in SIDES:
            for exit_ in self.exits(detector):
                run = Run(pattern, self.patterns[pattern], side, exit_, self.lines[pattern])

                def work(folder):
                    for row, finding in zip(detector.rows, detector.examine(self.program, run, folder)):
                        self.found[row, pattern, side, exit_] = finding
                self._try(detector, work)

    def _examine(self, pool):
        steps = [(detector, pattern) for pattern in self.patterns for detector in self.detectors if detector not in self.skipped]
        progress = Progress(len(steps), len(steps) // max(1, len(self.patterns)))
        for ended in [pool.submit(self._step, progress, *step) for step in steps]:
            ended.result()

    def _step(self, progress, detector, pattern):
        self._pattern(detector, pattern)
        progress.ended(f"{detector.rows[0].removesuffix(' at exit')}, {pattern}")


class Progress:
    """Prints each step, and an estimate once enough are done for slow and quick ones to be among them."""

    def __init__(self, steps, enough):
        self.steps, self.enough, self.done, self.began, self.lock = steps, enough, 0, time.monotonic(), threading.Lock()

    def ended(self, what):
        with self.lock:
            self.done += 1
            left = (time.monotonic() - self.began) / self.done * (self.steps - self.done)
            say(f"    {what} ({self.done} of {self.steps})" + (f", about {left:.0f} s left" if self.enough <= self.done < self.steps else ""))
