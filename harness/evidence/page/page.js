// The page: its state, its controls, and both sides, which are drawn again when the state changes.
"use strict";

// Of playing: five seconds of virtual time in one of ours, or one for readers who asked for less motion. Nothing else moves.
const STEP_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 200;
const COUNTERS = {
  live: "live", abandoned: "abandoned", unheard: "fired unheard", heap: "heap bytes",
  armed: "armed", fired: "fired", stopped: "stopped", collected: "collected",
};
const MODE_NAMES = { go122: "Go 1.22, C, C++", go123: "Go 1.23" };

const data = JSON.parse(document.getElementById("data").textContent);
for (const pattern of data.patterns) {
  for (const mode of MODES) for (const side of SIDES) pattern.runs[mode][side] = unpackRun(pattern.runs[mode][side]);
}

const names = data.patterns.map(({ name }) => name);
let code = data.codes[0]; // what the sources are written in; the bars are always those of the first
const state = { pattern: names[0], t: 27, mode: "go122" }; // 27 s: when the first pattern has leaked all it can
const selected = { leaky: -1, fixed: -1 }; // the index of the timer that is pointed at; -1: of none
const drawn = { leaky: [], fixed: [] }; // the nodes of the timers in the chart, by index; null for those not armed yet
let player = null;
let linkLater = 0;

const byId = (id) => document.getElementById(id);

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function currentPattern() {
  return data.patterns.find(({ name }) => name === state.pattern);
}

function currentRuns() {
  return currentPattern().runs[state.mode];
}

// ---- what is made once

function choice(name, value, ...label) {
  const button = node("button", { type: "button", "data-value": value }, ...label);
  button.addEventListener("click", () => change({ [name]: value }));
  return button;
}

function makeSide(side) {
  const counter = ([name, label]) =>
    node("div", { class: `counter ${name}` }, node("dt", {}, label), node("dd", { "data-counter": name }));
  const queue = element("svg", { class: "queue", role: "group" });
  const chart = node("div", { class: "chart" }, queue, node("p", { class: "detail" }));
  const section = node(
    "section", { class: `side ${side}`, id: side, "aria-label": side },
    node("h2", {}, side, " ", node("span", { class: "verdict" })),
    node("p", { class: "state" }),
    node("dl", {}, ...Object.entries(COUNTERS).map(counter)),
    chart,
    node("div", { class: "source" },
      node("p", { class: "parked" }, node("a"), node("span")), node("pre", { tabindex: 0, role: "region" })),
  );
  chart.addEventListener("pointerover", (event) => select(side, event.target));
  chart.addEventListener("focusin", (event) => select(side, event.target));
  chart.addEventListener("pointerleave", () => select(side, null));
  chart.addEventListener("focusout", () => select(side, null));
  chart.addEventListener("keydown", (event) => walk(side, event));
  scrub(queue);
  return section;
}

/** Pressing and dragging on a chart moves the time. */
function scrub(svg) {
  const move = (event) => {
    if (event.buttons !== 1 || event.target.closest(".timer")) return;
    const box = svg.getBoundingClientRect();
    moveTo(timeScale(data.length, box.width).t(event.clientX - box.left));
  };
  svg.addEventListener("pointerdown", move);
  svg.addEventListener("pointermove", move);
}

// ---- pointing at a timer

/** The timer under the pointer, or else the one that has the focus. */
function select(side, target) {
  selected[side] = drawn[side].indexOf(target?.closest(".timer") ?? document.activeElement);
  drawPointed(side);
}

/** Up and down go through the timers of a chart that are armed. */
function walk(side, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const nodes = drawn[side].filter(Boolean);
  const at = nodes.indexOf(document.activeElement);
  nodes[Math.min(Math.max(at + step, 0), nodes.length - 1)]?.focus();
}

// ---- what is drawn again

/** Whether the pattern is written in it. */
function isWritten(name) {
  return name in currentPattern().sources;
}

function currentSource(side) {
  return currentPattern().sources[isWritten(code) ? code : data.codes[0]][side];
}

