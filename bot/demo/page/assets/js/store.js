// What one person has on their screen, and who wants to know when it changes.

export const HOME = "home"; // stands among the channels' ids

/**
 * As `screen.py` tells it. `run`: which demo it is; `address`: the workspace's, as in permalinks; `place`: the channel
 * that is looked at, or HOME; `thread`: the id of the message whose thread is open beside it. `time`: simulated
 * seconds, as told at `told` (the browser's clock, milliseconds). `silent`: the demo does not answer.
 */
export const state = {
  person: "U0BOB",
  app: "U0PATCHES",
  run: "",
  silent: false,
  address: "",
  place: "C0HELPDESK",
  thread: null,
  people: [],
  names: {},
  groups: {},
  channels: [],
  commands: [],
  messages: new Map(),
  views: [],
  home: null,
  time: { now: 0, speed: 0, told: 0 },
};

const listeners = {};

/**
 * Topics: "screen" (all is new), "anew" (before it: it is another demo), "message" ({now, before}), "views", "home",
 * "clock", "day" (it is another one for who reads), "place" (another place or thread is looked at, and what counts as
 * read has changed), "read" (only the latter), "reveal" (a message's id), "trouble" (what went wrong, a sentence or
 * nothing), "said" (something is on its way from where one types, or has come), "answers" (the demo does again),
 * "trace", "levers".
 */
export function on(topic, act) {
  (listeners[topic] ??= []).push(act);
}

export function tell(topic, news) {
  for (const act of listeners[topic] ?? []) attempt(() => act(news));
}

/** What goes wrong in one part of the page is reported, and does not keep the others from their work. */
export function attempt(act) {
  try {
    act();
  } catch (error) {
    reportError(error);
  }
}

let index = null; // the messages by where they stand, until one comes or goes

/** All messages of a screen. */
export function fill(messages) {
  state.messages = new Map(messages.map((one) => [one.id, one]));
  index = null;
}

/** Takes in a message that came, was changed or deleted. Returns what it was before. */
export function take(now) {
  const before = state.messages.get(now.id);
  if (now.deleted) state.messages.delete(now.id);
  else state.messages.set(now.id, now);
  index = null;
  return before;
}

/** The messages of a place that stand in no thread, or those below a message; oldest first. */
export function standing(key) {
  index ??= Map.groupBy(state.messages.values(), (one) => one.thread ?? one.channel);
  return index.get(key) ?? [];
}

export const actor = () => state.people.find((person) => person.id === state.person);
/** The id of the direct message with the app. */
export const direct = () => state.channels.find((channel) => channel.direct)?.id;
export const channelNamed = (name) => state.channels.find((channel) => channel.name === name);
export const simulated = () => state.time.now + (state.time.speed * (performance.now() - state.time.told)) / 1000;
/** Something that was told has happened at this moment, so it is not earlier there: time may have been put forward. */
export function reached(now) {
  if (now > simulated()) Object.assign(state.time, { now, told: performance.now() });
}
export const capital = (name) => name[0].toUpperCase() + name.slice(1);
