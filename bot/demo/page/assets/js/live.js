// Talking to the demo: the screen comes by server-sent events, what a person does goes as POSTs.

import { state, tell } from "/js/store.js";

let source;

/** Sends a deed as the person who is acted as. What the demo answers, or null after a trouble that was shown. */
export async function post(deed, body = {}) {
  trouble("");
  try {
    const answer = await fetch(`/api/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: state.person, ...body }),
    });
    const told = await answer.json();
    if (!answer.ok) trouble(`That did not work: ${told.error}.`);
    return answer.ok ? told : null;
  } catch {
    trouble("The demo does not answer.");
    return null;
  }
}

/** Becomes a person: their screen is told as "screen", and kept live from then on. */
export function become(person) {
  source?.close();
  state.person = person;
  source = new EventSource(`/api/events?as=${encodeURIComponent(person)}`);
  for (const [name, act] of Object.entries(EVENTS)) source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  const lost = document.getElementById("lost");
  source.onopen = () => (lost.hidden = true);
  source.onerror = () => (lost.hidden = false);
}

const EVENTS = {
  screen({ messages, clock, ...rest }) {
    Object.assign(state, rest, { messages: new Map(messages.map((one) => [one.id, one])) });
    EVENTS.clock(clock);
    tell("screen");
  },
  message(now) {
    const before = state.messages.get(now.id);
    if (now.deleted) state.messages.delete(now.id);
    else state.messages.set(now.id, now);
    tell("message", { now, before });
  },
  views(views) {
    state.views = views;
    tell("views");
  },
  home(home) {
    state.home = home;
    tell("home");
  },
  clock(clock) {
    state.time = { ...clock, told: performance.now() };
    tell("clock");
  },
};

/** Listens to one more kind of event of the stream. */
export function hear(name, act) {
  EVENTS[name] = act;
}

function trouble(sentence) {
  const node = document.getElementById("trouble");
  node.textContent = sentence;
  node.hidden = !sentence;
}
