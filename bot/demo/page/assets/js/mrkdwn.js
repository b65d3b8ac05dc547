// Slack's mrkdwn as DOM nodes. Everything from outside goes through text nodes, never through markup.

import { date } from "/js/dates.js";
import { element } from "/js/dom.js";

const TOKENS = new RegExp(
  [
    "```(?<block>[^]+?)```",
    "`(?<code>[^`\\n]+)`",
    "<(?<token>[^<>\\n]*)>",
    "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
  ].join("|"),
  "g",
);
const STYLES = { bold: "strong", italic: "em", strike: "s" };

/** `words`: {user, group, channel: id → name; now: seconds; place: address → the message of a permalink; open}. */
export function mrkdwn(text, words) {
  const node = element("div", "mrkdwn");
  for (const part of quoted(text)) {
    const target = part.quote ? node.appendChild(element("blockquote")) : node;
    inline(part.text, target, words);
  }
  return node;
}

export const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Runs of lines that are quoted (they start with >) and that are not. */
function quoted(text) {
  const parts = [];
  for (const line of lines(text)) {
    const quote = /^(?:&gt;|>) ?/.exec(line);
    const last = parts.at(-1);
    const bare = quote ? line.slice(quote[0].length) : line;
    if (last && last.quote === Boolean(quote)) last.text += `\n${bare}`;
    else parts.push({ quote: Boolean(quote), text: bare });
  }
  return parts;
}

/** What stands between backticks is one line, whatever is in it. */
function lines(text) {
  const found = [""];
  for (const [turn, piece] of text.split(/(```[^]+?```)/).entries()) {
    const [first, ...rest] = turn % 2 ? [piece] : piece.split("\n");
    found.push(found.pop() + first, ...rest);
  }
  return found;
}

function inline(text, target, words) {
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    target.append(unescape(text.slice(at, match.index)));
    target.append(styled(match.groups, words));
    at = match.index + match[0].length;
  }
  target.append(unescape(text.slice(at)));
}

function styled(found, words) {
  if (found.block !== undefined) return element("pre", "", unescape(found.block));
  if (found.code !== undefined) return element("code", "", unescape(found.code));
  if (found.token !== undefined) return token(found.token, words);
  const [kind] = Object.keys(STYLES).filter((name) => found[name] !== undefined);
  const node = element(STYLES[kind]);
  inline(found[kind], node, words);
  return node;
}

function token(inside, words) {
  const cut = inside.indexOf("|");
  const target = cut < 0 ? inside : inside.slice(0, cut);
  const label = cut < 0 ? "" : unescape(inside.slice(cut + 1));
  if (target.startsWith("@")) return element("span", "mention", `@${words.user(target.slice(1))}`);
  if (target.startsWith("#")) return element("span", "mention", `#${label || words.channel(target.slice(1))}`);
  if (target.startsWith("!subteam^")) return element("span", "mention", `@${words.group(target.slice(9))}`);
  if (target.startsWith("!date^")) return date(target, label, words);
  if (target.startsWith("!")) return element("span", "mention", `@${target.slice(1)}`);
  return link(unescape(target), label, words);
}

function link(address, label, words) {
  const node = element("a", "", label || address);
  if (!/^(https?|mailto):/i.test(address)) return element("span", "", label || address);
  node.href = address;
  node.rel = "noopener noreferrer";
  node.target = "_blank";
  const place = words.place(address);
  if (place) {
    node.addEventListener("click", (event) => {
      event.preventDefault();
      words.open(...place);
    });
  }
  return node;
}
