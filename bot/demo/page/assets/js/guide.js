// The first minute: a strip that says what to do next, marks where, and sees by itself that it was done.

import { at, busy, button, element } from "/js/dom.js";
import { keep, kept } from "/js/kept.js";
import { hide } from "/js/layout.js";
import { COUNT, next } from "/js/steps.js";
import { on, simulated, state } from "/js/store.js";
import { TRIES, begin as tryOut, end } from "/js/tries.js";

const KEPT = "guide"; // "done" or "skipped", once it is over
const RUN = "guide-run"; // {since: simulated seconds, started: this computer's milliseconds}
const TOLD_BELOW = 90; // seconds; who took longer read, or was at something else
const SLACK = 5; // simulated seconds by which this browser's idea of the time there may go back
const LOOKED_AT = ["main", "side", "modal"];

let run = null; // while it is shown
let step = null;
let pointed = null;
let due = false;
let begun = false;

export function start() {
  on("screen", first);
  for (const topic of ["screen", "message", "views", "place"]) on(topic, look);
  at("text").addEventListener("input", look);
  at("modal").addEventListener("change", look);
  at("guide-do").addEventListener("click", (event) => busy(event.target, step.act).then(look));
  at("guide-skip").addEventListener("click", leave);
  at("guide-show").addEventListener("click", again);
  at("guide-tries").append(...TRIES.map(trial));
  const watcher = new MutationObserver(look);
  for (const id of LOOKED_AT) watcher.observe(at(id), { childList: true, subtree: true });
  at("guide-show").hidden = !kept(KEPT);
}

/** Whoever comes to a demo in which others have been at work begins at the beginning. */
function first() {
  if (!begun && !kept(KEPT)) begin(earlier() ?? { since: newest(), started: Date.now() });
  begun = true;
}

/** How it went so far, as far as this browser knows. */
const earlier = () => JSON.parse(kept(RUN));

function begin(told) {
  goesOn(told);
  step = null;
  keep(KEPT, null);
  at("guide-show").hidden = true;
  look();
}

function goesOn(told) {
  run = told;
  keep(RUN, JSON.stringify(run));
}

/** Skipped, it goes on where it was; done, it begins anew. */
function again() {
  const since = kept(KEPT) === "skipped" ? earlier()?.since : undefined;
  begin({ since: since ?? present(), started: Date.now() });
  if (at("guide").inert) hide("side");
  draw();
  at("guide-do").focus();
}

/** Not before anything that has been said; where time stands still, messages run ahead of it by a little. */
const present = () => Math.max(simulated(), newest());
const newest = () => Math.max(0, ...[...state.messages.keys()].map(Number));

/** Skipped, or closed at its end. */
function leave() {
  if (!kept(KEPT)) keep(KEPT, "skipped");
  run = null;
  end();
  at("guide").hidden = true;
  at("guide-show").hidden = false;
  point(null);
  at(at("composer").hidden ? "home" : "text").focus();
}

/** Looks anew at what has happened, once for everything that changes in one go. */
function look() {
  if (due || !run) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (run && simulated()) draw();
  });
}

function draw() {
  if (step?.n > COUNT) return;
  if (run.since > simulated() + SLACK) begin({ since: 0, started: Date.now() }); // the demo was started anew
  const last = step;
  step = next(run.since);
  if (!last && step.n === 1) goesOn({ ...run, started: Date.now() }); // nothing has been done so far
  if (last?.say !== step.say || last.words !== step.words) tell(last);
  const target = step.target?.();
  point(step.n > COUNT ? null : target && seen(target) ? target : at("guide-do"));
}

function tell(last) {
  const over = step.n > COUNT;
  const focused = document.activeElement === at("guide-do");
  at("guide").hidden = false;
  at("guide-step").textContent = over ? done() : `Step ${step.n} of ${COUNT}`;
  at("guide-steps").replaceChildren(...marks());
  say(step.say);
  at("guide-do").textContent = step.words ?? "";
  at("guide-do").hidden = !step.words;
  at("guide-step").classList.toggle("over", over);
  at("guide-tries").hidden = !over;
  at("guide-skip").textContent = over ? "Close" : "Skip";
  if (focused && !step.words) at("guide-skip").focus();
  announce(last?.n === step.n ? "" : `${at("guide-step").textContent}${over ? " " : ": "}`);
  if (over) keep(KEPT, "done");
}

function marks() {
  const word = (n) => (n < step.n ? "past" : n === step.n ? "now" : "");
  return Array.from({ length: COUNT }, (_, n) => element("i", word(n + 1)));
}

/** To those who do not see it: the sentence that stands there now. */
function announce(before = "") {
  at("guide-said").textContent = `${before}${at("guide-say").textContent}`;
}

/** What stands between backticks is to be typed or pressed. */
function say(text) {
  const parts = text.split("`").map((part, n) => (n % 2 ? element("kbd", "", part) : part));
  at("guide-say").replaceChildren(...parts);
}

function done() {
  const seconds = Math.round((Date.now() - run.started) / 1000);
  return seconds < TOLD_BELOW ? `Done in ${seconds} s.` : "Done.";
}

function trial(one) {
  const pressed = async (node) => {
    await busy(node, () => tryOut(one));
    say(one.then);
    announce();
  };
  return element("li", "", button(one.words, pressed));
}

/** Whether it is on the screen, and not in a drawer that is shut. */
function seen(node) {
  const { left, right, width } = node.getBoundingClientRect();
  return node.checkVisibility({ visibilityProperty: true }) && width > 0 && right > 0 && left < innerWidth;
}

function point(node) {
  if (pointed === node) return;
  pointed?.classList.remove("pointed");
  node?.classList.add("pointed");
  pointed = node;
}
