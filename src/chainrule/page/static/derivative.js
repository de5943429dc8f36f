// The derivative as a formula, and step by step: each step is a node and the rule of its operation.

import { ArgumentChoice } from "./argument-choice.js";
import { nameOf } from "./content.js";
import { element, setText } from "./element.js";
import { lines, mathematics, quotient } from "./mathematics.js";
import { number } from "./numbers.js";
import { request } from "./server.js";
import { WrittenTable } from "./written-table.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./content.js").Derivations} Derivations */

/**
 * The tab of the derivative.
 * @param {Page} page
 * @returns {import("./main.js").Tab}
 */
export function derivativeTab(page) {
  const shown = new Derivative(page);
  return { name: "derivative", title: "Derivative", panel: shown.element, update: () => shown.update() };
}

/** The derivative of the output by one argument. */
class Derivative {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.choice = new ArgumentChoice(page, "by");
    this.name = element("span");
    this.value = element("output", { class: "number adjoint" });
    this.now = element("p", { class: "lead" }, this.name, " = ", this.value, " now");
    this.equation = element("div", { class: "equation", tabindex: 0, role: "region", "aria-label": "Derivative" });
    this.steps = element("div", { class: "steps-of-derivative" });
    this.element = element("div", { class: "derivative" }, element("div", { class: "panel-row" }, this.choice.element, this.now), this.equation, this.steps);
    /** @type {WrittenTable | null} */
    this.table = null;
    this.made = "";
    const { output, derivations } = page.content;
    /** By output; null: the server is at them. @type {Map<number, Derivations | null>} */
    this.derivations = new Map(output === null || !derivations ? [] : [[output, derivations]]);
  }

  update() {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    this.choice.paint();
    this.now.hidden = output === null || wrt === null;
    if (this.made !== `${output} ${wrt}`) {
      this.made = `${output} ${wrt}`;
      this.make();
    }
    if (output !== null && wrt !== null) {
      setText(this.value, number(numbers.adjoints(output)[wrt]));
      this.name.replaceChildren(mathematics(quotient(nameOf(content, output), nameOf(content, wrt), "∂", true)));
    }
    this.table?.update();
  }

  /** Writes the formula and its steps. */
  make() {
    const { content, store } = this.page;
    const { output, wrt } = store.state;
    this.table = null;
    if (output !== null && !this.derivations.has(output) && this.page.server) {
      void this.ask(output);
    }
    const found = wrt === null || output === null ? undefined : this.derivations.get(output)?.[content.nodes[wrt].label];
    if (!found) {
      this.equation.replaceChildren(element("p", { class: "note" }, this.missing()));
      this.steps.replaceChildren();
      return;
    }
    const rows = found.mathml.every(Boolean)
      ? found.mathml.map((mathml) => lines({ text: found.text, mathml }))
      : [element("code", {}, found.text)];
    this.equation.replaceChildren(...rows.map((row) => element("div", { class: "row" }, row)));
    this.table = found.steps && new WrittenTable(this.page, found.steps);
    this.steps.replaceChildren(this.table?.element ?? element("p", { class: "note" }, "There are too many steps to list all of them here."));
  }

  /** Asks the server for the formulas of an output. @param {number} output */
  async ask(output) {
    const { content, server, signal, store } = this.page;
    this.derivations.set(output, null);
    const question = { ...request(store.state), of: content.nodes[output].label };
    const answer = await server?.ask("derivations", question, signal).catch(() => null);
    this.derivations.set(output, answer?.derivations ?? {});
    if (!signal.aborted) {
      this.make();
    }
  }

  /** Why there is no formula. */
  missing() {
    const { content, store } = this.page;
    const { output, wrt } = store.state;
    if (output === null || wrt === null) {
      return "There is nothing to differentiate by.";
    }
    if (this.derivations.get(output) === null) {
      return "The formula is being worked out.";
    }
    if (this.page.server) {
      return "There is no formula of this derivative.";
    }
    const [of, by] = [output, wrt].map((slot) => content.nodes[slot].label);
    return `The formula is worked out for ${content.nodes[content.output ?? 0].label} alone; of ${of} by ${by} there is the number.`;
  }
}
