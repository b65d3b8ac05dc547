// Where one is: a channel, the direct message with the app, or its Home; a thread beside it. And what has been read.

import { recalled, remember } from "/js/kept.js";
import { post, trouble } from "/js/live.js";
import { direct, HOME, on, standing, state, tell } from "/js/store.js";
import { covering } from "/js/widths.js";

const KEPT = "where"; // so that a page that is loaded anew goes on where it was

let read = {}; // the newest message seen, by person and place or thread
let mark = null; // up to where the place had been read when one came to it; null when all was

export function go(place) {
  if (!stands(place)) {
    trouble("That place is not on this person’s screen.");
    return;
  }
  state.place = place;
  state.thread = null;
  arrive();
  tell("place");
}

const stands = (place) => place === HOME || state.channels.some((channel) => channel.id === place);

/** The newest message that had been read when one came here, or null when nothing was new. */
export const markHere = () => mark;

/** Marks a place as read and remembers what was new; the app hears that its own place is looked at. */
function arrive() {
  mark = unread(state.place) ? (read[state.person]?.[state.place] ?? "") : null;
  if ([HOME, direct()].includes(state.place)) post("home", { tab: state.place === HOME ? "home" : "messages" });
  look(state.place);
}

export function openThread(id) {
  state.thread = id;
  look(id);
  tell("place");
}

export function closeThread() {
  state.thread = null;
  tell("place");
}

/** Goes to where a message is, in its thread if it stands in one. */
export function reveal(channel, id) {
  const told = state.messages.get(id);
  if (told?.channel !== channel) {
    trouble("That message is not on this person’s screen.");
    return;
  }
  if (channel !== state.place) go(channel);
  if (told.thread) openThread(told.thread);
  else if (state.thread && state.thread !== id && covering.matches) closeThread();
  tell("reveal", id);
}

/** The messages of a channel that stand in no thread, oldest first. */
export const roots = (channel) => standing(channel);
/** The replies below a message, oldest first. */
export const replies = (id) => standing(id);

/** How many of the app's messages below `key` (a place, or a thread's message) nobody has looked at. */
export function unread(key) {
  const last = read[state.person]?.[key] ?? "";
  return standing(key).filter((one) => one.app && one.id > last).length;
}

/** What stands there counts as read from now on. */
function look(key) {
  (read[state.person] ??= {})[key] = standing(key).map((one) => one.id).sort().at(-1) ?? "";
}

// ---------------------------------------------------------------- a screen, and what comes to it

let whose = null;
let alone = null; // the direct message of who was here before

export function start() {
  const { marks = {}, ...where } = JSON.parse(recalled(KEPT)) ?? {};
  read = marks;
  Object.assign(state, where);
  for (const topic of ["read", "place"]) on(topic, note);
  on("anew", forget);
  on("screen", settle);
  on("message", ({ now }) => {
    if (now.channel === state.place && !now.thread) look(state.place);
    if (now.thread && now.thread === state.thread) look(state.thread);
    tell("read");
  });
}

function note() {
  const { run, person, place, thread } = state;
  remember(KEPT, JSON.stringify({ run, person, place, thread, marks: read }));
}

/** On a new screen: at the same place, if it is there. */
function settle() {
  if (state.place === alone) state.place = direct(); // to each their own
  alone = direct();
  if (!stands(state.place)) state.place = state.channels[0].id;
  if (!state.messages.has(state.thread)) state.thread = null;
  const first = whose === null && read[state.person]?.[state.place] === undefined;
  if (first) look(state.place); // what was there before the page was opened is no news
  if (whose !== state.person || (state.place === HOME && !state.home)) arrive();
  whose = state.person;
  tell("place");
}

/** What has been read, and where, in a demo that has ended means nothing in the next one. */
function forget() {
  read = {};
  whose = null;
  state.thread = null;
}
