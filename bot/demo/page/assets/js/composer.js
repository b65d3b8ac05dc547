// Where one types.

import { at } from "/js/dom.js";
import { post } from "/js/live.js";
import { state } from "/js/store.js";

const typed = []; // for the arrow keys
let back = 0;

export function start() {
  at("composer").addEventListener("submit", send);
  at("text").addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step || !typed.length) return;
    event.preventDefault();
    back = Math.max(0, Math.min(typed.length, back + step));
    at("text").value = back ? typed.at(-back) : "";
  });
}

/** Puts words into the composer, for the person to send. */
export function suggest(text) {
  at("text").value = text;
  at("text").focus();
}

async function send(event) {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text) return;
  at("text").value = "";
  typed.push(text);
  back = 0;
  await post("say", { channel: state.place, text });
}
