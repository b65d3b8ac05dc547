// Block Kit as DOM nodes. What this page does not know is shown loudly, not left out.

import { control } from "/js/controls.js";
import { element } from "/js/dom.js";
import { known, plain, text, unknown } from "/js/text.js";

let drawn = 0; // ids must be unique on the page, and a block_id need not be

/**
 * `scene`: {words, held(block, part), press(block, part, node), choose(block, part, value),
 * suggest(block, part, typed)}.
 * Each node tells its block as `dataset.block`.
 */
export function blocks(list, scene) {
  return list.map((block) => {
    const draw = known(BLOCKS, block.type);
    const node = draw ? draw(block, scene) : unknown("block", block.type);
    node.dataset.block = block.block_id;
    return node;
  });
}

const BLOCKS = {
  header: (block) => element("h3", "", plain(block.text)),
  divider: () => element("hr"),
  section,
  context: (block, scene) => {
    const draw = (part) => (part.type === "image" ? picture(part) : text(part, scene.words));
    return element("div", "context", ...block.elements.map(draw));
  },
  actions: (block, scene) => element("div", "actions", ...block.elements.map((part) => control(block, part, scene))),
  image: (block) => {
    const node = element("figure", "shown");
    if (block.title) node.append(element("figcaption", "", plain(block.title)));
    node.append(picture(block));
    return node;
  },
  input,
  table,
  alert: (block, scene) => element("div", `notice ${block.level ?? "default"}`, text(block.text, scene.words)),
};

function section(block, scene) {
  const words = element("div", "words");
  words.id = `words-${(drawn += 1)}`;
  if (block.text) words.append(text(block.text, scene.words));
  if (block.fields) words.append(element("div", "fields", ...block.fields.map((field) => text(field, scene.words))));
  const node = element("div", "section", words);
  if (block.accessory?.type === "image") node.append(picture(block.accessory));
  else if (block.accessory) node.append(beside(control(block, block.accessory, scene), words.id));
  return node;
}

/** Ten buttons of one name: what each is about stands in the section beside it. */
function beside(node, id) {
  (node.field?.target ?? node).setAttribute("aria-describedby", id);
  return node;
}

function input(block, scene) {
  const node = control(block, block.element, scene);
  const name = `input-${(drawn += 1)}`;
  const label = labelled(node.field, name, plain(block.label));
  if (block.optional) label.append(element("span", "optional", " (optional)"));
  const hint = element("p", "hint", block.hint ? plain(block.hint) : "");
  const fault = element("p", "fault");
  [hint.id, fault.id] = [`${name}-hint`, `${name}-fault`];
  hint.hidden = !block.hint;
  node.field?.target.setAttribute("aria-describedby", block.hint ? `${fault.id} ${hint.id}` : fault.id);
  if (!block.optional && node.field && !node.field.group) node.field.target.setAttribute("aria-required", "true");
  const whole = element("div", "input", label, node, fault, hint);
  whole.field = node.field;
  whole.dataset.action = block.element.action_id;
  return whole;
}

/** The label of a field, or of a group of them. */
function labelled(field, name, words) {
  const label = element(field && !field.group ? "label" : "div", "label", words);
  label.id = `${name}-label`;
  if (field?.group) field.target.setAttribute("aria-labelledby", label.id);
  else if (field) label.htmlFor = field.target.id = name;
  return label;
}

function table(block) {
  const node = element("table");
  for (const [row, cells] of block.rows.entries()) {
    const line = node.insertRow();
    for (const [column, cell] of cells.entries()) {
      const shown = cell.type === "raw_text" ? cell.text : unknown("cell", cell.type);
      line.append(element(row ? "td" : "th", block.column_settings?.[column]?.align ?? "", shown));
    }
  }
  return element("div", "table", node);
}

/** The page loads nothing from elsewhere, so of a picture that is there only its words are shown. */
function picture(part) {
  if (!own(part.image_url)) {
    return element("span", "picture", `Picture: ${part.alt_text}`);
  }
  const node = element("img", "picture");
  Object.assign(node, { src: part.image_url, alt: part.alt_text });
  return node;
}

const own = (address) =>
  Boolean(address) &&
  URL.canParse(address, location.href) &&
  new URL(address, location.href).origin === location.origin;
