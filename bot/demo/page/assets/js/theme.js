// Light or dark: as the system has it, until somebody chooses.

import { at } from "/js/dom.js";
import { keep, kept } from "/js/kept.js";

const KEY = "theme";

export function start() {
  set(["light", "dark"].includes(kept(KEY)) ? kept(KEY) : "");
  at("theme").addEventListener("change", () => {
    set(at("theme").value);
    keep(KEY, at("theme").value || null);
  });
}

/** "light", "dark", or nothing: as the system has it. */
function set(scheme) {
  at("theme").value = scheme;
  if (scheme) document.documentElement.dataset.theme = scheme;
  else delete document.documentElement.dataset.theme;
}
