"""results/index.html in headless Chromium: it loads, it can be used by mouse and by keyboard, and what it shows is true.

With --screenshots DIR it takes pictures to look at instead: every pattern, wide and narrow, light and dark.
"""

import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from evidence.common.children import alive
from evidence.page import chromium
from tests import helper
from tests.helper import PROGRAM, ROOT, wait_until

PATTERNS = ["looping_select", "early_return", "idle_timeout", "signal_before_expiry", "signal_registration"]
CODES = ["C++", "Go", "Asio", "libuv", "libevent", "GLib"]
SIDES, MODES = ["leaky", "fixed"], ["go122", "go123"]
NAMES = ["live", "abandoned", "armed", "fired", "stopped", "collected"]


def write_page(*arguments):
    return subprocess.run(helper.module("evidence.page.page", *arguments), capture_output=True, text=True)


class Writing(unittest.TestCase):
    def test_the_committed_page_is_what_is_written_now(self):
        committed = ROOT / "results/index.html"
        self.assertTrue(committed.exists(), "run ./scripts/reproduce")
        self.assertTrue(committed.read_bytes() == page.read_bytes(), "it differs: run ./scripts/reproduce and commit what it wrote")

    def test_it_is_one_small_file_without_a_path_of_the_machine(self):
        text = page.read_text()
        self.assertLess(len(text.encode()), 400_000)
        for path in [str(ROOT), str(pathlib.Path.home()), tempfile.gettempdir() + "/"]:
            self.assertNotIn(path, text)

    def test_without_javascript_it_says_where_the_numbers_are(self):
        noscript = page.read_text().partition("<noscript>")[2].partition("</noscript>")[0]
        self.assertIn('href="README.md"', noscript)

    def test_bad_input_is_one_line_and_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tools:
            patterns = json.dumps([dict.fromkeys(["name", "summary", "fix", "work", "event", "article"], "")])
            old = self.program(tools, f"echo '{patterns}'")
            for arguments, words in [
                    ([], "--program"),
                    (["--program", PROGRAM], "--out"),
                    (["--program", PROGRAM, "--out", folder, "--fast"], "--fast"),
                    (["--program", f"{folder}/none", "--out", folder], "is no program"),
                    (["--program", PROGRAM, "--out", f"{folder}/none"], "is not a folder"),
                    (["--program", PROGRAM, "--out", ""], "--out is empty"),
                    (["--program", "/bin/false", "--out", folder], "/bin/false"),
                    (["--program", "/bin/echo", "--out", folder], "/bin/echo"),
                    (["--program", old, "--out", folder], "lacks 'story'")]:
                done = write_page(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done)
                self.assertRegex(done.stderr, r"\Ascripts/reproduce: [^\n]+\n\Z")
                self.assertIn(words, done.stderr)
            self.assertEqual(os.listdir(folder), [])

    def test_interrupted_it_leaves_nothing_behind(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tools:
                slow = self.program(tools, f'echo $$ >"{tools}/pid"; mv "{tools}/pid" "{tools}/started"; exec sleep 1000')
                writer = subprocess.Popen(helper.module("evidence.page.page", "--program", slow, "--out", folder), stderr=subprocess.PIPE,
                                          env={**os.environ, "TMPDIR": folder})
                self.addCleanup(writer.kill)
                started = pathlib.Path(tools) / "started"
                wait_until(started.exists, "its program runs")
                writer.send_signal(number)
                self.assertEqual((writer.wait(helper.PATIENCE), writer.stderr.read()), (code, b""))
                writer.stderr.close()
                self.assertFalse(alive(int(started.read_text())))
                self.assertEqual(os.listdir(folder), [])

    def program(self, folder, text):
        return helper.write_program(pathlib.Path(folder) / "program", text)


class Page(unittest.TestCase):
    def setUp(self):
        browser.window(1280)
        self.open("#looping_select@0s,go122")

    def open(self, fragment=""):
        browser.open("about:blank")  # else only the fragment changes
        for kind in ["browser", "performance"]:
            browser.log(kind)
        browser.open(page.as_uri() + fragment)

    def counter(self, side, name):
        text = browser.script(f"return document.querySelector('#{side} [data-counter={name}]').textContent")
        return int(text.replace(",", ""))

    def counters(self, side, *names):
        return tuple(self.counter(side, name) for name in names)

    def now(self):
        return browser.script("return document.getElementById('now').textContent").replace("\u00a0", " ")

    def text(self, selector):
        return browser.script("return document.querySelector(arguments[0]).textContent", selector).replace("\u00a0", " ")

    def texts(self, selector):
        return browser.script("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)", selector)

    def wait_for(self, what, script):
        wait_until(lambda: browser.script(script), what)

    # ---- it loads

    def test_it_loads_without_a_complaint_and_asks_the_network_for_nothing(self):
        self.open()
        for pattern in PATTERNS:
            browser.click(f"[data-value={pattern}]")
        self.assertEqual(browser.log("browser"), [])
        events = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
        requests = [event["params"]["request"] for event in events if event["method"] == "Network.requestWillBeSent"]
        asked = {request["url"].partition("#")[0] for request in requests}
        self.assertIn(page.as_uri(), asked, "the log must have seen the page itself")
        self.assertEqual({url for url in asked if not url.startswith("data:")}, {page.as_uri()})

    def test_a_complaint_would_be_seen(self):
        browser.script("setTimeout(() => { throw new Error('planted'); }); fetch('http://127.0.0.1:9/planted').catch(() => {})")
        said = []

        def heard():
            said.extend(entry["message"] for entry in browser.log("browser"))
            return all(any(word in line for line in said) for word in ["Error: planted", "Content Security Policy"])
        wait_until(heard, "a thrown error and a refused request are in the log")

    # ---- it can be used

    def test_every_pattern_can_be_picked(self):
        for pattern in PATTERNS:
            browser.click(f"[data-value={pattern}]")
            self.assertEqual(self.texts("#patterns [aria-pressed=true]"), [pattern])
            for side in SIDES:
                file = (ROOT / side / f"{pattern}.cc").read_text().splitlines()
                shown = browser.script("""
                    return [...document.querySelectorAll(`#${arguments[0]} .line`)].map((line) => [Number(line.dataset.line),
                        [...line.querySelector("code").childNodes].filter((part) => part.className !== "value").map((part) => part.textContent)
                            .join("")])""", side)
                self.assertEqual(shown, [[number, text] for number, text in enumerate(file, 1)][shown[0][0] - 1:shown[-1][0]])
                self.assertRegex("\n".join(text for _, text in shown), r"\A\S.*\((?s:.*)\}\Z", "what stands between the namespace's braces")

    def test_dragging_the_slider_shows_the_numbers_of_the_design(self):
        start, at_27, end = browser.script("""
            const box = document.getElementById("time").getBoundingClientRect();
            const at = t => [box.left + 9 + (box.width - 18) * t / 60, box.top + box.height / 2];
            return [at(0), at(27), at(60)]""")
        browser.drag(start, at_27)
        self.assertEqual(self.now(), "27 s")
        self.assertEqual(self.counters("leaky", "live", "abandoned", "fired", "unheard"), (11, 9, 9, 0))
        self.assertEqual(self.counters("fixed", "live", "abandoned", "fired"), (2, 0, 0))
        browser.drag(at_27, end)
        self.assertEqual(self.now(), "60 s")
        self.assertEqual(self.counters("leaky", "live", "abandoned", "armed", "fired", "unheard"), (11, 9, 42, 31, 11))
        self.assertEqual(self.counters("fixed", "live", "armed", "fired", "stopped"), (0, 2, 1, 1))

    def test_the_fixed_loop_ends_at_thirty_seconds(self):
        self.open("#looping_select@29s")
        self.assertEqual(self.counter("fixed", "live"), 2)
        self.assertIn("parked: select, line 11", self.text("#fixed .parked"))
        browser.press("Right")
        self.assertEqual(self.counter("fixed", "live"), 0)
        self.assertIn("returned", self.text("#fixed .parked"))
        self.assertEqual(browser.script("return document.querySelectorAll('#fixed .live.timer').length"), 0)

    def test_dragging_on_a_chart_moves_the_time(self):
        start, end = browser.script("""
            const box = document.getElementById("overview").getBoundingClientRect();
            return [5, 41].map(t => [box.left + 9 + (box.width - 18) * t / 60, box.top + 20])""")
        browser.drag(start, end)
        self.assertEqual(self.now(), "41 s")

    def test_the_keyboard_is_enough(self):
        for keys, now in [(["Right"], "1 s"), (["Right", "Right"], "3 s"), (["Left"], "2 s"), (["Home"], "0 s"),
                          (["Left"], "0 s"), (["End"], "60 s"), (["Right"], "60 s")]:
            browser.press(*keys)
            self.assertEqual(self.now(), now, keys)
        browser.script("document.getElementById('time').focus()")
        browser.press("Home", "Right")
        self.assertEqual(self.now(), "1 s", "with the focus on the slider, a key counts once")
        browser.script("document.querySelector('[data-value=early_return]').focus()")
        browser.press("Space")
        self.assertIn("leaky/early_return.cc", self.text("#leaky .parked"))

    def test_tab_reaches_every_control_and_each_chart_is_one_stop(self):
        browser.script("document.activeElement.blur(); window.scrollTo(0, 0)")
        stops = []
        for _ in range(30):
            browser.press("Tab")
            stops.append(browser.script("""
                const at = document.activeElement;
                return at.dataset.value ?? at.id + at.tagName + (at.closest(".side")?.id ?? "")"""))
            if stops.count(stops[0]) > 1 or stops[-1] == "BODY":
                break
        order = [*PATTERNS, *MODES, *CODES, "playBUTTON", "timeINPUT", "gleaky", "Aleaky", "PREleaky", "gfixed", "Afixed", "PREfixed"]
        self.assertEqual(stops[:len(order)], order)

    def test_space_plays_and_pauses(self):
        self.open("#looping_select@57s")
        browser.script("""
            const play = document.getElementById("play");
            window.labels = [];
            new MutationObserver(() => labels.push(play.getAttribute("aria-label"))).observe(play, { attributeFilter: ["aria-label"] })""")
        browser.press("Space")
        self.wait_for("it plays to the end and stops there", "return state.t === 60 && labels.at(-1) === 'Play'")
        self.assertEqual(browser.script("return labels[0]"), "Pause")
        self.assertEqual(self.counter("leaky", "armed"), 42)
        browser.press("Space")
        self.wait_for("from the end it starts again", "return state.t > 0 && state.t < 60")
        browser.press("Space")
        stood = browser.script("return [player, state.t]")
        self.assertIsNone(stood[0])

    def test_it_moves_slower_for_readers_who_ask_for_less_motion(self):
        steps = []
        for motion in ["no-preference", "reduce"]:
            browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": motion}])
            self.open()
            steps.append(browser.script("return STEP_MS"))
        self.assertLess(*steps)

    def test_a_bar_names_its_line_and_its_instants(self):
        self.open("#looping_select@33s")
        browser.script("document.querySelector('#leaky .timer').focus()")
        browser.press("Down")
        told = self.text("#leaky .detail")
        self.assertIn("time::After: armed at 0 s by leaky/looping_select.cc:10", told)
        self.assertIn("abandoned at 3 s", told)
        self.assertIn("fired unheard at 30 s", told)
        self.assertEqual(browser.script("return document.querySelector('#leaky .line.pointed').dataset.line"), "10")
        browser.press("Left")
        self.assertEqual(self.now(), "32 s")
        self.assertEqual(self.text("#leaky .detail"), told, "the focus stays on the timer when the time moves")
        point = browser.script("""
            const box = document.querySelectorAll("#leaky .timer")[0].querySelector("rect").getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2]""")
        browser.script("document.activeElement.blur()")
        browser.point_at(point)
        self.assertIn("armed at 0 s by leaky/looping_select.cc:9", self.text("#leaky .detail"))
        browser.point_at((5, 5))
        self.assertIn("Point at a bar", self.text("#leaky .detail"))

    def test_the_parked_line_and_the_arming_lines_are_marked(self):
        self.open("#looping_select@27s")
        line = browser.script("return document.querySelector('#leaky .waiting code').textContent")
        self.assertIn("Select(", line)
        self.assertEqual(self.texts("#leaky .arming .number"), ["9", "10"])
        self.assertEqual(self.texts("#leaky .arming .count"), ["1", "10"])

    def test_the_switch_collects_what_nobody_can_hear(self):
        self.open("#looping_select@27s,go122")
        browser.click("[data-value=go123]")
        self.assertEqual(self.counters("leaky", "live", "abandoned", "collected"), (2, 0, 9))

    # ---- a moment is a link

    def test_a_link_restores_the_moment(self):
        self.open("#signal_registration@31s,go123")
        self.assertEqual(self.now(), "31 s")
        self.assertEqual(browser.script("return state"), {"pattern": "signal_registration", "t": 31, "mode": "go123"})
        browser.click("[data-value=looping_select]")
        browser.press("Right")
        self.wait_for("the address follows", "return location.hash === '#looping_select@32s,go123'")
        browser.script("location.hash = '#early_return@5s,go122'")
        self.wait_for("and the page follows the address",
                      "return state.pattern === 'early_return' && state.t === 5 && state.mode === 'go122'")

    def test_a_link_to_a_moment_begins_below_the_story(self):
        for fragment, below in (("", False), ("#early_return@5s", True)):
            self.open(fragment)
            self.assertEqual(browser.script("return window.scrollY > 0"), below)
            browser.script("window.scrollTo(0, 0)")

    def test_a_wrong_link_shows_the_nearest_thing(self):
        for fragment, now in [("#no_such@26s", "26 s"), ("#looping_select@999s", "60 s"), ("#@5s", "5 s"), ("#%3Cscript%3E", "27 s"),
                              ("#looping_select@26s,go199", "26 s")]:
            self.open(fragment)
            self.assertEqual(self.now(), now, fragment)
            self.assertEqual(browser.log("browser"), [], fragment)

    # ---- it can be read

    def test_nothing_is_wider_than_the_window(self):
        for width in [1280, 390, 320]:
            browser.window(width)
            for pattern in PATTERNS:
                self.open(f"#{pattern}@60s")
                has, needs = browser.script("return [document.documentElement.clientWidth, document.documentElement.scrollWidth]")
                self.assertLessEqual(needs, has, (pattern, width))
                tops = browser.script("return SIDES.map(id => document.querySelector(`#${id} .chart`).getBoundingClientRect().top)")
                (self.assertEqual if width == 1280 else self.assertLess)(*tops, "side by side, or one above the other")
                if width != 1280:
                    below = browser.script("return document.querySelector('#leaky .source').getBoundingClientRect().top")
                    self.assertGreater(below, tops[1], "both charts are near each other, above the code")

    def test_bars_and_source_are_seen_together(self):
        browser.window(1280, 900)
        self.open("#looping_select@27s")
        for side in SIDES:
            top, bottom = browser.script("""
                document.querySelector(".transport").scrollIntoView();
                const box = (selector) => document.querySelector(`#${arguments[0]} ${selector}`).getBoundingClientRect();
                return [box(".chart").top, box(".line:last-child").bottom]""", side)
            self.assertGreater(top, 0, side)
            self.assertLessEqual(bottom, 900, side)

    # ---- it tells the story

    def test_five_steps_say_what_the_runs_did(self):
        steps = self.texts("#steps p")
        self.assertEqual([step.partition(".")[0] for step in steps],
                         ["A timer is armed", "The reader goes", "The loop turns", "The staircase", "The fix"])
        run = {side: self.run_of("looping_select", side, "idle") for side in SIDES}
        busy = self.run_of("looping_select", "leaky", "busy:100/s")
        numbers = [f"{busy['peak_abandoned']:,} timers", f"{sum(found['bytes'] for found in busy['findings']):,} bytes",
                   f"{run['leaky']['peak_live']} live", f"{sum(found['bytes'] for found in run['leaky']['findings']):,} bytes"]
        for number in numbers:
            self.assertIn(number, steps[3].replace("\u00a0", " "))
        for side in SIDES:
            self.assertIn(f"{run[side]['samples'][27]['heap_bytes']:,} bytes", steps[4])
        self.assertEqual(browser.script("return document.querySelectorAll('#steps svg').length"), 5)
        drawn = browser.script("return [...document.querySelectorAll('#steps li')].map(s => s.querySelectorAll('.timer.unheard').length)")
        self.assertEqual(drawn, [0, 1, 1, 0, 0], "the drawing is in step with its text")

    def test_the_code_is_there_in_other_languages(self):
        for code, file in (("Go", "leaky/looping_select.go"), ("Asio", "leaky/asio/looping_select.cc"), ("GLib", "leaky/glib/looping_select.cc")):
            browser.click(f"[data-value='{code}']")
            self.assertEqual(self.text("#leaky .parked a"), file)
            shown = "\n".join(self.texts("#leaky .line code"))
            arming = next(line for line in (ROOT / file).read_text().splitlines() if "oll" in line and "times" in line)
            self.assertIn(arming.strip().partition("times")[0], shown)
            self.assertIn("3\u00a0s", self.texts("#leaky .value"))
        browser.click("[data-value=signal_registration]")
        self.assertEqual(self.text("#leaky .parked a"), "leaky/signal_registration.cc", "where it is not written for GLib")
        self.assertTrue(browser.script("return document.querySelector('[data-value=GLib]').disabled"))
        browser.click("[data-value='C++']")

    def test_what_a_name_stands_for_is_said(self):
        self.assertEqual(self.texts("#leaky .value"), ["3\u00a0s", "30\u00a0s"])

    def test_its_colours_can_be_told_from_the_ground_in_both_schemes(self):
        grounds = []
        for scheme in ["light", "dark"]:
            browser.window(1280, scheme=scheme)
            self.open("#looping_select@60s")
            ratios = browser.script("""
                const value = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
                const luminance = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
                    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                const contrast = (...colours) => {
                    const [dark, bright] = colours.map(value).map(luminance).sort((a, b) => a - b);
                    return (bright + 0.05) / (dark + 0.05);
                };
                return ["--ground", "--raised"].flatMap(ground =>
                    ["--text", "--quiet", "--live", "--lost"].map(ink => [ink, ground, contrast(ink, ground)]))""")
            self.assertEqual(len(ratios), 8)
            for ink, ground, ratio in ratios:
                self.assertGreaterEqual(ratio, 4.5, f"{ink} on {ground}, {scheme}: WCAG AA asks for 4.5")
            grounds.append(browser.script("return getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*grounds)

    # ---- what it shows is true

    def run_of(self, pattern, side, workload, *more):
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "run.json"
            subprocess.run([PROGRAM, "run", pattern, "--variant", side, "--workload", workload, *more, "--json", report], check=True,
                           stdout=subprocess.DEVNULL)
            return json.loads(report.read_text())

    def test_the_counters_agree_with_every_sample_of_the_program(self):
        for index, pattern in enumerate(PATTERNS):
            workload = browser.script("return data.patterns[arguments[0]].workload", index)
            for side in SIDES:
                for mode in MODES:
                    with self.subTest(pattern=pattern, side=side, mode=mode):
                        run = self.run_of(pattern, side, workload, "--timers", mode)
                        self.assertEqual(len(run["samples"]), 61)
                        shown = browser.script("""
                            const run = data.patterns[arguments[0]].runs[arguments[1]][arguments[2]];
                            return Array.from({ length: 61 }, (_, t) => ({ ...countersAt(run, t), heap: sampleAt(run, t).heap }))""",
                                               index, mode, side)
                        for sample, at in zip(run["samples"], shown):
                            self.assertEqual([sample[name] for name in NAMES], [at[name] for name in NAMES], (NAMES, sample["t_ns"]))
                            self.assertEqual(sample["heap_bytes"], at["heap"])
                            self.assertEqual(at["armed"], at["fired"] + at["stopped"] + at["collected"] + at["live"])
                        self.assertEqual(run["fired_unheard"], shown[-1]["unheard"])

    def test_a_chart_has_as_many_lanes_as_timers_were_live_at_once(self):
        for index, pattern in enumerate(PATTERNS):
            for side in SIDES:
                lanes, overlaps, most = browser.script("""
                    const run = data.patterns[arguments[0]].runs.go122[arguments[1]];
                    const overlaps = run.timers.filter((a, i) =>
                        run.timers.some((b, j) => i < j && run.lanes[i] === run.lanes[j] && isLive(a, b.armed)));
                    const live = run.timers.map(({ armed }) => run.timers.filter((timer) => isLive(timer, armed)).length);
                    return [new Set(run.lanes).size, overlaps.length, Math.max(...live)]""", index, side)
                self.assertEqual(overlaps, 0, (pattern, side))
                self.assertEqual(lanes, max(most, 1), (pattern, side))


def take_screenshots(folder):
    for moment in ["looping_select@27s", "looping_select@42s", "early_return@31s", "signal_before_expiry@33s",
                   "signal_registration@60s"]:
        for width, scheme in itertools.product([1280, 390], ["light", "dark"]):
            browser.window(width, scheme=scheme)
            browser.open("about:blank")
            browser.open(f"{page.as_uri()}#{moment}")
            browser.window(width, browser.script("return document.documentElement.scrollHeight"), scheme)
            browser.screenshot(pathlib.Path(folder) / f"{moment}-{width}-{scheme}.png")


if __name__ == "__main__":
    missing = chromium.missing()
    if missing:
        print(f"SKIPPED: {' and '.join(missing)} not there; ./scripts/setup --all installs them")
        sys.exit(77)
    folder = sys.argv[2] if sys.argv[1:2] == ["--screenshots"] and len(sys.argv) == 3 else None
    if "--screenshots" in sys.argv and not (folder and os.path.isdir(folder)):
        print("page_test.py: --screenshots takes a folder that exists", file=sys.stderr)
        sys.exit(2)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Not in setUpModule: unittest forgets its cleanups when it is interrupted.
    with tempfile.TemporaryDirectory() as written, chromium.Chromium() as browser:
        page = pathlib.Path(written) / "index.html"
        done = write_page("--program", PROGRAM, "--out", written)
        if done.returncode != 0:
            sys.exit(done.stderr)
        if folder:
            take_screenshots(folder)
        else:
            unittest.main(verbosity=2)
