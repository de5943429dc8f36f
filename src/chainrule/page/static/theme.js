// The colours of the page: as the system has them, or as the reader wants them.

/** @typedef {import("./state.js").Store} Store */

/** Names of themes, and words for people. @type {[string, string][]} */
export const THEMES = [
  ["", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
  ["colour-blind", "Colour-blind"],
  ["print", "Print"],
];

/**
 * Keeps the page in the colours that are chosen.
 * @param {Store} store
 */
export function followTheme(store) {
  const paint = () => {
    const { theme } = store.state;
    if (theme) {
      document.documentElement.dataset.theme = theme;
    } else {
      delete document.documentElement.dataset.theme;
    }
  };
  store.subscribe((_, changed) => {
    if (changed.has("theme")) {
      paint();
    }
  });
  paint();
}
