// The thread beside the place: the message it hangs on, and its replies.

import { at } from "/js/dom.js";
import { message } from "/js/message.js";
import { closeThread, replies } from "/js/places.js";
import { on, state } from "/js/store.js";

export function start() {
  on("place", draw);
  on("message", ({ now }) => {
    if (state.thread && (now.thread === state.thread || now.id === state.thread)) draw();
  });
  at("thread-close").addEventListener("click", closeThread);
}

function draw() {
  const root = state.messages.get(state.thread);
  at("thread").hidden = !root;
  at("thread-messages").replaceChildren(...(root ? [root, ...replies(root.id)].map(message) : []));
}
