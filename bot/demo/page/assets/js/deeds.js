// What blocks need to know of where they stand: words for ids, and what pressing and choosing there does.

import { busy, whereabouts } from "/js/dom.js";
import { post } from "/js/live.js";
import { reveal } from "/js/places.js";
import { simulated, state } from "/js/store.js";

export const words = {
  user: (id) => state.names[id] ?? id,
  group: (id) => state.groups[id] ?? id,
  channel: (id) => state.channels.find((channel) => channel.id === id)?.name ?? id,
  now: simulated,
  place: permalink,
  open: reveal,
  everything: (kind) => (kind === "users" ? users() : channels()), // as options
};

/** The channel and the message that a permalink of this workspace leads to; null for any other address. */
function permalink(address) {
  if (!address.startsWith(`${state.address}/archives/`)) return null;
  const found = /^\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?|$)/.exec(address.slice(state.address.length));
  return found && [found[1], `${found[2]}.${found[3]}`];
}

const named = (id, name) => ({ text: { type: "plain_text", text: name }, value: id });
const users = () => Object.entries(state.names).map(([id, name]) => named(id, `@${name}`));
const channels = () => state.channels.filter((one) => !one.direct).map((one) => named(one.id, `#${one.name}`));

/** The scene of a message's blocks. */
export const inMessage = (id) => scene({ message: id }, {});
/** The scene of a modal's or a Home's blocks. `values`: what its inputs hold, as in `view.state.values`. */
export const inView = (id, values = {}) => scene({ view: id }, values);

let pressed = null; // the button that was pressed last, what it stands in, and where it is found there when drawn anew

/** The button that was pressed last, if it still stands on the page. */
export function lastPressed() {
  if (!pressed || pressed.node.isConnected) return pressed?.node;
  return pressed.within?.querySelector(pressed.there);
}

function scene(where, values) {
  const place = (block, part) => ({ ...where, block: block.block_id, action: part.action_id });
  return {
    words,
    held: (block, part) => values[block.block_id]?.[part.action_id],
    press: (block, part, node) => {
      pressed = { node, within: node.closest("article, #home, dialog"), there: whereabouts(node) };
      return busy(node, () => post("press", place(block, part)));
    },
    choose: (block, part, value) => post("choose", { ...place(block, part), value }),
    suggest: async (block, part, text) => (await post("suggest", { ...place(block, part), text }))?.options ?? [],
  };
}
