// Where one types, below a place's messages or in a thread: the draft that waits there, and what is on its way from it.

import { post } from "/js/live.js";
import { on, state, tell } from "/js/store.js";

const drafts = new Map(); // what was typed and not sent yet, by desk
const unsent = new Map(); // what went wrong when it was sent, by desk; until something is typed or sent there again
const underWay = new Map(); // the desk from which something is being sent, by person and channel

export function start() {
  on("answers", () => {
    unsent.clear(); // the demo was gone; what was typed is still there
    tell("said");
  });
}

/** `channel`, and the id of a `thread` in it if it is there: as the person who is acted as now. */
export class Desk {
  constructor(channel, thread) {
    Object.assign(this, { channel, thread });
    this.key = `${state.person} ${thread ?? channel}`;
    this.room = `${state.person} ${channel}`;
  }

  get draft() {
    return drafts.get(this.key) ?? "";
  }

  set draft(text) {
    if (text === this.draft) return;
    unsent.delete(this.key);
    if (text) drafts.set(this.key, text);
    else drafts.delete(this.key);
  }

  /** Whether something is on its way from this place or a thread in it: nothing else is sent from there meanwhile. */
  get taken() {
    return underWay.has(this.room);
  }

  /** Sends the draft. What could not be sent stays, and so does what was typed instead of it meanwhile. */
  async send() {
    const sent = this.draft;
    if (!sent.trim() || this.taken) return;
    unsent.delete(this.key);
    underWay.set(this.room, this.key);
    tell("said");
    const { channel, thread } = this;
    const told = (sentence) => unsent.set(this.key, sentence);
    const answer = await post("say", { channel, thread, text: sent.trim() }, told);
    underWay.delete(this.room);
    if (answer && !answer.failure && this.draft === sent) this.draft = "";
    tell("said");
  }

  /** Shows in a composer's nodes how it is here. What is on its way from here cannot be changed meanwhile. */
  show(field, send, trouble) {
    field.parentNode.dataset.text = field.value; // it is as high as that
    field.readOnly = underWay.get(this.room) === this.key;
    send.ariaBusy = send.ariaDisabled = this.taken ? "true" : null;
    trouble.textContent = unsent.get(this.key) ?? "";
    trouble.hidden = !trouble.textContent;
  }
}
