"""A SIGTERM at any instant ends `reproduce detectors` and `bench --smoke`, and leaves no process, no file, no mount and no lock.

The instants are random; the seed is printed first. AFTERLEAK_STORMS=100 makes a hundred of each; AFTERLEAK_SEED repeats a run. The
tools and the program are real, setup and cmake are fakes. How long each end took is printed and not judged: that is the machine's.
"""

import os
import pathlib
import random
import signal
import time
import unittest

from tests import helper, scripts_test

STORMS = int(os.environ.get("AFTERLEAK_STORMS", "3"))
SEED = int(os.environ.get("AFTERLEAK_SEED", random.randrange(10**6)))
BUILD = pathlib.Path(helper.PROGRAM).resolve().parent
TOOLS = ("valgrind", "google-pprof", "heaptrack", "gnuplot")  # that are real here
OLD = "of an older run"


class Storms(scripts_test.ScriptTest):
    def setUp(self):
        super().setUp()
        for tool in TOOLS:
            (self.fakes / tool).unlink()
        self.fake("go", "")  # none, or its standard library would be compiled each time
        build = self.tree / ".build/release"
        (build / "harness").mkdir(parents=True)
        (build / "afterleak_lsan").symlink_to(BUILD / "afterleak_lsan")
        (build / "harness/bench").symlink_to(BUILD / "harness/bench")
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir()
        self.results.mkdir()
        (self.results / "detectors.md").write_text(OLD)
        self.env |= {"PATH": f"{self.fakes}:{os.environ['PATH']}", "AFTERLEAK_PROGRAM": str(BUILD / "afterleak"), "TMPDIR": str(self.tmp),
                     "AFTERLEAK_GO_ROOT": "/nowhere", "AFTERLEAK_STORM": str(self.folder)}

    def fake_parts(self):
        """None: what asks the tools is what is tested."""

    def left(self):
        """The processes that we have started, directly or not: they have our environment."""
        mark, found = f"AFTERLEAK_STORM={self.folder}".encode(), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if mark in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    found.append(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                pass
        return found

    def storm(self, dice, longest, *command):
        before = list(pathlib.Path("/proc/mounts").read_text().splitlines())
        took, ended = [], 0
        for number in range(STORMS):
            process = self.start(*command)
            wait = dice.uniform(0, longest)
            time.sleep(wait)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            _, said = process.communicate(timeout=helper.PATIENCE)
            if process.returncode == 0:
                ended += 1  # before the signal
                continue
            took.append(time.monotonic() - began)
            with self.subTest(number, after=f"{wait:.3f} s"):
                # Before bash has set its traps it just dies.
                self.assertIn(process.returncode, (143, -signal.SIGTERM), said)
                self.assertNotIn("Traceback", said)
                self.assertEqual(self.left(), [], said)
                self.assertEqual([str(path) for path in self.tmp.iterdir()], [])
                self.assertEqual([(path.name, path.read_text()) for path in self.results.iterdir()], [("detectors.md", OLD)])
                self.assertFalse([mount for mount in pathlib.Path("/proc/mounts").read_text().splitlines()
                                  if mount not in before and str(self.folder) in mount])
        print(f"{' '.join(command)}: {len(took)} ended by the signal, the slowest in {max(took, default=0):.2f} s; {ended} had ended before")

    def test_reproduce_detectors(self):
        self.storm(random.Random(SEED), 12, "scripts/reproduce", "detectors")

    def test_bench_smoke(self):
        self.storm(random.Random(SEED), 6, "scripts/bench", "--smoke")


if __name__ == "__main__":
    print(f"AFTERLEAK_SEED={SEED} AFTERLEAK_STORMS={STORMS}", flush=True)
    unittest.main(verbosity=2)
