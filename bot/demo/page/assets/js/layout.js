// What stands beside what: the panel behind, which can be closed, and on narrower screens the drawers.

import { at } from "/js/dom.js";
import { keep, kept } from "/js/kept.js";
import { closeThread } from "/js/places.js";
import { on, state } from "/js/store.js";
import { both, DRAWERS } from "/js/widths.js";

const KEY = "behind";
const frame = document.body;

export function start() {
  if (kept(KEY) === "closed") frame.dataset.behind = "closed";
  at("side-open").addEventListener("click", () => show("side"));
  at("behind-open").addEventListener("click", () => (shown("behind") ? hide("behind") : show("behind")));
  for (const id of ["curtain", "drawer-close"]) at(id).addEventListener("click", fold);
  frame.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && fold());
  for (const width of [...Object.values(DRAWERS), both]) width.addEventListener("change", fold);
  on("place", () => (frame.dataset.drawer === "side" ? fold() : arrange()));
  arrange();
}

/** Brings "side" or "behind" onto the screen: as a drawer where there is no room beside, with the focus in it. */
export function show(part) {
  if (shown(part)) return;
  if (DRAWERS[part].matches) {
    frame.dataset.drawer = part;
    arrange();
    at(part).focus();
    return;
  }
  stay("open");
  if (state.thread && !both.matches) closeThread();
  arrange();
}

/** Takes "side" or "behind" off the screen. */
export function hide(part) {
  if (DRAWERS[part].matches) fold();
  else stay("closed");
  arrange();
}

/** Whether "side" or "behind" can be seen. */
export function shown(part) {
  if (DRAWERS[part].matches) return frame.dataset.drawer === part;
  return part === "side" || (frame.dataset.behind !== "closed" && (both.matches || !state.thread));
}

/** Whether the panel behind stands beside the rest, and not over it. */
export const beside = () => shown("behind") && !DRAWERS.behind.matches;

/** All but the panel behind is covered while a form is open beside it. */
export function cover(covered) {
  frame.toggleAttribute("data-form", covered);
  arrange();
}

function stay(how) {
  frame.dataset.behind = how;
  keep(KEY, how);
}

/** Closes the drawer that is open; the focus goes back to what opened it, or stays where there is room for both. */
function fold() {
  const part = frame.dataset.drawer;
  delete frame.dataset.drawer;
  arrange();
  if (!part || (shown(part) && at(part).contains(document.activeElement))) return;
  const opener = at(`${part}-open`);
  (opener.checkVisibility() ? opener : at(part)).focus();
}

function arrange() {
  const drawer = frame.dataset.drawer;
  if (state.thread) frame.dataset.thread = "open";
  else delete frame.dataset.thread;
  const free = drawer ?? (frame.hasAttribute("data-form") ? "behind" : null);
  at("drawer-close").hidden = !drawer;
  at("curtain").hidden = !free;
  for (const id of ["skip", "side", "lost", "guide", "main", "thread", "behind"]) {
    at(id).inert = Boolean(free) && id !== free;
  }
  for (const part of ["side", "behind"]) at(`${part}-open`).setAttribute("aria-expanded", String(shown(part)));
}
