// What stands below a message: the way into its thread.

import { button, element } from "/js/dom.js";
import { lately } from "/js/dates.js";
import { avatar } from "/js/people.js";
import { openThread, replies, unread } from "/js/places.js";
import { simulated, state } from "/js/store.js";

const FACES = 3;

/** {sign, make()} for the foot of a message; empty for what only one person sees, which has no thread. */
export function foot(told) {
  if (told.private) return null;
  const below = replies(told.id).filter((one) => !one.private);
  const news = state.thread === told.id ? 0 : unread(told.id);
  const when = below.length ? lately(below.at(-1).at, simulated()) : "";
  const make = () => (below.length ? way(told.id, below, news, when) : offer(told.id));
  return { sign: `${below.length} ${news} ${when}`, make };
}

export const counted = (count) => (count ? `${count} ${count === 1 ? "reply" : "replies"}` : "No replies yet");

function way(id, below, news, when) {
  const faces = [...new Set(below.map((one) => one.user))].slice(0, FACES).map(avatar);
  const node = button(element("span", "faces", ...faces), () => openThread(id), "replies");
  node.append(element("strong", "", counted(below.length)));
  if (news) node.append(" ", element("span", "count", `${news} new`));
  node.append(" ", element("span", "when", `last ${when}`));
  node.dataset.of = id;
  return node;
}

/** Shown when a pointer or the focus is on the message. */
function offer(id) {
  const node = button("Reply in thread", () => openThread(id), "offer");
  node.dataset.of = id;
  return node;
}
