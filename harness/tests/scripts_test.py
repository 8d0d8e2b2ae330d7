"""Tests scripts/ and .ci/run as a person would use them.

Each test gets a copy of the scripts in a new folder (with a space in its path), and a PATH on which the tools that
would take long, ask the network or change the machine are fakes that write down how they were called. ctest, the signals,
the lock and the processes are real. AFTERLEAK_PROGRAM=.build/release/afterleak adds a run of the real program.
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

from evidence.common.children import alive
from tests import helper
from tests.helper import ROOT as PROJECT, wait_until

# All that the scripts may use besides what setup installs: Debian's essential packages.
REAL_TOOLS = "bash cat cp dirname env flock grep id ln mkdir mv nproc readlink rm sleep tail tee touch true ctest".split()

CALLED = 'echo "${0##*/} $*" >>"$FAKES/calls"\n'
FAKES = {
    # All packages are installed but those in FAKE_MISSING; FAKE_REMOVED ones have left their configuration behind.
    "dpkg-query": """
        for package in "${@:3}"; do
          if [[ " $FAKE_MISSING " == *" $package "* ]]; then continue; fi
          if [[ " $FAKE_REMOVED " == *" $package "* ]]; then echo "$package rc "; continue; fi
          echo "$package ii "
        done
        [[ -z $FAKE_MISSING ]]""",
    "apt-get": """
        echo "apt says something on $*"
        if [[ -n $FAKE_APT_SLOW ]]; then  # like apt, which goes on through Ctrl-C while dpkg works
          trap '' INT; sleep 0.2; touch "$FAKES/apt works"; sleep 0.3; echo "more"; echo "apt-get ended" >>"$FAKES/calls"
        fi
        if [[ -n $FAKE_APT_FAILS && "$*" =~ $FAKE_APT_FAILS ]]; then echo "E: apt's reason"; exit 100; fi""",
    # pkgnames golang-, where a source of backports adds some; policy PACKAGE...
    "apt-cache": """
        if [[ $1 == pkgnames ]]; then
          if [[ -e $AFTERLEAK_APT/sources.list.d/afterleak-backports.sources ]]; then FAKE_GO+=" $FAKE_GO_BACKPORTS"; fi
          for version in $FAKE_GO; do echo "golang-$version-go"; done
          exit
        fi
        for package in "${@:2}"; do
          if [[ " $FAKE_UNKNOWN " == *" $package "* ]]; then candidate='(none)'; else candidate=1.0-1; fi
          printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n' "$package" "$candidate"
        done""",
    "sudo": '"$@"',
    "id": 'echo "${FAKE_UID:-0}"',
    # A header that is looked for is on stdin, between < and >.
    "g++": """
        mapfile -t lines # all of them, or who writes them may die of SIGPIPE
        [[ ${lines[0]} != *"<${FAKE_NO_HEADER:-none}>"* ]]""",
    "cmake": """
        if [[ $1 == --preset ]]; then
          if [[ $2 == "$FAKE_CONFIGURE_FAILS" ]]; then echo "CMake Error: bad" >&2; exit 1; fi
          mkdir -p ".build/$2"
          echo "$FAKE_TESTS" >".build/$2/CTestTestfile.cmake"
          exit
        fi
        if [[ $3 == "$FAKE_BUILD_FAILS" ]]; then echo "FAILED: x.o"; echo "x.cc:1: error: bad"; exit 1; fi
        for i in {1..50}; do echo "[$i/50] Building x$i.o"; done
        mkdir -p ".build/$3/harness/pairs"
        ln -sf "$FAKES/claims_test" ".build/$3/harness/pairs/claims_test"
        ln -sf "${AFTERLEAK_PROGRAM:-$FAKES/program}" ".build/$3/afterleak" """,
    # Decides no claim: --gtest_output=json:FILE.
    "claims_test": """
        echo '{"testsuites": []}' >"${1#--gtest_output=json:}" """,
    # Stands for .build/release/afterleak: writes beside and renames; when slow, it waits for a child in another process group.
    "program": """
        out=$3
        trap 'rm -f "$out/numbers.md.new"; exit 1' INT TERM
        echo "half" >"$out/numbers.md.new"
        if [[ -n $FAKE_DEAF ]]; then trap '' INT TERM; fi
        if [[ -n $FAKE_SLOW ]]; then
          set -m; sleep 30 & set +m
          echo "$$ $!" >"$FAKES/pids.new"; mv "$FAKES/pids.new" "$FAKES/pids"
          while [[ ! -e $FAKES/go ]]; do sleep 0.05; done
          kill %1
        fi
        mv "$out/numbers.md.new" "$out/numbers.md"
        echo "the table"
        exit "${FAKE_PROGRAM_EXIT:-0}" """,
}
ALSO_FOUND = """ninja valgrind google-pprof file objdump clang++-19 heaptrack gnuplot chromium
                chromedriver mmdebstrap flake8 pgrep clang-format-19 clang-tidy-19 git pkg-config dpkg-shlibdeps lintian
                tmux memcached gio dbus-daemon redis-server nghttpx h2load named nvim transmission-daemon promtool
                prometheus-node-exporter""".split()
MODULES_FOUND = ("selenium", "pexpect", "pyte", "jsonschema")

# What reproduce has written by Python: each writes down that it was called, and a page.
PARTS = {"readme": "results/readme.py", "plots": "results/plots.py", "diffs": "results/diffs.py",
         "recording": "results/recording.py", "find_it": "results/find_it.py", "reports": "results/reports.py", "page": "page/page.py",
         "watch": "results/watch.py", "detectors": "detectors/main.py", "detectors_reports": "detectors/reports.py",
         "detectors_loops": "detectors/loops.py", "go": "go/parity.py",
         "conformance": "go/conformance.py"}
PART = """
import os, pathlib, sys
with open(os.environ["FAKES"] + "/calls", "a") as calls:
    print("part", "{name}", *sys.argv[1:-1], file=calls)
