// The app's Home, as the person sees it.

import { blocks } from "/js/blocks.js";
import { inView } from "/js/deeds.js";
import { at, element } from "/js/dom.js";
import { HOME, on, state } from "/js/store.js";

export function start() {
  on("place", draw);
  on("home", draw);
}

function draw() {
  at("home").hidden = state.place !== HOME;
  if (state.place !== HOME) return;
  at("where").textContent = "Patches";
  const told = state.home;
  at("home").replaceChildren(...(told ? blocks(told.blocks, inView(told.id)) : [element("p", "empty", "One moment…")]));
}
