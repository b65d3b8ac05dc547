// The list of channels, and the app's own places.

import { at, button, element } from "/js/dom.js";
import { go, unread } from "/js/places.js";
import { HOME, on, state } from "/js/store.js";

export function start() {
  for (const topic of ["screen", "place", "read"]) on(topic, draw);
}

function draw() {
  const shared = state.channels.filter((channel) => !channel.direct);
  const direct = state.channels.filter((channel) => channel.direct);
  at("channels").replaceChildren(...shared.map((channel) => row(channel.id, `# ${channel.name}`)));
  at("apps").replaceChildren(row(HOME, "Patches: Home"), ...direct.map((channel) => row(channel.id, "Patches: Messages")));
}

function row(place, label) {
  const node = button(label, () => go(place));
  const news = place === HOME ? 0 : unread(place);
  if (place === state.place) node.setAttribute("aria-current", "page");
  node.classList.toggle("news", news > 0);
  if (news) node.append(element("span", "count", String(news)));
  return element("li", "", node);
}
