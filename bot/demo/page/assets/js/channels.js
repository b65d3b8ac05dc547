// The list of channels, and the app: where one is, and where something new is.

import { at, button, element } from "/js/dom.js";
import { go, unread } from "/js/places.js";
import { direct, HOME, on, state } from "/js/store.js";

export function start() {
  for (const topic of ["screen", "place", "read"]) on(topic, draw);
}

let sign = ""; // of what the list shows

function draw() {
  const shared = state.channels.filter((channel) => !channel.direct);
  const told = JSON.stringify([state.place, state.channels.map(({ id, name }) => [id, name, unread(id)])]);
  if (told === sign) return;
  sign = told;
  const focused = [...document.querySelectorAll("#channels button, #apps button")].indexOf(document.activeElement);
  at("channels").replaceChildren(...shared.map((channel) => row("#", channel.name, channel.id, [channel.id])));
  at("apps").replaceChildren(row("✓", "Patches", unread(direct()) ? direct() : HOME, [HOME, direct()]));
  document.querySelectorAll("#channels button, #apps button")[focused]?.focus();
}

/** `there`: the places that this row stands for; `place`: the one it leads to. */
function row(icon, name, place, there) {
  const mark = element("span", "sign", icon);
  mark.ariaHidden = icon === "#" ? null : "true";
  const node = button(mark, () => go(place));
  const news = place === HOME ? 0 : unread(place);
  node.append(" ", element("span", "name", name));
  if (there.includes(state.place)) node.setAttribute("aria-current", "page");
  node.classList.toggle("news", news > 0);
  if (news) node.append(" ", count(news));
  return element("li", "", node);
}

/** How many are new. */
export const count = (news) => badge(String(news), element("span", "unseen", " new"));
export const badge = (...words) => element("span", "count", ...words);
