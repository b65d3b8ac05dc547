// What is asked before something is done, where the app wants it asked.

import { at } from "/js/dom.js";
import { plain, text } from "/js/text.js";

/** Whether the person says yes to a confirm object; true at once without one. `words` as for `mrkdwn`. */
export function asked(confirm, words) {
  if (!confirm) return Promise.resolve(true);
  const dialog = at("confirm");
  at("confirm-title").textContent = plain(confirm.title);
  at("confirm-text").replaceChildren(text(confirm.text, words));
  at("confirm-deny").textContent = confirm.deny ? plain(confirm.deny) : "Cancel";
  at("confirm-yes").textContent = confirm.confirm ? plain(confirm.confirm) : "Yes";
  at("confirm-yes").className = confirm.style ?? "primary";
  return new Promise((settle) => {
    dialog.returnValue = "";
    dialog.onclose = () => settle(dialog.returnValue === "yes"); // Esc closes it without a word, which is a no
    at("confirm-deny").onclick = () => dialog.close("");
    at("confirm-yes").onclick = () => dialog.close("yes");
    dialog.showModal();
    at("confirm-deny").focus();
  });
}
