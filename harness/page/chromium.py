"""Headless Chromium for tests, driven through chromedriver by the W3C WebDriver protocol.

    with Chromium() as browser:
        browser.open("file:///...")
        browser.script("return document.title")

Whatever becomes of the test, no process is left: chromedriver dies with it, and Chromium with chromedriver.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

PROGRAMS = ("chromium", "chromedriver")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync")
TIMEOUT = 120  # seconds, for a machine that is busy with other tests
KEYS = {"Tab": "\ue004", "Space": " ", "End": "\ue010", "Home": "\ue011", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014",
        "Down": "\ue015", "Enter": "\ue007"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol gives to references


def missing():
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Chromium:
    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        folder = pathlib.Path(self._folder.name)
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\nexec setpriv --pdeathsig KILL -- {shutil.which("chromium")} "$@"\n')
        browser.chmod(0o700)
        self._driver = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", "chromedriver", "--port=0"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True, env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)})
        said = []
        for line in self._driver.stdout:
            said.append(line)
            started = re.search(r"started successfully on port (\d+)", line)
            if started:
                break
        else:
            raise RuntimeError("chromedriver did not start: " + "".join(said))
        self._url = f"http://127.0.0.1:{started[1]}/session"
        options = {"binary": str(browser), "args": [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]}
        answer = self._call("POST", "", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self._url += "/" + answer["sessionId"]

    def __exit__(self, *_):
        if self._driver:
            try:
                self._call("DELETE", "")
            except (OSError, RuntimeError, AttributeError):
                pass  # it never had a session, or is dead already
            try:
                os.killpg(self._driver.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._driver.wait()
            self._driver.stdout.close()
        self._folder.cleanup()

    def _call(self, method, path, body=None):
        request = urllib.request.Request(self._url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        """The value that the body of a function returns in the page."""
        return self._call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def click(self, selector):
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[ELEMENT]}/click", {})

    def press(self, *names):
        """Keys as a person presses them: whatever has the focus receives them."""
        strokes = [{"type": kind, "value": KEYS[name]} for name in names for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def drag(self, start, end):
        """Presses the mouse at one point of the window, moves to another, releases it there."""
        self._mouse(self._move(start), {"type": "pointerDown", "button": 0}, self._move(end), {"type": "pointerUp", "button": 0})

    def point_at(self, point):
        self._mouse(self._move(point))

    @staticmethod
    def _move(point):
        return {"type": "pointerMove", "duration": 0, "x": round(point[0]), "y": round(point[1])}

    def _mouse(self, *strokes):
        self._call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": strokes}]})

    def log(self, kind):
        """What was logged since the last call: kind is "browser" (the console) or "performance" (the network)."""
        return self._call("POST", "/se/log", {"type": kind})

    def window(self, width, height=900, scheme="light"):
        """The size of the window as the page sees it, and the colour scheme that the reader prefers."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self._call("GET", "/screenshot")))
