// The lines of the trace: equal calls next to each other are one line, and each opens to what was sent and answered.

import { element } from "/js/dom.js";

const NAMES = { slack: "Slack", eset: "ESET", nsight: "N-sight", bot: "Bot" };
const WAYS = { in: ["←", "From"], out: ["→", "To"], note: ["", ""] };

// Around the clock, whatever the reader's own way: it fits its column, and sorts as it reads.
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const JOINTS = /(?<=[._/=,])|(?<=[a-z])(?=[A-Z])/; // where a long word may be broken

const drawn = new WeakMap(); // of a list: what its lines are made of, by the id of their first entry

/** Entries, oldest first, as lines: arrays of entries that are alike. */
export function fold(entries) {
  const lines = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    if (last && entry.way !== "note" && kind(last[0]) === kind(entry)) last.push(entry);
    else lines.push([entry]);
  }
  return lines;
}

/** What went well is alike whatever it was about; what did not, only if it went wrong in the same way. */
const kind = ({ side, way, title, mood, outcome }) =>
  [side, way, title, ["odd", "wrong"].includes(mood) ? outcome : ""].join("\n");

/** Shows the lines in a list; what is there already stays, and stays open. */
export function draw(list, lines) {
  const before = drawn.get(list) ?? new Map();
  const now = new Map(lines.map((entries) => [entries[0].id, updated(before.get(entries[0].id), entries)]));
  drawn.set(list, now);
  for (const [id, line] of before) if (now.get(id) !== line) line.node.remove();
  let at = list.firstElementChild;
  for (const { node } of now.values()) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
}

function updated(line, entries) {
  const open = entries.length > 1 || entries[0].more;
  if (!line || line.open !== open) line = made(open);
  const state = JSON.stringify(entries);
  if (line.state === state) return line;
  Object.assign(line, { state, entries });
  line.head.replaceChildren(...head(entries));
  Object.assign(line.node.dataset, { side: entries[0].side, mood: entries[0].mood });
  if (line.inside) fill(line);
  return line;
}

function made(open) {
  const head = element(open ? "button" : "div", "trace-line");
  const line = { open, head, node: element("li", "", head), inside: null, entries: [], state: "" };
  if (!open) return line;
  head.type = "button";
  head.tabIndex = -1; // the trace is one stop of Tab; arrow keys lead from line to line
  head.setAttribute("aria-expanded", "false");
  head.addEventListener("click", () => toggle(line));
  return line;
}

/** A query stands in a line of its own, cut off at the panel's edge; opened, it is there in full. */
function head(entries) {
  const [first, last] = [entries[0], entries.at(-1)];
  const [arrow, word] = WAYS[first.way];
  const side = element("span", "side", sign(arrow), element("span", "unseen", `${word} `), NAMES[first.side]);
  const what = element("span", "what", element("b", "", ...broken(first.title)));
  if (entries.length > 1) what.append(" ", element("span", "times", `×${entries.length}`));
  const query = entries.length === 1 && first.about.includes("=") ? [element("span", "about query", first.about)] : [];
  if (entries.length === 1 && !query.length) what.append(" ", element("span", "about", first.about));
  const time = element("time", "", TIME.format(first.at * 1000));
  return [time, side, what, element("span", "outcome", outcome(last)), ...query];
}

const broken = (words) => words.split(JOINTS).flatMap((part, n) => (n ? [element("wbr"), part] : [part]));

function sign(arrow) {
  const node = element("span", "", arrow ? `${arrow} ` : "");
  node.setAttribute("aria-hidden", "true");
  return node;
}

function outcome({ outcome, ms, way }) {
  if (way === "note") return "";
  if (!outcome) return "…";
  return ms === null ? outcome : `${outcome} · ${ms || "<1"} ms`;
}

// ---------------------------------------------------------------- opened

function toggle(line) {
  const opening = !line.inside;
  line.head.setAttribute("aria-expanded", String(opening));
  line.inside?.remove();
  line.inside = null;
  if (opening) fill(line);
}

/** The calls that were folded, or what one of them was. */
function fill(line) {
  const folds = line.entries.length > 1;
  if (line.inside?.tagName !== (folds ? "OL" : "DIV")) room(line, folds ? "ol" : "div");
  if (folds) draw(line.inside, line.entries.map((entry) => [entry]));
  else read(line, line.inside);
}

function room(line, tag) {
  line.inside?.remove();
  line.inside = element(tag, "inside trace-lines");
  line.node.append(line.inside);
}

/** Meanwhile the line may have been closed, or become a fold. */
async function read(line, place) {
  const nodes = await papers(line.entries[0]);
  if (line.inside !== place) return;
  place.replaceChildren(...nodes);
  place.scrollIntoView({ block: "nearest" });
}

async function papers({ id }) {
  const answer = await fetch(`/api/trace/${id}`).catch(() => null);
  if (!answer?.ok) return [element("p", "none", "This is no longer kept.")];
  const told = await answer.json();
  return [paper("Sent", told.request), paper("Answered", told.answer)];
}

function paper(title, text) {
  const sheet = element("pre", "", text);
  sheet.tabIndex = 0;
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", title);
  return element("section", "", element("h3", "", title), sheet);
}
