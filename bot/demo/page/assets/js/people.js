// Who one acts as, changed by one click; and for whom else something came.

import { badge, count } from "/js/channels.js";
import { at, button, element } from "/js/dom.js";
import { become, hear } from "/js/live.js";
import { unread } from "/js/places.js";
import { actor, capital, on, state } from "/js/store.js";

const waiting = new Set(); // who got something for their eyes alone since one last looked
const rows = new Map(); // each person's button, by their id

export function start() {
  hear("elsewhere", ({ person }) => {
    if (state.people.some((one) => one.id === person)) waiting.add(person);
    draw();
  });
  on("anew", () => waiting.clear());
  for (const topic of ["place", "read"]) on(topic, opener);
  on("screen", () => {
    waiting.delete(state.person);
    draw();
  });
}

/** The small square that stands for somebody. */
export function avatar(id) {
  const name = state.names[id] ?? "?";
  const node = element("span", "avatar", id === state.app ? "✓" : name[0].toUpperCase());
  node.dataset.user = id;
  node.setAttribute("aria-hidden", "true");
  return node;
}

/** The rows stay, so that the focus does, whatever comes for anybody. */
function draw() {
  for (const person of state.people) if (!rows.has(person.id)) add(person);
  for (const [id, node] of rows) mark(node, id);
  const { role } = actor();
  if (at("role").textContent !== role) at("role").textContent = role; // it is read out each time it is written
  opener();
}

/** What opens the side where that is a drawer: it tells who one is, and that something is new in there. */
function opener() {
  const bars = element("span", "bars", "☰");
  bars.ariaHidden = "true";
  const told = [capital(actor().name), element("span", "unseen", "people and channels")];
  const mine = state.channels.reduce((sum, { id }) => sum + unread(id), 0);
  const news = mine ? [count(mine)] : waiting.size ? [something()] : [];
  at("side-open").replaceChildren(bars, avatar(state.person), ...told, ...news);
}

function add(person) {
  const node = button(avatar(person.id), () => become(person.id));
  const [name, tag] = [element("span", "name", capital(person.name)), element("span", "tag", person.tag)];
  node.append(name, " ", tag, element("span", "came"));
  node.title = person.role;
  rows.set(person.id, node);
  at("people").append(element("li", "", node));
}

function mark(node, id) {
  node.setAttribute("aria-pressed", String(id === state.person));
  node.querySelector(".came").replaceChildren(...(waiting.has(id) ? [something()] : []));
}

const something = () => badge(element("span", "unseen", "something "), "new");
