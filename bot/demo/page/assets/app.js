// The page: a person's screen kept live by server-sent events, and what that person does sent as POSTs.

import { blocks } from "/blocks.js";
import { clockTime, element, fullTime, mrkdwn } from "/mrkdwn.js";

const at = (id) => document.getElementById(id);
const list = at("messages");
const HOME = "home"; // stands among the channels' ids
const state = { person: "U0BOB", channel: "C0HELPDESK", names: {}, groups: {}, channels: [], people: [], messages: new Map(), home: null };
const read = {}; // the newest message seen, by person and channel
const typed = []; // for the arrow keys
const time = { now: 0, speed: 0, told: 0 }; // simulated seconds, as told at `told`
let source;

const words = {
  user: (id) => state.names[id] ?? id,
  group: (id) => state.groups[id] ?? id,
  channel: (id) => state.channels.find((channel) => channel.id === id)?.name ?? id,
  now: () => time.now + (time.speed * (performance.now() - time.told)) / 1000,
  open: (channel, id) => {
    show(channel);
    const node = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    node?.scrollIntoView({ block: "center" });
    node?.classList.add("found");
  },
};

// ---------------------------------------------------------------- talking to the demo

async function post(deed, body) {
  trouble("");
  try {
    const answer = await fetch(`/api/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: state.person, ...body }),
    });
    const told = await answer.json();
    if (!answer.ok) trouble(`That did not work: ${told.error}.`);
    return answer.ok ? told : null;
  } catch {
    trouble("The demo does not answer.");
    return null;
  }
}

function trouble(sentence) {
  at("trouble").textContent = sentence;
  at("trouble").hidden = !sentence;
}

function listen(person) {
  source?.close();
  state.person = person;
  source = new EventSource(`/api/events?as=${encodeURIComponent(person)}`);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("screen", screen);
  on("message", message);
  on("view", modal);
  on("home", home);
  on("clock", clock);
  source.onopen = () => (at("lost").hidden = true);
  source.onerror = () => (at("lost").hidden = false);
}

function screen(told) {
  Object.assign(state, { names: told.names, groups: told.groups, channels: told.channels, people: told.people, home: told.home });
  state.messages = new Map(told.messages.map((one) => [one.id, one]));
  clock(told.clock);
  people();
  const known = state.channel === HOME || state.channels.some((channel) => channel.id === state.channel);
  show(known ? state.channel : state.channels[0].id);
  modal(told.view);
}

// ---------------------------------------------------------------- people and channels

function people() {
  const options = state.people.map((person) => new Option(capital(person.name), person.id));
  at("person").replaceChildren(...options);
  at("person").value = state.person;
  at("role").textContent = state.people.find((person) => person.id === state.person).role;
}

const capital = (name) => name[0].toUpperCase() + name.slice(1);

function channels() {
  const rows = (direct) =>
    state.channels.filter((channel) => channel.direct === direct).map((channel) => {
      const news = unread(channel.id);
      const label = channel.direct ? "Patches" : `# ${channel.name}`;
      const button = element("button", "", label);
      button.classList.toggle("here", channel.id === state.channel);
      button.classList.toggle("news", news > 0);
      if (news) button.append(element("span", "count", String(news)));
      button.addEventListener("click", () => show(channel.id));
      return element("li", "", button);
    });
  at("channels").replaceChildren(...rows(false));
  const own = element("button", "", "Patches: Home");
  own.classList.toggle("here", state.channel === HOME);
  own.addEventListener("click", () => show(HOME));
  at("direct").replaceChildren(...rows(true), element("li", "", own));
}

function unread(channel) {
  const seen = read[state.person]?.[channel] ?? "";
  return [...state.messages.values()].filter((one) => one.channel === channel && one.id > seen && one.app).length;
}

