"""Tools that are missing or broken, and Ctrl-C. The scorecard is made with fake tools first on PATH.

AFTERLEAK_PROGRAM and AFTERLEAK_LSAN_PROGRAM name the programs, of which one pattern is used, or the test would take minutes.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import textwrap
import types
import unittest
import unittest.mock

from evidence.common import gnuplot
from evidence.common.children import alive
from evidence.detectors import heap_plots, verdict
from tests import helper

SCRIPT = helper.module("evidence.detectors.main")
PROGRAM = helper.PROGRAM
LSAN_PROGRAM = os.environ.get("AFTERLEAK_LSAN_PROGRAM", f"{PROGRAM}_lsan")

ONE_PATTERN = """
    if [[ $1 == list ]]; then echo '[{"name": "early_return", "workloads": ["busy:100/s"]}]'; exit; fi
    exec "$PROGRAM" "$@"
"""
HANGS = """
    trap '' TERM INT
    sleep 600 & echo $! >>"$FAKES/pids"
    echo $$ >>"$FAKES/pids"
    while :; do sleep 600; done
"""
FOR_ROWS = {"valgrind": ["Memcheck at exit", "Memcheck in the run", "Massif", "DHAT"], "heaptrack": ["heaptrack"],
            "google-pprof": ["gperftools heap profiler"]}
ALWAYS = ["LeakSanitizer", "HeapLeakChecker", "counting allocator", "census"]


class BrokenTools(helper.FolderTest):
    def setUp(self):
        super().setUp()
        for name in ("bin", "out", "tmp"):
            (self.folder / name).mkdir()
        self.fake("afterleak", ONE_PATTERN)
        self.addCleanup(self.kill_left_over)

    def fake(self, name, text):
        helper.write_program(self.folder / "bin" / name, textwrap.dedent(text))

    def start(self, path=None, timeout=20):
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{path or os.environ['PATH']}", "FAKES": str(self.folder),
                       "PROGRAM": PROGRAM, "TMPDIR": str(self.folder / "tmp"), "AFTERLEAK_TOOL_TIMEOUT": str(timeout)}
        return subprocess.Popen([*SCRIPT, "--program", self.folder / "bin/afterleak", "--lsan-program", LSAN_PROGRAM,
                                 "--out", self.folder / "out"], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run_script(self, **options):
        process = self.start(**options)
        out, self.err = process.communicate(timeout=250)
        self.assertEqual(out, "")
        return process.returncode

    def pids(self):
        path = self.folder / "pids"
        return path.read_text().split() if path.exists() else []

    def kill_left_over(self):
        for pid in self.pids():
            if alive(pid):
                os.kill(int(pid), signal.SIGKILL)

    def said(self, words):
        lines = [line for line in self.err.splitlines() if words in line]
        self.assertEqual(len(lines), 1, self.err)
        return lines[0]

    def cards(self, row):
        """The row in the tables of both ends of the process: detector, what it looks for, leaky, fixed."""
        rows = [line.strip("| ").split(" | ") for line in (self.folder / "out/detectors.md").read_text().splitlines()]
        return [cells for cells in rows if cells[0] == row and len(cells) == 4]

    def assert_skipped(self, rows, words):
        """These rows and no others are SKIPPED for that reason, in one line of stderr and in the page; the others are there."""
        line = self.said(words)
        self.assertTrue(line.startswith("scripts/reproduce: ") and "SKIPPED: " + ", ".join(rows) in line, line)
        self.assertIn(words, (self.folder / "out/detectors.md").read_text())
        for row in rows:
            self.assertEqual([cells[2:] for cells in self.cards(row)], [["SKIPPED", "SKIPPED"]] * 2, row)

    def assert_the_others_ran(self):
        for row in ALWAYS:
            self.assertEqual([cells[3] for cells in self.cards(row)], ["clean"] * 2, row)
            self.assertNotIn("SKIPPED", str(self.cards(row)))
        self.assertNotIn(str(self.folder), (self.folder / "out/detectors.md").read_text())

    def assert_nothing_is_left(self):
        self.assertEqual([pid for pid in self.pids() if alive(pid)], [])
        self.assertEqual(list((self.folder / "tmp").iterdir()), [])

    def test_tools_that_fail(self):
        for name in FOR_ROWS:
            self.fake(name, f"echo '{name} is ill' >&2; exit 1")
        self.assertEqual(self.run_script(), 3)
        for name, rows in FOR_ROWS.items():
            self.assert_skipped(rows, f"{name} ended with 1 and said: {name} is ill")
        self.assert_the_others_ran()
        self.assert_nothing_is_left()

    def test_tools_that_are_missing(self):
        for name in ("bash", "setpriv", "prlimit"):
            os.symlink(shutil.which(name), self.folder / "bin" / name)
        self.assertEqual(self.run_script(path="/nowhere"), 3)
        for name, rows in FOR_ROWS.items():
            self.assert_skipped(rows, f"{name} is not installed")
        self.said("neither Massif nor gperftools' heap profiler has figures to draw; SKIPPED: the plots")
        self.assert_the_others_ran()

    def test_tools_that_lie_about_their_version(self):
        for name in FOR_ROWS:
            self.fake(name, "echo $'\\x80\\xffgarbage'")
        self.assertEqual(self.run_script(), 3)
        for name, rows in FOR_ROWS.items():
            self.assert_skipped(rows, f"{name} --version wrote what is not understood")
        self.assert_the_others_ran()

    def test_tools_that_write_garbage_only_when_they_work(self):
        self.fake("valgrind", "if [[ $1 == --version ]]; then echo valgrind-3.19.0; else echo garbage; fi")
        self.fake("heaptrack", 'if [[ $1 == --version ]]; then echo heaptrack 1.4.0; else yes >"$2.zst"; fi')  # forever
        self.fake("google-pprof", "if [[ $1 == --version ]]; then echo 'pprof (part of gperftools 2.0)'; else echo garbage; fi")
        self.assertEqual(self.run_script(), 3)
        self.assertIn("SKIPPED: Memcheck at exit, Memcheck in the run", self.said("wrote no log; SKIPPED: Mem"))
        self.assertIn("SKIPPED: heaptrack", self.said("heaptrack ended with"))
        self.assertIn("SKIPPED: gperftools heap profiler", self.said("google-pprof wrote no line"))
        self.assert_the_others_ran()
        self.assert_nothing_is_left()

    def test_tools_that_hang_are_killed_with_all_that_they_started(self):
        self.fake("valgrind", HANGS)
        self.fake("heaptrack", "if [[ $1 == --version ]]; then echo heaptrack 1.4.0; exit; fi\n" + textwrap.dedent(HANGS))
        self.fake("google-pprof", "exit 1")
        self.assertEqual(self.run_script(), 3)
        self.assert_skipped(FOR_ROWS["valgrind"], "valgrind did not end within 20 s and was killed")
        self.assert_skipped(FOR_ROWS["heaptrack"], "heaptrack did not end within 20 s and was killed")
        self.assertGreaterEqual(len(self.pids()), 4)
        self.assert_the_others_ran()
        self.assert_nothing_is_left()

    def test_ctrl_c_and_term_leave_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            (self.folder / "out/detectors.md").write_text("of an older run")
            (self.folder / "pids").unlink(missing_ok=True)
            self.fake("heaptrack", HANGS)
            process = self.start(timeout=600)
            helper.wait_until(lambda: len(self.pids()) >= 2, "the fake runs", 120)
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + number)
            self.assertEqual([path.name for path in (self.folder / "out").iterdir()], ["detectors.md"])
            self.assertEqual((self.folder / "out/detectors.md").read_text(), "of an older run")
            self.assert_nothing_is_left()

    def test_what_is_not_the_fault_of_a_tool_is_bad_input(self):
        for does, said in (("echo", "is not understood"), ("echo '[{\"no\": \"name\"}]'", "is not understood"),
                           ("echo 'unknown flag' >&2; exit 2", "afterleak ended with 2 and said: unknown flag")):
            self.fake("afterleak", does)
            self.assertEqual(self.run_script(), 2)
            self.said(said)
            self.assertEqual(list((self.folder / "out").iterdir()), [])


class Plots(unittest.TestCase):
    def draw(self, gnuplot_does=None):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ):
            folder = pathlib.Path(folder)
            if gnuplot_does:
                (folder / "gnuplot").write_text(f"#!/bin/bash\n{gnuplot_does}\n")
                (folder / "gnuplot").chmod(0o755)
                os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
            finding = verdict.Finding(False, 0, "", False, 0, curve={"0s": 1000, "60s": 2000})
            scorecard = types.SimpleNamespace(patterns={"early_return": "idle"}, of=lambda row: {
                ("early_return", side, "torn-down"): finding for side in ("leaky", "fixed")} if row == "Massif" else {})
            try:
                files = heap_plots.draw(folder, scorecard)
                return {name: (folder / "detectors" / file).read_text() for name, file in files.items()}
            except gnuplot.NotDrawn:
                self.assertEqual([path.name for path in folder.rglob("*.svg")], [])
                raise

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_show_both_sides_as_the_tools_that_ran_tell_them(self):
        svg = self.draw()["early_return"]
        self.assertTrue("leaky, Massif" in svg and "fixed, Massif" in svg and "gperftools" not in svg)

    def test_are_left_out_where_gnuplot_is_broken(self):
        for does, said in (("echo ill >&2; exit 1", "ended with 1 and said: ill"), ("echo garbage", "wrote no SVG")):
            with self.assertRaisesRegex(gnuplot.NotDrawn, said):
                self.draw(does)


class BadInput(unittest.TestCase):
    def test_a_timeout_that_is_none_is_refused(self):
        for text in ("", "soon", "0", "-1", "1.5"):
            done = subprocess.run(SCRIPT, env={**os.environ, "AFTERLEAK_TOOL_TIMEOUT": text}, capture_output=True, text=True)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn("such as 120", done.stderr)

    def test_gets_one_line(self):
        for arguments, words in ((["--out", "/nowhere", "--program", PROGRAM, "--lsan-program", PROGRAM], "not a folder"),
                                 (["--out", "/tmp", "--program", "/nowhere/x", "--lsan-program", PROGRAM], "build it"),
                                 (["--out", "", "--program", PROGRAM, "--lsan-program", PROGRAM], "--out is empty"),
                                 (["--out", "/tmp"], "--program, --lsan-program"), (["--outt"], "required")):
            done = subprocess.run([*SCRIPT, *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1))
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
