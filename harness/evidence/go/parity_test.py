"""The comparison of Go with the port fires on a wrong number and is silent on a right one. Needs no Go."""

import copy
import os
import pathlib
import subprocess
import tempfile
import unittest

from evidence.go import backports, compare, packages, toolchains
from tests import helper

CASES = {(c.pattern, c.workload): c for c in compare.CASES}
BUSY = CASES["looping_select", "busy:100/s"]
FAST = CASES["looping_select", "busy:1000/s"]
IDLE = CASES["looping_select", "idle"]
CALLS = CASES["early_return", "calls:1000"]
REGISTRATION = CASES["signal_registration", "busy:10/s"]


def looping(turns, case):
    """Live timers of the leaky looping_select after a number of turns: those of the last 300 ms, and of the last 3 s."""
    return min(turns + 1, round(300 / case.interval)) + min(turns + 1, round(3000 / case.interval))


def port_of(case, live_at):
    """The port's numbers by instant; live_at takes milliseconds."""
    step = case.port_step()
    return {round(n * step * 1e6): live_at(n * step) for n in range(int(case.length / step) + 1)}


def sample(t, live, turns=0, more=0, last=0.0, case=None):
    edges = [compare.turns_due(case, t - length) for length in (300, 3000)] if case else None
    return {"t_ns": t * 1e6, "took_ns": 0.4e6, "turns": turns, "more": more, "live": live, "edges": edges, "last_turn_ns": last * 1e6}


