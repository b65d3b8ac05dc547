// One message, drawn.

import { blocks } from "/js/blocks.js";
import { inMessage, words } from "/js/deeds.js";
import { element } from "/js/dom.js";
import { clockTime } from "/js/dates.js";
import { mrkdwn } from "/js/mrkdwn.js";
import { capital, state } from "/js/store.js";

/** An article for a message as `screen.py` tells it. */
export function message(told) {
  const name = told.app ? "Patches" : capital(words.user(told.user));
  const avatar = element("div", "avatar", told.app ? "✓" : name[0]);
  avatar.dataset.user = told.user;
  avatar.setAttribute("aria-hidden", "true");
  const body = element("div", "body");
  if (told.private) body.append(element("p", "private", "Only visible to you"));
  body.append(head(told, name), ...content(told), ...told.files.map(file));
  const node = element("article", told.private ? "message ephemeral" : "message", avatar, body);
  node.dataset.id = told.id;
  return node;
}

function head(told, name) {
  const node = element("header", "", element("strong", "", name));
  if (told.app) node.append(element("span", "app", "APP"));
  node.append(element("time", "", clockTime(told.at)));
  if (told.edits) node.append(element("span", "edited", "(edited)"));
  return node;
}

function content(told) {
  if (told.blocks.length) return blocks(told.blocks, inMessage(told.id));
  return told.text ? [mrkdwn(told.text, words)] : [];
}

/** A picture as itself, anything else as a link that saves it. */
function file(told) {
  const address = `/api/files/${encodeURIComponent(told.id)}?as=${encodeURIComponent(state.person)}`;
  const node = element("figure", "file", element("figcaption", "", told.title));
  if (told.mimetype === "image/png") {
    const picture = element("img");
    Object.assign(picture, { src: address, alt: told.alt_txt ?? "" });
    node.append(picture);
  } else {
    const link = element("a", "", told.name);
    Object.assign(link, { href: address, download: told.name });
    node.append(link);
  }
  return node;
}
