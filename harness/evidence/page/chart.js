// Drawing: SVG from a run and an instant. What is drawn is decided in model.js.
"use strict";

const AXIS_HEIGHT = 22;
const CHART_HEIGHT = 400; // what lanes share, within the limits of their heights
const LANE_HEIGHTS = { least: 5, most: 14 };

function element(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Seconds to pixels, with room for half a slider thumb at both ends, so that the marker stands under the thumb. */
function timeScale(length, width, margin = 9) {
  const perSecond = (width - 2 * margin) / length;
  return {
    x: (t) => margin + Math.min(t, length + margin / perSecond) * perSecond,
    t: (x) => Math.min(Math.max(Math.round((x - margin) / perSecond), 0), length),
  };
}

function laneHeight(lanes) {
  return Math.min(Math.max(Math.floor(CHART_HEIGHT / Math.max(lanes, 1)), LANE_HEIGHTS.least), LANE_HEIGHTS.most);
}

function laneCount(run) {
  return Math.max(0, ...run.lanes) + 1;
}

/** The sign of an end: a dot, a diamond, a ring, a bar, a cross; told apart without their colours. */
function glyph(end, x, y, size) {
  const r = size / 2;
  switch (end) {
    case "received":
      return element("circle", { class: "glyph received", cx: x, cy: y, r });
    case "fired":
      return element("path", { class: "glyph fired", d: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}Z` });
    case "fired unheard":
      return element("circle", { class: "glyph fired-unheard", cx: x, cy: y, r });
    case "stopped":
      return element("path", { class: "glyph stopped", d: `M${x} ${y - r}V${y + r}` });
    default:
      return element("path", { class: "glyph collected", d: `M${x - r} ${y - r}l${size} ${size}m0 ${-size}l${-size} ${size}` });
  }
}

function bar(name, [from, to], y, height, scale) {
  const x = scale.x(from);
  return element("rect", { class: name, x, y, width: Math.max(scale.x(to) - x - 1, 1), height });
}

function drawTimer(timer, lane, t, height, scale) {
  const y = AXIS_HEIGHT + lane * height + 1;
  const thick = height - 2;
  const size = Math.min(thick, 9);
  const spans = spansAt(timer, t);
  const live = isLive(timer, t);
  const node = element("g", { class: live ? "timer live" : "timer ended", role: "img", tabindex: -1 });
  node.setAttribute("aria-label", describeTimer(timer, t));
  node.classList.toggle("endless", isEndless(timer));
  if (spans.pending) node.append(bar("pending", spans.pending, y, thick, scale));
  node.append(bar("heard", spans.heard, y, thick, scale));
  if (spans.unheard) node.append(bar("unheard", spans.unheard, y, thick, scale));
  // Signs stand before their instant, inside their own bar: the next one in the lane may begin there.
  const sign = (end, at, size) => glyph(end, scale.x(at) - 1 - (end === "stopped" ? 1 : size / 2), y + thick / 2, size);
  for (const tick of timer.ticks.filter((at) => at <= t)) node.append(sign("received", tick, size * 0.7));
  if (!live) node.append(sign(timer.end, timer.ended, size));
  return node;
}

function drawAxis(length, height, scale) {
  const axis = element("g", { class: "axis" });
  const every = scale.x(10) - scale.x(0) > 34 ? 10 : 20;
  for (let t = 0; t <= length; t += every) {
    const x = scale.x(t);
    const label = t === 0 ? { x: 2 } : t === length ? { x: x + 7, "text-anchor": "end" } : { x, "text-anchor": "middle" };
    axis.append(element("path", { d: `M${x} ${AXIS_HEIGHT - 4}V${height}` }), element("text", { ...label, y: 12 }, seconds(t)));
  }
  return axis;
}

function drawNow(t, height, scale) {
  return element("path", { class: "now", d: `M${scale.x(t)} ${AXIS_HEIGHT - 6}V${height}` });
}

/** The timer queue of a run at t. Returns the nodes of its timers by index; those not armed yet have none. */
function drawQueue(svg, run, { t, length, width, lane }) {
  const scale = timeScale(length, width);
  const height = AXIS_HEIGHT + Math.max(laneCount(run) * lane, 2 * lane) + 3;
  const nodes = run.timers.map((timer, i) => (timer.armed <= t ? drawTimer(timer, run.lanes[i], t, lane, scale) : null));
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.replaceChildren(drawAxis(length, height, scale), ...nodes.filter(Boolean), drawNow(t, height, scale));
  return nodes;
}

/** A step curve through the counts at 0, 1, 2, ... */
function stepPath(counts, x, y) {
  return counts.map((count, t) => (t === 0 ? `M${x(0)} ${y(count)}` : `H${x(t)}V${y(count)}`)).join("");
}

/** Live timers of both sides over the whole run, and the abandoned ones as an area. */
function drawOverview(svg, runs, { t, length, width, height }) {
  const scale = timeScale(length, width);
  const at = Array.from({ length: length + 1 }, (_, second) => second);
  const counts = Object.fromEntries(SIDES.map((side) => [side, at.map((second) => countersAt(runs[side], second))]));
  const most = Math.max(1, ...SIDES.flatMap((side) => counts[side].map(({ live }) => live)));
  const y = (count) => height - 2 - (count / most) * (height - 8);
  const line = (side) => stepPath(counts[side].map(({ live }) => live), scale.x, y);
  const abandoned = stepPath(counts.leaky.map((count) => count.abandoned), scale.x, y);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.replaceChildren(
    element("path", { class: "ground", d: `M${scale.x(0)} ${y(0)}H${scale.x(length)}` }),
    element("path", { class: "area", d: `${abandoned}V${y(0)}H${scale.x(0)}Z` }),
    element("path", { class: "line leaky", d: line("leaky") }),
    element("path", { class: "line fixed", d: line("fixed") }), // dashed: where both are equal, both are seen
    element("path", { class: "now", d: `M${scale.x(t)} 0V${height}` }),
  );
}
