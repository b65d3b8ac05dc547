// The modal on top of the stack: drawn, filled in, submitted, closed.

import { blocks } from "/js/blocks.js";
import { inView } from "/js/deeds.js";
import { at, busy } from "/js/dom.js";
import { post } from "/js/live.js";
import { on, state } from "/js/store.js";

const dialog = at("modal");
let view = null;

export function start() {
  on("screen", change);
  on("views", change);
  dialog.querySelector("form").addEventListener("submit", submit);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    post("close", { view: view.id });
  });
  for (const id of ["modal-close", "modal-cross"]) at(id).addEventListener("click", () => post("close", { view: view.id }));
}

function change() {
  const told = state.views.at(-1) ?? null;
  const same = told && view && told.id === view.id && told.hash === view.hash;
  view = told;
  if (!told) {
    dialog.close();
    return;
  }
  if (!same) build(told);
  faults(told.errors);
  if (!dialog.open) dialog.showModal();
}

function build(told) {
  at("modal-title").textContent = told.title;
  at("modal-submit").textContent = told.submit ?? "";
  at("modal-submit").hidden = !told.submit;
  at("modal-close").textContent = told.close ?? "Close";
  at("modal-blocks").replaceChildren(...blocks(told.blocks, inView(told.id, told.values)));
}

function faults(errors) {
  for (const node of at("modal-blocks").children) {
    const fault = node.querySelector(":scope > .fault");
    if (fault) fault.textContent = errors[node.dataset.block] ?? "";
  }
  at("modal-trouble").textContent = errors[""] ?? "";
  at("modal-trouble").hidden = !errors[""];
}

function submit(event) {
  event.preventDefault();
  const values = {};
  for (const node of at("modal-blocks").querySelectorAll(".input")) {
    const field = [...node.querySelectorAll("*")].find((part) => part.read);
    const value = field?.read();
    if (field && !(field.matches("select, .ticks, .external") && value === "")) values[node.dataset.block] = value;
  }
  busy(at("modal-submit"), () => post("submit", { view: view.id, values }));
}
