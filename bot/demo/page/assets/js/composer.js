// Where one types: words and commands, with hints at the commands, what was typed before, and a draft for each place.

import { at } from "/js/dom.js";
import { draft, keepDraft } from "/js/drafts.js";
import { Menu, fitting, meant, nameOf, told, whole } from "/js/hints.js";
import { post } from "/js/live.js";
import { HOME, on, state } from "/js/store.js";
import { DRAWERS } from "/js/widths.js";

const field = at("text");
const menu = new Menu(field, complete);
const past = {}; // what was sent, or had to make room, by person, newest last
const underWay = new Set(); // the drafts that are being sent, by their keys
let back = 0; // steps into the past
let begun = ""; // what stood there before the first step
let here = ""; // the key of the draft that is shown

export function start() {
  for (const topic of ["screen", "place"]) on(topic, arrive);
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

const keyOf = () => `${state.person} ${state.place}`;

/** At another place, or as somebody else: the draft of there. */
function arrive() {
  invite();
  if (here === keyOf() || state.place === HOME) return;
  if (here) keepDraft(here, field.value);
  here = keyOf();
  back = 0;
  put(draft(here));
  lock();
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

/** The height of the field, the form of the command that stands there, and `said` to those who do not see the list. */
function settle(said) {
  field.parentNode.dataset.text = field.value;
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
  const text = field.value.trim();
  if (text && !field.readOnly) send(text);
}

/** What could not be sent stays in the field; until that is known, nobody changes it there. */
async function send(text) {
  const from = here;
  remember(text);
  menu.close();
  underWay.add(from);
  lock();
  const answer = await post("say", { channel: state.place, text });
  underWay.delete(from);
  lock();
  if (!answer || answer.failure) return;
  if (from !== here) keepDraft(from, "");
  else if (field.value.trim() === text) clear();
}

function clear() {
  back = 0;
  put("");
}

function remember(text) {
  const mine = (past[state.person] ??= []);
  if (mine.at(-1) !== text) mine.push(text);
}

function lock() {
  field.readOnly = underWay.has(here);
  at("send").ariaBusy = at("send").ariaDisabled = field.readOnly ? "true" : null;
}
