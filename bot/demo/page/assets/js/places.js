// Where one is: a channel, the direct message with the app, or its Home; a thread beside it. And what has been read.

import { post } from "/js/live.js";
import { HOME, on, state, tell } from "/js/store.js";

const read = {}; // the newest message seen, by person and place or thread

export function go(place) {
  state.place = place;
  state.thread = null;
  if (place === HOME) post("home");
  seen(place);
  tell("place");
}

export function openThread(id) {
  state.thread = id;
  seen(id);
  tell("place");
}

export function closeThread() {
  state.thread = null;
  tell("place");
}

/** Goes to where a message is, in its thread if it stands in one. */
export function reveal(channel, id) {
  const thread = state.messages.get(id)?.thread;
  if (channel !== state.place) go(channel);
  if (thread) openThread(thread);
  tell("reveal", id);
}

/** The messages of a channel that stand in no thread, oldest first. */
export const roots = (channel) => [...state.messages.values()].filter((one) => one.channel === channel && !one.thread);
/** The replies below a message, oldest first. */
export const replies = (id) => [...state.messages.values()].filter((one) => one.thread === id);

/** How many of the app's messages below `key` (a place, or a thread's message) nobody has looked at. */
export function unread(key) {
  const mark = read[state.person]?.[key] ?? "";
  return under(key).filter((one) => one.app && one.id > mark).length;
}

const under = (key) => (state.channels.some((channel) => channel.id === key) ? roots(key) : replies(key));

function seen(key) {
  (read[state.person] ??= {})[key] = under(key).map((one) => one.id).sort().at(-1) ?? "";
  tell("read");
}

export function start() {
  on("screen", () => {
    const known = state.place === HOME || state.channels.some((channel) => channel.id === state.place);
    if (!state.messages.has(state.thread)) state.thread = null;
    if (known && state.place !== HOME) seen(state.place);
    if (known && state.place !== HOME) tell("place");
    else go(known ? HOME : state.channels[0].id);
  });
  on("message", ({ now }) => {
    if (now.channel === state.place && !now.thread) seen(state.place);
    if (now.thread && now.thread === state.thread) seen(state.thread);
    tell("read");
  });
}
