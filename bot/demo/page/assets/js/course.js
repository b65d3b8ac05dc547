// How far the main job has come, as messages tell it: the lists of what failed, and the cards of requests. Read from
// their buttons as far as these tell it, else from the signs below.

import { channelNamed, state } from "/js/store.js";

const APPROVALS = "patch-approvals";
const COURSES = ["ended", "runs", "waits"]; // the furthest first
/** What a card carries while something on it is so. JSON: tests/test_page_guide.py holds it against the bot's cards. */
const SIGNS = { "sending": "📤", "queued": "⏳", "finished": "🏁", "approved": "Approved by <@" };

const AWAITED = "⏳"; // in a form that is still being read; the same test holds it against these

/**
 * @typedef {object} Card
 * @property {string} id
 * @property {string} channel
 * @property {"waits" | "runs" | "ended" | "off"} course For an approval, after it; done; or come to nothing.
 * @property {boolean} sent N-sight has been called.
 * @property {boolean} again Another retry is offered: not all of it went as it should.
 * @property {boolean} lost Nobody knows whether the call reached it.
 * @property {string} asker The id of who asked.
 * @property {string[]} given The ids of those who have approved.
 * @property {string} verb What its button for approving says, while it waits.
 */

/** @returns {Card | undefined} The request since then that has come furthest, of equals the newest. */
export function furthest(since) {
  const channel = channelNamed(APPROVALS)?.id;
  const cards = all(since).filter((one) => one.channel === channel && one.app && !one.thread).map(read);
  return COURSES.map((course) => cards.findLast((card) => card.course === course)).find((card) => card);
}

/** The newest list since then from which a retry can be asked; `verb`: what its buttons for that say. */
export function listed(since) {
  const found = all(since).findLast((one) => button(one, "recent.retry"));
  return found && { id: found.id, channel: found.channel, verb: button(found, "recent.retry").text.text };
}

/** Whether a form will stay without anything to send: its list is too old, a service fails, it is no longer open. */
export const vain = (view) => !view.submit && !JSON.stringify(view.blocks).includes(AWAITED);

const all = (since) => [...state.messages.values()].filter((one) => Number(one.id) > since);

function read(told) {
  const words = JSON.stringify(told.blocks);
  const shows = (sign) => words.includes(SIGNS[sign]);
  const can = (deed) => Boolean(button(told, `request.${deed}`));
  return {
    id: told.id,
    channel: told.channel,
    course: course(can, shows),
    sent: !can("withdraw") && !shows("sending"),
    again: can("again"),
    lost: can("read"),
    asker: mentioned(JSON.stringify(told.blocks.find((block) => block.type === "context") ?? ""))[0],
    given: words.split(SIGNS.approved).slice(1).map((rest) => mentioned(`<@${rest}`)[0]),
    verb: button(told, "request.approve")?.text.text,
  };
}

function course(can, shows) {
  if (can("approve")) return "waits";
  const over = can("again"); // all of it, and not all as it should
  if (!over && (can("withdraw") || can("read") || shows("sending") || shows("queued"))) return "runs";
  return shows("finished") ? "ended" : "off";
}

const mentioned = (words) => [...words.matchAll(/<@(\w+)>/g)].map((found) => found[1]);

function button(told, action) {
  const parts = told.blocks.flatMap((block) => [...(block.elements ?? []), block.accessory]);
  return parts.find((part) => part?.type === "button" && part.action_id.startsWith(action));
}
