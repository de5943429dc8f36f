// How the graph is shown: the drawing, its colours and its digits. A page that is one file offers
// what it has drawings for; a server draws what is asked for.

import { element } from "./element.js";
import { Menu } from "./menu.js";
import { THEMES } from "./theme.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./state.js").State} State */
/** @typedef {[string, string][]} Choices  Words of the state, and words for people. */

/** @type {Record<"style" | "direction" | "edges" | "heat", Choices>} */
const CHOICES = {
  style: [["values", "Nodes are values"], ["operators", "Operators apart"]],
  direction: [["", "As there is room"], ["right", "To the right"], ["down", "Down"]],
  edges: [["local", "Local derivatives"], ["formula", "Local derivatives as formulas"], ["contribution", "Contributions"], ["none", "Nothing"]],
  heat: [["", "Nothing"], ["value", "Values"], ["adjoint", "Adjoints"], ["local", "Local derivatives"], ["contribution", "Contributions"]],
};
const FEWEST_DIGITS = 2;
const MOST_DIGITS = 8;

/**
 * The menu of display options.
 * @param {() => Page | null} current
 * @param {import("./state.js").Store} store
 * @param {boolean} isServed
 */
export function displayMenu(current, store, isServed) {
  return new Menu("display", "Display", () => {
    const page = current();
    const { state } = store;
    /** @param {"style" | "direction" | "edges" | "heat"} key @param {string} word */
    const row = (key, word) => {
      const found = page && !isServed ? offered(page, key) : CHOICES[key];
      return found.length > 1 ? choiceRow(word, found, state[key], (value) => store.change({ [key]: value })) : null;
    };
    const digits = page && !isServed ? Math.max(...page.content.drawings.map((picture) => picture.digits)) : MOST_DIGITS;
    return [
      row("style", "Style"),
      row("direction", "Values flow"),
      row("edges", "Edges show"),
      row("heat", "Colour by size of"),
      choiceRow("Digits", digitChoices(digits), String(Math.min(state.digits, digits)), (value) => store.change({ digits: Number(value) })),
      choiceRow("Theme", THEMES, state.theme, (value) => store.change({ theme: value })),
    ];
  });
}

/**
 * What there are drawings for; heat needs none of its own.
 * @param {Page} page
 * @param {"style" | "direction" | "edges" | "heat"} key
 */
function offered({ content, store }, key) {
  if (key === "heat") {
    return CHOICES.heat;
  }
  const drawings = content.drawings.filter((picture) => key === "style" || picture.style === store.state.style);
  const directions = new Set(drawings.map(({ direction }) => direction));
  const isKnown = (/** @type {string} */ value) => drawings.some((picture) => picture[key] === value) || (value === "" && directions.size > 1);
  return CHOICES[key].filter(([value]) => isKnown(value));
}

/** @param {number} most @returns {Choices} */
function digitChoices(most) {
  const counts = Array.from({ length: most - FEWEST_DIGITS + 1 }, (_, at) => String(FEWEST_DIGITS + at));
  return counts.map((count) => [count, count]);
}

/**
 * @param {string} word
 * @param {Choices} choices
 * @param {string} chosen
 * @param {(value: string) => void} choose
 */
function choiceRow(word, choices, chosen, choose) {
  const options = choices.map(([value, name]) => element("option", { value, selected: value === chosen }, name));
  const select = element("select", { "aria-label": word, onchange: () => choose(select.value) }, ...options);
  return element("label", { class: "menu-row" }, element("span", {}, word), select);
}
