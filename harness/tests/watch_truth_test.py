"""`afterleak watch` against programs that count their own timers (tests/loops/), and that nobody built for it: however they end, its report
has what they say. And that a program behaves under it as without it."""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from evidence.common import children
from tests import helper

PROGRAMS = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"])
VARIANTS = {"asio_clean_keepalive": 4, "asio_request": 5, "ev_conn": 4, "evt_clean": 5, "evt_request": 5, "glib_clean_net": 4,
            "glib_request": 5, "posix_thread": 4, "qt_session": 4, "sd_request": 4, "tfd_request": 4, "uv_clean_pool": 4, "uv_request": 5}
HAS_OBJECTS = {"evt_clean", "evt_request", "glib_clean_net", "posix_thread", "qt_session", "sd_request", "tfd_request", "uv_clean_pool",
               "uv_request"}  # that the program has to free
MOVES = {("glib_clean_net", 2)}  # the program does not count it as armed again when a ready time is moved
HOSTS = (None, PROGRAMS / "watched_plug_in")  # what loads the program with its loop, so that nobody else sees them; None: nothing
AT_ONCE = 24
ENDS = {"kill": -signal.SIGKILL, "abort": -signal.SIGABRT, "crash": -signal.SIGSEGV, "exit": 7, "_exit": 0, "exec": 0}
# What one run proves: one path of many forgets to stop. Where none is ever stopped, a leak and a cache look alike.
PROVEN = {("asio_request", 2), ("ev_conn", 3), ("evt_request", 3), ("glib_request", 2), ("posix_thread", 3), ("sd_request", 3),
          ("tfd_request", 3), ("uv_request", 3)}


def watch(*command, **options):
    return subprocess.run([helper.PROGRAM, "watch", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=helper.PATIENCE, stdin=subprocess.DEVNULL, **options)


def of_the_program(sites):
    return [site for site in sites if not site["file"].rpartition("/")[2].startswith("load_")]


def total(sites, what):
    return sum(site[what] for site in sites)


class Truth(unittest.TestCase):
    running = {}

    @classmethod
    def setUpClass(cls):
        """Several at a time: each takes some 2.5 seconds, and nearly all of that it waits. They end in turn in each of the ways."""
        folder = tempfile.TemporaryDirectory(prefix="afterleak test ")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        started = set()
        cls.addClassCleanup(lambda: (pool.shutdown(wait=False, cancel_futures=True), children.kill_sessions(started), pool.shutdown()))

        def run(command, how):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                  env={**os.environ, "WATCHED_END": how}) as process:
                started.add(process.pid)  # with the program
                return process, *process.communicate(timeout=helper.PATIENCE)

        ends = list(ENDS)
        for name, count in VARIANTS.items():
            program = PROGRAMS / f"watched_{name}"
            for variant in range(count) if program.exists() else ():
                for host in HOSTS:
                    plug_in = PROGRAMS / f"libplug_in_{name}.so"
                    if host and not plug_in.exists():
                        continue
                    how = ends[len(cls.running) % len(ends)]
                    command = [helper.PROGRAM, "watch", "--json", cls.file_of(name, variant, host), *((host, plug_in) if host else (program,))]
                    cls.running[name, variant, host] = pool.submit(run, [*command, str(variant)], how), how

    @classmethod
    def file_of(cls, name, variant, host):
        return cls.folder / f"{name}.{variant}{'.plug_in' if host else ''}.json"

    def check(self, name):
        if (name, 0, None) not in self.running:
            self.skipTest(f"watched_{name} is not built: its library is not installed; scripts/setup --all installs it")
        for of, variant, host in self.running:
            if of != name:
                continue
            ended, how = self.running[name, variant, host]
            with self.subTest(variant=variant, host=host, end=how):
                process, out, err = ended.result()
                truth = json.loads(out.splitlines()[0])
                self.assertEqual(process.returncode, ENDS[how], err)
                sites = of_the_program(json.loads(self.file_of(name, variant, host).read_text())["sites"])
                live = total(sites, "live")
                self.assertEqual(live, truth["live"])
                self.assertEqual(total(sites, "armed"), total(sites, "fired") + total(sites, "stopped") + live)
                if (name, variant) not in MOVES:
                    self.assertEqual(total(sites, "armed"), truth["armed"])
                if name in HAS_OBJECTS and truth["objects"]:
                    self.assertEqual(total(sites, "idle") + live, truth["objects"])
                if truth["line"] and truth["live"]:
                    self.assertIn(truth["line"], [site["line"] for site in sites if site["live"]])
                leaks = [site for site in sites if site["word"] == "leak"]
                self.assertEqual(len(leaks), (name, variant) in PROVEN, err)


for each in VARIANTS:
    setattr(Truth, f"test_{each}", lambda self, name=each: self.check(name))


if __name__ == "__main__":
    helper.main()
