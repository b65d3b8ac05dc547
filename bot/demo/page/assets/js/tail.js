// The end of the trace: it is followed until somebody scrolls up or opens a line. And the keys that lead through it.

import { at } from "/js/dom.js";

const NEAR = 40; // pixels from the end within which one looks at what is newest
const KEYS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

let pinned = true; // to the end, whatever changes its height
let stood = 0; // where it was scrolled to last
let shown = []; // the entries, oldest first
let seen = 0; // the newest of those that were there while the end was looked at

export function start() {
  const place = at("trace");
  const ruler = new ResizeObserver(settle);
  for (const node of [place, place.querySelector("ol")]) ruler.observe(node);
  place.addEventListener("scroll", scrolled);
  place.addEventListener("click", () => (pinned = false)); // what one opens stays where it is
  place.addEventListener("keydown", step);
  at("trace-newest").addEventListener("click", follow);
}

/** Changes what is shown by `act`; whoever looked at the end looks at the new end afterwards. */
export function keeping(entries, act) {
  pinned ||= atEnd();
  shown = entries;
  act();
  settle();
}

function settle() {
  const place = at("trace");
  if (pinned) place.scrollTop = place.scrollHeight;
  stood = place.scrollTop;
  offer();
}

/** Only upwards lets go of the end: downwards it may just not have been reached yet. */
function scrolled() {
  const { scrollTop } = at("trace");
  if (atEnd()) pinned = true;
  else if (scrollTop < stood) pinned = false;
  stood = scrollTop;
  offer();
}

function atEnd() {
  const place = at("trace");
  return place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
}

function offer() {
  const node = at("trace-newest");
  node.hidden = atEnd();
  if (node.hidden) seen = shown.at(-1)?.id ?? 0;
  const newer = shown.filter((entry) => entry.id > seen).length;
  node.textContent = newer ? `↓ Newest (${newer} more)` : "↓ Newest";
}

/** To what is newest, and on with it. */
function follow() {
  pinned = true;
  settle();
  at("trace").focus({ preventScroll: true });
}

/** From line to line; from the trace itself to the newest. */
function step(event) {
  const by = KEYS[event.key];
  const place = at("trace");
  const heads = [...place.querySelectorAll("button.trace-line")];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || !heads.length) return;
  const here = heads.indexOf(event.target);
  if (here < 0 && event.target !== place) return; // what is opened scrolls by the same keys
  event.preventDefault();
  const next = here < 0 ? heads.length - 1 : here + by;
  heads[Math.max(0, Math.min(heads.length - 1, next))].focus();
}
