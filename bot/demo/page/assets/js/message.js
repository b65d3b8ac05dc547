// One message, drawn.

import { blocks } from "/js/blocks.js";
import { clockTime, fullTime } from "/js/dates.js";
import { inMessage, words } from "/js/deeds.js";
import { element } from "/js/dom.js";
import { file } from "/js/files.js";
import { mrkdwn } from "/js/mrkdwn.js";
import { avatar } from "/js/people.js";
import { capital } from "/js/store.js";

/** An article for a message as `screen.py` tells it. */
export function message(told) {
  const body = element("div", "body", head(told), ...content(told), ...told.files.map(file));
  if (told.edits) body.append(tail());
  const gutter = element("span", "gutter", clockTime(told.at));
  gutter.setAttribute("aria-hidden", "true"); // the time stands in the head as well
  const node = element("article", "message", avatar(told.user), gutter, body);
  if (told.private) {
    node.classList.add("ephemeral");
    node.prepend(element("p", "private", "Only visible to you"));
  }
  node.dataset.id = told.id;
  node.tabIndex = -1;
  return node;
}

/** Stands in for the head's "(edited)" where the head is not seen. */
function tail() {
  const node = element("span", "edited tail", "(edited)");
  node.ariaHidden = "true";
  return node;
}

/** Who wrote it. */
export const author = (told) => capital(words.user(told.user));

function head(told) {
  const node = element("header", "", element("strong", "", author(told)));
  if (told.app) node.append(element("span", "app", "APP"));
  const time = element("time", "", clockTime(told.at));
  time.title = fullTime(told.at);
  node.append(time);
  if (told.edits) node.append(element("span", "edited", "(edited)"));
  return node;
}

function content(told) {
  if (told.blocks.length) return blocks(told.blocks, inMessage(told.id));
  return told.text ? [mrkdwn(told.text, words)] : [];
}
