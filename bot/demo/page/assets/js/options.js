// The options of selects, checkboxes and radio buttons.

import { plain } from "/js/text.js";

/** All options of an element, whether in groups or not. */
export const offered = (part) => part.options ?? (part.option_groups ?? []).flatMap((group) => group.options);

/** Each option drawn; those of a group as `wrap(name, nodes)`. */
export function options(part, draw, wrap) {
  if (part.options) return part.options.map(draw);
  return part.option_groups.map((group) => wrap(plain(group.label), group.options.map(draw)));
}

/** The option that is chosen to begin with: as the state holds it, else as the app says. */
export const first = (part, state) => (state ? state.selected_option : part.initial_option);

/** The same where several can be. */
export function chosen(part, state) {
  const one = first(part, state);
  return (state ? state.selected_options : part.initial_options) ?? (one ? [one] : []);
}
