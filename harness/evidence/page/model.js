// What is true at an instant: pure functions of a run's data, without a document. Times are seconds.
"use strict";

const SIDES = ["leaky", "fixed"];
const MODES = ["go122", "go123"];

/** A run as page.py packs it, with each timer as an object. */
function unpackRun(packed) {
  const timers = packed.timers.map(([site, armed, deadline, period, abandoned, ended, end, ticks = []]) => ({
    ...packed.sites[site], armed, deadline, period, abandoned, ended, end, ticks,
  }));
  return { ...packed, timers, lanes: assignLanes(timers) };
}

function isLive(timer, t) {
  return timer.armed <= t && (timer.ended === null || timer.ended > t);
}

function isAbandoned(timer, t) {
  return isLive(timer, t) && timer.abandoned !== null && timer.abandoned <= t;
}

/** Without a deadline: a signal registration. Nothing but a stop ends it. */
function isEndless(timer) {
  return timer.deadline === null && !timer.period;
}

/** The census of a run at t, counted from its timers alone. */
function countersAt(run, t) {
  const armed = run.timers.filter((timer) => timer.armed <= t);
  const ended = armed.filter((timer) => !isLive(timer, t));
  const endedBy = (...ends) => ended.filter((timer) => ends.includes(timer.end)).length;
  return {
    live: armed.length - ended.length,
    abandoned: armed.filter((timer) => isAbandoned(timer, t)).length,
    armed: armed.length,
    fired: endedBy("received", "fired", "fired unheard"),
    unheard: endedBy("fired unheard"),
    stopped: endedBy("stopped"),
    collected: endedBy("collected"),
    endless: armed.filter((timer) => isLive(timer, t) && isEndless(timer)).length,
  };
}

/** What only samples can tell: the heap, and where goroutines are parked. */
function sampleAt(run, t) {
  const index = Math.min(Math.floor(t / run.every), run.heap.length - 1);
  return { heap: run.heap[index], parked: run.parked[run.parkedAt[index]] };
}

/** How many timers each line of the run's own source armed that are live at t: { 10: { live, abandoned } }. */
function liveByLine(run, file, t) {
  const lines = {};
  for (const timer of run.timers) {
    if (timer.file !== file || !isLive(timer, t)) continue;
    const counts = (lines[timer.line] ??= { live: 0, abandoned: 0 });
    counts.live += 1;
    counts.abandoned += isAbandoned(timer, t) ? 1 : 0;
  }
  return lines;
}

/** A lane for each timer, the first that is free when it is armed: as many lanes as were ever live at once. */
function assignLanes(timers) {
  const freeFrom = [];
  return timers.map((timer) => {
    let lane = freeFrom.findIndex((end) => end <= timer.armed);
    if (lane < 0) lane = freeFrom.length;
    freeFrom[lane] = timer.ended ?? Infinity;
    return lane;
  });
}

/**
 * The spans of a timer's bar at t, as [from, to]: heard, unheard (since it was abandoned), and pending (what is left to
 * its deadline); null where there is none. A ticker pends until its next tick.
 */
function spansAt(timer, t) {
  const live = isLive(timer, t);
  const end = live ? t : timer.ended;
  const lost = timer.abandoned !== null && timer.abandoned <= end ? timer.abandoned : end;
  let due = timer.deadline ?? Infinity;
  if (timer.period) due = timer.armed + (Math.floor((t - timer.armed) / timer.period) + 1) * timer.period;
  return {
    heard: [timer.armed, lost],
    unheard: lost < end ? [lost, end] : null,
    pending: live ? [t, due] : null,
  };
}

// ---- in words

/** With a no-break space: the number must not lose its unit. */
function seconds(t) {
  return `${+t.toFixed(3)}\u00a0s`;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** One timer at t: its arming line, and its instants so far. */
function describeTimer(timer, t) {
  const words = [`armed at ${seconds(timer.armed)} by ${timer.file}:${timer.line}`];
  if (timer.period) words.push(`ticks every ${seconds(timer.period)}`);
  else words.push(timer.deadline === null ? "no deadline" : `deadline ${seconds(timer.deadline)}`);
  if (timer.abandoned !== null && timer.abandoned <= t) words.push(`abandoned at ${seconds(timer.abandoned)}`);
  if (!isLive(timer, t)) words.push(`${timer.end} at ${seconds(timer.ended)}`);
  else words.push(isAbandoned(timer, t) ? "nobody can hear it" : "live");
  return `${timer.kind}: ${words.join(", ")}`;
}

function describeCounters({ live, abandoned }) {
  return `${live} live, ${abandoned} abandoned`;
}

/** The side's state as a sentence. */
function describeState({ live, abandoned, endless, armed }) {
  if (abandoned > 0) return `Nobody can hear ${abandoned} of ${plural(live, "live timer")}.`;
  if (endless === 1) return `${plural(live, "live timer")}; one has no deadline and stays until stopped.`;
  if (endless > 1) return `${plural(live, "live timer")}; ${endless} have no deadline and stay until stopped.`;
  if (live > 0) return `${plural(live, "live timer")}, none abandoned.`;
  return armed > 0 ? "No timer is left." : "No timer was armed yet.";
}

/** Where goroutines wait; a line of `here`, the source that stands beneath, is named without its file. */
function describeParked(parked, here) {
  if (parked.length === 0) return "returned: no goroutine is left";
  return parked
    .map(({ waits_for, file, line }) =>
      file === here ? `▶ parked: ${waits_for}, line ${line}` : `its host is parked: ${waits_for}, ${file}:${line}`)
    .join("; ");
}

/** What happens to the pattern: its workload, spelt out. */
function describeWorkload({ workload, event }) {
  const busy = /^busy:(\d+)\/s$/.exec(workload);
  if (busy) return busy[1] === "1" ? `one ${event} a second` : `${busy[1]} ${event}s a second`;
  const once = /^\w+@(.+)$/.exec(workload);
  return once ? `one ${event}, at ${once[1].replace(/s$/, "\u00a0s")}` : `no ${event} ever comes`;
}

// ---- a moment as a link: #looping_select@27s,go122

function formatFragment({ pattern, t, mode }) {
  return `#${pattern}@${t}s,${mode}`;
}

/** The moment that a fragment names; what it leaves out or gets wrong is taken from `otherwise`. */
function parseFragment(fragment, names, length, otherwise) {
  const [, pattern, t, mode] = /^#?(\w*)(?:@(\d+)s)?(?:,(\w+))?$/.exec(fragment) ?? [];
  return {
    pattern: names.includes(pattern) ? pattern : otherwise.pattern,
    t: t === undefined ? otherwise.t : Math.min(Number(t), length),
    mode: MODES.includes(mode) ? mode : otherwise.mode,
  };
}
