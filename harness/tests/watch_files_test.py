"""What `afterleak watch` writes for other programs: JSON, numbers for Prometheus, stacks for pprof, a trace for Perfetto."""

import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess

from evidence.common import children
from evidence.go import toolchains
from tests import helper
from tests.support.profile import Profile

try:
    import jsonschema
except ImportError:
    jsonschema = None

PROGRAMS = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"])
SMALL, SERVICE = PROGRAMS / "watched_small", PROGRAMS / "watched_service"
SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\} (\S+)')


def samples(text):
    """The values by name and labels. Every line is a comment or a sample, and what stands between them is of one metric."""
    found, metric = {}, None
    for line in text.splitlines():
        if line.startswith("# "):
            metric = line.split()[2]
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        assert name == metric, line
        labels = tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels)))
        assert (name, labels) not in found, line
        found[name, labels] = float(value)
    return found


class FilesTest(helper.FolderTest):
    def watch(self, *arguments, code=0):
        done = subprocess.run([helper.PROGRAM, "watch", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, timeout=helper.PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def start(self, *arguments):
        process = subprocess.Popen([helper.PROGRAM, "watch", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(children.kill_sessions, {process.pid})
        return process


class Written(FilesTest):
    def test_a_file_that_cannot_be_is_one_line(self):
        file = self.folder / "a"
        for words, said in ((("--openmetrics", "-"), "standard output is that of the program"), (("--pprof", "/no/such/a.gz"), "/no/such"),
                            (("--trace", self.folder), "name a file in it"), (("--trace", file, "--pprof", file), "are the same file"),
                            (("--json", file, "--openmetrics", file), "are the same file")):
            with self.subTest(words):
                self.assertRegex(self.watch(*words, SMALL, code=2).stderr, rf"\Aafterleak: [^\n]*{said}[^\n]*\n\Z")
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_is_no_regular_file_gets_the_end_alone(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        process = self.start("--every", "20ms", "--json", fifo, SMALL, "leak")
        report = json.loads(fifo.read_text())
        process.communicate(timeout=helper.PATIENCE)
        self.assertEqual((report["how"], report["ended"]), ("ended with 0", True))

    def test_json_is_streamed_to_a_fifo(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        process = self.start("--every", "20ms", "--json", fifo, SERVICE)
        with open(fifo) as stream:
            lines = [stream.readline() for _ in range(3)]
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGTERM)
            document = json.loads("".join(lines) + stream.read())
        process.communicate(timeout=helper.PATIENCE)
        self.assertTrue(document["ended"])
        self.assertGreaterEqual(len(document["stream"]), 2)
        self.assertEqual(document["stream"][0], json.loads(lines[1].removesuffix(",\n")))
        seconds = [sample["seconds"] for sample in document["stream"]]
        self.assertEqual(seconds, sorted(seconds))
        for sample in document["stream"]:
            for what in ("live", "idle", "armed"):
                self.assertEqual(sample[what], sum(site[what] for site in sample["sites"]))
        if jsonschema:
            jsonschema.validate(document, json.loads((helper.ROOT / "harness/watch/afterleak-watch.schema.json").read_text()))

    def test_a_reader_that_does_not_read_or_goes_holds_nothing_up(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        process = self.start("--every", "20ms", "--json", fifo, "--csv", self.folder / "sites.csv", SERVICE)
        with open(fifo) as stream:
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 4096)
            helper.wait_until(lambda: select.select([stream], [], [], 0)[0], "the pipe is full")
            for _ in range(2):
                (self.folder / "sites.csv").unlink(missing_ok=True)
                helper.wait_until((self.folder / "sites.csv").exists, "the other file is written")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=helper.PATIENCE)[1]
        self.assertEqual(process.returncode, 2)
        self.assertIn("Broken pipe", said)

    def test_what_cannot_be_written_is_said_once_and_the_program_goes_on(self):
        folder = self.folder / "gone"
        folder.mkdir()
        process = self.start("--every", "50ms", "--json", folder / "report.json", "--openmetrics", self.folder / "api.prom", SERVICE)
        helper.wait_until((folder / "report.json").exists, "it is written")
        folder.rename(self.folder / "moved")
        for _ in range(2):  # the first may have been under way
            (self.folder / "api.prom").unlink(missing_ok=True)
            helper.wait_until((self.folder / "api.prom").exists, "the other one is written again")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        said = " ".join(process.communicate(timeout=helper.PATIENCE)[1].split())
        self.assertEqual(process.returncode, 2)
        self.assertEqual(said.count("No such file or directory"), 2)  # and at the end
        self.assertEqual(samples((self.folder / "api.prom").read_text())["afterleak_watch_running", (("service", "api"),)], 0)


class OpenMetrics(FilesTest):
    def write(self, program, *arguments):
        file = self.folder / "api.prom"
        self.watch("--openmetrics", file, program, *arguments)
        return file.read_text()

    def test_each_number_of_a_site_is_there_and_one_word(self):
        found = samples(self.write(SMALL, "leak"))
        of_site = {name: value for (name, labels), value in found.items() if "site" in dict(labels) and "word" not in dict(labels)}
        age = of_site.pop("afterleak_timers_oldest_seconds")
        self.assertGreater(age, 0)
        self.assertEqual(of_site, {
            "afterleak_timers_live": 6, "afterleak_timers_idle": 0, "afterleak_timers_peak": of_site["afterleak_timers_peak"],
            "afterleak_timers_armed_total": 600, "afterleak_timers_fired_total": 0, "afterleak_timers_stopped_total": 594,
            "afterleak_site_idle_grows": 0})
        self.assertIn(of_site["afterleak_timers_peak"], (6, 7))
        self.assertEqual({dict(labels)["word"]: value for (_, labels), value in found.items() if "word" in dict(labels)},
                         {"leak": 1, "grows, not proven": 0, "not enough evidence": 0, "no sign": 0})
        self.assertEqual({dict(labels)["service"] for _, labels in found}, {"api"})
        self.assertEqual(found["afterleak_watch_running", (("service", "api"),)], 0)

    def test_what_a_program_is_named_like_breaks_nothing(self):
        odd = self.folder / 'a "b" \\ \nc'
        shutil.copy(SMALL, odd)
        subprocess.run(["strip", odd], check=True)  # then the module is the place
        text = self.write(odd, "three")
        site = {dict(labels)["site"] for _, labels in samples(text) if "site" in dict(labels)}
        self.assertEqual(len(site), 1)
        self.assertIn('a \\"b\\" \\\\ \\nc"', text)

    def test_promtool_has_nothing_to_say_against_it(self):
        if not shutil.which("promtool"):
            self.skipTest("prometheus is not installed; scripts/setup --all installs it")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.write(SMALL, "leak"), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_it_is_whole_at_any_time_and_says_whether_the_program_runs(self):
        file = self.folder / "api.prom"
        process = self.start("--every", "50ms", "--openmetrics", file, SERVICE, "leaky")

        def live():
            found = samples(file.read_text()) if file.exists() else {}
            self.assertEqual([path.name for path in self.folder.iterdir() if path.suffix == ".prom"], ["api.prom"] if found else [])
            return sum(value for (name, _), value in found.items() if name == "afterleak_timers_live")

        helper.wait_until(lambda: live() >= 20, "it is written more than once")
        self.assertEqual(samples(file.read_text())["afterleak_watch_running", (("service", "api"),)], 1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=helper.PATIENCE)
        self.assertEqual(samples(file.read_text())["afterleak_watch_running", (("service", "api"),)], 0)
        self.assertEqual(os.listdir(self.folder), ["api.prom"])


class Stacks(FilesTest):
    def write(self, *command):
        file = self.folder / "timers.pb.gz"
        self.watch("--pprof", file, *command)
        return file

    def test_each_stack_has_its_numbers_and_names(self):
        profile = Profile(self.write(SMALL, "leak"))
        (kind, frames, values), = profile.samples
        self.assertEqual((kind, values), ("timerfd_settime", {"live": 6, "idle": 0, "armed": 600}))
        source = "harness/tests/loops/watched_small.cc"
        lines = (helper.ROOT / source).read_text().splitlines()
        arming, calling = (next(number for number, text in enumerate(lines, 1) if words in text)
                           for words in ("timerfd_settime(", "const int fd = Arm(1000);"))
        self.assertEqual([frame[1:] for frame in frames[:2]], [(source, arming), (source, calling)])
        names = [frame[0].rpartition("::")[2] for frame in frames]
        self.assertEqual(names[:names.index("main") + 1], ["Arm", "Leak", "main"])
        self.assertEqual(profile.default, "live")
        self.assertEqual(profile.comments, [f"afterleak watch {SMALL} leak"])
        self.assertGreater(profile.nanoseconds, 0)

    def test_code_is_where_the_program_had_it_and_of_which_build(self):
        profile = Profile(self.write(SMALL, "three"))
        notes = subprocess.run(["readelf", "--notes", SMALL], stdout=subprocess.PIPE, text=True, check=True).stdout
        build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)
        self.assertEqual(profile.mappings[0], (str(SMALL.resolve()), build_id[1] if build_id else ""))
        for address, mapping in profile.addresses:
            self.assertIn(address, profile.ranges[mapping])

    def test_go_reads_it(self):
        work, found = toolchains.here()
        if not found:
            self.skipTest("no Go is here; scripts/go-parity --setup installs it")
        file = self.write(SMALL, "leak")

        def pprof(*arguments):
            return subprocess.run([found[-1].go, "tool", "pprof", *arguments, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, check=True, env={**toolchains.environment(work), "PPROF_TMPDIR": str(self.folder)}).stdout

        self.assertRegex(pprof("-raw"), r"(?s)Samples:\nlive/count\[dflt\] idle/count armed/count\n +6 +0 +600: 1 .*kind:\[timerfd_settime\]")
        self.assertRegex(pprof("-top"), r"(?m)^ +6 +100% +100% +6 +100% +\S*Arm")
        self.assertRegex(pprof("-top", "-sample_index=armed"), r"(?m)^ +600 +100%")


class OverTime(FilesTest):
    def test_a_trace_has_what_was_live_and_when_the_word_changed(self):
        file = self.folder / "timers.trace.json"
        process = self.start("--every", "50ms", "--trace", file, SERVICE, "leaky")

        def told():
            """The counters by name, and the marks of the site that leaks."""
            counters, marks = {}, []
            for event in json.loads(file.read_text())["traceEvents"] if file.exists() else ():
                if event["ph"] == "C":
                    counters.setdefault(event["name"], []).append(event)
                if event["ph"] == "i" and event["name"].partition(": ")[2].startswith(f"timerfd_settime at {source}:{line} "):
                    marks.append(event)
            return counters, marks

        source = "harness/tests/loops/watched_service.cc"
        line = next(number for number, text in enumerate((helper.ROOT / source).read_text().splitlines(), 1) if "return timerfd_settime" in text)
        helper.wait_until(lambda: told()[1][-1:] and told()[1][-1]["name"].startswith("leak: "), "the site is told to leak")
        helper.wait_until(lambda: len(told()[0]["all timers"]) > 3, "there are windows")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=helper.PATIENCE)
        counters, marks = told()
        site = marks[-1]["name"].removeprefix("leak: ")
        self.assertIn("later ones were stopped", marks[-1]["args"]["evidence"])
        self.assertEqual([event["ts"] for event in counters[site]], [event["ts"] for event in counters["all timers"]])
        for events in counters.values():
            self.assertEqual(events, sorted(events, key=lambda event: event["ts"]))
        for event in counters[site]:
            self.assertLessEqual(event["args"]["live"], event["args"]["peak"])
        last = [events[-1]["args"]["live"] for name, events in counters.items() if name != "all timers"]
        self.assertEqual(sum(last), counters["all timers"][-1]["args"]["live"])

    def test_json_is_as_its_schema_says_while_the_program_runs_and_at_its_end(self):
        if jsonschema is None:
            self.skipTest("python3-jsonschema is not installed; scripts/setup --all installs it")
        schema = json.loads((helper.ROOT / "harness/watch/afterleak-watch.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        file = self.folder / "report.json"
        process = self.start("--every", "50ms", "--json", file, SERVICE, "leaky")

        def told():
            report = json.loads(file.read_text()) if file.exists() else {}
            if report:
                self.assertEqual([error.message for error in validator.iter_errors(report)], [])
            return report

        first = helper.wait_until(lambda: len(told().get("samples", [])) > 3 and told(), "there are samples")
        self.assertEqual((first["how"], first["ended"]), ("still runs", False))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=helper.PATIENCE)
        last = told()
        self.assertEqual((last["how"], last["ended"]), ("killed by SIGTERM", True))
        self.assertGreater(len(last["samples"]), 3)
        armed = [site for site in last["sites"] if site["armed"]]
        self.assertEqual({len(site["window_peaks"]) for site in armed}, {len(last["samples"])})
        self.assertEqual(sum(site["window_live"][-1] for site in armed), last["samples"][-1]["live"])
        for broken in [{"schema_version": 2}, {"more": 1}, {"sites": [{}]}, {"samples": None}, {"how": "fine"}]:
            self.assertFalse(validator.is_valid({**last, **broken}), broken)


if __name__ == "__main__":
    helper.main()