def run(case, live_of_turn=looping, late=0.5):
    """Samples of Go as they would be without any jitter but a small lateness."""
    found, n = [], 0
    while case.offset + n * case.every <= case.length:
        t = case.offset + n * case.every
        turns = int(t // case.interval)
        found.append(sample(t + late * min(1, case.interval / 2), live_of_turn(turns, case), turns, case=case))
        n += 1
    return found


def judge(case, samples, live_at, side="leaky"):
    return compare.compare(case, side, compare.pair_up(case, side, samples, port_of(case, live_at)))


def busy_port(case):
    return lambda t: looping(int(t // case.interval), case)


class Comparator(unittest.TestCase):
    def test_is_silent_on_the_right_numbers(self):
        for case in (BUSY, FAST, IDLE):
            outcome = judge(case, run(case), busy_port(case))
            self.assertEqual(outcome.wrong, [], case.name)
        outcome = judge(BUSY, run(BUSY), busy_port(BUSY))
        self.assertEqual((outcome.numbers, outcome.agree, outcome.worst, outcome.released), ([330], outcome.total, 0, None))

    def test_fires_on_a_plateau_that_is_one_off(self):
        for by in (-1, 1):
            outcome = judge(BUSY, run(BUSY, lambda n, c: looping(n, c) + by), busy_port(BUSY))
            self.assertEqual(outcome.wrong, [f"{330 + by} live instead of 330"])

    def test_at_a_thousand_a_second_fires_beyond_three_percent_only(self):
        for by, wrong in ((98, 0), (101, 1), (-98, 0), (-101, 1)):
            outcome = judge(FAST, run(FAST, lambda n, c: looping(n, c) + (by if n > 2950 else 0)), busy_port(FAST))
            self.assertEqual(sum("live instead" in w for w in outcome.wrong), wrong, by)

    def test_fires_on_a_wrong_curve_before_a_right_plateau(self):
        samples = run(BUSY)
        samples[10]["live"] += 40
        self.assertEqual(judge(BUSY, samples, busy_port(BUSY)).wrong, ["a sample is 40 off the port's curve"])

    def test_fires_on_a_leak_on_the_side_that_should_have_none(self):
        samples = [sample(t, 3, int(t // 10)) for t in range(5, 6000, 100)]
        outcome = judge(BUSY, samples, lambda t: 2 if t < 3000 else 0, "fixed")
        self.assertIn("3 live instead of 2", outcome.wrong)
        self.assertIn("3 live instead of 0", outcome.wrong)

    def test_a_blurred_sample_is_left_out(self):
        samples = run(BUSY)
        samples[40].update(live=400, more=1)               # a turn during the garbage collection
        samples[45].update(live=400, t_ns=4511e6)          # it ended in the next interval
        samples[50].update(live=345, edges=[460, 201])     # fifteen messages came late 300 ms ago
        outcome = judge(BUSY, samples, busy_port(BUSY))
        self.assertEqual((outcome.wrong, outcome.total - outcome.clean), ([], 3))

    def test_mostly_blurred_samples_are_never_passed(self):
        samples = run(BUSY)
        for s in samples[32:]:
            s["more"] = 1
        self.assertIn("too few clean samples", judge(BUSY, samples, busy_port(BUSY)).wrong[0])
        self.assertIn("too few clean samples", judge(BUSY, samples[:20], busy_port(BUSY)).wrong[0])

    def test_an_idle_loop_may_drift_but_not_count_wrong(self):
        samples = run(IDLE)
        for n, s in enumerate(samples):
            s["t_ns"] += n * 12e6
        self.assertEqual(judge(IDLE, samples, busy_port(IDLE)).wrong, [])
        for s in samples:
            s["live"] += 1
        self.assertEqual(judge(IDLE, samples, busy_port(IDLE)).wrong, ["12 live instead of 11"])


class Release(unittest.TestCase):
    def calls(self, until=3000):
        return [sample(t, 2000 if t < 300 else 1000 if t < until else 0, 1000, last=20) for t in range(80, 3500, 100)]

    @staticmethod
    def port(t):
        return 2 if t < 300 else 1 if t < 3000 else 0

    def test_steps_and_release_agree(self):
        outcome = judge(CALLS, self.calls(), self.port)
        self.assertEqual((outcome.wrong, outcome.numbers, outcome.released.t), ([], [2000, 1000, 0], 3080))

    def test_fires_on_a_late_release(self):
        wrong = judge(CALLS, self.calls(until=3400), self.port).wrong
        self.assertIn("all released at 3480 ms instead of at 3080 ms", wrong)

    def test_fires_when_nothing_is_ever_released(self):
        self.assertIn("all released never instead of at 3080 ms", judge(CALLS, self.calls(until=9999), self.port).wrong)

    def test_the_time_that_the_calls_take_is_left_out_after_each_step(self):
        samples = self.calls()
        for s in samples:
            s["last_turn_ns"] = 85e6
        samples[3]["live"] = 1400  # at 380 ms
        self.assertEqual(judge(CALLS, samples, self.port).wrong, [])


class WhatGoHolds(unittest.TestCase):
    def test_one_channel_more_is_expected_and_two_are_not(self):
        for more, wrong in ((1, []), (2, ["4 live instead of 3"] * 2)):
            samples = [sample(t, 2 if t < 100 else 2 + more, int(t // 100)) for t in range(50, 6000, 100)]
            self.assertEqual(judge(REGISTRATION, samples, lambda t: 2, "fixed").wrong, wrong)

    def test_the_leaky_side_has_no_such_excuse(self):
        samples = [sample(t, t // 100 + 3, int(t // 100), case=REGISTRATION) for t in range(50, 6000, 100)]
        wrong = judge(REGISTRATION, samples, lambda t: t // 100 + 2).wrong
        self.assertEqual(wrong, ["32.0 live instead of 31.0", "62.0 live instead of 61.0"])


class Parsing(unittest.TestCase):
    HEADER = '{"go":"go1.23.5","godebug":"asynctimerchan=0","async_channels":false,"processors":2}'
    SAMPLE = '{"t_ns":1,"took_ns":1,"turns":0,"more":0,"live":2,"timers":2}'

    def test_header_and_samples(self):
        header, samples = compare.parse_driver(f"{self.HEADER}\n{self.SAMPLE}\n{self.SAMPLE}\n")
        self.assertEqual((header["go"], len(samples)), ("go1.23.5", 2))

    def test_no_samples_or_no_json_is_a_bad_run(self):
        for text in ("", self.HEADER, "panic: oops", self.SAMPLE + "\n" + self.HEADER):
            with self.assertRaises(compare.BadRun):
                compare.parse_driver(text)

    def test_timers_of_the_other_mode_are_a_bad_run(self):
        header, _ = compare.parse_driver(f"{self.HEADER}\n{self.SAMPLE}")
        compare.check_mode(header, "go123")
        with self.assertRaisesRegex(compare.BadRun, "go123, not go122"):
            compare.check_mode(header, "go122")

    def test_bytes_of_a_leaked_timer(self):
        s = {"live": 10, "timers": 10, "timer_bytes": 2000, "queue_bytes": 80, "registrations": 0, "registration_bytes": 0}
        self.assertEqual(compare.leaked_bytes([copy.copy(s)]), (200, 8))
        s.update(timers=1, registrations=9, registration_bytes=900)
        self.assertEqual(compare.leaked_bytes([s]), (100, 0))


class Cases(unittest.TestCase):
    def test_every_sample_has_a_number_of_the_port(self):
        for case in compare.CASES:
            port = port_of(case, lambda t: 0)
            n = 0
            while case.offset + n * case.every <= case.length:
                at = case.offset + n * case.every
                at = (at // case.interval + 0.5) * case.interval if case.interval else at
                self.assertTrue(at >= case.length or round(at * 1e6) in port, f"{case.name} at {at} ms")
                n += 1


class Toolchains(unittest.TestCase):
    def test_godebug_is_always_set_and_1_23_runs_in_both_modes(self):
        def modes(version):
            return toolchains.Toolchain("go", version).configurations()
        self.assertEqual(modes("1.22.12"), [("asynctimerchan=1", "go122")])
        for version in ("1.23.5", "1.24.4", "1.26.0"):
            self.assertEqual(modes(version), [("asynctimerchan=1", "go122"), ("asynctimerchan=0", "go123")])

    def test_from_1_27_on_no_godebug_brings_old_timers_back(self):
        for version in ("1.27.0", "1.31.2", "2.0"):
            self.assertEqual(toolchains.Toolchain("go", version).configurations(), [("", "go123")])

    def without_go(self, *arguments):
        with tempfile.TemporaryDirectory() as empty:
            return subprocess.run(helper.module("evidence.go.parity", *arguments), capture_output=True, text=True,
                                  env={**os.environ, "AFTERLEAK_GO_ROOT": empty, "PATH": empty})

    def test_without_go_it_says_what_to_install(self):
        ended = self.without_go("--list")
        self.assertEqual(ended.returncode, 3)
        self.assertRegex(ended.stderr, r"^scripts/go-parity: no Go is here; ./scripts/go-parity --setup installs [^\n]*\n$")

    def test_without_go_the_ctest_is_skipped_and_says_how_to_get_it(self):
        ended = self.without_go("--quick", "--program", "/bin/true")
        self.assertEqual(ended.returncode, 77)
        self.assertRegex(ended.stdout, r"^SKIPPED: no Go is here; ./scripts/go-parity --setup installs [^\n]*\n$")


class Packages(unittest.TestCase):
    def choose(self, *minors):
        return [minor for _, minor in packages.choose([(1, minor) for minor in minors])]

    def test_the_oldest_the_last_with_old_timers_and_the_first_with_both(self):
        self.assertEqual(self.choose(19, 21, 22, 23), [19, 22, 23])  # Debian 12 with its backports
        self.assertEqual(self.choose(19), [19])
        self.assertEqual(self.choose(24), [24])  # Debian 13
        self.assertEqual(self.choose(24, 25, 26, 27), [24])
        self.assertEqual(self.choose(21, 22, 27, 28), [21, 22, 27])
        self.assertEqual(self.choose(28, 27), [27])
        self.assertEqual(self.choose(15, 18), [])

    def run_with(self, policy):
        """(what is printed, exit code) where apt-cache says so."""
        with tempfile.TemporaryDirectory() as folder:
            apt_cache = pathlib.Path(folder) / "apt-cache"
            names = "".join(line[:-1] + "\n" for line in policy.splitlines() if line.endswith(":") and not line.startswith(" "))
            apt_cache.write_text(f"#!/bin/sh\nif [ $1 = pkgnames ]; then cat <<'END'\n{names}golang-1.19-doc\nEND\n"
                                 f"else cat <<'END'\n{policy}END\nfi\n")
            apt_cache.chmod(0o755)
            done = subprocess.run(helper.module("evidence.go.packages"), capture_output=True, text=True,
                                  env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"})
        return done.stdout, done.returncode

    def test_what_apt_knows(self):
        one = "golang-1.{}-go:\n  Installed: (none)\n  Candidate: {}\n  Version table:\n     1 500\n"
        self.assertEqual(self.run_with(one.format(24, "1.24.4-1")), ("golang-1.24-go\n", 0))
        self.assertEqual(self.run_with(one.format(19, "1.19.8-2")), ("golang-1.19-go\n", 3))
        self.assertEqual(self.run_with(one.format(19, "1.19.8-2") + one.format(23, "(none)")), ("golang-1.19-go\n", 3))
        self.assertEqual(self.run_with(one.format(27, "1.27.1-1")), ("golang-1.27-go\n", 3))
        self.assertEqual(self.run_with(""), ("\n", 3))


class Backports(unittest.TestCase):
    NEW = ("Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
           "Signed-By: /usr/share/keyrings/k.gpg\n\n"
           "Types: deb\nURIs: http://mirror.invalid/security\nSuites: bookworm-security\nComponents: main\n")
    WANTED = ("Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\n"
              "Signed-By: /usr/share/keyrings/k.gpg\n")

    def derive(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            return backports.backports("bookworm", folder)

    def test_the_mirror_and_the_key_are_the_machines_own(self):
        self.assertEqual(self.derive("sources.list.d/debian.sources", self.NEW), self.WANTED)
        self.assertEqual(self.derive("sources.list", "# deb http://other.invalid/ bookworm main\n"
                                     "deb-src http://src.invalid/ bookworm main\n"
                                     "deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.invalid/debian bookworm main contrib\n"),
                         self.WANTED)

    def test_no_source_is_made_up(self):
        for text in ("", self.NEW.replace("bookworm", "trixie"), self.NEW.replace("main", "contrib"),
                     self.NEW.replace("Types: deb", "Enabled: no\nTypes: deb")):
            self.assertIsNone(self.derive("sources.list.d/debian.sources", text))
        self.assertIsNone(self.derive("sources.list.d/debian.sources.disabled", self.NEW))


if __name__ == "__main__":
    unittest.main(verbosity=2)
