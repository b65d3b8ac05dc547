// Talking to the demo: the screen comes by server-sent events, what a person does goes as POSTs.

import { dayOf } from "/js/dates.js";
import { fill, simulated, state, take, tell } from "/js/store.js";

const AGAIN = 1000; // milliseconds until a stream that the browser has given up is asked for again
const SILENT = "The demo does not answer.";
const LOST = `${SILENT} When it runs again, this page goes on by itself.`;
const ANEW = "This is a new demo. Nothing of the one before is left.";

const troubled = document.getElementById("trouble");
const waiting = []; // whoever waits for a screen
let source;
let again;
let today = ""; // of who reads

/**
 * Sends a deed as the person who is acted as. What the demo answers, or null after a trouble that was shown: above the
 * composer, or by `told`.
 */
export async function post(deed, body = {}, told = trouble) {
  trouble("");
  if (deed !== "home") lost("", ANEW); // it has been read by then
  try {
    const answer = await fetch(`/api/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: state.person, ...body }),
    });
    const said = await answer.json();
    if (!answer.ok) told(`That did not work: ${said.error}.`);
    return answer.ok ? said : null;
  } catch {
    told(SILENT);
    return null;
  }
}

/**
 * Becomes a person: their screen is told as "screen", and kept live from then on. Resolves when it is there; until then
 * one is who one was before, with the screen of before.
 */
export function become(person) {
  follow(person);
  return new Promise((resolve) => waiting.push(resolve));
}

function follow(person) {
  clearTimeout(again);
  source?.close();
  source = new EventSource(`/api/events?as=${encodeURIComponent(person)}`);
  for (const [name, act] of Object.entries(EVENTS)) {
    source.addEventListener(name, (event) => act(JSON.parse(event.data), person));
  }
  source.onopen = () => {
    if (state.silent) tell("answers");
    state.silent = false;
    lost("");
    if (troubled.textContent === SILENT) trouble("");
  };
  source.onerror = () => {
    state.silent = true;
    lost(LOST);
    set({ now: simulated(), speed: 0 }); // what the time is there, nobody knows
    tell("clock");
    if (source.readyState === EventSource.CLOSED) again = setTimeout(() => follow(person), AGAIN);
  };
}

/** Tells of the demo as a whole, above everything; instead of `only` that sentence, if one is given. */
function lost(sentence, only = null) {
  const node = document.getElementById("lost");
  if (node.textContent === sentence || (only && node.textContent !== only)) return;
  node.classList.toggle("calm", sentence === ANEW);
  node.textContent = sentence;
}

const EVENTS = {
  screen({ messages, clock, ...rest }, person) {
    const another = state.run && state.run !== rest.run;
    Object.assign(state, rest, { person });
    fill(messages);
    set(clock);
    if (another) {
      lost(ANEW);
      tell("anew");
    }
    tell("screen");
    turn();
    for (const come of waiting.splice(0)) come();
  },
  message(now) {
    tell("message", { now, before: take(now) });
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
    set(clock);
    turn();
  },
};

const set = (clock) => (state.time = { ...clock, told: performance.now() });

/** Time has gone on, perhaps into another day. */
function turn() {
  tell("clock");
  const now = dayOf(simulated());
  if (today && now !== today) tell("day");
  today = now;
}

/** Listens to one more kind of event of the stream. */
export function hear(name, act) {
  EVENTS[name] = act;
}

/** Tells what went wrong above the composer; an empty sentence takes it away. */
export function trouble(sentence) {
  troubled.textContent = sentence;
  troubled.hidden = !sentence;
  tell("trouble", sentence);
}
