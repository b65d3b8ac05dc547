// At which widths things stand beside each other; css/shell.css has the same numbers.

/** Where "side" and "behind" are drawers. */
export const DRAWERS = { side: matchMedia("(max-width: 759px)"), behind: matchMedia("(max-width: 1179px)") };
/** Where the thread and the panel behind both fit. */
export const both = matchMedia("(min-width: 1432px)");
/** Where an open thread covers the messages. */
export const covering = matchMedia("(max-width: 1000px)");
