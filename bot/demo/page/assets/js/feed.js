// A list of messages, kept in step in place: what has not changed is left alone, so that nothing jumps, no focus is
// lost, and no picture loads again.

import { dayName, dayOf } from "/js/dates.js";
import { element, keepingBusy, keepingFocus } from "/js/dom.js";
import { message } from "/js/message.js";
import { simulated } from "/js/store.js";

const TOGETHER = 300; // simulated seconds within which one author's messages stand below one name

/**
 * What shall be in a list: {key, sign, make(), again(node)}. Equal signs look the same.
 * `mark`: the newest message that had been read; a line stands above the first of the app's after it. `foot(told)`:
 * {sign, make()} of what belongs below a message.
 */
export function rows(messages, { mark = null, foot = null, days = true } = {}) {
  const found = [];
  let before = null;
  let marked = mark === null;
  for (const told of messages) {
    const lines = [];
    if (days && (!before || dayOf(before.at) !== dayOf(told.at))) lines.push(day(told));
    if (!marked && told.app && told.id > mark) lines.push(line("new", "New", "rule news-rule"));
    marked ||= lines.some((one) => one.key === "new");
    found.push(...lines, row(told, !lines.length && follows(before, told), foot?.(told)));
    before = told;
  }
  return found;
}

/** A line between messages. */
export function line(key, words, className = "rule") {
  const say = (node) => (node.firstChild.textContent = words);
  return { key, sign: words, make: () => element("div", className, element("span", "", words)), again: say };
}

function day(told) {
  return line(`day ${dayOf(told.at)}`, dayName(told.at, simulated()), "rule day");
}

/** Dates in a text may say "today", so they read otherwise on another day. */
const dated = (told) => (written(told).includes("!date^") ? dayOf(simulated()) : "");

/** What only one person sees never stands below another's name: each tells so, and its time, itself. */
const follows = (before, told) =>
  before?.user === told.user && !before.private && !told.private && told.at - before.at < TOGETHER;

const insides = new WeakMap(); // the sign of what stands in a message, apart from its foot

/** A new reply changes the foot alone: an open menu, a field and a button at work above it stay as they are. */
function row(told, following, foot) {
  const inside = `${dated(told)} ${written(told)}`;
  const dress = (node) => {
    node.classList.toggle("follows", following);
    if (foot) hang(node, foot);
    insides.set(node, inside);
    return node;
  };
  const again = (node) => {
    if (insides.get(node) !== inside) redraw(node, message(told));
    dress(node);
  };
  return { key: told.id, sign: `${following} ${foot?.sign} ${inside}`, make: () => dress(message(told)), again };
}

function redraw(node, anew) {
  keepingBusy(node, anew);
  keepingFocus(node, () => node.replaceChildren(...anew.childNodes));
}

function hang(node, foot) {
  const old = node.querySelector(":scope > .body > [data-of]");
  if (old && signs.get(old) === foot.sign) return;
  const held = old && old === document.activeElement;
  const hung = foot.make();
  signs.set(hung, foot.sign);
  old?.remove();
  node.querySelector(":scope > .body").append(hung);
  if (held) hung.focus({ preventScroll: true });
}

const texts = new WeakMap(); // each message is told anew when it has changed

function written(told) {
  if (!texts.has(told)) texts.set(told, JSON.stringify(told));
  return texts.get(told);
}

const FOUND = 4000; // milliseconds for which a message that was looked for is marked
let found = null;
let fading;

/** Shows where a message of the list is. */
export function point(list, id) {
  const node = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  found?.classList.remove("found");
  void node.offsetWidth; // so that the mark shows again
  node.classList.add("found");
  found = node;
  clearTimeout(fading);
  fading = setTimeout(() => node.classList.remove("found"), FOUND);
  node.focus({ preventScroll: true });
}

const signs = new WeakMap();

/** Brings a list in step with what shall be in it. Returns the nodes that were not there before. */
export function sync(list, wanted) {
  const keys = new Set(wanted.map((one) => one.key));
  for (const node of [...list.children]) if (!keys.has(node.dataset.key)) node.remove();
  const nodes = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const made = [];
  wanted.forEach((one, index) => {
    const old = nodes.get(one.key);
    const node = old ?? one.make();
    if (old && signs.get(old) !== one.sign) one.again(old);
    if (!old) made.push(node);
    node.dataset.key = one.key;
    signs.set(node, one.sign);
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  return made;
}