/** A line of code, its comment apart, with the seconds that a name such as times.poll stands for. */
function codeNodes(line) {
  const comment = line.indexOf("//");
  const [shown, said] = comment < 0 ? [line, ""] : [line.slice(0, comment), line.slice(comment)];
  const nodes = shown.split(/(\btimes_?\.\w+|->times\.\w+)/).flatMap((part) => {
    const member = /times_?\.(\w+)$/.exec(part)?.[1].replace(/(?<=[a-z])(?=[A-Z])/, "_").toLowerCase();
    return member in data.times ? [part, node("span", { class: "value" }, seconds(data.times[member]))] : [part];
  });
  return said ? [...nodes, node("i", {}, said)] : nodes;
}

function drawSource(pre, run, { file, text }, t, timer) {
  const counts = liveByLine(run, file, t);
  const { parked } = sampleAt(run, t);
  const lines = text.trimEnd().split("\n");
  const opened = lines.findIndex((line) => /^(namespace|package) \w+/.test(line)); // before it are includes
  const first = opened + 1 + Math.max(lines.slice(opened + 1).findIndex((line) => line), 0);
  const last = lines.findLastIndex((line) => !/^(} {2}\/\/ namespace.*)?$/.test(line));
  const arming = new Set(run.sites.filter((site) => site.file === file).map(({ line }) => line));
  pre.setAttribute("aria-label", `source of ${file}`);
  pre.replaceChildren(...lines.slice(first, last + 1).map((text, i) => {
    const line = first + i + 1;
    const { live, abandoned } = counts[line] ?? { live: 0, abandoned: 0 };
    const here = parked.some((goroutine) => goroutine.file === file && goroutine.line === line);
    const count = node("span", { class: abandoned ? "count lost" : "count" }, live ? `${live}` : "");
    if (live) count.title = `${describeCounters({ live, abandoned })}, armed by this line`;
    const row = node(
      "div", { class: "line", "data-line": line }, node("span", { class: "number" }, `${line}`), count,
      node("span", { class: "here" }, here ? "▶" : ""),
      node("code", {}, ...codeNodes(text)),
    );
    row.classList.toggle("arming", arming.has(line));
    row.classList.toggle("waiting", here);
    row.classList.toggle("pointed", timer?.file === file && timer.line === line);
    return row;
  }));
}

function drawSide(side) {
  const { t } = state;
  const section = byId(side);
  const run = currentRuns()[side];
  const find = (selector) => section.querySelector(selector);
  const counters = { ...countersAt(run, t), heap: sampleAt(run, t).heap };

  find(".verdict").textContent = `over ${seconds(data.length)}, ${run.verdict}: ${run.why}`;
  find(".verdict").dataset.verdict = run.verdict;
  find(".state").textContent = describeState(counters);
  for (const name of Object.keys(COUNTERS)) {
    find(`[data-counter=${name}]`).textContent = counters[name].toLocaleString("en-US");
  }
  section.classList.toggle("leaking", counters.abandoned > 0);

  const chart = find(".queue");
  const focused = drawn[side].indexOf(document.activeElement);
  const width = find(".chart").clientWidth;
  const lane = laneHeight(Math.max(...SIDES.map((each) => laneCount(currentRuns()[each]))));
  chart.setAttribute("aria-label", `timer queue, ${side} at ${seconds(t)}: ${describeCounters(counters)}`);
  drawn[side] = drawQueue(chart, run, { t, length: data.length, width, lane });
  drawn[side][focused]?.focus({ preventScroll: true });
  drawPointed(side);
}

/** What follows the pointer and the focus: the timer, its instants, its line. */
function drawPointed(side) {
  const { t } = state;
  const section = byId(side);
  const run = currentRuns()[side];
  const pointed = drawn[side][selected[side]] ?? null;
  const timer = pointed && run.timers[selected[side]];
  for (const each of drawn[side]) {
    each?.classList.toggle("pointed", each === pointed);
    // One stop for the Tab key; arrows go on from it.
    each?.setAttribute("tabindex", each === (pointed ?? drawn[side][0]) ? 0 : -1);
  }
  section.querySelector(".detail").textContent = timer ? describeTimer(timer, t) : "Point at a bar to see where it was armed.";
  const source = currentSource(side);
  section.querySelector(".parked a").href = `../${source.file}`;
  section.querySelector(".parked a").textContent = source.file;
  const port = currentPattern().sources[data.codes[0]][side];
  section.querySelector(".parked span").textContent =
    source === port ? describeParked(sampleAt(run, t).parked, source.file) : `the bars are those of ${port.file}`;
  drawSource(section.querySelector("pre"), run, source, t, timer);
}

