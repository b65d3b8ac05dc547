// What one person has on their screen, and who wants to know when it changes.

export const HOME = "home"; // stands among the channels' ids

/**
 * As `screen.py` tells it. `place`: the channel that is looked at, or HOME; `thread`: the id of the message whose
 * thread is open beside it. `time`: simulated seconds, as told at `told` (the browser's clock, milliseconds).
 */
export const state = {
  person: "U0BOB",
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
  time: { now: 0, speed: 0, told: 0, retries: [] },
};

const listeners = {};

/**
 * Topics: "screen" (all is new), "message" ({now, before}), "views", "home", "clock", "place" (another place or thread
 * is looked at), "read" (what counts as read has changed), "trace", "levers".
 */
export function on(topic, act) {
  (listeners[topic] ??= []).push(act);
}

export function tell(topic, news) {
  for (const act of listeners[topic] ?? []) act(news);
}

export const actor = () => state.people.find((person) => person.id === state.person);
export const channelNamed = (name) => state.channels.find((channel) => channel.name === name);
export const simulated = () => state.time.now + (state.time.speed * (performance.now() - state.time.told)) / 1000;
export const capital = (name) => name[0].toUpperCase() + name.slice(1);
