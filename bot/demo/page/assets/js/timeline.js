// The messages of the place one is at; below each the way into its thread.

import { at, button, element } from "/js/dom.js";
import { message } from "/js/message.js";
import { openThread, replies, roots, unread } from "/js/places.js";
import { HOME, on, state } from "/js/store.js";

const list = at("messages");

export function start() {
  on("place", draw);
  on("message", changed);
  on("read", () => list.querySelectorAll(".replies").forEach((node) => node.replaceWith(way(node.dataset.of))));
  on("reveal", (id) => found(list.querySelector(`[data-id="${CSS.escape(id)}"]`)));
}

let shown = "";

function draw() {
  list.hidden = state.place === HOME;
  at("composer").hidden = state.place === HOME;
  const key = `${state.person} ${state.place}`;
  if (list.hidden || (shown === key && list.childElementCount)) return;
  shown = list.hidden ? "" : key;
  const channel = state.channels.find((one) => one.id === state.place);
  at("where").textContent = channel.direct ? "Patches" : `# ${channel.name}`;
  const here = roots(state.place);
  list.replaceChildren(...(here.length ? here.map(row) : [element("p", "empty", "Nothing here yet.")]));
  bring(list.lastElementChild);
}

function row(told) {
  const node = message(told);
  node.querySelector(".body").append(way(told.id));
  return node;
}

/** The button below a message that opens its thread; hidden while there is none. */
function way(id) {
  const count = replies(id).length;
  const news = state.thread === id ? 0 : unread(id);
  const node = button(`${count} ${count === 1 ? "reply" : "replies"}${news ? ` · ${news} new` : ""}`, () => openThread(id), "replies");
  node.dataset.of = id;
  node.hidden = !count;
  return node;
}

function changed({ now, before }) {
  if (now.channel !== state.place && !now.deleted) return;
  const older = list.querySelector(`[data-id="${CSS.escape(now.id)}"]`);
  if (now.deleted) older?.remove();
  if (now.deleted || now.thread || JSON.stringify(before) === JSON.stringify(now)) return;
  const low = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.querySelector(".empty")?.remove();
  const node = row(now);
  node.classList.add("fresh");
  if (older) older.replaceWith(node);
  else list.append(node);
  if (low || (now.private && !before)) bring(node); // an answer is waited for, wherever one has scrolled to
}

/** Scroll to the end, or to the beginning of a message that is taller than the window. */
function bring(node) {
  node?.scrollIntoView({ block: node.offsetHeight > list.clientHeight ? "start" : "end" });
}

function found(node) {
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("found");
}
