// What blocks need to know of where they stand: words for ids, and what pressing and choosing there does.

import { busy } from "/js/dom.js";
import { post } from "/js/live.js";
import { reveal } from "/js/places.js";
import { simulated, state } from "/js/store.js";

export const words = {
  user: (id) => state.names[id] ?? id,
  group: (id) => state.groups[id] ?? id,
  channel: (id) => state.channels.find((channel) => channel.id === id)?.name ?? id,
  now: simulated,
  open: reveal,
};

/** The scene of a message's blocks. */
export const inMessage = (id) => scene({ message: id }, {});
/** The scene of a modal's or a Home's blocks. `values`: what its inputs hold, as in `view.state.values`. */
export const inView = (id, values = {}) => scene({ view: id }, values);

function scene(where, values) {
  return {
    words,
    held: (block, part) => values[block.block_id]?.[part.action_id],
    press: (block, part, node) =>
      busy(node, () => post("press", { ...where, block: block.block_id, action: part.action_id })),
    choose: (block, part, value) => post("choose", { ...where, action: part.action_id, value }),
    suggest: async (block, part, text) => (await post("suggest", { ...where, action: part.action_id, text }))?.options ?? [],
  };
}
