// Which commands fit what has been typed so far, and the list of them above the field.

import { at, element } from "/js/dom.js";

/** @typedef {{usage: string, example: string, does: string}} Form A command, as the bot's own help tells it. */

const plain = (text) => text.trimStart().toLowerCase().replace(/\s+/g, " ");
/** "/patches recent" of "/patches recent [failed|ok|all]". */
export const nameOf = (form) => /^\/\S+(?: [a-z]+)?/.exec(form.usage)[0];

/** @returns {Form[]} The forms whose names go on from `text`; "/ret" will do for "/patches retry". */
export function fitting(text, forms) {
  const typed = plain(text);
  if (!typed.startsWith("/")) return [];
  return forms.filter((form) => {
    const name = nameOf(form);
    return name.startsWith(typed) || name.split(" ")[1]?.startsWith(typed.slice(1));
  });
}

/** @returns {Form | undefined} The form whose whole name stands at the beginning of `text`. */
export function meant(text, forms) {
  const typed = `${plain(text).trimEnd()} `;
  return forms.find((form) => typed.startsWith(`${nameOf(form)} `));
}

/** Whether Enter may send `text` as it stands, although there are longer names. */
export function whole(text, forms) {
  const typed = plain(text).trimEnd();
  return forms.some((form) => typed === nameOf(form) || typed === nameOf(form).split(" ")[0]);
}

/** "/patches retry DEVICE IDS [reason…]" with its name set off, then what it does. */
export function told(form) {
  const name = nameOf(form);
  const usage = element("code", "", element("b", "", name), form.usage.slice(name.length));
  return [usage, element("span", "does", form.does)];
}

/**
 * A list to choose from with the arrows or by a click: `taken` is told of the form. The focus stays in `field`, which
 * names the chosen one as its active descendant.
 */
export class Menu {
  #list = at("hints");
  #field;
  #forms = [];
  #chosen = -1;

  constructor(field, taken) {
    this.#field = field;
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) taken(this.#forms[Number(row.dataset.n)]);
    });
  }

  get open() {
    return !this.#list.hidden;
  }

  get chosen() {
    return this.open ? this.#forms[this.#chosen] : undefined;
  }

  /** `first`: the first one is chosen to begin with, else none. */
  show(forms, first) {
    this.#forms = forms;
    this.#list.replaceChildren(...forms.map(row));
    this.#list.hidden = !forms.length;
    this.#field.setAttribute("aria-expanded", String(this.open));
    this.#choose(forms.length && first ? 0 : -1);
  }

  close() {
    this.show([], false);
  }

  move(step) {
    const last = this.#forms.length - 1;
    const next = this.#chosen + step;
    this.#choose(next > last ? 0 : next < 0 ? last : next);
  }

  #choose(n) {
    this.#chosen = n;
    const rows = [...this.#list.children];
    rows.forEach((node, place) => node.setAttribute("aria-selected", String(place === n)));
    const node = rows[n];
    if (node) this.#field.setAttribute("aria-activedescendant", node.id);
    else this.#field.removeAttribute("aria-activedescendant");
    node?.scrollIntoView({ block: "nearest" });
  }
}

function row(form, n) {
  const node = element("li", "", ...told(form));
  node.id = `hint-${n}`;
  node.dataset.n = String(n);
  node.setAttribute("role", "option");
  return node;
}
