"""The census of event loops against programs that count their own timers (tests/loops/): how many were armed, which are live or idle at
the moment when the work is over, and in which line the leaky ones were armed."""

import json
import os
import pathlib
import subprocess
import unittest

from tests import helper

PROGRAMS = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"])
VARIANTS = {"asio_clean_keepalive": 4, "asio_request": 5, "ev_conn": 4, "evt_clean": 5, "evt_request": 5, "glib_clean_net": 4,
            "glib_request": 5, "posix_thread": 4, "qt_session": 4, "sd_request": 4, "tfd_request": 4, "uv_clean_pool": 4, "uv_request": 5}
HAS_OBJECTS = {"evt_clean", "evt_request", "glib_clean_net", "posix_thread", "qt_session", "sd_request", "tfd_request", "uv_clean_pool",
               "uv_request"}  # that the program has to free
# The program does not count it as armed again when a ready time is moved.
MOVES = {("glib_clean_net", 2)}


def of_the_program(sites):
    return [site for site in sites if not site["file"].rpartition("/")[2].startswith("load_")]


def total(sites, what):
    return sum(site[what] for site in sites)


class Truth(unittest.TestCase):
    running = {}

    @classmethod
    def setUpClass(cls):
        """All at once: each takes some 2.5 seconds, and nearly all of that it waits."""
        for name, count in VARIANTS.items():
            program = PROGRAMS / f"truth_{name}"
            for variant in range(count) if program.exists() else ():
                process = subprocess.Popen([program, str(variant)], stdout=subprocess.PIPE, text=True)
                cls.addClassCleanup(cls.end, process)
                cls.running[name, variant] = process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def check(self, name):
        if (name, 0) not in self.running:
            self.skipTest(f"truth_{name} is not built: its library is not installed; scripts/setup --all installs it")
        for variant in range(VARIANTS[name]):
            with self.subTest(variant=variant):
                lines = self.running[name, variant].communicate(timeout=helper.PATIENCE)[0].splitlines()
                truth, census = map(json.loads, lines)
                timers, idle = of_the_program(census["timers"]), of_the_program(census["idle"])
                self.assertEqual(total(timers, "live"), truth["live"])
                self.assertEqual(total(timers, "armed"), total(timers, "ended") + truth["live"])
                if (name, variant) not in MOVES:
                    self.assertEqual(total(timers, "armed"), truth["armed"])
                if name in HAS_OBJECTS and truth["objects"]:
                    self.assertEqual(total(idle, "live") + truth["live"], truth["objects"])
                if truth["line"] and truth["live"]:
                    self.assertIn(truth["line"], [site["line"] for site in timers if site["live"]])


for each in VARIANTS:
    setattr(Truth, f"test_{each}", lambda self, name=each: self.check(name))

if __name__ == "__main__":
    helper.main()
