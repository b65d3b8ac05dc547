// Who one acts as, changed by one click.

import { at, button, element } from "/js/dom.js";
import { become } from "/js/live.js";
import { actor, capital, on, state } from "/js/store.js";

export function start() {
  on("screen", draw);
}

function draw() {
  at("people").replaceChildren(...state.people.map(row));
  at("role").textContent = actor().role;
}

function row(person) {
  const node = button(capital(person.name), () => become(person.id), "person");
  node.dataset.user = person.id;
  node.setAttribute("aria-pressed", String(person.id === state.person));
  node.title = person.role;
  return element("li", "", node);
}
