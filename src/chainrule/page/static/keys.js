// All keys of the page, each with what it does: the page listens to this list, and help shows it.

/** @typedef {import("./main.js").Page} Page */
/** @typedef {{ keys: string[], does: string, run: ((page: Page) => void) | null }} Key */

/** Keys; those without `run` work where the words say. @type {Key[]} */
export const KEYS = [
  { keys: [" "], does: "play or pause", run: ({ timeline }) => timeline.toggle() },
  { keys: ["ArrowRight"], does: "one step", run: ({ timeline }) => timeline.move(1) },
  { keys: ["ArrowLeft"], does: "one step back", run: ({ timeline }) => timeline.move(-1) },
  { keys: ["Home"], does: "first step of the pass", run: ({ timeline }) => timeline.goTo(0) },
  { keys: ["End"], does: "last step of the pass", run: ({ timeline }) => timeline.toEnd() },
  { keys: ["f"], does: "forward pass", run: ({ timeline }) => timeline.passes[0][1].click() },
  { keys: ["b"], does: "backward pass", run: ({ timeline }) => timeline.passes[1][1].click() },
  { keys: ["m"], does: "forward mode", run: ({ timeline }) => timeline.passes[2][1].click() },
  { keys: ["+", "="], does: "nearer", run: ({ drawing }) => drawing.view.zoom(1.25) },
  { keys: ["-"], does: "farther", run: ({ drawing }) => drawing.view.zoom(0.8) },
  { keys: ["0"], does: "the whole drawing", run: ({ drawing }) => drawing.view.fit() },
  { keys: ["?"], does: "this help", run: ({ help }) => help.open() },
  { keys: ["Escape"], does: "select nothing", run: ({ store }) => store.change({ selected: null }) },
  { keys: ["Ctrl+z"], does: "undo", run: ({ store }) => store.undo() },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], does: "redo", run: ({ store }) => store.redo() },
  { keys: ["Tab"], does: "go to the drawing, and to everything else", run: null },
  { keys: ["←", "→", "↑", "↓"], does: "in the drawing: along the edges to operands and users, or to what is beside", run: null },
  { keys: ["Enter"], does: "in the drawing: select the node", run: null },
];

/** Keys that do nothing while the reader practises. */
const OF_TIMELINE = new Set([" ", "ArrowRight", "ArrowLeft", "Home", "End", "f", "b", "m"]);

/**
 * Runs what keys do, unless something on the page needs them itself.
 * @param {Page} page
 */
export function listenToKeys(page) {
  document.addEventListener(
    "keydown",
    (event) => {
      const name = nameOfKey(event);
      const found = KEYS.find(({ keys, run }) => run && keys.includes(name));
      const isAsleep = page.store.state.practice !== "off" && OF_TIMELINE.has(name);
      if (found?.run && !isAsleep && !event.defaultPrevented && !isNeeded(event, name)) {
        event.preventDefault();
        found.run(page);
      }
    },
    { signal: page.signal },
  );
}

/** @param {KeyboardEvent} event */
function nameOfKey(event) {
  const isWithControl = event.ctrlKey || event.metaKey;
  if (event.altKey) {
    return "";
  }
  return isWithControl ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
}

/**
 * Whether the element that has the focus has its own use of a key.
 * @param {KeyboardEvent} event
 * @param {string} name
 */
function isNeeded(event, name) {
  const { target } = event;
  // Even when the focus is elsewhere it closes an open menu.
  if (name === "Escape" && document.querySelector(":popover-open")) {
    return true;
  }
  if (!(target instanceof Element) || target === document.body) {
    return false;
  }
  if (target.closest("dialog, [popover], textarea, [contenteditable]")) {
    return true;
  }
  if (target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox") {
    return true;
  }
  const isPressed = name === " " && target.closest("button, a, summary, [role=button]") !== null;
  const isMoved = /^(Arrow|Home|End)/.test(name) && target.closest("input, select, [role=tablist], [role=slider], .table-frame") !== null;
  return isPressed || isMoved || (target instanceof HTMLSelectElement && !name.startsWith("Ctrl+"));
}
