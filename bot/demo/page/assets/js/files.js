// Files in messages: a picture is shown and opens larger, anything else is saved.

import { at, button, element } from "/js/dom.js";
import { state } from "/js/store.js";

const large = at("picture");

export function start() {
  at("picture-close").addEventListener("click", () => large.close());
  large.addEventListener("click", (event) => event.target === large && large.close()); // beside the picture
}

export function file(told) {
  const shown = pictured(told) ? [picture(told)] : [];
  return element("figure", "file", element("figcaption", "", told.title), ...shown, saved(told));
}

const pictured = (told) => told.mimetype === "image/png";
const address = (told) => `/api/files/${encodeURIComponent(told.id)}?as=${encodeURIComponent(state.person)}`;

function picture(told) {
  const image = element("img");
  Object.assign(image, { src: address(told), alt: told.alt_txt ?? "" });
  return button(image, () => open(told), "thumb", `Open “${told.title}” larger. ${told.alt_txt ?? ""}`);
}

function saved(told) {
  const kind = told.name.split(".").at(-1).toUpperCase();
  const size = told.size < 1024 ? `${told.size} bytes` : `${Math.ceil(told.size / 1024)} kB`;
  const link = element("a", "", told.name);
  Object.assign(link, { href: address(told), download: told.name });
  return element("p", "saved", element("span", "kind", kind), " ", link, " ", element("span", "size", size));
}

function open(told) {
  at("picture-title").textContent = told.title;
  Object.assign(at("picture-large"), { src: address(told), alt: told.alt_txt ?? "" });
  Object.assign(at("picture-save"), { href: address(told), download: told.name });
  large.showModal();
}