status = int(os.environ.get("FAKE_{name}_EXIT", "0"))
if status == 0:
    (pathlib.Path(sys.argv[-1]) / "{name}.md").write_text("")
else:
    print("{name} is broken", file=sys.stderr)
sys.exit(status)
"""

PASS = 'add_test(passes true)\nset_tests_properties(passes PROPERTIES LABELS pairs)\n'
BARE = 'add_test(on_bare true)\nset_tests_properties(on_bare PROPERTIES LABELS bare SKIP_RETURN_CODE 77)\n'
FAIL = 'add_test(fails bash -c "echo what is wrong; exit 1")\n'
SKIP = ('add_test(skips bash -c "echo SKIPPED: heaptrack is not installed\\; scripts/setup --all installs it && exit 77")\n'
        'set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)\n')


class ScriptTest(helper.FolderTest):
    def setUp(self):
        super().setUp()
        self.tree = self.folder / "a tree"
        self.results = self.tree / "results"
        self.fakes = self.folder / "fakes"
        self.fakes.mkdir()
        shutil.copytree(PROJECT / "scripts", self.tree / "scripts")
        shutil.copytree(PROJECT / ".ci", self.tree / ".ci")
        shutil.copy(PROJECT / "CMakePresets.json", self.tree)
        shutil.copytree(PROJECT / "harness/evidence", self.tree / "harness/evidence", ignore=shutil.ignore_patterns("__pycache__"))
        self.fake_parts()
        for name in MODULES_FOUND:
            (self.tree / "harness" / f"{name}.py").touch()
        for tool in REAL_TOOLS:
            (self.fakes / tool).symlink_to(shutil.which(tool))
        (self.fakes / "python3").symlink_to(sys.executable)
        for name, text in FAKES.items():
            self.fake(name, textwrap.dedent(text))
        for name in ALSO_FOUND:
            self.fake(name, "")
        self.fake("go-parity", "")  # .ci/run has it install Go; evidence/go/parity_test.py tests what it does
        shutil.copy(self.fakes / "go-parity", self.tree / "scripts/go-parity")
        self.os_release("debian", "12")
        self.env = {"PATH": str(self.fakes), "HOME": str(self.folder), "TERM": "dumb", "FAKES": str(self.fakes),
                    "AFTERLEAK_OS_RELEASE": str(self.folder / "os-release"), "FAKE_TESTS": PASS + BARE}

    def fake_parts(self):
        for name, path in PARTS.items():
            (self.tree / "harness/evidence" / path).write_text(PART.format(name=name))

    def fake(self, name, text):
        helper.write_program(self.fakes / name, CALLED + text, shutil.which("bash"))

    def os_release(self, system, version):
        (self.folder / "os-release").write_text(
            f'ID={system}\nVERSION_ID="{version}"\nPRETTY_NAME="{system.title()} {version}"\n')

    def start(self, script, *arguments, cwd=None, **env):
        process = subprocess.Popen([str(script if Path(script).is_absolute() else self.tree / script), *arguments],
                                   cwd=cwd or self.folder, env={**self.env, **env}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(self.kill_left_over)  # run before communicate, which would wait for them
        return process

    def run_script(self, script, *arguments, **options):
        process = self.start(script, *arguments, **options)
        process.out, process.err = process.communicate(timeout=60)
        return process

    def calls(self, of=""):
        file = self.fakes / "calls"
        return [call for call in file.read_text().splitlines() if call.startswith(of)] if file.exists() else []

    def assert_refused(self, process, name, *words):
        """Exit code 2, and one line: who, what is wrong; what would be right."""
        self.assertEqual(process.returncode, 2, process.err)
        self.assertRegex(process.err, rf"\A{re.escape(name)}: [^\n]+; [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, process.err)
        self.assertEqual(process.out, "")

    def slow_program(self):
        """The process ids of the fake program and of its child, once it runs."""
        wait_until((self.fakes / "pids").exists, "the program runs")
        return [int(pid) for pid in (self.fakes / "pids").read_text().split()]

    def kill_left_over(self):
        if (self.fakes / "pids").exists():
            for pid in filter(alive, self.slow_program()):
                os.kill(pid, signal.SIGKILL)


class Setup(ScriptTest):
    def test_does_nothing_and_says_nothing_when_all_is_there(self):
        run = self.run_script("scripts/setup", "--all")
        self.assertEqual((run.returncode, run.out, run.err), (0, "", ""))
        self.assertEqual([call.split()[0] for call in self.calls()], ["dpkg-query"])

    def test_installs_exactly_what_is_missing(self):
        run = self.run_script("scripts/setup", FAKE_MISSING="cmake valgrind chromium")
        self.assertEqual(run.returncode, 0, run.err)
        update, install = self.calls("apt-get")
        self.assertTrue(update.endswith(" -y update"))
        self.assertTrue(install.endswith(" -y install --no-install-recommends cmake valgrind"))
        self.assertEqual(self.calls("sudo"), [])
        self.assertLess(run.err.index("cmake valgrind"), run.err.index("apt says something"))
        self.assertEqual((self.tree / ".build/setup.log").read_text().count("apt says something"), 2)

    def test_all_installs_the_optional_ones_too(self):
        self.run_script("scripts/setup", "--all", FAKE_MISSING="g++ clang-19 chromium")
        self.assertTrue(self.calls("apt-get")[1].endswith(" g++ clang-19 chromium"))

    def test_a_package_that_was_removed_is_missing(self):
        self.run_script("scripts/setup", FAKE_REMOVED="valgrind")
        self.assertTrue(self.calls("apt-get")[1].endswith(" valgrind"))

    def test_list_installs_nothing(self):
        run = self.run_script("scripts/setup", "--list", FAKE_MISSING="cmake heaptrack")
        self.assertEqual(run.returncode, 0, run.err)
        rows = {row.split()[0]: row.split()[1:] for row in run.out.splitlines()}
        self.assertEqual(rows["cmake"], ["missing", "builder", "core"])
        self.assertEqual(rows["g++"], ["installed", "compiler", "core"])
        self.assertEqual(rows["heaptrack"], ["missing", "profiler", "core"])
        self.assertEqual(rows["chromium"], ["installed", "browser", "optional"])
        self.assertEqual(self.calls("apt-get"), [])

    def test_uses_sudo_where_not_root(self):
        self.assertEqual(self.run_script("scripts/setup", FAKE_MISSING="cmake", FAKE_UID="1000").returncode, 0)
        self.assertRegex(self.calls("sudo")[1], "^sudo env DEBIAN_FRONTEND=noninteractive apt-get .* install .* cmake$")

    def test_says_the_command_where_there_is_neither_root_nor_sudo(self):
        (self.fakes / "sudo").unlink()
        run = self.run_script("scripts/setup", FAKE_MISSING="cmake valgrind", FAKE_UID="1000")
        self.assert_refused(run, "scripts/setup",
                            "apt-get update && apt-get install --no-install-recommends cmake valgrind\n")
        self.assertEqual(self.calls("apt-get"), [])

    def test_goes_on_when_only_the_update_fails(self):
        run = self.run_script("scripts/setup", FAKE_MISSING="cmake", FAKE_APT_FAILS="update")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertIn("update failed", run.err)

    def test_shows_why_apt_failed(self):
        run = self.run_script("scripts/setup", FAKE_MISSING="cmake", FAKE_APT_FAILS="install")
        self.assertEqual(run.returncode, 2)
        self.assertIn("E: apt's reason\n", run.err)
        self.assertRegex(run.err.splitlines()[-1], "^scripts/setup: apt-get could not install all of: cmake; ")

    def test_another_system_is_told_what_is_needed(self):
        for system, version in (("fedora", "40"), ("debian", "11"), ("ubuntu", "22.04")):
            self.os_release(system, version)
            (self.fakes / "ninja").unlink(missing_ok=True)
            run = self.run_script("scripts/setup", FAKE_NO_HEADER="gtest/gtest.h")
            self.assertEqual(run.returncode, 2)
            needed, error = run.err.splitlines()
            self.assertTrue(needed.endswith(": ninja-build libgtest-dev"), needed)
            self.assertRegex(error, f"^scripts/setup: this is {system.title()} {version}, .*; install what is listed")
        self.assertEqual(self.calls("apt-get") + self.calls("dpkg-query"), [])

    def test_another_system_where_all_is_there_goes_on(self):
        self.os_release("fedora", "40")
        run = self.run_script("scripts/setup", "--all")
        self.assertEqual((run.returncode, run.err), (0, ""))
        (self.folder / "os-release").unlink()
        self.assertEqual(self.run_script("scripts/setup").returncode, 0)

    def test_later_debians_and_ubuntus_are_set_up(self):
        for number, (system, version) in enumerate((("debian", "13"), ("ubuntu", "24.04"), ("ubuntu", "26.04")), 1):
            self.os_release(system, version)
            self.assertEqual(self.run_script("scripts/setup", FAKE_MISSING="cmake").returncode, 0)
            self.assertEqual(len(self.calls("apt-get")), 2 * number)

    def test_an_optional_package_that_the_system_does_not_have_is_left_out(self):
        self.os_release("ubuntu", "24.04")
        run = self.run_script("scripts/setup", "--all", FAKE_MISSING="cmake chromium libev-dev", FAKE_UNKNOWN="cmake chromium")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertIn("Ubuntu 24.04 has no chromium; what needs it is left out\n", run.err)
        self.assertTrue(self.calls("apt-get")[1].endswith(" cmake libev-dev"))  # apt knows best what cmake lacks
        run = self.run_script("scripts/setup", "--all", FAKE_MISSING="chromium", FAKE_UNKNOWN="chromium")
        self.assertEqual((run.returncode, len(self.calls("apt-get"))), (0, 3))

    def test_no_service_is_started_because_its_package_is_installed(self):
        policy = self.folder / "policy-rc.d"
        (self.fakes / "chmod").symlink_to(shutil.which("chmod"))
        self.fake("update-rc.d", "")
        self.fake("apt-get", f'if [[ "$*" == *" install "* ]]; then "{policy}" prometheus start; echo "policy $?" >>"$FAKES/calls"; fi')
        run = self.run_script("scripts/setup", "--all", FAKE_MISSING="bind9 cmake prometheus", AFTERLEAK_POLICY=str(policy))
        self.assertEqual(run.returncode, 0, run.err)
        self.assertEqual(self.calls("policy"), ["policy 101"])
        self.assertEqual(self.calls("update-rc.d"), ["update-rc.d named disable", "update-rc.d prometheus disable"])
        self.assertFalse(policy.exists())
        helper.write_program(policy, "exit 104")  # the machine's answer
        self.run_script("scripts/setup", "--all", FAKE_MISSING="prometheus", AFTERLEAK_POLICY=str(policy))
        self.assertEqual(self.calls("policy"), ["policy 101", "policy 104"])
        self.assertTrue(policy.exists())

    def test_a_signal_waits_until_apt_is_done(self):
        for send, code in ((lambda pid: os.kill(pid, signal.SIGTERM), 143), (lambda pid: os.killpg(pid, signal.SIGINT), 130)):
            run = self.start("scripts/setup", FAKE_MISSING="cmake", FAKE_APT_SLOW="1")
            wait_until((self.fakes / "apt works").exists, "apt works")
            send(run.pid)
            self.assertEqual(run.wait(timeout=20), code)
            # The update came to its end, and nothing was begun after it.
            self.assertEqual([call.split()[-1] for call in self.calls("apt-get")], ["update", "ended"])
            (self.fakes / "apt works").unlink()
            (self.fakes / "calls").unlink()


class GoSetup(ScriptTest):
    def setUp(self):
        super().setUp()
        shutil.copy(PROJECT / "scripts/go-parity", self.tree / "scripts")
        (self.tree / "harness/evidence/go/parity.py").write_text("print('Go that is here')\n")
        for tool in ("install", "sed"):
            (self.fakes / tool).symlink_to(shutil.which(tool))
        self.apt = self.folder / "apt"
        (self.apt / "sources.list.d").mkdir(parents=True)

    def run_setup(self, codename, go, missing, **env):
        with (self.folder / "os-release").open("a") as file:
            file.write(f"VERSION_CODENAME={codename}\n")
        (self.apt / "sources.list").write_text(f"deb http://mirror.invalid/debian {codename} main\n")
        return self.run_script("scripts/go-parity", "--setup", FAKE_GO=go, FAKE_MISSING=missing, AFTERLEAK_APT=str(self.apt), **env)

    def installed(self):
        return [call.partition("--no-install-recommends ")[2] for call in self.calls("apt-get") if " install " in call]

    def test_debian_12_takes_what_its_archive_lacks_from_its_backports(self):
        run = self.run_setup("bookworm", "1.19", "golang-1.22-go golang-1.23-go", FAKE_GO_BACKPORTS="1.21 1.22 1.23")
        self.assertEqual((run.returncode, run.out), (0, "Go that is here\n"), run.err)
        self.assertEqual(self.installed(), ["golang-1.19-go golang-1.22-go golang-1.23-go"])
        self.assertIn("    Suites: bookworm-backports\n", run.err)

    def test_debian_13_needs_no_backports(self):
        self.os_release("debian", "13")
        run = self.run_setup("trixie", "1.24", "golang-1.24-go", FAKE_GO_BACKPORTS="1.27")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertEqual(self.installed(), ["golang-1.24-go"])
        self.assertEqual(os.listdir(self.apt / "sources.list.d"), [])

    def test_what_is_there_is_enough(self):
        self.os_release("debian", "13")
        self.assertEqual(self.run_setup("trixie", "1.24", "").returncode, 0)
        self.assertEqual(self.calls("apt-get"), [])

    def test_any_go_is_better_than_none(self):
        self.os_release("debian", "15")
        run = self.run_setup("later", "1.28", "golang-1.28-go", FAKE_GO_BACKPORTS="1.29")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertEqual(self.installed(), ["golang-1.28-go"])
        self.assertEqual(self.run_setup("later", "1.18", "", FAKE_GO_BACKPORTS="").returncode, 2)

    def test_another_system_is_told(self):
        self.os_release("fedora", "40")
        run = self.run_setup("none", "", "")
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.err.splitlines()[-1], "^scripts/go-parity: this is Fedora 40, .*; install any Go from 1.19 on, ")


class BadInput(ScriptTest):
    def test_gets_one_line_and_nothing_is_started(self):
        for script, arguments, word in (
                ("scripts/setup", ["--frobnicate"], "--frobnicate"),
                ("scripts/setup", ["cmake"], "cmake"),
                ("scripts/reproduce", ["--frobnicate"], "--frobnicate"),
                ("scripts/reproduce", ["looping_select"], "looping_select"),
                ("scripts/reproduce", ["article-a", "all"], "article-a and all"),
                ("scripts/reproduce", ["--out"], "--out DIR"),
                ("scripts/reproduce", ["--out", ""], "empty"),
                ("scripts/reproduce", ["--out", "no/such"], "does not exist"),
                ("scripts/reproduce", ["--out", "os-release"], "is not a folder"),
                ("scripts/test", ["--frobnicate"], "--frobnicate"),
                ("scripts/test", ["pairs"], "-L pairs"),
                ("scripts/test", ["-R", "one", "two"], "two"),
                ("scripts/test", ["-L"], "-L"),
                ("scripts/test", ["--preset"], "--preset"),
                ("scripts/test", ["--preset", "relase"], "release debug asan tsan"),
                ("scripts/test", ["--preset="], "release debug asan tsan"),
                (".ci/run", ["-R", "one"], "arguments")):
            with self.subTest(script=script, arguments=arguments):
                self.assert_refused(self.run_script(script, *arguments), script, word)
        self.assertEqual(self.calls(), [])
        self.assertFalse((self.tree / ".build").exists())

    def test_help_is_on_stdout(self):
        for script in ("setup", "reproduce", "test"):
            run = self.run_script(f"scripts/{script}", "--help")
            self.assertEqual((run.returncode, run.err), (0, ""))
            self.assertTrue(run.out.startswith(f"Usage: scripts/{script} "))

    def test_a_tree_that_cannot_be_written(self):
        (self.tree / ".build").write_text("")  # root may write everywhere, so a file stands in the way
        for script in ("reproduce", "test"):
            self.assert_refused(self.run_script(f"scripts/{script}"), f"scripts/{script}", ".build/lock")
        run = self.run_script("scripts/setup", FAKE_MISSING="cmake")
        self.assert_refused(run, "scripts/setup", ".build/setup.log")

    def test_the_presets_are_those_of_cmake(self):
        presets = json.loads((PROJECT / "CMakePresets.json").read_text())
        names = " ".join(preset["name"] for preset in presets["testPresets"] if not preset.get("hidden"))
        self.assertIn(f"one of: {names} ", self.run_script("scripts/test", "--help").out)


WRITTEN = ["claims.md", "detectors.md", "diffs.md", "find_it.md", "numbers.md", "page.md", "plots.md", "readme.md", "recording.md",
           "reports.md", "watch.md"]


class Reproduce(ScriptTest):
    def test_sets_up_builds_and_runs(self):
        run = self.run_script("scripts/reproduce")
        self.assertEqual((run.returncode, run.out), (0, "the table\n"), run.err)
        self.assertEqual(sorted(os.listdir(self.results)), WRITTEN)
        self.assertEqual(re.findall(r"==> (\[./.\] \w+)", run.err),
                         ["[1/8] setting", "[2/8] configuring", "[3/8] building", "[4/8] running", "[5/8] drawing", "[6/8] watching",
                          "[7/8] asking", "[8/8] deciding"])
        self.assertEqual(len(re.findall(r"^    done in \d+\.\d s$", run.err, re.MULTILINE)), 8)
        self.assertEqual(self.calls("cmake"), ["cmake --preset release", "cmake --build --preset release --target "
                                               "afterleak_program reports_program afterleak_lsan claims_test watched_programs"])
        self.assertEqual(run.err.count("Building x"), 1)  # of 50 lines, where stderr is no terminal
        self.assertNotIn("\x1b", run.err)

    def test_colours_are_for_a_terminal_and_can_be_refused(self):
        for env, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            ours, theirs = pty.openpty()
            subprocess.run([self.tree / "scripts/reproduce"], env={**self.env, **env}, stdout=subprocess.DEVNULL, stderr=theirs,
                           check=True)
            os.close(theirs)
            self.assertEqual(b"\x1b[1m==> [1/8]" in os.read(ours, 100), coloured)
            os.close(ours)

    def test_works_through_a_link_from_anywhere(self):
        link = self.folder / "repro"
        link.symlink_to(self.tree / "scripts/reproduce")
        self.assertEqual(self.run_script(link, cwd="/").returncode, 0)
        self.assertTrue((self.results / "claims.md").exists())

    def test_out_is_relative_to_the_current_folder(self):
        here = self.folder / "here"
        here.mkdir()
        for arguments in (["--out", "my out"], ["--out=my out/"]):
            self.assertEqual(self.run_script("scripts/reproduce", *arguments, cwd=here).returncode, 0)
            self.assertEqual(sorted(os.listdir(here / "my out")), WRITTEN)
        self.assertFalse(self.results.exists())

    def test_does_the_part_that_is_asked_for(self):
        pages = ["readme", "plots", "diffs", "recording", "find_it", "reports", "page", "watch"]
        for what, parts, arguments in (("article-a", pages, "--article A"), ("article-b", pages, "--article B"),
                                       ("detectors", ["detectors", "detectors_reports", "detectors_loops"], None),
                                       ("all", [*PARTS], "")):
            with self.subTest(what=what):
                run = self.run_script("scripts/reproduce", what)
                self.assertEqual(run.returncode, 0, run.err)
                self.assertEqual([call.split()[1] for call in self.calls("part")], parts)
                ran = [call.partition(str(self.results))[2].strip() for call in self.calls("program") + self.calls("afterleak")]
                self.assertEqual(ran, [] if arguments is None else [arguments])
                self.assertIn(f"[{len(run.err.split('==>')) - 1}/", run.err.split("==>")[-1])
                self.assertIn("begin with " + ("detectors.md" if what == "detectors" else "README.md") + "\n", run.err)
                (self.fakes / "calls").unlink()

    def test_a_broken_tool_leaves_out_its_part_alone(self):
        for part in ("plots", "detectors"):
            run = self.run_script("scripts/reproduce", **{f"FAKE_{part}_EXIT": "3"})
            self.assertEqual(run.returncode, 3, run.err)
            self.assertIn(f"{part} is broken\n", run.err)
            self.assertRegex(run.err.splitlines()[-1], "^scripts/reproduce: a tool is missing or broken, .* say which$")
            self.assertEqual(sorted(os.listdir(self.results)), [name for name in WRITTEN if name != f"{part}.md"])
            shutil.rmtree(self.results)

    def test_a_part_that_fails_ends_it(self):
        for part, status in (("plots", 2), ("detectors", 1)):
            run = self.run_script("scripts/reproduce", **{f"FAKE_{part}_EXIT": str(status)})
            self.assertEqual(run.returncode, status)
            self.assertFalse((self.results / "claims.md").exists())
            shutil.rmtree(self.results)

    def test_without_go_the_rest_of_all_is_done(self):
        run = self.run_script("scripts/reproduce", "all", FAKE_go_EXIT="3")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertIn("go is broken", run.err)
        self.assertEqual(sorted(os.listdir(self.results)), sorted([*WRITTEN, "detectors_loops.md", "detectors_reports.md"]))

    def test_has_the_exit_code_of_the_program(self):
        for code in (1, 2):
            self.assertEqual(self.run_script("scripts/reproduce", FAKE_PROGRAM_EXIT=str(code)).returncode, code)

    def test_stops_where_a_step_fails(self):
        for step, error in (("SETUP", "E: apt's reason"), ("CONFIGURE", "CMake Error: bad"), ("BUILD", "x.cc:1: error")):
            env = {"FAKE_MISSING": "cmake", "FAKE_APT_FAILS": "install"} if step == "SETUP" else \
                {f"FAKE_{step}_FAILS": "release"}
            run = self.run_script("scripts/reproduce", **env)
            self.assertEqual((run.returncode, run.out), (2, ""))
            self.assertIn(error, run.err)
            self.assertRegex(run.err.splitlines()[-1], r"^scripts/\w+: .*; ")
        self.assertEqual(self.calls("program") + self.calls("afterleak"), [])

    def test_the_real_program(self):
        program = os.environ.get("AFTERLEAK_PROGRAM")
        if not program:
            self.skipTest("AFTERLEAK_PROGRAM is not set; set it to .build/release/afterleak")
        program = str(Path(program).resolve())
        written = []
        for _ in range(2):
            run = self.run_script("scripts/reproduce", AFTERLEAK_PROGRAM=program)
            self.assertEqual(run.returncode, 0, run.err)
            self.assertIn("looping_select", run.out)
            written.append({file.relative_to(self.results): file.read_bytes()
                            for file in self.results.rglob("*") if file.is_file()})
        self.assertTrue(written[0])
        self.assertEqual(written[0], written[1])


class OneAtATime(ScriptTest):
    def test_a_second_run_is_refused_and_the_first_goes_on(self):
        first = self.start("scripts/reproduce", "--out", "out", FAKE_SLOW="1")
        self.slow_program()
        for script in ("scripts/reproduce", "scripts/test"):
            self.assert_refused(self.run_script(script), script, f"process {first.pid}", "scripts/reproduce --out out ")
        (self.fakes / "go").touch()
        self.assertEqual(first.wait(timeout=20), 0)
        self.assertEqual(sorted(os.listdir(self.folder / "out")), WRITTEN)
        self.assertEqual(self.run_script("scripts/reproduce").returncode, 0)

    def test_a_killed_run_frees_the_lock_and_takes_the_program_with_it(self):
        first = self.start("scripts/reproduce", FAKE_SLOW="1")
        program, child = self.slow_program()
        first.kill()
        wait_until(lambda: not alive(program) and not alive(child), "the program is gone, with all that it started")
        self.assertEqual(os.listdir(self.results), [])
        self.assertEqual(self.run_script("scripts/reproduce").returncode, 0)


class Interrupted(ScriptTest):
    def interrupt(self, send, script="scripts/reproduce", **env):
        process = self.start(script, FAKE_SLOW="1", **env)
        pids = self.slow_program()
        send(process.pid)
        process.out, process.err = process.communicate(timeout=20)
        wait_until(lambda: not any(map(alive, pids)), "all is gone")  # a moment after its output was closed
        self.assertRegex(process.err.splitlines()[-1], r"^scripts/\w+: stopped by SIG")
        return process

    def test_ctrl_c_leaves_nothing(self):
        # As a terminal does it: to the whole process group.
        self.assertEqual(self.interrupt(lambda pid: os.killpg(pid, signal.SIGINT)).returncode, 130)
        self.assertEqual(os.listdir(self.results), [])
        (self.fakes / "pids").unlink()
        self.assertEqual(self.run_script("scripts/reproduce").returncode, 0)

    def test_so_does_term_to_the_script_alone(self):
        self.assertEqual(self.interrupt(lambda pid: os.kill(pid, signal.SIGTERM)).returncode, 143)
        self.assertEqual(os.listdir(self.results), [])

    def test_what_hears_no_signal_is_killed(self):
        library = self.tree / "scripts/lib.sh"
        text = library.read_text()
        library.write_text(text.replace("grace=5 ", "grace=1 "))
        self.assertNotEqual(text, library.read_text())
        self.assertEqual(self.interrupt(lambda pid: os.killpg(pid, signal.SIGINT), FAKE_DEAF="1").returncode, 130)

    def test_ci_stops_with_its_tests(self):
        self.results.mkdir()
        slow = f'add_test(slow "{self.fakes}/program" reproduce --out "{self.results}")\n'
        # `program` takes its folder as the third argument.
        process = self.start(".ci/run", FAKE_SLOW="1", FAKE_TESTS=slow)
        pids = self.slow_program()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        wait_until(lambda: not any(map(alive, pids)), "all is gone")


class Test(ScriptTest):
    def test_passes_its_options_to_ctest_and_ends_with_its_summary(self):
        run = self.run_script("scripts/test", "--preset", "debug", "-L", "pairs", "-V", FAKE_TESTS=PASS + FAIL)
        self.assertEqual(run.returncode, 0, run.err)
        self.assertIn("100% tests passed, 0 tests failed out of 1\n", run.out)
        self.assertNotIn("Skipped", run.out)
        self.assertEqual(self.calls("cmake"), ["cmake --preset debug", "cmake --build --preset debug"])

    def test_has_the_exit_code_of_ctest(self):
        run = self.run_script("scripts/test", FAKE_TESTS=PASS + FAIL)
        self.assertEqual(run.returncode, 8)
        self.assertIn("50% tests passed, 1 tests failed out of 2\n", run.out)

    def test_lists_what_was_skipped_and_closes_on_the_summary(self):
        run = self.run_script("scripts/test", FAKE_TESTS=PASS + SKIP)
        self.assertEqual(run.returncode, 0, run.err)
        self.assertIn("Skipped: 1 test\n"
                      "  skips\n"
                      "    why:       heaptrack is not installed\n"
                      "    to get it: scripts/setup --all installs it\n"
                      "\n"
                      "100% tests passed, 0 tests failed out of 2\n"
                      "Total Test time", run.out)

    def test_a_skip_can_be_a_failure(self):
        run = self.run_script("scripts/test", "--no-skips", FAKE_TESTS=PASS + SKIP)
        self.assertEqual(run.returncode, 1)
        self.assertIn("Skipped: 1 test\n", run.out)
        self.assertEqual(self.run_script("scripts/test", "--no-skips").returncode, 0)
        self.assertEqual(self.run_script("scripts/test", "--no-skips", FAKE_TESTS=FAIL + SKIP).returncode, 8)

    def test_a_part_left_out_of_a_long_test_is_not_silent(self):
        tests = 'add_test(most bash -c "for i in {1..500}; do echo line; done; echo SKIPPED: no heaptrack\\; get it")\n'
        self.assertIn("why:       no heaptrack\n", self.run_script("scripts/test", FAKE_TESTS=tests).out)

    def test_an_older_run_is_not_reported_again(self):
        self.assertEqual(self.run_script("scripts/test", FAKE_TESTS=PASS + SKIP).returncode, 0)
        self.fake("ctest", "exit 1")
        run = self.run_script("scripts/test")
        self.assertEqual((run.returncode, run.out), (1, ""))

    def test_that_no_test_fits_is_an_error(self):
        run = self.run_script("scripts/test", "-R", "nonsense")
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.err.splitlines()[-1], "^scripts/test: no test fits -R nonsense; ")

    def test_bare_systems_and_mutants_are_made_only_if_asked_for(self):
        mutants = BARE.replace("bare", "mutation")
        for arguments, runs in (([], ()), (["-E", "nothing"], ()), (["-LE", "pair"], ()), (["-LE", "p", "-LE", "x"], ()),
                                (["-L", "bare"], ("bare",)), (["-R", "on_b"], ("bare",)), (["-L", "bare", "-LE", "x"], ("bare",)),
                                (["-L", "mutation"], ("mutation",)), (["-R", "on_"], ("bare", "mutation"))):
            run = self.run_script("scripts/test", *arguments, FAKE_TESTS=PASS + BARE + mutants + "add_test(other true)\n")
            self.assertEqual(run.returncode, 0, run.err)
            self.assertEqual(tuple(label for label in ("bare", "mutation") if f"on_{label}" in run.out), runs, arguments)

    def test_the_rest_is_what_has_not_passed(self):
        first = self.run_script("scripts/test", FAKE_TESTS=PASS + FAIL + SKIP + "add_test(other true)\n")
        self.assertIn("out of 4\n", first.out)
        mended = SKIP.replace("exit 77", "exit 0").replace("SKIPPED", "")
        for tests, out_of in ((PASS + FAIL + SKIP + "add_test(other true)\nadd_test(new true)\n", 3), (PASS + FAIL + mended, 2), (PASS + FAIL, 1)):
            run = self.run_script("scripts/test", "--rest", FAKE_TESTS=tests)
            self.assertEqual(run.returncode, 8)
            self.assertIn(f" out of {out_of}\n", run.out)
        self.assertIn("1 tests failed out of 1\n", self.run_script("scripts/test", "--rest", "-R", "fail", FAKE_TESTS=PASS + FAIL).out)
        run = self.run_script("scripts/test", "--rest", FAKE_TESTS=PASS + BARE)
        self.assertEqual((run.returncode, run.out), (0, ""))
        self.assertIn("every test has passed; ", run.err)
        self.assertIn("out of 2\n", self.run_script("scripts/test", FAKE_TESTS=PASS + FAIL).out)

    def test_there_is_no_rest_of_nothing(self):
        run = self.run_script("scripts/test", "--rest")
        self.assertEqual(run.returncode, 2)
        self.assertIn("run scripts/test without it first", run.err)

    def test_listing_runs_nothing(self):
        for option, found in (("-N", "Test #1: fails"), ("--print-labels", "pairs")):
            run = self.run_script("scripts/test", option, FAKE_TESTS=FAIL + PASS)
            self.assertEqual(run.returncode, 0, run.err)
            self.assertIn(found, run.out)
            self.assertNotIn("tests passed", run.out)


# Stands for the test on a bare system: one test, which passes, is skipped, or fails.
BARE_SYSTEM = """
import os, pathlib, sys
what = os.environ.get("FAKE_BARE_" + sys.argv[1], "")
with open(os.environ["FAKES"] + "/calls", "a") as calls:
    print("bare_test", *sys.argv[1:], file=calls)
