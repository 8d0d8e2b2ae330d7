// The five steps before the sandbox: a caption and a drawing each. What they say is counted from the runs.
"use strict";

const STEP = { width: 240, height: 150 };

/** Something that stands in a drawing with its name: the reader, the queue, a timer. */
function box(name, x, y, width, label) {
  return element("g", { class: `box ${name}` },
    element("rect", { x, y, width, height: 26, rx: 3 }),
    element("text", { x: x + width / 2, y: y + 17, "text-anchor": "middle" }, label));
}

/** Who refers to what: an arrow to the right edge of a timer, or to its left edge. */
function arrow(name, from, to) {
  return element("path", { class: `arrow ${name}`, d: `M${from[0]} ${from[1]}L${to[0]} ${to[1]}`, "marker-end": "url(#tip)" });
}

/** The queue on the left, the reader on the right, and timers between them: each [label, whether it is heard]. */
function references(timers, reader) {
  const rows = timers.map(([label, heard], row) => {
    const y = 62 + (row - (timers.length - 1) / 2) * 46;
    return element("g", {},
      arrow("held", [68, 75], [86, y + 13]),
      ...(heard ? [arrow("heard", [174, 75], [156, y + 13])] : []),
      box(heard ? "timer heard" : "timer unheard", 88, y, 66, label));
  });
  return [box("queue", 6, 62, 62, "queue"), box(reader ? "reader" : "reader gone", 174, 62, 60, "select"), ...rows];
}

function label(text, x, y, anchor) {
  return element("text", { class: "tick", x, y, "text-anchor": anchor }, text);
}

/** Live timers of a run until `until`, with the abandoned ones hatched, below a faint line of the other side. */
function stairs(runs, side, until, length) {
  const counts = (each) => Array.from({ length: until + 1 }, (_, t) => countersAt(runs[each], t));
  const [most, least] = SIDES.map((each) => Math.max(...counts(each).map(({ live }) => live)));
  const x = (t) => 24 + (t / length) * (STEP.width - 30);
  const y = (count) => STEP.height - 22 - (count / most) * (STEP.height - 40);
  const path = (each, name) => stepPath(counts(each).map((count) => count[name]), x, y);
  const other = side === "leaky" ? "fixed" : "leaky";
  return [
    element("path", { class: "ground", d: `M${x(0)} ${y(0)}H${x(length)}` }),
    ...[0, length / 2, length].map((t) => label(seconds(t), x(t), STEP.height - 6, t === length ? "end" : "middle")),
    ...[most, least].map((count) => label(`${count}`, 18, y(count) + 4, "end")),
    element("path", { class: "faint", d: path(other, "live") }),
    ...(side === "leaky" ? [element("path", { class: "area", d: `${path("leaky", "abandoned")}V${y(0)}H${x(0)}Z` })] : []),
    element("path", { class: `line ${side}`, d: path(side, "live") }),
  ];
}

function step(title, caption, ...drawing) {
  const svg = element("svg", { viewBox: `0 0 ${STEP.width} ${STEP.height}`, role: "img", "aria-label": `${title}: ${caption}` }, ...drawing);
  const words = document.createElement("p");
  const name = document.createElement("b");
  name.textContent = `${title}. `;
  words.append(name, caption);
  const item = document.createElement("li");
  item.append(svg, words);
  return item;
}

function makeSteps({ length, patterns, times, story }) {
  const { go122: runs } = patterns.find(({ name }) => name === story.pattern).runs;
  const [poll, giveUp] = [times.poll, times.give_up].map(seconds);
  const bytes = (count) => `${count.toLocaleString("en-US")} bytes`;
  const second = countersAt(runs.leaky, times.poll);
  const before = times.give_up - times.poll;
  const full = countersAt(runs.leaky, before);
  const fixed = countersAt(runs.fixed, before);
  const over = countersAt(runs.fixed, times.give_up);
  return [
    step("A timer is armed", `A select waits for a message: it polls after ${poll}, and gives up after ${giveUp}. The timer queue refers to both timers, and so does the select.`,
      ...references([[giveUp, true], [poll, true]], true)),
    step("The reader goes", `After ${poll} another case wins, and the select is over. Nobody can hear the ${giveUp} timer any more; the queue still refers to it, ` +
      "so every leak checker calls it reachable.", ...references([[giveUp, false]], false)),
    step("The loop turns", `The next select arms two new timers: ${second.live} are live, ${second.abandoned} of them abandoned.`,
      ...references([[giveUp, false], [giveUp, true], [poll, true]], true)),
    step("The staircase", `One more every ${poll}, until the first expire: ${full.live} live, ${full.abandoned} abandoned, which hold ${bytes(story.idle.bytes)} for nothing. ` +
      `With ${story.rate} messages a second these are ${story.busy.abandoned.toLocaleString("en-US")} timers and ${bytes(story.busy.bytes)}.`,
      ...stairs(runs, "leaky", length, length)),
    step("The fix", `One deadline and one ticker for the whole loop: ${fixed.live} live, ${fixed.abandoned} abandoned, and ${over.live} at ${giveUp}, when the loop ends. ` +
      `At ${seconds(before)} the heap holds ${bytes(sampleAt(runs.fixed, before).heap)} in place of ${bytes(sampleAt(runs.leaky, before).heap)}.`,
      ...stairs(runs, "fixed", length, length)),
  ];
}
