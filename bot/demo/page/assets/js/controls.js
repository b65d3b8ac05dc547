// What can be pressed, chosen and filled in. Each control that holds something has a `field`: `target`, the node that a
// label names; `group`, whether there are several fields in it; `state()`, as in view.state.values; `back(value)`.

import { combobox } from "/js/combobox.js";
import { asked } from "/js/confirm.js";
import { button, element } from "/js/dom.js";
import { menu } from "/js/menu.js";
import { first, offered, options } from "/js/options.js";
import { known, plain, unknown } from "/js/text.js";
import { ticks } from "/js/ticks.js";

/** An element of a block; `scene` as for `blocks`. */
export function control(block, part, scene) {
  const draw = known(CONTROLS, part.type);
  const node = draw ? draw(block, part, scene) : unknown("element", part.type);
  if (part.action_id) node.dataset.action = part.action_id;
  if (node.field && block.type !== "input") acting(node, block, part, scene);
  else if (node.field && block.dispatch_action) {
    node.addEventListener("change", () => scene.choose(block, part, sent(node.field.state())));
  }
  if (node.field && part.focus_on_load) node.dataset.first = "";
  return node;
}

/** What a state is when it is sent: a text, the value of an option, or several of them. */
export function sent(state) {
  const { type: _type, ...held } = state;
  const bare = (one) => one?.value ?? one ?? "";
  const [value] = Object.values(held);
  return Array.isArray(value) ? value.map(bare) : String(bare(value));
}

/** Outside of a form a choice goes out at once, if its confirm dialog says so. */
function acting(node, block, part, scene) {
  let before = sent(node.field.state());
  if (!node.field.group && !node.field.target.labels?.length) node.field.target.setAttribute("aria-label", title(part));
  if (node.field.group) node.field.target.setAttribute("aria-label", title(part));
  node.addEventListener("change", async () => {
    const now = sent(node.field.state());
    if (!(await asked(part.confirm, scene.words))) return node.field.back(before);
    before = now;
    await scene.choose(block, part, now);
  });
}

const title = (part) => (part.placeholder ? plain(part.placeholder) : "Choose");

const CONTROLS = {
  button: pressable,
  overflow: (block, part, scene) =>
    menu(part, async (option) => (await asked(part.confirm, scene.words)) && scene.choose(block, part, option.value)),
  static_select: select,
  multi_static_select: (block, part, scene) => ticks(block, part, scene, "checkbox"),
  checkboxes: (block, part, scene) => ticks(block, part, scene, "checkbox"),
  radio_buttons: (block, part, scene) => ticks(block, part, scene, "radio"),
  external_select: combobox,
  multi_external_select: combobox,
  users_select: combobox,
  multi_users_select: combobox,
  channels_select: combobox,
  multi_channels_select: combobox,
  conversations_select: combobox,
  multi_conversations_select: combobox,
  plain_text_input: (block, part, scene) => typed(block, part, scene, part.multiline ? "textarea" : "text"),
  email_text_input: (block, part, scene) => typed(block, part, scene, "email"),
  url_text_input: (block, part, scene) => typed(block, part, scene, "url"),
  number_input: (block, part, scene) => typed(block, part, scene, "text"),
  datepicker: (block, part, scene) => picker(block, part, scene, "date", "selected_date", "initial_date"),
  timepicker: (block, part, scene) => picker(block, part, scene, "time", "selected_time", "initial_time"),
  datetimepicker: moment,
};

function pressable(block, part, scene) {
  const press = async (node) => (await asked(part.confirm, scene.words)) && scene.press(block, part, node);
  if (!/^https?:/i.test(part.url ?? "")) {
    return button(plain(part.text), press, part.style ?? "", part.accessibility_label);
  }
  const node = element("a", `button ${part.style ?? ""}`, plain(part.text));
  Object.assign(node, { href: part.url, target: "_blank", rel: "noopener noreferrer" });
  node.addEventListener("click", () => scene.press(block, part, node)); // Slack tells the app too
  return node;
}

function select(block, part, scene) {
  const node = element("select");
  const nothing = new Option(title(part), "");
  nothing.disabled = !block.optional;
  node.append(nothing, ...options(part, (option) => new Option(whole(option), option.value), choices));
  const back = (value) => (node.value = value);
  back(first(part, scene.held(block, part))?.value ?? "");
  const chosen = () => offered(part).find((option) => option.value === node.value) ?? null;
  node.field = { target: node, back, state: () => ({ type: part.type, selected_option: chosen() }) };
  return node;
}

const whole = ({ text, description }) => (description ? `${plain(text)} (${plain(description)})` : plain(text));

function choices(name, inside) {
  const node = element("optgroup", "", ...inside);
  node.label = name;
  return node;
}

function typed(block, part, scene, kind) {
  const node = element(kind === "textarea" ? "textarea" : "input");
  const back = (value) => (node.value = value);
  if (kind !== "textarea") node.type = kind;
  if (part.type === "number_input") node.inputMode = part.is_decimal_allowed ? "decimal" : "numeric";
  back(scene.held(block, part)?.value ?? part.initial_value ?? "");
  node.placeholder = part.placeholder ? plain(part.placeholder) : "";
  if (part.max_length) node.maxLength = part.max_length;
  node.field = { target: node, back, state: () => ({ type: part.type, value: node.value || null }) };
  return node;
}

function picker(block, part, scene, kind, held, initial) {
  const node = element("input");
  node.type = kind;
  const back = (value) => (node.value = value);
  back(scene.held(block, part)?.[held] ?? part[initial] ?? "");
  node.field = { target: node, back, state: () => ({ type: part.type, [held]: node.value || null }) };
  return node;
}

/** An instant (seconds) as such a field holds it: 2026-03-02T10:00. */
function local(seconds) {
  const moment = new Date(seconds * 1000);
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A day and a time of the reader's zone; Slack counts seconds since 1970. */
function moment(block, part, scene) {
  const node = element("input");
  node.type = "datetime-local";
  const back = (seconds) => (node.value = seconds ? local(Number(seconds)) : "");
  back(scene.held(block, part)?.selected_date_time ?? part.initial_date_time);
  const seconds = () => (node.value ? new Date(node.value).valueOf() / 1000 : null);
  node.field = { target: node, back, state: () => ({ type: part.type, selected_date_time: seconds() }) };
  return node;
}
