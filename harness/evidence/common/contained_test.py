"""A contained command leaves nothing behind, whether it ends, is stopped, or its keepers are killed; and ctest goes on."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

from evidence.common.children import alive, status
from tests import helper

# A tree that tries to get away: orphans in new sessions, deaf to every signal that can be ignored, which hold our output.
TREE = """
trap '' INT TERM HUP
folder=$1
daemon() { echo $BASHPID >>"$folder/pids"; exec -a afterleak_orphan sleep 600; }
export -f daemon
(folder=$folder setsid bash -c 'daemon & daemon' &)
(folder=$folder setsid bash -c '(setsid bash -c daemon &)' &)
until [[ $(wc -l <"$folder/pids") == 3 ]]; do sleep 0.01; done
echo $$ >>"$folder/pids"
"""
STAYS = TREE + "while :; do sleep 0.01; done\n"


class Contained(helper.FolderTest):
    def setUp(self):
        super().setUp()
        (self.folder / "pids").touch()
        self.addCleanup(self.kill_left_over)

    def start(self, text, *options, **more):
        script = helper.write_program(self.folder / "tree", text)
        process = subprocess.Popen(helper.module("evidence.common.contained", *options, "--", script, self.folder), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def pids(self):
        return [int(pid) for pid in (self.folder / "pids").read_text().split()]

    def tree(self, **more):
        process = self.start(STAYS, "--grace", "0.2", **more)
        helper.wait_until(lambda: len(self.pids()) == 4, "the tree stands")
        self.assertTrue(all(map(alive, self.pids())))
        return process

    def kill_left_over(self):
        for pid in filter(alive, self.pids()):
            os.kill(pid, signal.SIGKILL)

    def assert_nothing_is_left(self):
        helper.wait_until(lambda: not any(map(alive, self.pids())), "nothing is left")

    def test_it_ends_as_the_command_does(self):
        for text, code in (("exit 0", 0), ("exit 3", 3), ("kill -SEGV $$", -signal.SIGSEGV), ("kill -KILL $$", -signal.SIGKILL)):
            process = self.start(f"echo said; {text}")
            self.assertEqual((process.stdout.read(), process.wait(helper.PATIENCE)), ("said\n", code))

    def test_one_that_is_not_there(self):
        done = subprocess.run(helper.module("evidence.common.contained", "--", self.folder / "none"), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (127, f"contained: {self.folder}/none cannot be run: No such file or directory\n"))
        done = subprocess.run(helper.module("evidence.common.contained", "true"), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "contained: it takes -- and a command\n"))

    def test_what_the_command_leaves_behind_ends_with_it(self):
        process = self.start(TREE + "exit 5\n")
        self.assertEqual((process.stdout.read(), process.wait(helper.PATIENCE)), ("", 5))
        self.assertEqual(len(self.pids()), 4)
        self.assertEqual([pid for pid in self.pids() if alive(pid)], [])

    def test_a_signal_is_passed_on_and_what_is_deaf_is_killed(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start(f'trap "echo heard; exit 7" {number}; echo ready; while :; do sleep 0.01; done')
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(number)
            self.assertRegex(process.stdout.read(), "heard\n$")  # before it bash may say that its child ended
            self.assertEqual(process.wait(helper.PATIENCE), 7)
        process = self.tree()
        process.terminate()
        self.assertEqual(process.wait(helper.PATIENCE), -signal.SIGKILL)
        self.assertEqual([pid for pid in self.pids() if alive(pid)], [])

    def test_under_nohup_a_hangup_is_passed_over(self):
        script = helper.write_program(self.folder / "tree", "trap 'exit 7' HUP; echo ready; sleep 0.2; exit 0")
        command = ["env", "--ignore-signal=HUP", *helper.module("evidence.common.contained", "--", script)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(helper.PATIENCE), 0)
        process.stdout.close()

    def test_killed_it_leaves_nothing(self):
        self.tree().kill()
        self.assert_nothing_is_left()

    def test_killed_with_its_whole_group_it_leaves_nothing(self):
        os.killpg(self.tree(start_new_session=True).pid, signal.SIGKILL)
        self.assert_nothing_is_left()

    def test_without_its_guardian_it_leaves_nothing(self):
        process = self.tree()
        guardian = next(pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                        if (about := status(pid)) and about.parent == process.pid)
        os.kill(guardian, signal.SIGKILL)
        self.assertEqual(process.wait(helper.PATIENCE), -signal.SIGKILL)
        self.assert_nothing_is_left()

    def test_it_ends_with_who_started_it(self):
        script = helper.write_program(self.folder / "tree", STAYS)
        command = helper.module("evidence.common.contained", "--grace", "0.2", "--", script, self.folder)
        parent = subprocess.Popen([sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *command])
        helper.wait_until(lambda: len(self.pids()) == 4, "the tree stands")
        parent.kill()
        parent.wait()
        self.assert_nothing_is_left()

    def test_ctest_goes_on_after_a_test_that_it_had_to_kill(self):
        if shutil.which("ctest") is None:
            self.skipTest("ctest is not installed; ./scripts/setup installs it")
        script = helper.write_program(self.folder / "tree", STAYS)
        words = " ".join(f'"{word}"' for word in helper.module("evidence.common.contained", "--", script, self.folder))
        (self.folder / "CTestTestfile.cmake").write_text(f"add_test(hangs {words})\nset_tests_properties(hangs PROPERTIES TIMEOUT 3)\n"
                                                         "add_test(next true)\n")
        done = subprocess.run(["ctest", "--test-dir", self.folder], capture_output=True, text=True, timeout=helper.PATIENCE)
        self.assertRegex(done.stdout, r"hangs \.+\*\*\*Timeout")
        self.assertRegex(done.stdout, r"next \.+ +Passed")
        self.assertEqual(len(self.pids()), 4, "the tree stood")
        self.assert_nothing_is_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
