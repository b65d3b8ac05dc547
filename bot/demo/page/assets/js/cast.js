// Who may do what in the demo, and where one asks.

import { state } from "/js/store.js";

export const HELPDESK = "helpdesk";
export const ASKER = "bob"; // who asks when it is nobody else
/** They may ask, and approve what somebody else asks for; proposed in this order. */
export const ENTITLED = ["ann", "carl", "bob"];

export const person = (name) => state.people.find((one) => one.name === name);
