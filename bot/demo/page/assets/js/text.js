// Text objects of Block Kit, and what is told of anything that this page cannot draw.

import { element } from "/js/dom.js";
import { mrkdwn, unescape } from "/js/mrkdwn.js";

const KINDS = ["plain_text", "mrkdwn"];

/** The words of a text object, where markup has no place (labels, buttons, options). */
export const plain = (object) =>
  KINDS.includes(object?.type) ? unescape(object.text) : `[${cannot("text", object?.type)}]`;

/** A text object as a node. `words` as for `mrkdwn`. */
export function text(object, words) {
  if (object?.type === "mrkdwn") return mrkdwn(object.text, words);
  if (object?.type === "plain_text") return element("div", "mrkdwn", unescape(object.text));
  return unknown("text", object?.type);
}

/** A box that nobody overlooks. `what`: "block", "element" or "text". */
export const unknown = (what, type) => element("div", "unknown", cannot(what, type));

/** What `table` has for a type of Block Kit; undefined for a type that is not known here. */
export const known = (table, type) => (Object.hasOwn(table, type) ? table[type] : undefined);

const cannot = (what, type) => `This page cannot draw ${what}s of the type “${type}”.`;
