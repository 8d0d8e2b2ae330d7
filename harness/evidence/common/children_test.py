"""Children end with us, in time, and with all that is left of their session; a signal at any instant is heard once."""

import concurrent.futures
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
import unittest
import unittest.mock

from evidence.common import children
from tests import helper

# Runs sleeps in threads until it is told to stop, and says what became of them.
WAITING = """
import concurrent.futures, sys
from evidence.common import children, command_line
def work(_):
    folder = sys.argv[1]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(children.run, "sleep", ["bash", "-c", 'sleep 600 & echo $$ $! >"$0/$$"; wait', folder]) for _ in range(4)]
        print("ready", flush=True)
        for each in waiting:
            each.result()
command_line.main("waiting", work)
"""
# Starts children without a pause: most signals come while one is being started or collected.
STARTING = """
from evidence.common import children, command_line
def work(arguments):
    print("ready", flush=True)
    while True:
        children.run("true", ["true"])
command_line.main("starting", work)
"""


class Signals(helper.FolderTest):
    def start(self, program):
        process = subprocess.Popen([sys.executable, "-S", "-c", program, str(self.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_all_threads_that_wait_hear_it_and_nothing_is_left(self):
        for number in children.STOPS:
            process = self.start(WAITING)
            helper.wait_until(lambda: len(list(self.folder.glob("[0-9]*"))) == 4, "four children run")
            pids = helper.wait_until(lambda: len(found := [int(pid) for file in self.folder.glob("[0-9]*")
                                                           for pid in file.read_text().split()]) == 8 and found, "they said who they are")
            process.send_signal(number)
            self.assertEqual((process.wait(helper.PATIENCE), process.stderr.read()), (128 + number, ""))
            self.assertEqual([pid for pid in pids if children.alive(pid)], [])
            for file in self.folder.glob("[0-9]*"):
                file.unlink()

    def test_at_any_instant_of_starting_and_collecting(self):
        for _ in range(10):
            process = self.start(STARTING)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):  # an impatient one
                process.send_signal(number)
            # Of two that are pending at once the kernel delivers INT first, its number being the lower one. One that comes while the
            # interpreter ends kills it: by then Python has restored the default action, and all children have ended.
            self.assertIn(process.wait(helper.PATIENCE), (128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM, -signal.SIGINT))
            self.assertEqual(process.stderr.read(), "")

    def test_one_that_is_none_of_those_is_passed_over(self):
        # Not print, which a second signal in the middle of it would break.
        script = WAITING.replace('command_line.main(', 'import os, signal; signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"heard\\n"))\n'
                                 'command_line.main(')
        process = self.start(script)
        # Again and again: one that comes just before the main thread blocks in a lock is not heard until it wakes.
        helper.wait_until(lambda: process.send_signal(signal.SIGUSR1) or select.select([process.stdout], [], [], 0.1)[0], "it is heard")
        self.assertEqual(process.stdout.readline(), "heard\n")
        helper.wait_until(lambda: len(list(self.folder.glob("[0-9]*"))) == 4, "four children run")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(helper.PATIENCE), 128 + signal.SIGTERM)


class Run(helper.FolderTest):
    def test_output_code_and_environment(self):
        ended = children.run("a tool", ["bash", "-c", "echo out $A; echo err >&2; exit 3"], env={"A": "b"})
        self.assertEqual((ended.out, ended.err, ended.code), ("out b\n", "err\n", 3))
        self.assertEqual(children.run("env", ["/usr/bin/env"], env={"A": "b"}, alone=True).out, "A=b\n")
        self.assertEqual(children.run("both", ["bash", "-c", "echo out; echo err >&2"], merged=True).out, "out\nerr\n")
        with self.assertRaisesRegex(children.Unavailable, "^a tool ended with 3 and said: err$"):
            ended.expect()

    def test_what_hangs_is_killed_with_what_it_started_though_it_is_deaf(self):
        with self.assertRaisesRegex(children.TooLong, "^a tool did not end within 0.5 s and was killed$"):
            children.run("a tool", ["bash", "-c", f"trap '' TERM INT; sleep 600 & echo $! >'{self.folder}/pid'; sleep 600"], timeout=0.5)
        self.assertFalse(children.alive(int((self.folder / "pid").read_text())))

    def test_what_is_left_over_does_not_hold_us_up(self):
        ended = children.run("a tool", ["bash", "-c", f"sleep 600 & echo $! >'{self.folder}/pid'; echo done"])
        self.assertEqual(ended.out, "done\n")
        self.assertFalse(children.alive(int((self.folder / "pid").read_text())))

    def test_gently_it_may_clean_up(self):
        text = f"trap 'touch \"{self.folder}/clean\"; exit' TERM; while :; do sleep 0.01; done"
        with self.assertRaises(children.TooLong):
            children.run("a tool", ["bash", "-c", text], timeout=0.5, gently=20)
        self.assertTrue((self.folder / "clean").exists())

    def test_what_looks_meanwhile_can_end_it(self):
        class Enough(Exception):
            pass

        def look():
            looks.append(os.read(out, 10) if select.select([out], [], [], 0)[0] else b"")
            if len(looks) > 2 and looks[-1]:
                raise Enough

        looks = []
        out, into = os.pipe()
        self.addCleanup(os.close, out)
        self.addCleanup(os.close, into)
        pid = self.folder / "pid"
        with self.assertRaises(Enough), children.meanwhile(out, 0.01, look):
            threading.Timer(0.2, os.write, [into, b"enough"]).start()
            children.run("a tool", ["bash", "-c", 'echo $$ >"$0"; sleep 600', pid])
        self.assertEqual(looks[-1], b"enough")
        self.assertFalse(pid.exists() and children.alive(int(pid.read_text())))
        self.assertEqual(children.run("true", ["true"]).code, 0)
        count = len(looks)
        self.assertEqual(children.wait_for([out], 0.05), [])
        self.assertEqual(len(looks), count)

    def test_one_that_prints_for_ever_is_stopped(self):
        with unittest.mock.patch.object(children, "MOST_OUTPUT", 100_000):
            ended = children.run("yes", ["yes"])
        self.assertLessEqual(len(ended.out), 100_000)
        self.assertNotEqual(ended.code, 0)

    def test_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda n: children.run("echo", ["echo", n]).out, range(40)))
        self.assertEqual(found, [f"{n}\n" for n in range(40)])
        self.assertEqual(threading.active_count(), 1)

    def test_who_is_alive(self):
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assertFalse(children.alive(child.pid))  # a zombie
        child.wait()
        self.assertFalse(children.alive(child.pid))
        self.assertTrue(children.alive(os.getpid()))
        self.assertTrue(pathlib.Path(f"/proc/{os.getpid()}").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
