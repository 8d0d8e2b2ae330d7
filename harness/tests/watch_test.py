"""`afterleak watch` as a person uses it: what it says, when, and that the program does not notice."""

import csv
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys

from evidence.common import children
from tests import helper

ASIO = {name: program for name, program in (word.split("=") for word in os.environ.get("AFTERLEAK_ASIO_TESTS", "").split())}
SMALL = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_small"


def command(*arguments):
    return [helper.PROGRAM, "watch", *map(str, arguments)]


def watch(*arguments, **options):
    return subprocess.run(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=helper.PATIENCE, **options)


def flat(text):
    """Without the ends of its lines, whose places depend on how long the paths are."""
    return " ".join(text.split())


class Watch(helper.FolderTest):
    def start(self, *arguments):
        """In its session, with the program that it watches; and none of both is left."""
        process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   text=True, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(children.kill_sessions, {process.pid})
        return process

    def json(self, *arguments, code=0, **options):
        file = self.folder / "report.json"
        done = watch("--json", file, *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(file.read_text())

    def armed(self, report):
        return sum(site["armed"] for site in report["sites"])

    # ---- what it finds

    def test_a_leak_is_named_by_its_line_and_fails_if_asked_to(self):
        files = {flag: self.folder / f"report{flag}" for flag in ("--csv", "--sarif")}
        done = watch("--fail-on", "leak", *[word for pair in files.items() for word in pair], SMALL, "leak")
        self.assertEqual(done.returncode, 1, done.stderr)
        line = next(number for number, text in enumerate(SOURCE.read_text().splitlines(), 1) if "timerfd_settime(" in text)
        self.assertIn(f"leak: timerfd_settime at harness/tests/loops/watched_small.cc:{line} ", flat(done.stderr))
        self.assertIn("afterleak: --fail-on: 6 timerfd_settime at", flat(done.stderr))
        self.assertIn("up to 594 later ones", flat(done.stderr))
        row = next(csv.DictReader(files["--csv"].read_text().splitlines()))
        self.assertEqual((row["word"], row["live"], row["armed"], row["stopped"]), ("leak", "6", "600", "594"))
        results = json.loads(files["--sarif"].read_text())["runs"][0]["results"]
        self.assertEqual([result["ruleId"] for result in results], ["outlived"])

    def test_what_is_allowed_is_no_leak(self):
        self.assertEqual(watch("--fail-on", "leak", "--allow", "watched_small.cc=6", SMALL, "leak").returncode, 0)

    def test_no_line_is_wider_than_a_terminal(self):
        report = watch(f"./{SMALL.name}", "leak", cwd=SMALL.parent).stderr  # a path may be a word of any length
        self.assertLessEqual(max(map(len, report.splitlines())), 80, report)

    # ---- what is recorded

    def test_a_fork_and_what_it_starts_are_not_recorded(self):
        report = self.json(SMALL, "fork")
        self.assertEqual(self.armed(report), 3)

    def test_a_program_that_replaces_itself_stays_recorded(self):
        report = self.json(SMALL, "exec")
        self.assertEqual(self.armed(report), 3)
        self.assertIn("before it replaced itself (exec), once", report["not_seen"][0])
        self.assertEqual(self.armed(self.json("sh", "-c", 'exec "$0" three', SMALL)), 3)

    def test_a_program_that_closes_everything_and_is_killed(self):
        self.assertEqual(self.armed(self.json(SMALL, "closes all", code=-signal.SIGKILL)), 2)

    def test_a_program_that_limits_its_memory(self):
        self.assertEqual(self.armed(self.json(SMALL, "limits")), 500)

    def test_nothing_armed_is_said_and_is_3(self):
        done = watch(SMALL)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no timer was armed", flat(done.stderr))

    def test_asio_where_the_program_has_the_hook_and_where_not(self):
        if not ASIO:
            self.skipTest("no program with Asio is built for this: libasio-dev is not installed (scripts/setup --all), or a sanitizer is on")
        tests = ("SeveralWaitOnOneTimer", "AWaitIsLiveUntilItFires", "ACoroutineFiresAndOneThatIsDestroyedStops")
        report = self.json(ASIO["with"], f"--gtest_filter={':'.join(f'Asio.{name}' for name in tests)}")
        waits = [site for site in report["sites"] if site["kind"] == "steady_timer::async_wait"]
        self.assertEqual(sorted((site["armed"], site["fired"], site["stopped"]) for site in waits),
                         [(1, 0, 1), (1, 1, 0), (1, 1, 0), (1, 1, 0), (3, 0, 3)])
        self.assertEqual(report["not_seen"], [])
        done = watch(ASIO["without"], "--gtest_filter=-*")
        self.assertIn("uses Asio, which is compiled into it", flat(done.stderr))

    # ---- the program does not notice

    def test_its_environment_and_output_are_as_without_it(self):
        # ASAN_OPTIONS: we ourselves may have been built with AddressSanitizer, which wants nothing to be loaded before it.
        environment = {**os.environ, "LD_PRELOAD": "libm.so.6", "OTHER": "x y", "ASAN_OPTIONS": "verify_asan_link_order=0"}
        plain = subprocess.run([SMALL, "environment"], stdout=subprocess.PIPE, text=True, env=environment, check=True)
        self.assertEqual(watch(SMALL, "environment", env=environment).stdout, plain.stdout)

    def test_its_code_is_ours(self):
        for code in (0, 7, 200):
            self.assertEqual(watch("sh", "-c", f"exit {code}").returncode, code or 3)

    def test_ctrl_c_reaches_it_once_and_ends_us_as_it(self):
        for mode, status in (("wait", -signal.SIGINT), ("handles", 5)):
            with self.subTest(mode):
                shown, code = self.type_ctrl_c(mode)
                self.assertEqual(code, status, shown)
                self.assertIn("4 timers armed at 1 site, 4 live", shown)

    def type_ctrl_c(self, mode):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(helper.PROGRAM, command(SMALL, mode))
        self.addCleanup(children.kill_sessions, {pid})
        shown = b""
        try:
            while data := os.read(terminal, 4096):
                if b"ready" in data:
                    os.write(terminal, b"\x03")
                shown += data
        except OSError:  # the other end is closed
            pass
        os.close(terminal)
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_a_signal_to_us_is_passed_on(self):
        process = self.start(SMALL, "wait")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=helper.PATIENCE)[1]
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertIn("killed by SIGTERM", flat(err))

    # ---- when it reports

    def test_it_reports_on_demand_and_goes_on(self):
        process = self.start(SMALL, "wait")
        process.stdout.readline()
        process.send_signal(signal.SIGUSR2)
        while "4 live" not in (line := process.stderr.readline()):
            self.assertTrue(line, "there is a report")
        process.send_signal(signal.SIGINT)
        self.assertIn("killed by SIGINT", flat(process.communicate(timeout=helper.PATIENCE)[1]))

    def test_it_reports_every_so_often_and_ends_after_a_time(self):
        done = watch("--every", "100ms", "--for", "500ms", SMALL, "wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("still runs", flat(done.stderr))
        self.assertIn("killed by SIGTERM", flat(done.stderr))

    def test_twice_the_work_is_compared_with_half_of_it(self):
        earlier = self.folder / "earlier.json"
        for mode, found in (("keep", 1), ("close", 0)):
            with self.subTest(mode):
                self.assertEqual(watch("--json", earlier, SMALL, mode, "30").returncode, 0)
                done = watch("--fail-on", "grows", "--against", earlier, SMALL, mode, "60")
                self.assertEqual(done.returncode, found, done.stderr)
                self.assertEqual("at most 60 at once, and 30 with half of the work" in flat(done.stderr), bool(found), done.stderr)

    # ---- what cannot be

    def test_bad_input_is_one_line(self):
        plain = self.folder / "plain"
        plain.write_text("exit 0\n")
        script = helper.write_program(self.folder / "script", "", shell="/no/such/shell")
        bare = self.folder / "bare"
        bare.write_text("exit 0\n")
        bare.chmod(0o755)
        for words, said in (((), "watch what?"), (("--evry", "1s", SMALL), "--evry"), (("--every", "soon", SMALL), "--every"),
                            (("no-such-program",), "unknown program"), ((plain,), "chmod +x"), ((self.folder,), "is a folder"),
                            ((bare,), "begin it with #!"), ((script,), "No such file"), (("--json", "-", SMALL), "name a file"),
                            (("--fail-on", "luck", SMALL), "--fail-on"),
                            (("--against", "/no/such", SMALL), "cannot be read"), (("--against", plain, SMALL), "not what --json writes"),
                            (("--json", "/no/such/x.json", SMALL), "/no/such")):
            with self.subTest(words):
                done = watch(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(said, done.stderr)

    def test_what_is_not_seen_is_said(self):
        done = watch(SMALL.with_name("watched_static"), "three")
        self.assertEqual(done.returncode, 3)
        self.assertIn("not seen: watched_static is linked statically", flat(done.stderr))
        self.assertIn("is a shell", flat(watch("sh", "-c", "true").stderr))
        self.assertIn("is an interpreter", flat(watch(sys.executable, "-c", "pass").stderr))

    def test_nothing_is_left_in_memory_or_in_folders(self):
        before = {folder: set(os.listdir(folder)) for folder in ("/dev/shm",)}
        watch(SMALL, "three", cwd=self.folder)
        self.assertEqual({folder: set(os.listdir(folder)) for folder in before}, before)
        self.assertEqual(os.listdir(self.folder), [])


SOURCE = helper.ROOT / "harness/tests/loops/watched_small.cc"

if __name__ == "__main__":
    helper.main()
