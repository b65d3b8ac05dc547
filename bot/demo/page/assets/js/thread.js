// The thread beside the place: the message it hangs on, its replies, and where one answers.

import { Desk } from "/js/desk.js";
import { at } from "/js/dom.js";
import { line, point, rows, sync } from "/js/feed.js";
import { closeThread, replies } from "/js/places.js";
import { counted } from "/js/replies.js";
import { on, state } from "/js/store.js";
import { covering } from "/js/widths.js";

const SHARE = 0.35; // of the pane that the message above may take when there are replies
const NEAR = 80; // pixels from the end that count as being there

const panel = at("thread");
const list = at("thread-messages");
const form = at("reply");
const text = at("reply-text");
let desk = null; // where one answers
let shown = { thread: null, person: null };

export function start() {
  on("place", enter);
  on("message", changed);
  on("said", settle);
  on("day", () => state.thread && draw());
  on("reveal", (id) => state.thread && (id !== state.thread || covering.matches) && point(list, id));
  at("thread-close").addEventListener("click", leave);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    leave();
  });
  form.addEventListener("submit", submit);
  text.addEventListener("input", () => {
    desk.draft = text.value;
    settle();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function enter() {
  if (state.thread === shown.thread && state.person === shown.person) {
    if (state.thread) draw();
    return;
  }
  const another = state.thread !== shown.thread && shown.person; // after a reload nobody has asked for it
  shown = { thread: state.thread, person: state.person };
  panel.hidden = !state.thread;
  list.replaceChildren();
  desk = state.thread && new Desk(state.messages.get(state.thread)?.channel, state.thread);
  settle();
  if (!state.thread) return;
  draw();
  const count = list.querySelector("[data-key=count]");
  list.scrollTop = list.children.length > 2 ? count.offsetTop - list.offsetTop - list.clientHeight * SHARE : 0;
  if (another) panel.focus({ preventScroll: true });
}

/** Returns the nodes that were not there before. */
function draw() {
  const root = state.messages.get(state.thread);
  if (!root) {
    closeThread();
    return [];
  }
  const channel = state.channels.find((one) => one.id === root.channel);
  at("thread-where").textContent = channel && !channel.direct ? `# ${channel.name}` : "Patches";
  const below = replies(root.id);
  const count = line("count", counted(below.filter((one) => !one.private).length));
  return sync(list, [...rows([root], { days: false }), count, ...rows(below, { days: false })]);
}

function changed({ now }) {
  if (!state.thread || !(now.thread === state.thread || now.id === state.thread || now.deleted)) return;
  const low = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  const made = draw();
  const mine = now.private || now.user === state.person;
  if (made.length && (low || mine)) made.at(-1).scrollIntoView({ block: "nearest" });
}

/** Closes the thread; the focus goes back to where it was opened. */
function leave() {
  const id = state.thread;
  closeThread();
  at("messages").querySelector(`[data-of="${CSS.escape(id)}"]`)?.focus();
}

// ---------------------------------------------------------------- answering

/** The field as it is for this person in this thread: with their draft, and shut while what stood there is sent. */
function settle() {
  if (!desk) return;
  text.value = desk.draft;
  desk.show(text, at("reply-send"), at("reply-unsent"));
}

async function submit(event) {
  event.preventDefault();
  await desk.send();
  if (form.contains(document.activeElement)) text.focus();
}
