"""What writes results/: whole or not at all, and one line where a tool is missing or broken."""

import os
import re
import shutil
import stat
import subprocess
import unittest

from evidence.common import files
from tests import helper

FAKES = {  # what stands in the place of gnuplot, and what is said of it
    "missing": (None, r"gnuplot is not installed; \./scripts/setup installs it"),
    "fails": ("echo 'line 3: bad terminal' >&2; exit 1", r"gnuplot ended with 1 and said: line 3: bad terminal"),
    "hangs": ("trap '' TERM; sleep 60; sleep 60", r"gnuplot did not end within 1 s and was killed"),
    "garbage": ("head -c 1000 /dev/urandom", r"gnuplot wrote no SVG; .*"),
    "half an SVG": ("echo '<svg width=\"1\">'", r"gnuplot wrote no SVG; .*"),
    "nothing": ("exit 0", r"gnuplot wrote no SVG; .*"),
}


class Folder(helper.FolderTest):
    def write(self, writer, program=helper.PROGRAM, **env):
        return subprocess.run(helper.module(f"evidence.results.{writer}", "--program", program, "--out", self.folder),
                              capture_output=True, text=True, env={**os.environ, **env}, timeout=60)


class Plots(Folder):
    def test_a_missing_or_broken_gnuplot_is_one_line_and_3(self):
        for name, (text, said) in FAKES.items():
            with self.subTest(name):
                bin = self.folder / "bin"
                shutil.rmtree(bin, ignore_errors=True)
                bin.mkdir()
                for tool in ("setpriv", "prlimit"):
                    (bin / tool).symlink_to(shutil.which(tool))
                if text is not None:
                    (bin / "gnuplot").write_text(f"#!{shutil.which('bash')}\nPATH={os.environ['PATH']}\n{text}\n")
                    (bin / "gnuplot").chmod(stat.S_IRWXU)
                done = self.write("plots", PATH=str(bin), AFTERLEAK_TOOL_TIMEOUT="1")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertRegex(done.stderr, rf"\Ascripts/reproduce: the plots are left out: {said}\n\Z")
                self.assertEqual(list((self.folder / "plots").iterdir()), [])

    def test_each_workload_has_a_plot_with_its_title_its_curves_and_its_deadlines(self):
        if shutil.which("gnuplot") is None:
            self.skipTest("gnuplot is not installed; ./scripts/setup installs it")
        self.assertEqual(self.write("plots").returncode, 0)
        self.assertEqual(len(list((self.folder / "plots").glob("*.svg"))), 9)
        svg = (self.folder / "plots/looping_select.idle.svg").read_text()
        for text in ("looping_select, idle", "leaky: live", "leaky: abandoned", "fixed: live", "due: leaky/looping_select.cc:10",
                     "prefers-color-scheme: dark"):
            self.assertIn(text, svg)


class Diffs(Folder):
    def test_each_is_what_diff_prints(self):
        self.assertEqual(self.write("diffs").returncode, 0)
        page = (self.folder / "diffs.md").read_text()
        shown = re.findall(r"^```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        pairs = sorted((helper.ROOT / "leaky").glob("*.cc"))
        self.assertEqual(len(shown), len(pairs))
        for leaky in pairs:
            printed = subprocess.run(["diff", "-u", f"leaky/{leaky.name}", f"fixed/{leaky.name}"], cwd=helper.ROOT, capture_output=True,
                                     text=True).stdout
            hunks = printed.partition("@@")[2]
            self.assertTrue(any(hunks == diff.partition("@@")[2] for diff in shown), f"the diff of {leaky.name} is another one")


class Writing(Folder):
    def test_what_cannot_be_written_leaves_the_old_file_and_no_other(self):
        page = self.folder / "page.md"
        page.write_text("old")
        with self.assertRaises(UnicodeEncodeError):
            files.write_whole(page, "new \ud800")
        self.assertEqual((os.listdir(self.folder), page.read_text()), (["page.md"], "old"))

    def test_a_program_that_does_not_run_is_one_line_and_2(self):
        for writer in ("plots", "diffs", "readme", "claims"):
            for program in (self.folder / "none", "/bin/false", "/bin/echo"):
                done = self.write(writer, program)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, r"\Ascripts/reproduce: [^\n]+\n")
        self.assertEqual([path for path in self.folder.iterdir() if path.is_file()], [])

    def test_out_is_a_folder_that_can_be_written(self):
        (self.folder / "README.md").write_text("mine")
        for writer in ("evidence.results.readme", "evidence.results.plots", "evidence.page.page"):
            for out, said in (("", "--out is empty"), ("none", "is not a folder"), ("README.md", "is not a folder")):
                done = subprocess.run(helper.module(writer, "--program", helper.PROGRAM, "--out", out), cwd=self.folder, capture_output=True,
                                      text=True)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, rf"\Ascripts/reproduce: [^\n]*{said}[^\n]*\n\Z")
        self.assertEqual([(path.name, path.read_text()) for path in self.folder.iterdir()], [("README.md", "mine")])


class Watch(Folder):
    def write_page(self, **tools):
        bin = self.folder / "bin"
        bin.mkdir(exist_ok=True)
        for name, text in tools.items():
            helper.write_program(bin / name, text, shutil.which("bash"))
        done = subprocess.run(helper.module("evidence.results.watch", "--program", helper.PROGRAM, "--truth", self.folder / "none",
                                            "--out", self.folder), capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": str(bin)})
        return done, (self.folder / "watch.md").read_text()

    def test_what_is_not_installed_is_left_out(self):
        done, page = self.write_page()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for package in ("memcached", "tmux", "libglib2.0-bin", "python3"):
            self.assertIn(f"Left out, as it is not installed here: {package}. `scripts/setup --all` installs it.\n", page)
        self.assertIn("Left out, as the library is not installed here: asio_clean_keepalive, asio_request, ev_conn,", page)

    def test_what_is_broken_is_left_out_and_3(self):
        done, page = self.write_page(tmux="exit 1", gio="exit 0")
        self.assertEqual(done.returncode, 3)
        self.assertIn("$ afterleak watch gio info /\n", page)
        self.assertIn("### tmux\n\nLeft out: ", page)
        self.assertRegex(done.stderr, r"\A[^\n]*tmux[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main(verbosity=2)
