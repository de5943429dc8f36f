// Formulas to begin with: those of the texts and some more, each at a point; the server has the list.

import { element } from "./element.js";
import { Menu } from "./menu.js";

/** @typedef {import("./state.js").Store} Store */
/** @typedef {{ title: string, source: string, at: Record<string, number>, parameters: string[] }} Example */
/** @typedef {{ title: string, examples: Example[] }} Group */

/**
 * The menu of examples; what is chosen is shown at its point.
 * @param {Store} store
 */
export function examplesMenu(store) {
  /** @type {Promise<Group[]> | null} */
  let groups = null;
  const menu = new Menu("examples", "Examples", () => {
    const list = element("div", { class: "examples" }, element("p", { class: "note" }, "…"));
    groups ??= fetch(new URL("static/examples.json", document.baseURI)).then((answer) => answer.json());
    groups.then(
      (found) => list.replaceChildren(...found.flatMap((group) => [element("h2", {}, group.title), ...group.examples.map(choice)])),
      () => {
        groups = null;
        list.replaceChildren(element("p", { class: "note" }, "The server does not answer."));
      },
    );
    return [list];
  });
  /** @param {Example} example */
  const choice = (example) =>
    element(
      "button",
      {
        type: "button",
        class: "example",
        onclick: () => {
          menu.close();
          show(store, example);
        },
      },
      element("span", {}, example.title),
      element("code", {}, example.source),
    );
  return menu;
}

/**
 * @param {Store} store
 * @param {Example} example
 */
function show(store, { source, at, parameters }) {
  store.change({
    source,
    exercise: "",
    answers: new Map(),
    values: new Map(Object.entries(at)),
    kinds: new Map(parameters.map((name) => [name, "parameter"])),
    selected: null,
    isPlaying: false,
  });
}
