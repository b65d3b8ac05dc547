// Making nodes. Everything from outside goes through text nodes, never through markup.

export const at = (id) => document.getElementById(id);

/** A node with a class and children (nodes or texts). */
export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** A button that does something; `label` when its words alone do not tell what. */
export function button(words, act, className = "", label = "") {
  const node = element("button", className, words);
  node.type = "button";
  if (label) node.setAttribute("aria-label", label);
  node.addEventListener("click", () => act(node));
  return node;
}

/** Keeps a button from being pressed again until `act` has ended. It keeps the focus, which a disabled one loses. */
export async function busy(node, act) {
  if (node.ariaBusy === "true") return;
  mark(node, "true");
  try {
    await act();
  } finally {
    for (let one = node; one; one = heirs.get(one)) mark(one, null);
  }
}

let pressing = false; // a pointer is down
for (const type of ["pointerdown", "pointerup", "pointercancel"]) {
  addEventListener(type, () => (pressing = type === "pointerdown"), true);
}

/** Acts when no pointer is down, after the click if one is: what somebody is about to press does not move away. */
export function unpressed(act) {
  if (!pressing) {
    act();
    return;
  }
  const over = new AbortController();
  const done = () => {
    over.abort();
    setTimeout(act);
  };
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, done, { signal: over.signal });
}

const heirs = new WeakMap(); // of a control that was at work: what was drawn in its stead
const mark = (node, sign) => (node.ariaBusy = node.ariaDisabled = sign);

/** What is at work in `before`, a part of a block, is still at work in `after`, which is drawn in its stead. */
export function keepingBusy(before, after) {
  for (const node of before.querySelectorAll("[data-block] [aria-busy=true]")) {
    const heir = after.querySelector(whereabouts(node));
    if (!heir) continue;
    heirs.set(node, heir);
    mark(heir, "true");
  }
}

/** A selector for the control of the same block and action. */
export function whereabouts(node) {
  const block = node.closest("[data-block]").dataset.block;
  return `[data-block="${CSS.escape(block)}"] [data-action="${CSS.escape(node.dataset.action)}"]`;
}

/**
 * Redraws what is inside `root` by `act`. A control in it that has the focus is looked for afterwards by its words, so
 * that a keyboard does not lose its place; when it is gone, `root` or what it stands in takes the focus.
 */
export function keepingFocus(root, act) {
  const held = root.contains(document.activeElement) && document.activeElement !== root ? document.activeElement : null;
  const like = held && alike(root, held);
  const turn = like?.indexOf(held);
  act();
  if (!held || root.contains(document.activeElement)) return;
  const found = alike(root, held);
  (found[Math.min(turn, found.length - 1)] ?? root.closest("[tabindex]"))?.focus({ preventScroll: true });
}

const alike = (root, held) =>
  [...root.querySelectorAll(held.tagName)].filter((node) => !node.disabled && node.textContent === held.textContent);
