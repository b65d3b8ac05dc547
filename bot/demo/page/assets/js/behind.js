// What happens behind: the time, what N-sight was told, and what can be made to happen.

import { at, busy, element } from "/js/dom.js";
import { clockTime, fullTime } from "/js/dates.js";
import { post } from "/js/live.js";
import { on, simulated, state } from "/js/store.js";

export function start() {
  on("clock", retries);
  at("later").addEventListener("click", (event) => busy(event.target, () => post("time", { minutes: 30 })));
  at("failures").addEventListener("click", (event) => busy(event.target, fail));
  setInterval(() => (at("clock").textContent = fullTime(simulated())), 250);
}

async function fail() {
  const told = await post("failures");
  if (told) at("told").textContent = `Failed just now: ${told.failed.join("; ")}.`;
}

function retries() {
  const lines = state.time.retries.map((one) =>
    element("li", "", element("code", "", `patch_retry device ${one.device}: ${one.ids.join(",")}`), ` ${clockTime(one.at)}`),
  );
  at("retries").replaceChildren(...(lines.length ? lines : [element("li", "none", "Nothing yet.")]));
}
