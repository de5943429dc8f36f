// The choice of the argument that something is differentiated by, the same one on the whole page.

import { variables } from "./content.js";
import { element } from "./element.js";

/** @typedef {import("./main.js").Page} Page */

/** A choice in words: "by x". */
export class ArgumentChoice {
  /**
   * @param {Page} page
   * @param {string} word  Before the choice.
   */
  constructor(page, word) {
    this.page = page;
    const options = variables(page.content).map(({ slot, name }) => element("option", { value: slot }, name));
    this.select = element("select", { "aria-label": "Argument", onchange: () => page.store.change({ wrt: Number(this.select.value) }) }, ...options);
    this.element = element("label", { class: "choice" }, word, this.select);
    this.paint();
  }

  /** Shows what is chosen. */
  paint() {
    const { wrt } = this.page.store.state;
    if (wrt !== null) {
      this.select.value = String(wrt);
    }
  }
}
