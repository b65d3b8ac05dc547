// Where one types: words and commands, with hints at the commands, what was typed before, and a draft for each place.

import { Desk } from "/js/desk.js";
import { at } from "/js/dom.js";
import { Menu, fitting, meant, nameOf, told, whole } from "/js/hints.js";
import { HOME, on, state } from "/js/store.js";
import { DRAWERS } from "/js/widths.js";

const field = at("text");
const menu = new Menu(field, complete);
const past = {}; // what was sent, or had to make room, by person, newest last
let back = 0; // steps into the past
let begun = ""; // what stood there before the first step
let desk = new Desk(state.place); // where one is

export function start() {
  for (const topic of ["screen", "place"]) on(topic, arrive);
  on("said", look);
  DRAWERS.side.addEventListener("change", invite);
  at("composer").addEventListener("submit", submit);
  field.addEventListener("input", typed);
  field.addEventListener("keydown", key);
  field.addEventListener("blur", () => (menu.close(), say("")));
}

/** Puts words into the composer, for the person to send. What stood there comes back with ArrowUp. */
export function suggest(text) {
  const stood = field.value.trim();
  if (stood && stood !== text) remember(stood);
  back = 0;
  put(text);
  field.focus();
}

/** At another place, or as somebody else: the draft of there. */
function arrive() {
  invite();
  const there = new Desk(state.place);
  if (there.key === desk.key || state.place === HOME) return;
  desk = there;
  redraft();
}

/** What to type, in as many words as there is room for. */
function invite() {
  const channel = state.channels.find((one) => one.id === state.place);
  if (!channel) return;
  const name = channel.direct ? "Patches" : `#${channel.name}`;
  field.placeholder = `Message${DRAWERS.side.matches ? "" : ` ${name}`}, or / for a command`;
}

/** Shows a text as if it stood there all along, without a list of commands in the way. */
function put(text) {
  field.value = text;
  menu.close();
  settle("");
}

function typed() {
  back = 0;
  const text = field.value;
  const found = fitting(text, state.commands);
  const ready = whole(text, state.commands);
  const open = found.length > (ready ? 1 : 0);
  menu.show(open ? found : [], !ready);
  const count = `${found.length} ${found.length === 1 ? "command" : "commands"}`;
  settle(open ? `${count}. Arrows choose, Tab or Enter completes.` : "");
}

/** Keeps what stands there; tells the form of a command, and `said` to those who do not see the list. */
function settle(said) {
  desk.draft = field.value;
  desk.show(field, at("send"), at("unsent"));
  const form = menu.open ? undefined : meant(field.value, state.commands);
  const usage = at("usage");
  usage.hidden = !form;
  usage.replaceChildren(...(form ? told(form) : []));
  say(said || (form ? `${form.usage}: ${form.does}.` : ""));
}

/** The same words again would be read out again. */
function say(words) {
  if (at("hints-said").textContent !== words) at("hints-said").textContent = words;
}

function complete(form) {
  put(`${nameOf(form)}${form.usage === nameOf(form) ? "" : " "}`);
  field.focus();
}

function key(event) {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const act = menu.open ? listed[event.key] : bare[event.key];
  if (act?.(event)) {
    event.preventDefault();
    event.stopPropagation();
  }
}

const enter = (event) => !event.shiftKey && (at("composer").requestSubmit(), true);
const taken = (event) => !event.shiftKey && menu.chosen && (complete(menu.chosen), true);
// Each tells whether the key was its own.
const listed = {
  ArrowDown: () => (menu.move(1), true),
  ArrowUp: () => (menu.move(-1), true),
  Tab: taken,
  Enter: (event) => taken(event) || enter(event),
  Escape: () => (menu.close(), settle(""), true),
};
const bare = {
  ArrowUp: () => !field.value.slice(0, field.selectionStart).includes("\n") && recall(1),
  ArrowDown: () => back > 0 && !field.value.slice(field.selectionEnd).includes("\n") && recall(-1),
  Enter: enter,
};

function recall(step) {
  const mine = past[state.person] ?? [];
  if (back + step > mine.length) return false;
  if (!back) begun = field.value;
  back += step;
  put(back ? mine.at(-back) : begun);
  return true;
}

function submit(event) {
  event.preventDefault();
  if (desk.taken) return;
  remember(field.value.trim());
  menu.close();
  desk.send();
}

/** What was sent is gone from the draft. */
function look() {
  if (field.value === desk.draft) desk.show(field, at("send"), at("unsent"));
  else redraft();
}

/** The draft as it is, whatever one has gone back to. */
function redraft() {
  back = 0;
  put(desk.draft);
}

function remember(text) {
  const mine = (past[state.person] ??= []);
  if (text && mine.at(-1) !== text) mine.push(text);
}
