// The modal on top of the stack: drawn, filled in, submitted, closed.

import { blocks } from "/js/blocks.js";
import { sent } from "/js/controls.js";
import { inView, lastPressed } from "/js/deeds.js";
import { at, busy, element } from "/js/dom.js";
import { beside, cover } from "/js/layout.js";
import { post } from "/js/live.js";
import { on, state } from "/js/store.js";
import { both, DRAWERS } from "/js/widths.js";

const dialog = at("modal");
const body = at("modal-blocks");
const drafts = new Map(); // by view: what is filled in there and not sent yet, as in view.state.values
let view = null;
let opener = null;

export function start() {
  on("screen", change);
  on("views", () => {
    for (const id of drafts.keys()) if (id !== view?.id && !state.views.some((one) => one.id === id)) drafts.delete(id);
    change();
  });
  on("trouble", (sentence) => view && trouble(sentence));
  dialog.querySelector("form").addEventListener("submit", submit);
  document.body.addEventListener("keydown", key);
  for (const width of [DRAWERS.behind, both]) width.addEventListener("change", moved);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("close", () => !dialog.open && view && leave()); // it comes late: another one may be open
  for (const id of ["modal-close", "modal-cross", "modal-back"]) at(id).addEventListener("click", () => leave(at(id)));
  body.addEventListener("input", waits);
  body.addEventListener("change", waits);
}

/** Escape closes the form from beside it too, but not while something is asked above it. */
function key(event) {
  if (!view || event.defaultPrevented || document.querySelector("dialog[open]:not(#modal)")) return;
  if (event.isComposing) return; // Escape and Enter end the composition of a character
  if (event.key === "Escape") leave();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && dialog.contains(event.target)) submitting();
  else return;
  event.preventDefault();
}

/** Closes the view on top; the one below it comes back, if there is one. */
const leave = (node = at("modal-close")) => busy(node, () => post("close", { view: view.id }));

function change() {
  const told = state.views.at(-1) ?? null;
  const before = view;
  keep();
  view = told;
  if (!told) {
    gone(before);
    return;
  }
  const other = told.id !== before?.id;
  const place = focused();
  if (!dialog.open) {
    opener = document.activeElement;
    open();
  }
  if (other || told.hash !== before.hash) draw(told, other);
  faults(told.errors);
  if (other || told.hash !== before.hash) refocus(place, other);
}

/** Where the panel behind stands beside, that can be used while a form is open; else nothing else can. */
function open() {
  cover(beside());
  if (beside()) dialog.show();
  else dialog.showModal();
}

/** The window has become wider or narrower. */
function moved() {
  if (!dialog.open || dialog.matches(":modal") !== beside()) return;
  const place = document.activeElement;
  dialog.close();
  open();
  place.focus();
}

function gone(before) {
  drafts.delete(before?.id);
  if (!dialog.open) return;
  dialog.close();
  cover(false);
  if (elsewhere()) return;
  [opener, lastPressed(), at("text")].find(focusable)?.focus();
}

const focusable = (node) => node?.isConnected && node !== document.body && !node.closest("[hidden]");

// ---------------------------------------------------------------- what is filled in

const inputs = () => [...body.children].filter((node) => node.field);

/** What stands in the fields, by block_id and action_id. */
const held = () => Object.fromEntries(inputs().map((node) => [node.dataset.block, part(node)]));
const part = (node) => ({ [node.dataset.action]: node.field.state() });

function keep() {
  if (view) drafts.set(view.id, { ...drafts.get(view.id), ...held() });
}

/** A form may wait until something is filled in (`submit_disabled`). */
function waits() {
  const filled = inputs().some((node) => sent(node.field.state()).length);
  at("modal-submit").disabled = Boolean(view?.waits) && !filled;
}

// ---------------------------------------------------------------- drawing

function draw(told, other) {
  const below = state.views.at(-2);
  at("modal-title").textContent = told.title;
  at("modal-back").hidden = !below;
  at("modal-back").setAttribute("aria-label", `Back to ${below?.title ?? ""}`);
  at("modal-submit").textContent = told.submit ?? "";
  at("modal-submit").hidden = !told.submit;
  at("modal-close").textContent = told.close ?? "Close";
  fill(told, other);
  waits();
  body.tabIndex = body.querySelector(`${FIELDS}, a`) ? -1 : 0; // a keyboard must reach it to scroll it
  at("modal-said").textContent = inputs().length ? "" : body.innerText;
}

/** Blocks that are as they were stay as they are, with the caret in them. */
function fill(told, other) {
  const stay = new Map(other ? [] : [...body.children].map((node) => [node.drawn, node]));
  const values = { ...told.values };
  for (const [id, draft] of Object.entries(drafts.get(told.id) ?? {})) {
    values[id] = { ...values[id], ...fitting(told, id, draft) };
  }
  const fresh = blocks(told.blocks, inView(told.id, values));
  const nodes = fresh.map((node, place) => {
    node.drawn = JSON.stringify(told.blocks[place]);
    return stay.get(node.drawn) ?? node;
  });
  const same = nodes.length === body.children.length && nodes.every((node, place) => node === body.children[place]);
  if (!same) body.replaceChildren(...nodes);
  if (other) body.scrollTop = 0;
}

/** Of a state those parts that the block still has, in the same kind of field. */
function fitting(told, id, held) {
  const part = told.blocks.find((block) => block.block_id === id)?.element;
  return part && held[part.action_id]?.type === part.type ? held : {};
}

// ---------------------------------------------------------------- where the focus is

const focused = () => (dialog.contains(document.activeElement) ? document.activeElement : null);

/** Whether somebody is at the panel beside. */
const elsewhere = () => at("behind").contains(document.activeElement);

/** Into the first field of a view; in one that was changed, back to where it was. */
function refocus(place, other) {
  if (elsewhere()) return;
  if (!other && place?.isConnected && place !== at("modal-title") && !place.hidden) {
    place.focus();
    return;
  }
  const wanted = body.querySelector("[data-first]") ?? body.querySelector(FIELDS) ?? at("modal-title");
  (wanted.field?.target ?? wanted).focus({ preventScroll: wanted === at("modal-title") });
}

const FIELDS = "input, textarea, select, button";

// ---------------------------------------------------------------- sending

const submitting = () => view.submit && !at("modal-submit").disabled && dialog.querySelector("form").requestSubmit();

function submit(event) {
  event.preventDefault();
  const values = Object.fromEntries(inputs().map((node) => [node.dataset.block, sent(node.field.state())]));
  const mine = view.id;
  busy(at("modal-submit"), async () => {
    const told = await post("submit", { view: mine, values });
    if (!told || view?.id !== mine || !Object.keys(told.errors).length) return;
    faults(told.errors);
    const wrong = inputs().find((node) => told.errors[node.dataset.block]);
    const { target, group } = wrong?.field ?? {};
    (group ? target.querySelector(FIELDS) : target)?.focus();
  });
}

function faults(errors) {
  for (const node of inputs()) {
    const sentence = errors[node.dataset.block] ?? "";
    node.querySelector(":scope > .fault").textContent = sentence;
    node.classList.toggle("wrong", Boolean(sentence));
    for (const field of node.querySelectorAll("input, textarea, select")) field.ariaInvalid = sentence ? "true" : null;
  }
  trouble(errors[""] ?? "");
}

function trouble(sentence) {
  at("modal-trouble").replaceChildren(...(sentence ? [element("span", "", sentence)] : []));
  at("modal-trouble").hidden = !sentence;
}
