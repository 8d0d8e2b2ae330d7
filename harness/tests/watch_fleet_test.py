"""A fleet under `afterleak watch`: three services on one machine, Debian's node_exporter and Prometheus on loopback, and the alerts that
ship with the program. They fire for the leaky service alone."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from evidence.common import children
from tests import helper

SERVICE = pathlib.Path(os.environ["AFTERLEAK_LOOP_PROGRAMS"]) / "watched_service"
RULES = helper.ROOT / "harness/watch/afterleak.rules.yml"
PACKAGES = {"promtool": "prometheus", "prometheus": "prometheus", "prometheus-node-exporter": "prometheus-node-exporter"}
ATTEMPTS = 5  # a port that is free when we look may not be free any more when it is taken

CONFIG = """global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
  evaluation_interval: 500ms
rule_files:
  - rules.yml
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["{exporter}"]
"""


def need(test, *programs):
    for program in programs:
        if not shutil.which(program):
            test.skipTest(f"{PACKAGES[program]} is not installed; scripts/setup --all installs it")


def free_address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def get(address, path):
    """None as long as there is no answer."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=helper.PATIENCE) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return None


class Rules(helper.FolderTest):
    def test_they_are_valid_and_tell_a_leak_from_a_program_that_warms_up(self):
        need(self, "promtool")
        for words in (("check", "rules", RULES), ("test", "rules", RULES.with_name("afterleak.rules.test.yml"))):
            done = subprocess.run(["promtool", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("SUCCESS", done.stdout)


class Fleet(helper.FolderTest):
    def start(self, *command):
        """In its session, which ends with the test."""
        log = (self.folder / "log").open("ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(children.kill_sessions, {process.pid})
        return process

    def serve(self, path, command):
        """A server on a free port: its address. command(address) starts it; it answers at `path` once it is ready."""
        for _ in range(ATTEMPTS):
            address = free_address()
            process = self.start(*command(address))
            helper.wait_until(lambda: process.poll() is not None or get(address, path), "it answers, or ends")
            if process.poll() is None:
                return address
        raise AssertionError((self.folder / "log").read_text())

    def ask(self, query):
        """The values of a query, by service."""
        answer = get(self.prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        return {row["metric"].get("service"): float(row["value"][1]) for row in json.loads(answer)["data"]["result"]} if answer else {}

    def alerts(self):
        answer = get(self.prometheus, "/api/v1/alerts")
        return json.loads(answer)["data"]["alerts"] if answer else []

    def test_the_alerts_fire_for_the_leaky_service_alone(self):
        need(self, *PACKAGES)
        metrics = self.folder / "metrics"
        metrics.mkdir()
        watchers = {name: self.start(helper.PROGRAM, "watch", "--every", "500ms", "--openmetrics", metrics / f"{name}.prom", SERVICE, side)
                    for name, side in (("orders", "fixed"), ("search", "leaky"), ("users", "fixed"))}
        exporter = self.serve("/metrics", lambda address: [
            "prometheus-node-exporter", f"--web.listen-address={address}", "--collector.disable-defaults", "--collector.textfile",
            f"--collector.textfile.directory={metrics}"])
        # Ten minutes are for programs that warm up; these are warm in a second.
        (self.folder / "rules.yml").write_text(RULES.read_text().replace("for: 10m", "for: 2s"))
        (self.folder / "prometheus.yml").write_text(CONFIG.format(exporter=exporter))
        self.prometheus = self.serve("/-/ready", lambda address: [
            "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={address}", "--log.level=warn"])

        def fire():
            firing = {alert["labels"]["alertname"] for alert in self.alerts() if alert["state"] == "firing"}
            return firing >= {"AfterleakLeak", "AfterleakGrows"}

        helper.wait_until(fire, "both alerts fire")
        self.assertEqual({alert["labels"]["service"] for alert in self.alerts() if alert["labels"]["alertname"].startswith("Afterleak")},
                         {"search"})
        self.assertEqual(self.ask("afterleak_watch_running"), {"orders": 1, "search": 1, "users": 1})
        self.assertEqual(self.ask("sum by (service) (afterleak_site_word)"), {"orders": 2, "search": 3, "users": 2})  # a word for each site
        self.assertEqual(self.ask('count by (service) (afterleak_site_word{word="leak"} == 1)'), {"search": 1})
        self.assertEqual(self.ask("node_textfile_scrape_error"), {None: 0})

        # A program that has ended alarms nobody.
        watchers["search"].send_signal(signal.SIGTERM)
        helper.wait_until(lambda: not self.alerts(), "the alerts end with the program")
        self.assertEqual(self.ask("afterleak_watch_running"), {"orders": 1, "search": 0, "users": 1})


if __name__ == "__main__":
    helper.main()
