// A field to type in, what is found for it below, and what was chosen as chips before it.
// As in www.w3.org/WAI/ARIA/apg/patterns/combobox (editable, list autocomplete).

import { button, element, unpressed } from "/js/dom.js";
import { chosen } from "/js/options.js";
import { plain } from "/js/text.js";

const PAUSE = 120; // milliseconds without a key after which is asked
const NAMED = /^(multi_)?(users|channels|conversations)_select$/;
let boxes = 0;

/** external_select, and those that offer who and what is in the workspace; single and multi. */
export function combobox(block, part, scene) {
  const box = new Combobox(part, source(block, part, scene));
  box.put(NAMED.test(part.type) ? ids(block, part, scene) : chosen(part, scene.held(block, part)));
  return box.node;
}

/** How options are found: asked of the app, or looked up among the names of the workspace. */
function source(block, part, scene) {
  if (!NAMED.test(part.type)) {
    return { least: Math.max(part.min_query_length ?? 3, 1), ask: (typed) => scene.suggest(block, part, typed) };
  }
  const all = scene.words.everything(what(part));
  const fits = (typed) => (option) => option.text.text.toLowerCase().includes(typed.toLowerCase());
  return { least: 0, ask: async (typed) => all.filter(fits(typed)) };
}

const what = (part) => (part.type.includes("users") ? "users" : "channels");
const single = (part) => !part.type.startsWith("multi_");
const bare = (part) => NAMED.exec(part.type)[2].slice(0, -1);

function ids(block, part, scene) {
  const state = scene.held(block, part);
  const start = state ? "selected" : "initial";
  const from = state ?? part;
  const held = from[`${start}_${bare(part)}s`] ?? [from[`${start}_${bare(part)}`]];
  return scene.words.everything(what(part)).filter((option) => held.includes(option.value));
}

function stated(part, options) {
  const [name, values] = NAMED.test(part.type) ? [bare(part), options.map((one) => one.value)] : ["option", options];
  const held = single(part) ? { [`selected_${name}`]: values[0] ?? null } : { [`selected_${name}s`]: values };
  return { type: part.type, ...held };
}

class Combobox {
  constructor(part, from) {
    Object.assign(this, { part, from, chosen: [], found: [], known: new Map(), at: -1, turn: 0 });
    this.most = single(part) ? 1 : (part.max_selected_items ?? 100);
    this.id = `box-${(boxes += 1)}`;
    this.field = fieldOf(part, `${this.id}-list`);
    this.chips = element("span", "chips");
    this.list = listOf(`${this.id}-list`);
    this.note = element("p", "note");
    this.note.setAttribute("role", "status");
    const frame = element("div", "frame", this.chips, this.field);
    this.node = element("div", "combobox", frame, this.note, this.list);
    const back = (values) => this.put([values].flat().flatMap((value) => this.known.get(value) ?? []));
    this.node.field = { target: this.field, back, state: () => stated(part, this.chosen) };
    this.#listen(frame);
  }

