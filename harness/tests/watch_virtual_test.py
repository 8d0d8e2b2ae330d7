"""`afterleak watch --virtual`: an hour of a program that nobody changed takes milliseconds, its counts are the same in every run, and what
cannot be in virtual time says so."""

import csv
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess

from evidence.common import children
from tests import helper

PROGRAMS = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"])
VIRTUAL = PROGRAMS / "watched_virtual"
LOOPS = ("libuv", "libevent", "glib", "timerfd")


def command(*arguments):
    return [helper.PROGRAM, "watch", "--virtual", *map(str, arguments)]


def watch(*arguments, **options):
    return subprocess.run(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=helper.PATIENCE,
                          **{"stdin": subprocess.DEVNULL, **options})


def flat(text):
    return " ".join(text.split())


def armed(report):
    """Its sites, but for those where a timer is only made."""
    return [site for site in report["sites"] if site["armed"] > 0]


class Virtual(helper.FolderTest):
    def report(self, *arguments, code=0, **options):
        """What it writes, and the program."""
        file = self.folder / "report.json"
        done = watch("--json", file, *arguments, **options)
        if done.returncode == 77:
            self.skipTest(f"{arguments[-1]}: its library is not installed; scripts/setup --all installs it")
        self.assertEqual(done.returncode, code, done.stderr)
        report = json.loads(file.read_text())
        self.assertIs(report["virtual_time"], True)
        return report, done

    # ---- an hour

    def test_an_hour_of_a_ticker_on_each_loop(self):
        for loop in LOOPS:
            with self.subTest(loop):
                report, done = self.report(VIRTUAL, loop)
                self.assertEqual(done.stdout, "1200 ticks in 3600 s\n")
                self.assertEqual(round(report["watched_seconds"]), 3600)
                self.assertIn("watched for 1h0m0s of virtual time", flat(done.stderr))
                ticker = max(report["sites"], key=lambda site: site["ticks"])
                self.assertEqual(ticker["ticks"], 0 if loop == "timerfd" else 1200)  # nobody tells of those of a timerfd
                self.assertEqual([site["word"] for site in report["sites"] if site["word"] in ("leak", "grows, not proven")], [])

    def test_sleeps_and_what_is_armed_meanwhile(self):
        report, done = self.report(VIRTUAL, "sleeps")
        self.assertEqual(done.stdout, "1200 ticks in 3600 s\n")
        self.assertEqual([(site["armed"], site["stopped"], site["peak"]) for site in armed(report)], [(1200, 1200, 1)])

    def test_a_program_of_debian(self):
        if not shutil.which("sleep"):
            self.skipTest("sleep is not installed")
        report, done = self.report("sleep", "1h", code=3)
        self.assertIn(report["watched_seconds"], (3600, 3600.000000001))  # Debian 13's sleep adds a nanosecond
        self.assertIn("no timer was armed", flat(done.stderr))

    def test_memcached_ticks_for_an_hour(self):
        if not shutil.which("memcached"):
            self.skipTest("memcached is not installed; scripts/setup --all installs it")
        report, _ = self.report("--for", "1h", "memcached", "-u", "root", "-s", self.folder / "socket")
        clock = max(report["sites"], key=lambda site: site["armed"])
        self.assertIn(clock["armed"], range(3595, 3606))  # once a second
        self.assertEqual({site["word"] for site in report["sites"]} & {"leak", "grows, not proven"}, set())

    def test_threads_that_wait_for_each_other(self):
        report, done = self.report(VIRTUAL, "threads")
        self.assertEqual(done.stdout, "180 timeouts\n600 ticks in 3600 s\n")
        self.assertEqual([(site["armed"], site["stopped"]) for site in armed(report)], [(600, 600)])

    # ---- what is found, and that it is the same in every run

    def test_a_leak_is_counted_exactly_and_alike_in_every_run(self):
        reports = []
        for _ in range(3):
            report, _ = self.report("--for", "15m", "--fail-on", "leak", VIRTUAL, "leaky", code=1)
            reports.append({key: value for key, value in report.items() if key != "pid"})
        self.assertEqual(*reports[:2])
        self.assertEqual(*reports[1:])
        (site,) = armed(reports[0])
        # One in each second, and each fiftieth was forgotten.
        self.assertEqual((site["word"], site["armed"], site["stopped"], site["live"]), ("leak", 901, 882, 19))
        self.assertEqual((site["oldest_seconds"], site["longest_left_seconds"]), (900, 1000))

    def test_a_clean_one_has_no_sign(self):
        report, _ = self.report("--for", "1h", "--fail-on", "leak", "--fail-on", "grows", "--fail-on", "idle", VIRTUAL, "clean")
        self.assertEqual([(site["word"], site["armed"]) for site in armed(report)], [("no sign", 3601)])

    def test_programs_that_count_their_own_timers(self):
        for name in ("evt_request", "glib_request", "tfd_request"):
            if not (PROGRAMS / f"watched_{name}").exists():
                continue
            for variant in (0, 3 if name != "glib_request" else 2):
                with self.subTest(name, variant=variant):
                    report, done = self.report(PROGRAMS / f"watched_{name}", variant, env={**os.environ, "WATCHED_END": "exit"}, code=7)
                    truth = json.loads(done.stdout)
                    sites = [site for site in report["sites"] if not site["file"].rpartition("/")[2].startswith("load_")]
                    self.assertEqual({what: sum(site[what] for site in sites) for what in ("armed", "live")},
                                     {what: truth[what] for what in ("armed", "live")})
                    leaks = [site["line"] for site in sites if site["word"] == "leak"]
                    self.assertEqual(leaks, [truth["line"]] if variant else [])

    def test_what_is_allowed_and_other_files(self):
        table = self.folder / "report.csv"
        done = watch("--for", "1h", "--fail-on", "leak", "--allow", "watched_virtual.cc=20", "--csv", table,
                     "--sarif", self.folder / "report.sarif", VIRTUAL, "leaky")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [row for row in csv.DictReader(table.read_text().splitlines()) if row["armed"] != "0"]
        # 73 were forgotten, and each is due after 1000 s: that of second 2600 at this very instant.
        self.assertEqual([(row["live"], row["fired"], row["oldest_s"]) for row in rows], [("20", "53", "950.000")])

    # ---- as long as it takes, and no longer

    def test_every_is_virtual_and_for_tells_it_to_end(self):
        _, done = self.report("--every", "10m", "--for", "1h", VIRTUAL, "told", code=3)
        seen = [line.rpartition("for ")[2] for line in done.stderr.splitlines() if "watched for" in line]
        self.assertEqual(seen, [f"{minutes}m0s of virtual time" for minutes in (10, 20, 30, 40, 50)] + ["1h0m0s of virtual time"] * 2)
        self.assertEqual(done.stdout, "ended after 3602 s\n")

    def test_without_for_it_ends_after_a_day(self):
        report, _ = self.report(VIRTUAL, "clean")
        self.assertEqual(report["watched_seconds"], 24 * 3600)

    def test_its_code_is_ours(self):
        self.assertEqual(self.report("sh", "-c", "exit 7", code=7)[0]["how"], "ended with 7")

    def test_it_waits_for_the_outside_and_ctrl_c_ends_it(self):
        report, done = self.report(VIRTUAL, "wait", code=6, input="what it reads\n", stdin=None)
        self.assertEqual((done.stdout, report["watched_seconds"]), ("ready\n", 0))
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(helper.PROGRAM, command(VIRTUAL, "wait"))
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
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -signal.SIGINT, shown)
        self.assertIn(b"1 timer armed at 1 site", shown)

    def test_the_program_ends_with_its_watcher(self):
        process = subprocess.Popen(command(VIRTUAL, "wait"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(children.kill_sessions, {process.pid})
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.kill()
        self.assertEqual(process.stdout.read(), b"")  # nobody has it any more

    # ---- what it has to bear

    def test_a_program_that_closes_everything(self):
        _, done = self.report(VIRTUAL, "closes all")
        self.assertEqual(done.stdout, "first descriptor 3\n1200 ticks in 3600 s\n")

    def test_a_program_that_replaces_itself(self):
        report, done = self.report(VIRTUAL, "exec")
        self.assertEqual(done.stdout, "1200 ticks in 3600 s\n")
        self.assertEqual((report["watched_seconds"], armed(report)[0]["armed"]), (4600, 1200))

    def test_a_child_process_lives_in_real_time(self):
        report, done = self.report("--for", "2h", VIRTUAL, "forks")
        self.assertEqual(done.stdout, "its child ended with 3\n1200 ticks in 3600 s\n")
        self.assertEqual(report["not_seen"], ["1 child process: in real time, for which virtual time does not wait"])

    # ---- what it cannot, and says so

    def test_what_cannot_be_in_virtual_time_names_the_thread_and_the_call(self):
        for mode, line in (("semaphore", "at 1m0s, thread 2: sem_timedwait in virtual time: wait for a condition variable with a deadline"),
                           ("system call", "at 1m0s, thread 1 waits in the system call nanosleep, which takes real time; this program can"),
                           ("alarm", "at 0s, thread 1: alarm in virtual time: use the loop's timers, or timerfd"),
                           ("socket", "at 0s, thread 1: SO_RCVTIMEO in virtual time: wait with poll first"),
                           ("spins", "clock reads since time last moved"),
                           ("at once", "clock reads since time last moved")):
            with self.subTest(mode):
                report, done = self.report("--for", "1h", VIRTUAL, mode, code=2)
                self.assertIn(line, flat(done.stderr))
                self.assertIn("afterleak: --virtual: at ", done.stderr)
                self.assertEqual(report["how"], "killed by SIGKILL")
                self.assertIn("what comes after that: ", report["not_seen"][-1])

    def test_what_is_not_preloaded_is_not_started(self):
        done = watch(PROGRAMS / "watched_static", "three")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--virtual cannot be: watched_static is linked statically", flat(done.stderr))

    def test_flags_that_do_not_go_together(self):
        for flag, line in (("--top", "leave out --virtual, or --top"), ("--follow", "leave out --follow, or --virtual")):
            done = watch(flag, VIRTUAL, "clean")
            self.assertEqual(done.returncode, 2)
            self.assertIn(line, flat(done.stderr))


if __name__ == "__main__":
    helper.main()