function drawControls() {
  const { pattern, t, mode } = state;
  const told = currentPattern();
  const counts = Object.fromEntries(SIDES.map((side) => [side, countersAt(currentRuns()[side], t)]));
  for (const button of document.querySelectorAll("#patterns button, #modes button")) {
    button.setAttribute("aria-pressed", [pattern, mode].includes(button.dataset.value));
  }
  for (const button of document.querySelectorAll("#codes button")) {
    button.disabled = !isWritten(button.dataset.value);
    button.setAttribute("aria-pressed", button.dataset.value === (isWritten(code) ? code : data.codes[0]));
  }
  byId("summary").replaceChildren(
    node("b", {}, "Leaky: "), `${told.summary} (article ${told.article}). `, node("b", {}, "Fixed: "), `${told.fix} `,
    node("b", {}, "The work: "), `${told.work} `,
    node("b", {}, "Here "), `${describeWorkload(told)}.`,
  );
  byId("time").value = t;
  const spoken = SIDES.map((side) => `${side} ${describeCounters(counts[side])}`);
  byId("time").setAttribute("aria-valuetext", [seconds(t), ...spoken].join(", "));
  byId("now").textContent = seconds(t);
  byId("play").setAttribute("aria-label", player ? "Pause" : "Play");
  byId("play").classList.toggle("playing", player !== null);
  byId("overview-key").replaceChildren(
    ...SIDES.map((side) => node("span", { class: side }, side, " ", node("b", {}, `${counts[side].live}`))));
  drawOverview(byId("overview"), currentRuns(), { t, length: data.length, width: byId("time").clientWidth, height: 56 });
}

function draw() {
  drawControls();
  SIDES.forEach(drawSide);
}

// ---- changing the state

function change(changes) {
  Object.assign(state, changes);
  if ("pattern" in changes || "mode" in changes) SIDES.forEach((side) => (selected[side] = -1));
  draw();
  clearTimeout(linkLater); // browsers refuse many changes of the address in a short time
  linkLater = setTimeout(() => history.replaceState(null, "", formatFragment(state)), 150);
}

function moveTo(t) {
  pause();
  change({ t: Math.min(Math.max(t, 0), data.length) });
}

function pause() {
  clearInterval(player);
  player = null;
}

function togglePlay() {
  if (player) {
    pause();
  } else {
    if (state.t >= data.length) state.t = 0;
    player = setInterval(() => {
      if (state.t + 1 >= data.length) pause();
      change({ t: state.t + 1 });
    }, STEP_MS);
  }
  draw();
}

/** Keys work wherever the focus is, except where they already mean something. */
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const inSource = event.target.closest("pre");
  const actions = {
    ArrowLeft: () => moveTo(state.t - 1),
    ArrowRight: () => moveTo(state.t + 1),
    Home: () => moveTo(0),
    End: () => moveTo(data.length),
    " ": togglePlay,
  };
  if (!actions[event.key] || inSource || (event.key === " " && event.target.closest("button, a"))) return;
  event.preventDefault();
  actions[event.key]();
}

function readFragment() {
  clearTimeout(linkLater);
  change(parseFragment(location.hash, names, data.length, state));
}

byId("patterns").append(...names.map((name) => choice("pattern", name, name)));
byId("modes").append(...MODES.map((mode) => choice("mode", mode, MODE_NAMES[mode])));
byId("codes").append(...data.codes.map((name) => {
  const button = node("button", { type: "button", "data-value": name }, name);
  button.addEventListener("click", () => {
    code = name;
    draw();
  });
  return button;
}));
byId("steps").append(...makeSteps(data));
byId("sides").append(...SIDES.map(makeSide));
for (const sign of document.querySelectorAll("svg[data-end]")) {
  sign.replaceChildren(glyph(sign.dataset.end, 8, 8, 9));
}
byId("time").max = data.length;
byId("time").addEventListener("input", (event) => moveTo(Number(event.target.value)));
byId("play").addEventListener("click", togglePlay);
scrub(byId("overview"));
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", readFragment);
window.addEventListener("resize", draw);
const linked = location.hash !== "";
readFragment();
if (linked) byId("patterns").scrollIntoView(); // who follows a link to a moment has not come for the story