  #listen(frame) {
    frame.addEventListener("mousedown", (event) => {
      if (event.target !== frame && event.target !== this.chips) return;
      event.preventDefault();
      this.field.focus();
    });
    this.field.addEventListener("change", (event) => event.stopPropagation()); // typing is no choice yet
    this.field.addEventListener("input", () => this.search());
    this.field.addEventListener("focus", () => this.from.least || this.search());
    this.field.addEventListener("blur", () => unpressed(() => this.field.matches(":focus") || this.leave()));
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field
    this.list.addEventListener("click", (event) => {
      const place = [...this.list.children].indexOf(event.target.closest("[role=option]"));
      if (place >= 0) this.choose(this.found[place]);
    });
  }

  #key(event) {
    if (event.isComposing) return; // Enter ends the composition of a character
    const open = !this.list.hidden;
    const count = this.found.length;
    if (event.key === "ArrowDown" && !open) this.search();
    else if (event.key === "ArrowDown") this.point((this.at + 1) % count);
    else if (event.key === "ArrowUp" && open) this.point((Math.max(this.at, 0) - 1 + count) % count);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) this.take();
    else if (event.key === "Escape" && open) this.close();
    else if (event.key === "Escape" && this.field.value) this.leave();
    else if (event.key === "Backspace" && !this.field.value && this.chosen.length) this.remove(this.chosen.at(-1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Asks for what fits; an answer to an older question is dropped. */
  async search() {
    const typed = this.field.value.trim();
    const mine = (this.turn += 1);
    if (typed.length < this.from.least) {
      this.show([]);
      this.say(typed && `Type at least ${this.from.least} characters.`);
      return;
    }
    this.say("Searching…");
    this.field.setAttribute("aria-busy", "true");
    await new Promise((go) => setTimeout(go, PAUSE));
    const found = mine === this.turn ? await this.from.ask(typed) : [];
    if (mine !== this.turn) return;
    this.show(found);
    this.say(found.length ? `${found.length} found` : "Nothing found.");
  }

  show(found) {
    this.field.removeAttribute("aria-busy");
    this.found = found;
    this.list.replaceChildren(...found.map((option, place) => this.#row(option, place)));
    this.list.hidden = !found.length;
    this.field.setAttribute("aria-expanded", String(found.length > 0));
    this.point(found.findIndex((option) => !this.#has(option)));
    if (found.length) this.list.scrollIntoView({ block: "nearest" });
  }

  #has(option) {
    return this.chosen.some((one) => one.value === option.value);
  }

  #row(option, place) {
    const row = element("div", "option", element("span", "", plain(option.text)));
    if (option.description) row.append(element("small", "", plain(option.description)));
    row.id = `${this.id}-${place}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(this.#has(option)));
    return row;
  }

  point(place) {
    this.list.children[this.at]?.classList.remove("here");
    this.at = place;
    const row = this.list.children[place];
    row?.classList.add("here");
    row?.scrollIntoView({ block: "nearest" });
    if (row) this.field.setAttribute("aria-activedescendant", row.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  take() {
    const option = this.found[this.at];
    if (option) this.choose(option);
  }

  choose(option) {
    if (this.#has(option)) return this.remove(option);
    if (!single(this.part) && this.chosen.length >= this.most) {
      this.say(`${this.most} at most: remove another one first.`, true);
      return undefined;
    }
    return this.#settle(single(this.part) ? [option] : [...this.chosen, option], `${plain(option.text)} is chosen.`);
  }

  remove(option) {
    this.#settle(
      this.chosen.filter((one) => one.value !== option.value),
      `${plain(option.text)} is removed.`,
    );
    this.field.focus();
  }

  /** These are chosen, and the app need not hear of it. */
  put(options) {
    this.chosen = options;
    for (const option of options) this.known.set(option.value, option);
    this.leave();
    this.draw();
  }

  #settle(options, words) {
    this.put(options);
    this.say(words);
    this.node.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** What was typed and not chosen is nothing. */
  leave() {
    this.field.value = "";
    this.close();
  }

  close() {
    this.turn += 1;
    this.show([]);
    this.say("");
  }

  draw() {
    this.chips.replaceChildren(...this.chosen.map((option) => this.#chip(option)));
    const words = this.part.placeholder ? plain(this.part.placeholder) : "Type to search";
    this.field.placeholder = this.chosen.length ? "" : words;
  }

  #chip(option) {
    const words = plain(option.text);
    const cross = button("×", () => this.remove(option), "", `Remove ${words}`);
    return element("span", "chip", element("span", "", words), cross);
  }

  say(words, loud = false) {
    this.note.textContent = words;
    this.note.classList.toggle("full", loud);
  }
}

function fieldOf(part, list) {
  const field = element("input");
  Object.assign(field, { type: "text", autocomplete: "off", spellcheck: false });
  const told = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list };
  for (const [name, value] of Object.entries(told)) field.setAttribute(name, value);
  return field;
}

function listOf(id) {
  const list = element("div", "options");
  Object.assign(list, { id, hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  return list;
}
