// The panel beside: the time there, how the bot is, what can be made to happen, and what passes behind.

import { at } from "/js/dom.js";
import { fullTime } from "/js/dates.js";
import * as levers from "/js/levers.js";
import { on, simulated, state } from "/js/store.js";
import * as trace from "/js/trace.js";

const LOOK = 250; // milliseconds between two looks at the clock

export function start() {
  levers.start();
  trace.start();
  for (const topic of ["clock", "screen", "levers"]) on(topic, tick);
  setInterval(tick, LOOK);
}

function tick() {
  if (!state.time.now) return;
  write(at("clock"), fullTime(simulated()));
  write(at("pace"), state.silent ? "" : pace(state.time.speed));
  const trouble = amiss(state.levers);
  write(at("up"), trouble || "The bot is at work.");
  at("up").classList.toggle("down", Boolean(trouble));
}

/** What keeps the bot from its work, or nothing. */
function amiss({ up, linked }) {
  if (state.silent) return "No word from the demo.";
  if (!up) return "The bot is stopped.";
  return linked ? "" : "Cut off from Slack; it connects again by itself.";
}

function pace(speed) {
  if (speed === 60) return "A second here is a minute there until the patches are settled.";
  if (speed === 1) return "Time runs as yours does.";
  return speed ? `Time runs ${speed} times as fast there.` : "Time stands still there.";
}

function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
