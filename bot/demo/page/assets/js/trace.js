// What passes between Slack, the bot, ESET and N-sight, newest last: which of it is shown, and when.

import { at, button } from "/js/dom.js";
import { draw, fold } from "/js/lines.js";
import { hear } from "/js/live.js";
import { on, reached, state } from "/js/store.js";
import * as tail from "/js/tail.js";

const SIDES = { slack: "Slack", eset: "ESET", nsight: "N-sight" }; // the bot's own few lines are always shown
const KEPT = 500; // as many as the demo keeps

let entries = new Map(); // as `trace.py` tells them, by id
let held = null; // what was there when it was paused
let cleared = 0; // the newest that was cleared away
const hidden = new Set();

export function start() {
  hear("trace", (news) => {
    for (const entry of news) entries.set(entry.id, entry);
    reached(news.at(-1)?.at ?? 0);
    show();
  });
  on("screen", () => {
    entries = new Map(state.trace.map((entry) => [entry.id, entry]));
    if (newest(entries) < cleared) cleared = 0; // the demo was started anew
    show();
  });
  for (const [side, words] of Object.entries(SIDES)) {
    const node = button(words, () => toggle(side, node));
    node.dataset.side = side;
    node.setAttribute("aria-pressed", "true");
    at("trace-sides").append(node);
  }
  at("trace-pause").addEventListener("click", pause);
  at("trace-clear").addEventListener("click", clear);
  tail.start();
}

function toggle(side, node) {
  if (!hidden.delete(side)) hidden.add(side);
  node.setAttribute("aria-pressed", String(!hidden.has(side)));
  show();
}

function pause() {
  held = held ? null : new Map(entries);
  at("trace-pause").setAttribute("aria-pressed", String(Boolean(held)));
  show();
}

function clear() {
  cleared = newest(entries);
  if (held) held = new Map();
  show();
}

const newest = (some) => Math.max(0, ...some.keys());

function show() {
  const all = [...entries.values()].sort((one, other) => one.id - other.id);
  for (const entry of all.slice(0, -KEPT)) entries.delete(entry.id);
  const kept = held ? [...held.values()] : all.slice(-KEPT);
  const shown = kept.filter((entry) => entry.id > cleared && !hidden.has(entry.side));
  const place = at("trace");
  tail.keeping(shown, () => {
    draw(place.querySelector("ol"), fold(shown));
    place.querySelector(".none").hidden = shown.length > 0;
  });
  const missed = held ? all.filter((entry) => entry.id > Math.max(newest(held), cleared)).length : 0;
  at("trace-pause").textContent = missed ? `Pause (${missed} more)` : "Pause";
}
