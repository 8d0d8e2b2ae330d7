"""Programs as Debian packages them, under `afterleak watch` and without: they say the same, and end in the same way."""

import json
import shutil
import socket
import subprocess
import sys

from evidence.common import children
from tests import helper


class Real(helper.FolderTest):
    def both(self, name, session):
        """What `session` sees of it without us, and under watch; which must be the same. Returns the report."""
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed; scripts/setup --all installs it")
        report = self.folder / "report.json"
        seen = [session(watched) for watched in ([], [helper.PROGRAM, "watch", "--json", report])]
        self.assertEqual(*seen)
        return json.loads(report.read_text())

    def start(self, command):
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(children.kill_sessions, {process.pid})
        return process

    def test_tmux(self):
        def session(watch):
            terminal = ["tmux", "-S", self.folder / "socket", "-f", "/dev/null"]

            def ask(*words):
                """Of that server: -N starts no other."""
                return subprocess.run([*terminal, "-N", *words], capture_output=True, text=True, check=False).stdout

            server = self.start([*watch, *terminal, "-D"])
            helper.wait_until(lambda: ask("new-session", "-d", "-P", "-x", "80", "-y", "24", "sh"), "the server is there")
            # What is typed before the prompt is there stands elsewhere on the screen.
            helper.wait_until(lambda: ask("capture-pane", "-p").strip(), "the shell asks")
            ask("send-keys", "echo $((6 * 7))", "Enter")
            helper.wait_until(lambda: "\n42\n" in ask("capture-pane", "-p"), "the shell has answered")
            pane = [line for line in ask("capture-pane", "-p").splitlines() if "42" in line or "echo" in line]
            ask("kill-server")
            server.communicate(timeout=helper.PATIENCE)
            return pane, server.returncode
        report = self.both("tmux", session)
        self.assertEqual(report["how"], "ended with 0")
        self.assertGreater(sum(site["armed"] for site in report["sites"]), 0)
        self.assertEqual([site["word"] for site in report["sites"] if site["word"] == "leak"], [])

    def test_memcached(self):
        def session(watch):
            path = self.folder / "socket"
            server = self.start([*watch, "memcached", "-u", "root", "-s", path])  # who may write into our folder
            helper.wait_until(path.exists, "the server is there")
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(path))
            answers = []
            for request in (b"set a 0 0 2\r\nhi\r\n", b"get a\r\n", b"get b\r\n"):
                client.sendall(request)
                answers.append(client.recv(4096))
            client.close()
            server.terminate()
            server.communicate(timeout=helper.PATIENCE)
            path.unlink(missing_ok=True)
            return answers, server.returncode
        report = self.both("memcached", session)
        self.assertGreater(sum(site["armed"] for site in report["sites"]), 0)

    def test_gio(self):
        """It arms nothing."""
        def session(watch):
            done = subprocess.run([*map(str, watch), "gio", "info", "/"], capture_output=True, text=True, check=False)
            return done.stdout, done.returncode if not watch else done.returncode - 3
        self.assertEqual(self.both("gio", session)["sites"], [])

    def test_an_interpreter(self):
        def session(watch):
            code = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(7)']), list(range(3)))"
            done = subprocess.run([*map(str, watch), sys.executable, "-c", code], capture_output=True, text=True, check=False)
            return done.stdout, done.returncode if not watch else done.returncode - 3
        self.both(sys.executable, session)


if __name__ == "__main__":
    helper.main()
