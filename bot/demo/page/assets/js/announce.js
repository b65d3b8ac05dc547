// What a screen reader is told: one sentence for what is new, not the whole of what was redrawn.

import { words } from "/js/deeds.js";
import { at, element } from "/js/dom.js";
import { author } from "/js/message.js";
import { mrkdwn } from "/js/mrkdwn.js";
import { on, state } from "/js/store.js";

const MOST = 12; // sentences kept

export function start() {
  on("message", ({ now, before }) => {
    if (now.deleted || now.user === state.person || (before && before.text === now.text)) return;
    say(sentence(now, before));
  });
}

/** The text that a message carries for notifications is what Slack has read out. */
function sentence(now, before) {
  const where = now.channel === state.place ? "" : `In ${place(now.channel)}, `;
  const how = before ? "changed" : now.private ? "to you alone" : "wrote";
  const what = mrkdwn(now.text, words).textContent || now.files.map((one) => one.title).join(", ");
  return `${where}${author(now)} ${how}: ${what}`;
}

function place(id) {
  const channel = state.channels.find((one) => one.id === id);
  return channel && !channel.direct ? `#${channel.name}` : "your messages";
}

function say(words) {
  at("heard").append(element("p", "", words));
  while (at("heard").childElementCount > MOST) at("heard").firstElementChild.remove();
}
