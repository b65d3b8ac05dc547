// Days and times, in the zone of whoever reads.

import { element } from "/js/dom.js";

// The page speaks English, so its dates do too; a reader's own English says whether there is an a.m.
const LOCALE = navigator.languages.find((one) => one.startsWith("en-")) ?? "en-GB";
const form = (options) => {
  const format = new Intl.DateTimeFormat(LOCALE, options);
  return (moment) => format.format(moment);
};
const two = (number) => String(number).padStart(2, "0");
const DATES = {
  date_num: (moment) => `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`,
  date: form({ year: "numeric", month: "long", day: "numeric" }),
  date_short: form({ year: "numeric", month: "short", day: "numeric" }),
  date_long: form({ weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  time: form({ hour: "2-digit", minute: "2-digit" }),
  time_secs: form({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
};
const WEEKDAY = form({ weekday: "short", day: "numeric", month: "short" });
const LONG = form({ weekday: "long", day: "numeric", month: "long" });
const SHORT = form({ day: "numeric", month: "short" });
const NEAR = { "-1": "yesterday", 0: "today", 1: "tomorrow" };

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const at = (seconds) => new Date(seconds * 1000);
const midnight = (seconds) => at(seconds).setHours(0, 0, 0, 0);
/** "yesterday", "today", "tomorrow", or undefined; a day on which the clocks change has 23 or 25 hours. */
const near = (seconds, now) => NEAR[Math.round((midnight(seconds) - midnight(now)) / 86_400_000)];

/** A key that two instants of one day share. */
export const dayOf = (seconds) => String(midnight(seconds));
export const clockTime = (seconds) => DATES.time(at(seconds));
export const fullTime = (seconds) => `${WEEKDAY(at(seconds))}, ${clockTime(seconds)}`;

/** "Today", "Yesterday" or a date; `now` in seconds. */
export function dayName(seconds, now) {
  const name = near(seconds, now);
  return name ? name[0].toUpperCase() + name.slice(1) : LONG(at(seconds));
}

/** For instance "today 10:04". */
export const lately = (seconds, now) => `${near(seconds, now) ?? SHORT(at(seconds))} ${clockTime(seconds)}`;

/**
 * A date token: `target` is "!date^SECONDS^PATTERN" or "!date^SECONDS^PATTERN^ADDRESS", `words` as for mrkdwn.
 * With a pattern that is not known, its fallback. docs.slack.dev/messaging/formatting-message-text#date-formatting
 */
export function date(target, fallback, words) {
  const [, seconds, pattern = ""] = target.split("^");
  const moment = at(Number(seconds));
  const shown = Number.isNaN(moment.valueOf()) ? null : filled(pattern, Number(seconds), words.now());
  const node = element("time", "", shown || fallback);
  if (shown) node.dateTime = moment.toISOString();
  node.title = fallback;
  return node;
}

/** The pattern with its braces filled in; null when one of them is not known. */
function filled(pattern, seconds, now) {
  const names = [...pattern.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
  if (!names.every((name) => Object.hasOwn(DATES, bare(name)))) return null;
  const shown = (name) => (name !== bare(name) && near(seconds, now)) || DATES[bare(name)](at(seconds));
  return pattern.replace(/\{(\w+)\}/g, (_, name) => shown(name));
}

const bare = (name) => name.replace(/_pretty$/, "");
