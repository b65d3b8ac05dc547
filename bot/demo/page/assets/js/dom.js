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

/** Keeps a button from being pressed again until `act` has ended. */
export async function busy(node, act) {
  node.disabled = true;
  try {
    await act();
  } finally {
    node.disabled = false;
  }
}