function show(channel) {
  state.channel = channel;
  at("composer").hidden = channel === HOME;
  if (channel === HOME) {
    post("home", {});
    home(state.home);
    channels();
    return;
  }
  const found = state.channels.find((one) => one.id === channel);
  at("where").textContent = found.direct ? "Patches (direct message)" : `# ${found.name}`;
  at("text").placeholder = "Type a command, for instance /patches help";
  const here = [...state.messages.values()].filter((one) => one.channel === channel);
  list.replaceChildren();
  for (const one of here) place(one);
  if (!here.length) list.append(element("p", "empty", "Nothing here yet."));
  seen();
  reveal(list.lastElementChild);
}

/** The app's Home, while it is what is looked at. */
function home(told) {
  state.home = told;
  if (state.channel !== HOME) return;
  at("where").textContent = "Patches (Home)";
  const scene = {
    words,
    held: () => undefined,
    press: (block, part, node) => pressed(node, { view: told.id, block: block.block_id, action: part.action_id }),
    choose: () => undefined,
    suggest: () => [],
  };
  const drawn = told ? blocks(told.blocks, scene) : [element("p", "empty", "One moment…")];
  list.replaceChildren(element("div", "home", ...drawn));
}

/** Scroll to the end, or to the beginning of a message that is taller than the window. */
function reveal(node) {
  node?.scrollIntoView({ block: node.offsetHeight > list.clientHeight ? "start" : "end" });
}

function seen() {
  const newest = [...state.messages.values()].filter((one) => one.channel === state.channel).map((one) => one.id);
  (read[state.person] ??= {})[state.channel] = newest.sort().at(-1) ?? "";
  channels();
}

// ---------------------------------------------------------------- messages

function message(told) {
  const known = state.messages.get(told.id);
  if (told.deleted) {
    state.messages.delete(told.id);
    list.querySelector(`[data-id="${CSS.escape(told.id)}"]`)?.remove();
    return;
  }
  state.messages.set(told.id, told);
  if (told.channel !== state.channel) {
    channels();
    return;
  }
  if (JSON.stringify(known) === JSON.stringify(told)) return;
  const low = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.querySelector(".empty")?.remove();
  const node = place(told);
  node.classList.add("fresh");
  seen();
  const answer = told.private && !known; // what somebody waits for, wherever they have scrolled to
  if (answer || low) reveal(node);
}

/** Draw a message where it belongs: in place of its older self, in its thread, or at the end. */
function place(told) {
  const node = draw(told);
  const older = list.querySelector(`[data-id="${CSS.escape(told.id)}"]`);
  const parent = told.thread && list.querySelector(`[data-id="${CSS.escape(told.thread)}"] > .body > .thread`);
  if (older) {
    node.querySelector(".thread").append(...older.querySelector(".thread").children);
    older.replaceWith(node);
  } else (parent || list).append(node);
  return node;
}

