"""People install the library and test their own code with it, as the README says: the CMake and the test are copied from it.

By find_package, add_subdirectory, FetchContent and pkg-config; static and shared; g++ and clang-19, which has no warning; and from
the Debian packages. To keep it quick the library is compiled twice only, and the tree under test gives the rest: AFTERLEAK_BUILD is
its build folder.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests import helper, user_project
from tests.helper import ROOT

BUILD = pathlib.Path(os.environ["AFTERLEAK_BUILD"])
CLANG = "clang++-19"
INSTEAD = {"add_subdirectory": user_project.block("cmake", "add_subdirectory(afterleak)"),
           "FetchContent": user_project.block("cmake", "FetchContent_Declare")}


def run(command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                          stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="afterleak-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def done(self, command, **options):
        status, printed = run(command, **options)
        self.assertEqual(status, 0, f"{command}:\n{printed}")
        return printed

    def project(self, name, get, compiler, *definitions):
        """A user's project, configured: its folder. get: the lines that make the targets known."""
        folder = self.folder / name
        user_project.write(folder, get)
        (folder / "afterleak").symlink_to(ROOT)
        self.done(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}", *definitions], cwd=folder)
        return folder

    def check(self, folder):
        """Its leak is found and its fix passes."""
        for server in user_project.LEAKY, user_project.FIXED:
            (folder / "server.cc").write_text(server)
            self.done(["cmake", "--build", "build"], cwd=folder)
            status, printed = run(["ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error"], cwd=folder)
            if server == user_project.LEAKY:
                self.assertNotEqual(status, 0, printed)
                self.assertIn("abandoned: 29 x time::After\n", printed)
                self.assertRegex(printed, rf"server\.cc:{user_project.LEAKING_LINE} Serve\n")
            else:
                self.assertEqual(status, 0, printed)
                self.assertIn("100% tests passed, 0 tests failed out of 2\n", printed)  # and none of the library's tests

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed; ./scripts/setup --all installs it")

    def installed(self):
        """The prefix to which the tree under test was installed."""
        prefix = self.folder / "prefix"
        if not prefix.exists():
            self.done(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "development"])
        return prefix

    def test_find_package_static_gcc(self):
        prefix = self.installed()
        self.check(self.project("find-gcc", user_project.FIND_PACKAGE, "g++", f"-DCMAKE_PREFIX_PATH={prefix}"))

    def test_a_project_on_an_event_loop(self):
        if not pathlib.Path("/usr/include/asio.hpp").exists():
            self.skipTest("libasio-dev is not installed; ./scripts/setup --all installs it")
        prefix = self.installed()
        for compiler in ("g++", CLANG):
            with self.subTest(compiler=compiler):
                self.need(compiler)
                folder = self.folder / f"client-{compiler}"
                user_project.write_client(folder)
                self.done(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
                           f"-DCMAKE_PREFIX_PATH={prefix}"], cwd=folder)
                self.done(["cmake", "--build", "build"], cwd=folder)
                status, printed = run(["build/client_test"], cwd=folder)
                self.assertEqual(status, 1, printed)
                self.assertIn("left behind: 100 x steady_timer::async_wait\n    client.cc:10 Ask\n", printed.replace(f"{folder}/", ""))

    def test_the_include_folder_holds_the_library_alone(self):
        include = self.installed() / "include"
        self.assertEqual([path.name for path in include.iterdir()], ["afterleak"])
        headers = {str(path.relative_to(include / "afterleak")) for path in include.rglob("*") if path.is_file()}
        self.assertTrue({"afterleak.h", "testing.h", "version.h", "heap/heap.h"} <= headers, headers)
        self.assertEqual({path for path in headers if not path.endswith(".h")}, set())
        for path in sorted(headers):
            included = re.findall(r'#include "(?!afterleak/)(.*)"', (include / "afterleak" / path).read_text())
            self.assertEqual(included, [], f"{path} includes what is not installed")

    def test_each_header_compiles_alone_and_says_what_it_needs(self):
        include = self.installed() / "include"
        for header in sorted(path.relative_to(include) for path in include.rglob("*.h")):
            with self.subTest(header=header):
                source = f'#include "{header}"\n'
                if header.name == "watch.h":  # for programs of any kind; watch_work_test has it
                    continue
                for standard, status_wanted in (("c++20", 0), ("c++17", 1)):
                    command = ["g++", f"-std={standard}", "-fsyntax-only", "-fmax-errors=1", f"-I{include}", "-x", "c++", "-"]
                    done = subprocess.run(command, input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
                    self.assertEqual(done.returncode, status_wanted, done.stdout)
                first = next(line for line in done.stdout.splitlines() if "error:" in line)
                self.assertIn("afterleak needs C++20", first)

    def test_pkg_config(self):
        self.need("pkg-config")
        prefix = self.installed()
        (pc,) = prefix.rglob("afterleak.pc")
        environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
        flags = {name: self.done(["pkg-config", "--cflags", "--libs", name], env=environment).split()
                 for name in ("afterleak", "afterleak_heap_operators", "gmock_main")}
        folder = self.folder / "pkg-config"
        user_project.write(folder)
        self.done(["g++", "server.cc", "server_test.cc", "-o", "server_test", *flags["afterleak"], *flags["gmock_main"]], cwd=folder)
        self.done(["./server_test"], cwd=folder)
        self.done(["g++", "counts.cc", "-o", "counts", *flags["afterleak_heap_operators"]], cwd=folder)
        self.done(["./counts"], cwd=folder)

    def test_add_subdirectory_shared_clang_and_what_it_installs(self):
        self.need(CLANG)
        folder = self.project("subdirectory-clang", INSTEAD["add_subdirectory"], CLANG, "-DBUILD_SHARED_LIBS=ON", "-DAFTERLEAK_INSTALL=ON",
                              "-DCMAKE_CXX_FLAGS=-Werror -Wno-error=conversion -Wno-error=unknown-warning-option")
        self.check(folder)
        prefix = self.folder / "shared"
        self.done(["cmake", "--install", "build", "--prefix", prefix], cwd=folder)
        (library,) = prefix.rglob("libafterleak.so")
        self.check(self.project("find-clang", user_project.FIND_PACKAGE, CLANG, f"-DCMAKE_PREFIX_PATH={prefix}",
                                f"-DCMAKE_BUILD_RPATH={library.parent}"))

    def test_fetch_content_static_gcc(self):
        self.need("git")
        copy = self.folder / "repository"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".build", "workshop"))
        git = ["git", "-C", copy, "-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as it is"]):
            self.done([*git, *command])
        get = INSTEAD["FetchContent"].replace("URL-OF-THIS-REPOSITORY", str(copy))
        self.assertIn(str(copy), get)
        self.check(self.project("fetch-gcc", get, "g++", "-DCMAKE_UNITY_BUILD=ON"))

    def test_debian_packages(self):
        self.need("dpkg-deb", "dpkg-shlibdeps")
        packages = self.folder / "packages"
        self.done(["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", packages, "-D", f"CPACK_OUTPUT_FILE_PREFIX={packages}"], cwd=self.folder)
        found = sorted(packages.glob("*.deb"))
        self.assertEqual([path.name.partition("_")[0] for path in found], ["afterleak", "libafterleak-dev"])
        root = self.folder / "root"
        for path in found:
            self.done(["dpkg-deb", "--extract", path, root])
        self.assertRegex(self.done([root / "usr/bin/afterleak", "list"]), "(?m)^looping_select ")
        status, printed = run([root / "usr/bin/afterleak", "watch", "true"])  # it finds what it preloads
        self.assertEqual(status, 3, printed)
        self.assertIn("no timer was armed", printed)
        self.assertTrue((root / "usr/share/afterleak/afterleak.rules.yml").is_file())  # for Prometheus
        self.check(self.project("deb-gcc", user_project.FIND_PACKAGE, "g++", f"-DCMAKE_PREFIX_PATH={root}/usr"))
        self.need("lintian")
        status, printed = run(["lintian", "--allow-root", "--fail-on", "error", *found])
        self.assertEqual(status, 0, printed)


if __name__ == "__main__":
    helper.main()
