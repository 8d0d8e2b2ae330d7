"""Headless Chromium for tests, driven by Selenium.

    with Chromium() as browser:
        browser.open("file:///...")
        browser.script("return document.title")

What a killed test leaves running is for contained.py, under which ctest runs it.
"""

import importlib.util
import os
import pathlib
import shutil
import tempfile

PROGRAMS = ("chromium", "chromedriver")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync")
TIMEOUT = 120  # seconds, for a machine that is busy with other tests


def missing():
    found = [program for program in PROGRAMS if shutil.which(program) is None]
    return found + ([] if importlib.util.find_spec("selenium") else ["python3-selenium"])


class Chromium:
    def __enter__(self):
        from selenium import webdriver  # not where it is missing: missing() says so first
        from selenium.webdriver.chrome.service import Service
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={self._folder.name}/profile"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        own = {**os.environ, "HOME": self._folder.name, "TMPDIR": self._folder.name}
        os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # chromedriver is asked by HTTP
        try:
            self._driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"), env=own))
        except BaseException:
            self._folder.cleanup()
            raise
        self._driver.set_script_timeout(TIMEOUT)
        return self

    def __exit__(self, *_):
        try:
            self._driver.quit()
        finally:
            self._folder.cleanup()

    def open(self, url):
        self._driver.get(url)

    def script(self, text, *arguments):
        """The value that the body of a function returns in the page."""
        return self._driver.execute_script(text, *arguments)

    def devtools(self, command, **parameters):
        return self._driver.execute_cdp_cmd(command, parameters)

    def click(self, selector):
        self._driver.find_element("css selector", selector).click()

    def press(self, *names):
        """Keys as a person presses them: whatever has the focus receives them."""
        from selenium.webdriver.common.keys import Keys
        self._actions().send_keys(*(getattr(Keys, name.upper()) for name in names)).perform()

    def drag(self, start, end):
        """Presses the mouse at one point of the window, moves to another, releases it there."""
        actions = self._actions()
        mouse = actions.w3c_actions.pointer_action
        mouse.move_to_location(*map(round, start)).pointer_down().move_to_location(*map(round, end)).pointer_up()
        actions.perform()

    def point_at(self, point):
        actions = self._actions()
        actions.w3c_actions.pointer_action.move_to_location(*map(round, point))
        actions.perform()

    def _actions(self):
        from selenium.webdriver import ActionChains
        return ActionChains(self._driver, duration=0)

    def log(self, kind):
        """What was logged since the last call: kind is "browser" (the console) or "performance" (the network)."""
        return self._driver.get_log(kind)

    def window(self, width, height=900, scheme="light"):
        """The size of the window as the page sees it, and the colour scheme that the reader prefers."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(self._driver.get_screenshot_as_png())
