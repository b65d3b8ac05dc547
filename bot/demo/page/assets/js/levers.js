// What can be made to happen: at once, or to the next call that fits.

import { at, busy, button, element } from "/js/dom.js";
import { hear, post } from "/js/live.js";
import { on, reached, state, tell } from "/js/store.js";

const nodes = new Map(); // of each lever its button and its hint, by name

/**
 * As `levers.py` tells it: `levers` with `name`, `title`, `hint`, `armed` (null for what happens at once) and `why` it
 * cannot be pulled now (or empty), `at_work` (a name, or empty), `up` (whether the bot runs), `linked` (whether it is
 * connected to Slack), `told` (what has happened last), `now` (simulated seconds) and `speed` (of them in a real one).
 */
export function start() {
  hear("levers", (news) => {
    state.levers = news;
    if (news.speed === state.time.speed) reached(news.now);
    else Object.assign(state.time, { now: news.now, speed: news.speed, told: performance.now() });
    tell("levers");
  });
  on("screen", draw);
  on("levers", draw);
}

function draw() {
  const { levers, at_work: atWork, up, told } = state.levers;
  for (const lever of levers) nodes.get(lever.name) ?? add(lever);
  for (const lever of levers) mark(nodes.get(lever.name).node, lever, atWork);
  say(levers.find((lever) => lever.name === atWork), up, told);
}

function say(working, up, told) {
  const way = working && (up ? `${working.title}: under way…` : "The bot is stopped; what you press now fails.");
  const words = way || told || "Press one and see what the bot makes of it.";
  if (at("told").textContent !== words) at("told").textContent = words;
}

function add(lever) {
  const node = button(lever.title, pull);
  const hint = element("span", "unseen", lever.hint);
  node.dataset.lever = lever.name;
  hint.id = `hint-${lever.name}`;
  node.setAttribute("aria-describedby", hint.id);
  for (const event of ["pointerenter", "focus"]) node.addEventListener(event, () => explain(hint.textContent));
  for (const event of ["pointerleave", "blur"]) node.addEventListener(event, () => explain(""));
  nodes.set(lever.name, { node, hint });
  at(lever.armed === null ? "levers-now" : "levers-next").append(node, hint);
}

function mark(node, lever, atWork) {
  if (lever.armed !== null) {
    node.setAttribute("aria-pressed", String(lever.armed));
    return;
  }
  nodes.get(lever.name).hint.textContent = lever.why || lever.hint;
  node.classList.toggle("working", lever.name === atWork);
  node.ariaDisabled = lever.why ? "true" : null; // it keeps the focus, which a disabled one would lose
}

async function pull(node) {
  const { name, armed, why } = state.levers.levers.find((lever) => lever.name === node.dataset.lever);
  explain(why);
  if (why) return;
  await busy(node, () => post("lever", armed === null ? { name } : { name, armed: !armed }));
  draw();
}

/** What to expect, in place of what has happened, while one points at a lever. */
function explain(hint) {
  at("lever-hint").textContent = hint;
  at("lever-hint").hidden = !hint;
  at("told").classList.toggle("unseen", Boolean(hint));
}
