// The messages of the place one is at; below each the way into its thread.

import { at, element } from "/js/dom.js";
import { point, rows, sync } from "/js/feed.js";
import { markHere, roots } from "/js/places.js";
import { foot } from "/js/replies.js";
import { HOME, on, state } from "/js/store.js";

const list = at("messages");
const pill = at("latest");
const NEAR = 80; // pixels from the end that count as being there

let shown = ""; // in which demo, whose screen and which place
let stuck = true; // to the end, whatever grows above it
let seen = ""; // the newest message that was in the window

export function start() {
  on("place", enter);
  on("message", changed);
  on("day", () => list.hidden || draw());
  on("reveal", (id) => point(list, id));
  list.addEventListener("scroll", look, { passive: true });
  list.addEventListener("load", ({ target }) => target.matches("img") && stuck && end(), true);
  new ResizeObserver(() => (stuck ? end() : look())).observe(list);
  pill.addEventListener("click", () => {
    bring(list.lastElementChild);
    list.focus({ preventScroll: true });
  });
}

/** At the end of a place; where what is new there is more than the window holds, at its beginning. */
function enter() {
  list.hidden = state.place === HOME;
  at("composer").hidden = list.hidden;
  const before = shown;
  shown = list.hidden ? "" : `${state.run} ${state.person} ${state.place}`;
  if (list.hidden) {
    pill.hidden = true;
    return;
  }
  const again = shown === before; // a fresh screen, after the demo was gone; or another thread
  if (!again) list.replaceChildren();
  draw();
  if (!again) open();
  look();
}

function open() {
  seen = markHere() ?? roots(state.place).at(-1)?.id ?? "";
  end();
  const fresh = list.querySelector(".news-rule");
  if (fresh && fresh.offsetTop < list.scrollTop) fresh.scrollIntoView({ block: "start" });
}

function draw() {
  const channel = state.channels.find((one) => one.id === state.place);
  if (!channel) return [];
  const here = roots(channel.id);
  const wanted = here.length ? rows(here, { mark: markHere(), foot }) : [NOTHING];
  return sync(list, [beginning(channel), ...wanted]);
}

const NOTHING = { key: "nothing", sign: "", make: () => element("p", "empty", "Nothing here yet."), again: () => {} };

function beginning(channel) {
  const name = channel.direct ? "Patches" : `# ${channel.name}`;
  const make = () => element("div", "beginning", element("h3", "", name), element("p", "", channel.topic));
  return { key: "beginning", sign: channel.id, make, again: () => {} };
}

function changed({ now }) {
  if (list.hidden || (now.channel !== state.place && !now.deleted)) return;
  const made = draw().filter((node) => node.dataset.id === now.id);
  for (const node of made) node.classList.add("fresh");
  const mine = made.length && (now.private || now.user === state.person); // awaited, wherever one has scrolled to
  const last = list.lastElementChild;
  if ((stuck || mine) && last.dataset.id === now.id) bring(last);
  else if (stuck) end();
  look();
}

const end = () => (list.scrollTop = list.scrollHeight);

/** Scrolls to the end, or to the beginning of a message that is taller than the window. */
function bring(node) {
  node?.scrollIntoView({ block: node.offsetHeight > list.clientHeight ? "start" : "end" });
  look();
}

/** Notes up to where one has come: a message is seen when all of it is in the window, or fills half of that. */
function look() {
  if (list.hidden) return;
  const below = list.scrollTop + list.clientHeight;
  stuck = list.scrollHeight - below < NEAR;
  const nodes = [...list.querySelectorAll(":scope > .message")];
  const inside = (node) => node.offsetTop + Math.min(node.offsetHeight, list.clientHeight / 2) <= below;
  const last = stuck ? nodes.at(-1) : nodes.findLast(inside);
  if (last?.dataset.id > seen) seen = last.dataset.id;
  const news = roots(state.place).filter((one) => one.id > seen).length;
  pill.hidden = last === nodes.at(-1);
  pill.textContent = news ? `↓ ${news} new below` : "↓ Jump to newest";
}
