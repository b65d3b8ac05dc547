// What the browser keeps for the page. Where it lets a page keep nothing, the page works and forgets.

/** What was kept in this browser: a text, or null. */
export const kept = (key) => read("localStorage", key);
/** Keeps a text in this browser; null forgets it. */
export const keep = (key, value) => write("localStorage", key, value);
/** The same of this tab alone, for as long as it is open. */
export const recalled = (key) => read("sessionStorage", key);
export const remember = (key, value) => write("sessionStorage", key, value);

function read(store, key) {
  try {
    return window[store].getItem(key);
  } catch {
    return null;
  }
}

function write(store, key, value) {
  try {
    if (value === null) window[store].removeItem(key);
    else window[store].setItem(key, value);
  } catch {
    // not kept, then
  }
}
