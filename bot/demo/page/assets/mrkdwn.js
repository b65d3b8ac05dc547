// Slack's mrkdwn as DOM nodes. Everything from outside goes through text nodes, never through markup.

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

export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** `words`: {user, group, channel: id → name; now: seconds; open: permalink opener}. */
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
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?/.exec(line);
    const last = parts.at(-1);
    const bare = quote ? line.slice(quote[0].length) : line;
    if (last && last.quote === Boolean(quote)) last.text += `\n${bare}`;
    else parts.push({ quote: Boolean(quote), text: bare });
  }
  return parts;
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
  const message = /\/archives\/(\w+)\/p(\d+)(\d{6})/.exec(address);
  if (message) {
    node.addEventListener("click", (event) => {
      event.preventDefault();
      words.open(message[1], `${message[2]}.${message[3]}`);
    });
  }
  return node;
}

// ---------------------------------------------------------------- times, in the zone of whoever reads

const form = (options) => (moment) => new Intl.DateTimeFormat(undefined, options).format(moment);
const LONG = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
const SHORT = { year: "numeric", month: "short", day: "numeric" };
const MIDDLE = { year: "numeric", month: "long", day: "numeric" };
const DATES = {
  date_num: (moment) => `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`,
  date: form(MIDDLE),
  date_short: form(SHORT),
  date_long: form(LONG),
  time: form({ hour: "2-digit", minute: "2-digit" }),
  time_secs: form({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
};
const two = (number) => String(number).padStart(2, "0");

function date(target, fallback, words) {
  const [, seconds, pattern] = target.split("^");
  const moment = new Date(Number(seconds) * 1000);
  let known = Boolean(pattern) && !Number.isNaN(moment.valueOf());
  const shown = (pattern ?? "").replace(/\{(\w+)\}/g, (whole, name) => {
    const bare = name.replace(/_pretty$/, "");
    known &&= bare in DATES;
    if (!known) return whole;
    return (name !== bare && near(moment, new Date(words.now() * 1000))) || DATES[bare](moment);
  });
  const node = element("time", "", known ? shown : fallback);
  node.title = fallback;
  return node;
}

function near(moment, now) {
  const day = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).valueOf();
  const apart = Math.round((day(moment) - day(now)) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[apart];
}

export const clockTime = (seconds) => DATES.time(new Date(seconds * 1000));
export const fullTime = (seconds) => `${form({ weekday: "short", day: "numeric", month: "short" })(new Date(seconds * 1000))}, ${clockTime(seconds)}`;
