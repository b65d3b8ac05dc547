// What to try after the first minute, each with one click.

import { ASKER, HELPDESK, person } from "/js/cast.js";
import { suggest } from "/js/composer.js";
import { become, post } from "/js/live.js";
import { go, roots } from "/js/places.js";
import { HOME, actor, channelNamed, state } from "/js/store.js";

const LOSS = "lose_reply";

/**
 * @typedef {object} Try
 * @property {string} words What its button says.
 * @property {string} then What to do after it.
 * @property {() => unknown} act
 * @property {() => unknown} [undo] Takes back what waits on still, once one turns to something else.
 */

/** @type {Try[]} */
export const TRIES = [
  {
    words: "A digest",
    then: "What failed newly, what still fails, what recovered: this comes by itself. Its thread names the devices.",
    act: digest,
  },
  {
    words: "The app's Home",
    then: "What waits for your decision, your own requests, what fails most, and how the services are.",
    act: () => go(HOME),
  },
  {
    words: "Silence an application",
    then: "You are Bob: press `Enter`. Digests leave it out for a week, and say so. `/patches silences` ends it early.",
    act: () => typing("/patches silence 7-Zip 7d new installer on Friday"),
  },
  {
    words: "A lost reply",
    then:
      "You are Bob: press `Enter`, then become Ann and approve it in #patch-approvals. " +
      "N-sight's answer is lost: the bot reads the device, and sends nothing twice.",
    act: loss,
    undo: found,
  },
  {
    words: "Two approvers",
    then:
      "You are Bob: press `Enter`, then approve it in #patch-approvals as Ann, and once more as Carl. " +
      "Northwind's servers take two people, each with a reason.",
    act: () => typing("/patches retry SRV-APP01 failed monthly maintenance"),
  },
];

let begun = null;

/** Begins one of them, and ends the one before. */
export async function begin(one) {
  if (one !== begun) await end();
  begun = one;
  await one.act();
}

export async function end() {
  const last = begun;
  begun = null;
  await last?.undo?.();
}

/** The morning's is there from the start, unless the bot was down then. */
async function digest() {
  const { id } = channelNamed("patch-news");
  go(id);
  if (!roots(id).some((one) => one.app)) await post("lever", { name: "half_hour" });
}

async function loss() {
  await post("lever", { name: LOSS, armed: true });
  await typing("/patches retry WH-PC-01 failed the browser was open");
}

/** No later retry loses its reply without a word. */
async function found() {
  const lever = state.levers.levers.find((one) => one.name === LOSS);
  if (lever.armed) await post("lever", { name: LOSS, armed: false });
}

/** As who asks, so that the others may approve; where one asks. */
async function typing(text) {
  if (actor().name !== ASKER) await become(person(ASKER).id);
  go(channelNamed(HELPDESK).id);
  suggest(text);
}