if what == "cannot":
    print("SKIPPED: no root; be root")
    sys.exit(77)
kept = pathlib.Path(".build/bare", {"12": "bookworm", "13": "trixie"}[sys.argv[1]])
kept.mkdir(parents=True)
case = '<testcase name="{}" status="{}">{}<system-out>what is wrong</system-out></testcase>'
bad = case.format("there", "fail", "<failure/>")
(kept / "first.ctest.xml").write_text(f"<testsuite>{bad}{case.format('bad', 'fail', '<failure/>') if what else ''}</testsuite>")
(kept / "rest.ctest.xml").write_text(f"<testsuite>{case.format('there', 'run', '')}</testsuite>")
sys.exit(1 if what else 0)
"""


class Ci(ScriptTest):
    def setUp(self):
        super().setUp()
        tests = self.tree / "harness/tests"
        tests.mkdir()
        (tests / "bare_test.py").write_text(BARE_SYSTEM)

    def run_ci(self, **env):
        run = self.run_script(".ci/run", **env)
        on_neither = r"\.(detector_cost|scripts|space)_test$"
        self.assertEqual(self.calls("bare_test"), [
            r"bare_test 12 --all -E ^detectors\.([a-z_]+\.(early|idle|looping|signal)|on_(asio|glib|libevent))|^workshop\.(0[2-9]|1[04-8])"
            rf"|{on_neither}"
            r" --later ^watch\.(files|hard|real|truth|use|virtual)$|^loops\.truth$|\.readme_test$",
            r"bare_test 13 -E ^workshop\.([0-9]|runner)|^detectors\.|^package\.(add|each|fetch)|\.(cli|memcheck|results|storms)_test"
            rf"|{on_neither}"])
        self.assertEqual(self.calls("cmake --preset"), ["cmake --preset asan", "cmake --preset tsan"])
        return run

    def test_runs_all_and_closes_on_the_sum_with_the_time_of_each(self):
        run = self.run_ci(FAKE_MISSING="heaptrack")
        self.assertEqual(run.returncode, 0, run.err)
        self.assertEqual([re.sub(r"\d+ s$", "N s", line) for line in run.out.splitlines()[-7:]], [
            "", *(f"{stage}: 100% tests passed, 0 tests failed out of 1; N s" for stage in ("bare12", "bare13", "asan", "tsan")),
            "", "100% tests passed, 0 tests failed out of 4"])
        self.assertTrue(self.calls("apt-get")[1].endswith(" heaptrack"))

    def test_a_failure_does_not_hide_the_others(self):
        run = self.run_ci(FAKE_TESTS=FAIL + PASS, FAKE_BARE_12="bad")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.out.splitlines()[-1], "57% tests passed, 3 tests failed out of 7")
        self.assertIn(".ci/run: failed: bare12 asan tsan; ", run.err)
        self.assertIn("\nbare12: bad\n  what is wrong\n\nasan: fails\n  what is wrong\n\ntsan: fails\n  what is wrong\n", run.out)

    def test_the_bare_systems_may_not_be_skipped(self):
        run = self.run_ci(FAKE_BARE_13="cannot")
        self.assertEqual(run.returncode, 1)
        self.assertIn(".ci/run: failed: bare13; ", run.err)
        self.assertIn("bare13: the tests did not run; ", run.out)
        self.assertEqual(run.out.count("SKIPPED: no root; be root\n"), 1)

    def test_what_was_not_built_has_not_passed(self):
        run = self.run_ci(FAKE_BUILD_FAILS="asan")
        self.assertEqual(run.returncode, 1)
        self.assertIn("asan: the tests did not run; ", run.out)
        self.assertNotRegex(run.out.splitlines()[-1], "^[0-9]+%")
        self.assertIn(".ci/run: failed: asan; ", run.err)

    def test_what_was_refused_has_not_passed(self):
        (self.tree / ".build").mkdir()
        (self.tree / ".build/asan.ctest.xml").write_text("<testsuite><testcase name='another' status='run'/></testsuite>")
        with subprocess.Popen(["flock", self.tree / ".build/lock", "cat"], stdin=subprocess.PIPE) as holder:
            wait_until(lambda: subprocess.run(["flock", "-n", self.tree / ".build/lock", "true"], check=False).returncode,
                       "the lock is held")
            run = self.run_script(".ci/run")
            holder.stdin.close()
        self.assertEqual(run.returncode, 1)
        self.assertIn("asan: the tests did not run; ", run.out)

    def test_a_skip_under_a_sanitizer_is_no_failure(self):
        run = self.run_ci(FAKE_TESTS=PASS + SKIP)
        self.assertEqual(run.returncode, 0, run.err)
        self.assertEqual(run.out.count("heaptrack is not installed\n    to get it"), 2)


class SkippedList(unittest.TestCase):
    def skipped(self, cases):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(cases if cases.startswith("no") else f"<testsuite>{cases}</testsuite>")
            file.flush()
            return subprocess.run(helper.module("evidence.common.skipped", file.name), capture_output=True, text=True, check=False)

    @staticmethod
    def case(name, output="", status="notrun", message="SKIP_REGULAR_EXPRESSION_MATCHED"):
        skip = f'<skipped message="{message}"/>' if status == "notrun" else ""
        return f'<testcase name="{name}" status="{status}">{skip}<system-out>{output}</system-out></testcase>'

    def test_nothing_skipped_prints_nothing(self):
        run = self.skipped(self.case("a", "fine", status="run") + self.case("b", "SKIPPED: not so", status="fail"))
        self.assertEqual((run.returncode, run.stdout), (0, ""))

    def test_a_program_that_is_not_there_is_no_skip(self):
        self.assertEqual(self.skipped(self.case("a", message="Unable to find executable")).returncode, 0)

    def test_reasons_of_googletest(self):
        run = self.skipped(
            self.case("One", "[ RUN      ] One\nwork: Skipped it\n/a b/x.cc:3: Skipped\nno tool;\nget it\n\n[  SKIPPED ] One")
            + self.case("Two", "/x.cc:5: Skipped\n\n[  SKIPPED ] Two (0 ms)\n[  SKIPPED ] 1 test"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("Skipped: 2 tests\n  One\n    why:       no tool\n    to get it: get it\n  Two\n"
                      "    why:       no reason is given\n", run.stdout)

    def test_several_reasons_in_one_program(self):
        run = self.skipped(self.case("Both", "x.cc:3: Skipped\nno one\n[  SKIPPED ] A\nx.cc:4: Skipped\nno two\n[  SKIPPED ] B"))
        self.assertIn("why:       no one / no two\n", run.stdout)

    def test_a_program_that_passed_without_one_of_its_tests(self):
        run = self.skipped(self.case("unit.heap_test", "[       OK ] A\nx.cc:3: Skipped\nno one; get it\n[  SKIPPED ] B (0 ms)\n"
                                     "[  PASSED  ] 1 test.\n[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] B\n", status="run"))
        self.assertIn("Skipped: 1 test\n  unit.heap_test\n    why:       no one\n    to get it: get it\n", run.stdout)

    def test_tests_with_one_reason_stand_together(self):
        run = self.skipped("".join(self.case(f"T{i}", "SKIPPED: no tool") for i in range(6)))
        self.assertIn("Skipped: 6 tests\n  T0, T1, T2, T3 and 2 more\n    why:       no tool\n    to get it: scripts/setup --all",
                      run.stdout)

    def test_a_disabled_test_is_listed(self):
        self.assertIn("  Off\n    why:       it is disabled", self.skipped(self.case("Off", "Disabled", "disabled")).stdout)

    def test_a_file_that_is_no_list(self):
        run = self.skipped("no xml")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertRegex(run.stderr, r"\Ascripts/test: [^\n]*; [^\n]*\n\Z")


if __name__ == "__main__":
    helper.main()
