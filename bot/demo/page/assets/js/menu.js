// The overflow menu: up to five things behind three dots.

import { button, element } from "/js/dom.js";
import { plain } from "/js/text.js";

/** `choose`: what is done with an option of `part`. */
export function menu(part, choose) {
  const node = element("div", "overflow");
  const opener = button("⋯", () => toggle(node, list.hidden), "dots", "More");
  const list = element("div", "menu", ...part.options.map((option) => item(option, node, choose)));
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", "More");
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");
  list.hidden = true;
  node.append(opener, list);
  node.addEventListener("keydown", (event) => keys(event, node));
  node.addEventListener("focusout", (event) => !node.contains(event.relatedTarget) && toggle(node, false, false));
  return node;
}

function item(option, node, choose) {
  const chosen = () => {
    toggle(node, false);
    choose(option);
  };
  const one = button(plain(option.text), chosen);
  one.setAttribute("role", "menuitem");
  one.tabIndex = -1;
  if (option.description) one.append(element("small", "", plain(option.description)));
  return one;
}

function toggle(node, open, focus = true) {
  const [opener, list] = node.children;
  list.hidden = !open;
  opener.setAttribute("aria-expanded", String(open));
  if (focus) (open ? list.firstChild : opener).focus();
}

function keys(event, node) {
  const [opener, list] = node.children;
  const items = [...list.children];
  const here = items.indexOf(document.activeElement);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" && !list.hidden) toggle(node, false);
  else if (to === undefined) return;
  else if (list.hidden) toggle(node, document.activeElement === opener);
  else items.at(to % items.length).focus();
  event.preventDefault();
  event.stopPropagation();
}
