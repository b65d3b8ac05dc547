// The app's place: its tabs, and its Home as the person sees it. And the head of every place.

import { blocks } from "/js/blocks.js";
import { count } from "/js/channels.js";
import { dayOf, zone } from "/js/dates.js";
import { inView } from "/js/deeds.js";
import { at, button, element, keepingBusy, keepingFocus } from "/js/dom.js";
import { go, unread } from "/js/places.js";
import { actor, capital, direct, HOME, on, simulated, state } from "/js/store.js";

export function start() {
  at("zone").textContent = `Times are in your zone (${zone()}).`;
  on("place", head);
  on("place", draw);
  on("home", draw);
  on("day", draw);
  on("read", tabs);
}

function head() {
  const channel = state.channels.find((one) => one.id === (state.place === HOME ? direct() : state.place));
  const where = channel.direct ? ["Patches ", element("span", "app", "APP")] : [`# ${channel.name}`];
  at("where").replaceChildren(...where);
  at("topic").textContent = at("topic").title = channel.topic;
  document.title = `${channel.direct ? "Patches" : `#${channel.name}`} · ${capital(actor().name)} · Patches demo`;
  at("tabs").hidden = !channel.direct;
  tabs();
}

function tabs() {
  if (at("tabs").hidden) return;
  const news = state.place === HOME ? unread(direct()) : 0;
  keepingFocus(at("tabs"), () => at("tabs").replaceChildren(tab(HOME, "Home", 0), tab(direct(), "Messages", news)));
}

function tab(place, name, news) {
  const node = button(name, () => go(place));
  if (state.place === place) node.setAttribute("aria-current", "page");
  if (news) node.append(count(news));
  return node;
}

let shown = ""; // the sign of what the pane shows

function draw() {
  const pane = at("home");
  pane.hidden = state.place !== HOME;
  const sign = JSON.stringify([state.home, dayOf(simulated())]);
  if (pane.hidden || sign === shown) return;
  shown = sign;
  const told = state.home;
  const inside = told ? blocks(told.blocks, inView(told.id)) : [element("p", "empty", "One moment…")];
  const anew = element("div", "home", ...inside);
  keepingBusy(pane, anew);
  keepingFocus(pane, () => pane.replaceChildren(anew));
}
