// What was typed and not sent yet, by whoever typed it and where: `key` tells the person and the place or thread.

const drafts = new Map();

export const draft = (key) => drafts.get(key) ?? "";

export function keepDraft(key, text) {
  if (text) drafts.set(key, text);
  else drafts.delete(key);
}
