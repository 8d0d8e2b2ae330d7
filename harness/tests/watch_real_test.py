"""Programs as Debian packages them, under `afterleak watch` and without: they say the same, and end in the same way."""

import dataclasses
import json
import os
import pathlib

from evidence.common import children
from evidence.real import programs, session
from tests import helper

PROGRAMS = {program.name: program for program in programs.PROGRAMS}
CURL_MULTI = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_curl"


def total(sites, what):
    return sum(site[what] for site in sites)


class Real(helper.FolderTest):
    def watched(self, program, *flags):
        """The report, if it does the same under watch as without. It is skipped where it does not do it without."""
        if missing := program.missing():
            self.skipTest(f"{' and '.join(missing)}: not installed; scripts/setup --all installs it")
        try:
            bare = session.run(program)
        except children.Unavailable as problem:
            self.skipTest(f"{program.name} does not work here, with nothing that watches it: {problem}")
        file = self.folder / "report.json"
        ended = session.run(program, [helper.PROGRAM, "watch", "--json", file, *flags])
        report = json.loads(file.read_text())
        processes = [report, *report["children"]]
        self.assertEqual(ended.seen, bare.seen)
        nothing_armed = not any(process["sites"] for process in processes)
        self.assertEqual(ended.code, 3 if nothing_armed and bare.code == 0 else bare.code, ended.said)
        for site in (site for process in processes for site in process["sites"]):
            self.assertEqual(site["armed"], site["fired"] + site["stopped"] + site["live"], site)
            self.assertNotEqual(site["word"], "leak", site)
        return report

    def sites(self, name):
        return self.watched(PROGRAMS[name])["sites"]

    def assert_nothing_armed(self, name):
        self.assertEqual(self.sites(name), [])

    def test_memcached(self):
        """Its clock, which ticks every second."""
        self.assertGreater(total(self.sites("memcached"), "armed"), 0)

    def test_redis(self):
        """Its own loop only waits until the next timer is due: nothing arms one."""
        self.assert_nothing_armed("redis-server")

    def test_tmux(self):
        self.assertGreater(total(self.sites("tmux"), "armed"), 0)

    def test_nghttpx(self):
        """Each client, and each request, has a time limit."""
        sites = self.sites("nghttpx")
        self.assertGreaterEqual(total(sites, "armed"), 200)
        self.assertGreater(total(sites, "stopped"), 0)
        self.assertLess(max(site["peak"] for site in sites), 10)  # 2 clients have a request each

    def test_nghttpx_as_two_processes(self):
        program = PROGRAMS["nghttpx"]
        two = dataclasses.replace(program, command=tuple(word for word in program.command if word != "--single-process"))
        worker, = (child for child in self.watched(two, "--follow")["children"] if total(child["sites"], "armed") >= 200)
        self.assertGreater(total(worker["sites"], "stopped"), 0)

    def test_named(self):
        """Each connection by TCP has a time limit; all of them have ended."""
        sites = self.sites("named")
        self.assertGreaterEqual(total(sites, "armed"), 20)
        self.assertEqual(total(sites, "live"), 0)

    def test_nvim(self):
        """What its script arms: 20 ticks of one timer, one that is stopped, and one that is left when it ends."""
        sites = self.sites("nvim")
        self.assertGreaterEqual(total(sites, "fired") + total(sites, "ticks"), 20)
        self.assertGreaterEqual(total(sites, "stopped"), 1)

    def test_transmission(self):
        self.assertGreater(total(self.sites("transmission-daemon"), "armed"), 0)

    def test_curl(self):
        """It asks curl's multi interface how long to wait, and waits: nothing is armed."""
        self.assert_nothing_armed("curl")

    def test_curl_multi_on_libuv(self):
        if not CURL_MULTI.exists():
            self.skipTest("libcurl4-openssl-dev or libuv1-dev is not installed; scripts/setup --all installs it")
        sites = self.watched(programs.curl_multi(CURL_MULTI))["sites"]
        self.assertEqual({(site["kind"], pathlib.Path(site["file"]).name) for site in sites},
                         {("uv_timer_init", "watched_curl.cc"), ("uv_timer_start", "watched_curl.cc")})
        self.assertLessEqual(max(site["peak"] for site in sites), 2)  # it is one timer, often armed again
        self.assertEqual(total(sites, "live"), 0)
        self.assertGreaterEqual(total(sites, "armed"), 60)

    def test_gdbus(self):
        """How long it is to wait at most."""
        site, = self.sites("gdbus")
        self.assertEqual((site["kind"], site["armed"], site["stopped"]), ("g_timeout_add_seconds", 1, 1))

    def test_gio(self):
        self.assert_nothing_armed("gio")

    def test_an_interpreter(self):
        self.assert_nothing_armed("python3")


if __name__ == "__main__":
    helper.main()
