// Block Kit as DOM nodes: the blocks and elements that the bot uses. Anything else is shown loudly, not left out.

import { element } from "/js/dom.js";
import { mrkdwn, unescape } from "/js/mrkdwn.js";

/** `scene`: {words, held(block, element), press(block, element), choose(element, value), suggest(element, typed)}. */
export function blocks(list, scene) {
  return list.map((block) => {
    const draw = BLOCKS[block.type];
    const node = draw ? draw(block, scene) : unknown("block", block.type);
    node.dataset.block = block.block_id;
    return node;
  });
}

const BLOCKS = {
  header: (block) => element("h3", "", plain(block.text)),
  divider: () => element("hr"),
  section: (block, scene) => {
    const words = element("div", "words");
    if (block.text) words.append(text(block.text, scene));
    if (block.fields) words.append(element("div", "fields", ...block.fields.map((field) => text(field, scene))));
    const node = element("div", "section", words);
    if (block.accessory) node.append(control(block, block.accessory, scene));
    return node;
  },
  context: (block, scene) =>
    element("div", "context", ...block.elements.map((part) => (part.type === "image" ? picture(part) : text(part, scene)))),
  actions: (block, scene) => element("div", "actions", ...block.elements.map((part) => control(block, part, scene))),
  image: (block) => picture(block),
  input: (block, scene) => {
    const label = element("label", "label", plain(block.label));
    if (block.optional) label.append(element("span", "optional", " (optional)"));
    const field = control(block, block.element, scene);
    const focus = field.matches("input, textarea, select") ? field : field.querySelector("input");
    if (focus) label.htmlFor = focus.id ||= `input-${block.block_id}`;
    const node = element("div", "input", label, field);
    if (block.hint) node.append(element("p", "hint", plain(block.hint)));
    node.append(element("p", "fault"));
    return node;
  },
};

const CONTROLS = {
  button: (block, part, scene) => {
    const node = element("button", part.style ?? "", plain(part.text));
    node.type = "button";
    node.addEventListener("click", () => confirmed(part) && scene.press(block, part, node));
    return node;
  },
  static_select: (block, part, scene) => {
    const held = scene.held(block, part)?.selected_option ?? part.initial_option;
    const node = element("select");
    const nothing = new Option(part.placeholder ? plain(part.placeholder) : "Choose…", "");
    nothing.disabled = !block.optional;
    node.append(nothing, ...groups(part, (option) => new Option(whole(option), option.value), "optgroup"));
    node.value = held?.value ?? "";
    node.addEventListener("change", () => scene.choose(block, part, node.value));
    node.read = () => node.value;
    return node;
  },
  multi_static_select: (block, part, scene) => ticks(block, part, scene, "checkbox"),
  external_select: (block, part, scene) => external(block, part, scene, "radio"),
  multi_external_select: (block, part, scene) => external(block, part, scene, "checkbox"),
  checkboxes: (block, part, scene) => ticks(block, part, scene, "checkbox"),
  radio_buttons: (block, part, scene) => ticks(block, part, scene, "radio"),
  plain_text_input: (block, part, scene) => {
    const node = element(part.multiline ? "textarea" : "input");
    node.value = scene.held(block, part)?.value ?? part.initial_value ?? "";
    node.placeholder = part.placeholder ? plain(part.placeholder) : "";
    if (part.max_length) node.maxLength = part.max_length;
    node.read = () => node.value;
    return node;
  },
};

function control(block, part, scene) {
  const draw = CONTROLS[part.type];
  return draw ? draw(block, part, scene) : unknown("element", part.type);
}

/** A list of options to tick. Slack shows a multi-select as a menu; a list lets everything be seen at once. */
function ticks(block, part, scene, kind) {
  const held = heldOptions(block, part, scene);
  const isHeld = (option) => held.some((other) => other.value === option.value);
  const node = element("div", "ticks", ...groups(part, (option) => tick(block, kind, option, isHeld(option)), "fieldset"));
  limited(node, part);
  node.read = () => ticked(node, kind);
  return node;
}

/** A field to type in; what the app offers for it is listed below, and what was chosen stays there. */
function external(block, part, scene, kind) {
  const field = element("input");
  field.placeholder = part.placeholder ? plain(part.placeholder) : "";
  const list = element("div", "ticks");
  const node = element("div", "external", field, list);
  const known = new Map(heldOptions(block, part, scene).map((option) => [option.value, option]));
  let turn = 0;
  const draw = (found) => {
    const chosen = node.read === undefined ? [...known.keys()] : [ticked(list, kind)].flat();
    for (const option of found) known.set(option.value, option);
    const shown = [...chosen.filter((value) => value).map((value) => known.get(value)), ...found];
    const unique = [...new Map(shown.map((option) => [option.value, option])).values()];
    list.replaceChildren(...unique.map((option) => tick(block, kind, option, chosen.includes(option.value))));
    list.hidden = !unique.length;
  };
  field.addEventListener("input", async () => {
    const mine = (turn += 1);
    const enough = field.value.trim() && field.value.length >= (part.min_query_length ?? 3);
    const found = enough ? await scene.suggest(block, part, field.value) : [];
    if (mine === turn) draw(found);
  });
  field.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  draw([]);
  limited(list, part);
  node.read = () => ticked(list, kind);
  return node;
}

function heldOptions(block, part, scene) {
  const state = scene.held(block, part);
  const initial = part.initial_options ?? (part.initial_option ? [part.initial_option] : []);
  return state?.selected_options ?? (state?.selected_option ? [state.selected_option] : initial);
}

function tick(block, kind, option, checked) {
  const input = element("input");
  input.type = kind;
  input.name = block.block_id;
  input.value = option.value;
  input.checked = checked;
  const label = element("label", "tick", input, plain(option.text));
  if (option.description) label.append(element("small", "", plain(option.description)));
  return label;
}

function ticked(node, kind) {
  const chosen = [...node.querySelectorAll("input:checked")].map((input) => input.value);
  return kind === "radio" ? (chosen[0] ?? "") : chosen;
}

/** Slack's client lets nobody choose more than `max_selected_items`. */
function limited(node, part) {
  node.addEventListener("change", (event) => {
    const most = part.max_selected_items ?? Infinity;
    if (node.querySelectorAll("input:checked").length > most) event.target.checked = false;
  });
}

function groups(part, draw, tag) {
  if (part.options) return part.options.map(draw);
  return part.option_groups.map((group) => {
    const node = element(tag, "", ...group.options.map(draw));
    if (tag === "optgroup") node.label = plain(group.label);
    else node.prepend(element("legend", "", plain(group.label)));
    return node;
  });
}

function confirmed(part) {
  if (!part.confirm) return true;
  return window.confirm(`${plain(part.confirm.title)}\n\n${plain(part.confirm.text)}`);
}

const whole = (option) => (option.description ? `${plain(option.text)} (${plain(option.description)})` : plain(option.text));
const plain = (object) => (object.type === "plain_text" ? object.text : unescape(object.text));
const text = (object, scene) =>
  object.type === "mrkdwn" ? mrkdwn(object.text, scene.words) : element("div", "mrkdwn", object.text);
const picture = (part) => element("span", "picture", `[picture: ${part.alt_text}]`);
const unknown = (what, type) => element("div", "unknown", `This page cannot draw ${what}s of the type “${type}”.`);
