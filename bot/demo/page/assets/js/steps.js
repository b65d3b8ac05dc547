// The main job in five steps, read off the screen: how far it has come by whoever's deed, and what is to do next.

import { ASKER, ENTITLED, HELPDESK, person } from "/js/cast.js";
import { suggest } from "/js/composer.js";
import { furthest, listed, vain } from "/js/course.js";
import { at } from "/js/dom.js";
import { become, post } from "/js/live.js";
import { go, reveal } from "/js/places.js";
import { HOME, actor, capital, channelNamed, state } from "/js/store.js";

const ASK = "/patches recent";
const [TICKED, UNTICKED] = ["What failed is ticked: press", "Choose what to retry, then press"];
const AGAIN = "Not all of it is installed this time: the card says so, and offers another retry.";
export const COUNT = 5;

let spent = ""; // the id of the list whose form has offered nothing: another one is asked for

/**
 * @typedef {object} Step
 * @property {number} n From 1 to COUNT; beyond it all is done.
 * @property {string} say One or two sentences; what is to be typed or pressed stands between backticks.
 * @property {string} [words] What the strip's own button says; without, it has none.
 * @property {() => unknown} [act] What it does.
 * @property {() => Element | undefined} [target] What is to be pressed on the page; without, the strip's own button.
 */

/** @returns {Step} What comes next. Requests and lists from before `since` (simulated seconds) do not count. */
export function next(since) {
  const card = furthest(since);
  if (card) return { ended, runs, waits }[card.course](card);
  const list = listed(since);
  const form = state.views.at(-1);
  if (form) spent = vain(form) ? list?.id : "";
  if (form) return { n: vain(form) ? 1 : 2, ...filling(ticked() ? TICKED : UNTICKED) };
  return list && list.id !== spent ? choosing(list) : asking(list);
}

/** `list`: one that was asked for already, and is of no use any more. */
function asking(list) {
  const me = actor()?.name;
  if (me && !ENTITLED.includes(me)) {
    const before = `${capital(me)} may not ask for retries here. ${capital(ASKER)} of the help desk may.`;
    return { n: 1, ...becoming(ASKER, before) };
  }
  return { n: 1, ...(at("text").value.trim() === ASK && state.place !== HOME ? sending() : typing(list)) };
}

const typing = (list) => ({
  say: `${list ? "Ask again" : "Ask what failed lately"}: type \`${ASK}\`.`,
  words: "Type it for me",
  act: () => {
    if (state.place === HOME) go(channelNamed(HELPDESK).id);
    suggest(ASK);
  },
  target: () => at("composer"),
});

const sending = () => ({
  say: "Press `Enter`.",
  words: "Send it",
  act: () => at("composer").requestSubmit(),
  target: () => at("send"),
});

function choosing(list) {
  const n = 2;
  if (list.channel !== state.place) return { n, say: "The list of what failed waits where you asked.", ...going(list) };
  return { n, say: `Press \`${list.verb}\` beside a failure.`, ...showing(list, "recent.retry") };
}

function waits(card) {
  const me = actor();
  if (me.id !== card.asker && ENTITLED.includes(me.name) && !card.given.includes(me.id)) return approving(card);
  const before = card.given.length
    ? `${named(card.given.at(-1))} has approved; this one takes two people.`
    : "Nobody approves their own request.";
  const whom = ENTITLED.find((name) => ![card.asker, ...card.given].includes(person(name).id));
  return { n: 3, ...becoming(whom, before) };
}

function approving(card) {
  const n = 4;
  if (state.views.length) return { n, ...filling("This one takes a reason: say why, then press") };
  if (card.channel !== state.place) return { n, say: `${named(card.asker)}'s request waits for you.`, ...going(card) };
  return { n, say: `Read it, then press \`${card.verb}\`.`, ...showing(card, "request.approve") };
}

function runs(card) {
  if (!card.sent) return { n: 5, say: "Approved. It is checked once more, then sent." };
  const told = card.lost
    ? "Nobody knows whether N-sight got it, so it is not repeated; the bot reads the device."
    : "N-sight has been told, once.";
  return { n: 5, say: `${told} Skip the wait:`, words: "Let the patches install", act: () => install(card) };
}

async function install({ channel, id }) {
  if (channel !== state.place) reveal(channel, id);
  await post("lever", { name: "install" });
}

const ended = (card) => ({
  n: COUNT + 1,
  say: `${card.again ? AGAIN : "From a failure to a fix, with two people's names on it."} What to try next:`,
});

// ---------------------------------------------------------------- what can be pressed

const ticked = () => at("modal-blocks").querySelector("input:checked");
const named = (id) => capital(state.names[id] ?? "somebody");

/** A form is open. While it is still being read it has no button; one that is in vain has none either. */
function filling(before) {
  const form = state.views.at(-1);
  const { submit, close = "Close" } = form;
  if (vain(form)) return { say: `Nothing can be sent from here: press \`${close}\`.`, target: () => at("modal-close") };
  return { say: submit ? `${before} \`${submit}\`.` : "The form is on its way.", target: () => at("modal-submit") };
}

function showing({ id }, action) {
  const target = () => document.querySelector(`#messages [data-id="${CSS.escape(id)}"] [data-action^="${action}"]`);
  return { words: "Show me where", act: () => target()?.focus(), target };
}

function becoming(name, before) {
  const { id } = person(name);
  const words = `Become ${capital(name)}`;
  const target = () => at("people").querySelector(`[data-user="${id}"]`)?.closest("button");
  return { say: `${before} ${words}.`, words, act: () => become(id), target };
}

function going({ channel, id }) {
  const name = state.channels.find((one) => one.id === channel)?.name ?? "Patches";
  const there = () => [...at("channels").querySelectorAll("button")].find((node) => node.textContent.includes(name));
  return { words: `Go to #${name}`, act: () => reveal(channel, id), target: there };
}
