// Times, in the zone of whoever reads.

import { element } from "/js/dom.js";

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

/** A date token: `target` is "!date^SECONDS^PATTERN", `words` as for mrkdwn. */
export function date(target, fallback, words) {
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
