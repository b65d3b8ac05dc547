// A list of options to tick: checkboxes, radio buttons, and multi-selects, which Slack shows as a menu; a list lets
// everything be seen at once.

import { element } from "/js/dom.js";
import { chosen, offered, options } from "/js/options.js";
import { plain, text } from "/js/text.js";

const LONG = 12; // options from which on there is a field that narrows them
let lists = 0;

/** `kind`: "checkbox" or "radio"; the rest as for `control`. */
export function ticks(block, part, scene, kind) {
  const name = `ticks-${(lists += 1)}`;
  const held = new Set(chosen(part, scene.held(block, part)).map((option) => option.value));
  const draw = (option) => tick(option, { kind, name, checked: held.has(option.value), words: scene.words });
  const boxed = part.type === "multi_static_select";
  const list = element("div", boxed ? "list boxed" : "list", ...options(part, draw, group));
  const node = element("div", "ticks", list);
  node.setAttribute("role", kind === "radio" ? "radiogroup" : "group");
  const state = () => stated(part, list);
  const back = (values) => inputs(list).forEach((input) => (input.checked = [values].flat().includes(input.value)));
  node.field = { target: node, group: true, state, back };
  if (boxed) counted(node, list, part);
  return node;
}

const inputs = (list) => [...list.querySelectorAll("input")];
const ticked = (list) => inputs(list).filter((input) => input.checked);

function tick(option, { kind, name, checked, words }) {
  const input = element("input");
  Object.assign(input, { type: kind, name, value: option.value, checked });
  const told = element("span", "", option.text.type === "mrkdwn" ? text(option.text, words) : plain(option.text));
  if (option.description) told.append(element("small", "", plain(option.description)));
  return element("label", "tick", input, told);
}

function group(name, inside) {
  return element("fieldset", "", element("legend", "", name), ...inside);
}

function stated(part, list) {
  const values = ticked(list).map((input) => input.value);
  const found = offered(part).filter((option) => values.includes(option.value));
  const many = part.type !== "radio_buttons";
  return { type: part.type, ...(many ? { selected_options: found } : { selected_option: found[0] ?? null }) };
}

/** Below the list: how many are chosen, and how many can be. Above a long one: what narrows it. */
function counted(node, list, part) {
  const all = offered(part).length;
  const most = part.max_selected_items ?? all;
  const count = element("p", "count-told");
  count.setAttribute("role", "status");
  const tell = (more = "") => {
    count.textContent = `${ticked(list).length} of ${all} chosen${most < all ? `, ${most} at most` : ""}${more}`;
  };
  list.addEventListener("change", (event) => {
    const over = ticked(list).length > most;
    if (over) event.target.checked = false;
    if (over) event.stopPropagation();
    count.classList.toggle("full", over);
    tell(over ? ": untick another one first." : "");
  });
  tell();
  if (all > LONG) node.prepend(narrowing(list));
  node.append(count);
}

function narrowing(list) {
  const field = element("input", "narrowing");
  Object.assign(field, { type: "search", placeholder: "Narrow this list" });
  field.setAttribute("aria-label", "Narrow this list");
  field.addEventListener("change", (event) => event.stopPropagation()); // it is no choice
  field.addEventListener("input", () => narrow(list, field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
    if (event.key !== "Escape" || event.isComposing || !field.value) return;
    event.preventDefault(); // it empties the field; the next one closes the form
    event.stopPropagation();
    narrow(list, (field.value = ""));
  });
  return field;
}

function narrow(list, words) {
  const wanted = words.trim().toLowerCase();
  for (const one of list.querySelectorAll(".tick")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  for (const set of list.querySelectorAll("fieldset")) set.hidden = !set.querySelector(".tick:not([hidden])");
}