function draw(told) {
  const name = told.app ? "Patches" : capital(words.user(told.user));
  const avatar = element("div", "avatar", told.app ? "✓" : name[0]);
  avatar.dataset.user = told.user;
  const head = element("header", "", element("strong", "", name));
  if (told.app) head.append(element("span", "app", "APP"));
  head.append(element("time", "", clockTime(told.at)));
  if (told.edits) head.append(element("span", "edited", "(edited)"));
  const body = element("div", "body");
  if (told.private) body.append(element("p", "private", "Only visible to you"));
  body.append(head);
  const scene = {
    words,
    held: () => undefined,
    press: (block, part, node) => pressed(node, { message: told.id, block: block.block_id, action: part.action_id }),
    choose: (block, part, value) => post("choose", { message: told.id, action: part.action_id, value }),
    suggest: (block, part, text) => suggested({ message: told.id, action: part.action_id, text }),
  };
  if (told.blocks.length) body.append(...blocks(told.blocks, scene));
  else if (told.text) body.append(mrkdwn(told.text, words));
  body.append(...told.files.map(file));
  body.append(element("div", "thread"));
  const node = element("article", told.private ? "message ephemeral" : "message", avatar, body);
  node.dataset.id = told.id;
  return node;
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

async function suggested(what) {
  return (await post("suggest", what))?.options ?? [];
}

async function pressed(node, what) {
  node.disabled = true;
  await post("press", what);
  node.disabled = false;
}

// ---------------------------------------------------------------- modals

const dialog = at("modal");
let view = null;

function modal(told) {
  const same = told && view && told.id === view.id && told.hash === view.hash;
  view = told;
  if (!told) {
    dialog.close();
    return;
  }
  if (!same) build(told);
  faults(told.errors);
  if (!dialog.open) dialog.showModal();
}

function build(told) {
  at("modal-title").textContent = told.title;
  at("modal-submit").textContent = told.submit ?? "";
  at("modal-submit").hidden = !told.submit;
  at("modal-close").textContent = told.close ?? "Close";
  const scene = {
    words,
    held: (block, part) => told.values[block.block_id]?.[part.action_id],
    press: (block, part, node) => pressed(node, { view: told.id, block: block.block_id, action: part.action_id }),
    choose: () => undefined,
    suggest: (block, part, text) => suggested({ view: told.id, action: part.action_id, text }),
  };
  at("modal-blocks").replaceChildren(...blocks(told.blocks, scene));
}

function faults(errors) {
  for (const node of at("modal-blocks").children) {
    const fault = node.querySelector(":scope > .fault");
    if (fault) fault.textContent = errors[node.dataset.block] ?? "";
  }
  at("modal-trouble").textContent = errors[""] ?? "";
  at("modal-trouble").hidden = !errors[""];
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = {};
  for (const node of at("modal-blocks").querySelectorAll(".input")) {
    const field = [...node.querySelectorAll("*")].find((part) => part.read);
    const value = field?.read();
    if (field && !(field.matches("select, .ticks, .external") && value === "")) values[node.dataset.block] = value;
  }
  at("modal-submit").disabled = true;
  await post("submit", { view: view.id, values });
  at("modal-submit").disabled = false;
});
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  post("close", { view: view.id });
});
for (const id of ["modal-close", "modal-cross"]) at(id).addEventListener("click", () => post("close", { view: view.id }));

// ---------------------------------------------------------------- the composer and the demo's own buttons

let back = 0;
at("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text) return;
  at("text").value = "";
  typed.push(text);
  back = 0;
  list.scrollTop = list.scrollHeight;
  await post("say", { channel: state.channel, text });
});
at("text").addEventListener("keydown", (event) => {
  const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!step || !typed.length) return;
  event.preventDefault();
  back = Math.max(0, Math.min(typed.length, back + step));
  at("text").value = back ? typed.at(-back) : "";
});
at("person").addEventListener("change", () => listen(at("person").value));
at("later").addEventListener("click", (event) => busy(event.target, () => post("time", { minutes: 30 })));
at("failures").addEventListener("click", (event) =>
  busy(event.target, async () => {
    const told = await post("failures", {});
    if (told) at("told").textContent = `Failed just now: ${told.failed.join("; ")}. /patches recent shows it, and so does the next digest.`;
  }),
);
at("hints").addEventListener("click", (event) => {
  const { person, channel, text } = event.target.dataset;
  if (!person) return;
  const id = state.people.find((one) => one.name === person).id;
  const where = channel === HOME ? HOME : state.channels.find((one) => one.name === channel)?.id;
  if (where) show(where);
  if (id !== state.person) listen(id);
  if (text) at("text").value = text;
  at("text").focus();
});

async function busy(button, act) {
  button.disabled = true;
  await act();
  button.disabled = false;
}

function clock(told) {
  Object.assign(time, { now: told.now, speed: told.speed, told: performance.now() });
  const lines = told.retries.map((one) =>
    element("li", "", element("code", "", `patch_retry device ${one.device}: ${one.ids.join(",")}`), ` ${clockTime(one.at)}`),
  );
  at("retries").replaceChildren(...(lines.length ? lines : [element("li", "none", "Nothing yet.")]));
}

setInterval(() => (at("clock").textContent = fullTime(words.now())), 250);
listen(state.person);
