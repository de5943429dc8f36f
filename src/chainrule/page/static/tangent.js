// Forward mode by one argument: what every node gains per unit of it, and the tangent of the output.

import { ArgumentChoice } from "./argument-choice.js";
import { isDifferentiated, nameOf } from "./content.js";
import { element, setText } from "./element.js";
import { LinkedRows } from "./linked-rows.js";
import { named, quotient } from "./mathematics.js";
import { number } from "./numbers.js";
import { rowsOf } from "./passes.js";
import { Plot } from "./plot.js";
import { computation, forwardTerms } from "./sentences.js";

/** @typedef {import("./main.js").Page} Page */

/**
 * The tab of the tangent.
 * @param {Page} page
 * @returns {import("./main.js").Tab}
 */
export function tangentTab(page) {
  const choice = new ArgumentChoice(page, "along");
  const lead = element("p", { class: "lead" });
  const plot = new Plot(page);
  const table = new TangentTable(page);
  const panel = element("div", { class: "tangents" }, element("div", { class: "panel-row" }, choice.element, lead), plot.element, table.element);
  /** @param {Set<string> | null} changed */
  const update = (changed) => {
    const { output, wrt } = page.store.state;
    choice.paint();
    table.rows.paint();
    if (output === null || wrt === null) {
      setText(lead, "There is nothing to differentiate by.");
      table.element.hidden = plot.element.hidden = true;
    } else if (!changed || ["values", "output", "wrt"].some((key) => changed.has(key))) {
      plot.update();
      table.update(wrt);
      setText(lead, equation(page, output, wrt));
    }
  };
  return { name: "tangent", title: "Tangent", panel, update };
}

/**
 * The tangent as an equation, with the numbers of now.
 * @param {Page} page
 * @param {number} output
 * @param {number} wrt
 */
function equation({ content, numbers }, output, wrt) {
  const [of, by] = [output, wrt].map((slot) => content.nodes[slot].label);
  const at = numbers.values[wrt];
  const minus = at < 0 ? `${by} + ${number(-at)}` : `${by} − ${number(at)}`;
  const slope = number(numbers.adjoints(output)[wrt]);
  return `${of} ≈ ${number(numbers.values[output])} ${slope.startsWith("-") ? "−" : "+"} ${slope.replace("-", "")} · (${minus})`;
}

/** The tangents of all nodes. */
class TangentTable {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    const heads = ["Tangent", "Computation", "Value"].map((word) => element("th", { scope: "col" }, word));
    const body = element("tbody");
    this.rows = new LinkedRows(page, body);
    this.caption = element("caption");
    this.element = element(
      "div",
      { class: "table-frame", role: "region", tabindex: 0, "aria-label": "Tangents" },
      element("table", { class: "tangent-table" }, this.caption, element("thead", {}, element("tr", {}, ...heads)), body),
    );
    /** @type {{ slot: number, terms: HTMLElement, value: HTMLElement }[]} */
    this.cells = [];
    /** @type {number | null} */
    this.wrt = null;
  }

  /** @param {number} wrt */
  update(wrt) {
    const { content, numbers } = this.page;
    this.element.hidden = false;
    if (wrt !== this.wrt) {
      this.wrt = wrt;
      this.make(wrt);
    }
    const tangents = numbers.tangents(wrt);
    for (const { slot, terms, value } of this.cells) {
      const total = number(isDifferentiated(content, slot) ? tangents[slot] : 0);
      const found = slot === wrt ? [] : forwardTerms(content, numbers, slot, wrt);
      setText(terms, slot === wrt ? "start" : found.length ? computation(found, total) : "no path");
      setText(value, total);
    }
  }

  /** @param {number} wrt */
  make(wrt) {
    const { content, store } = this.page;
    setText(this.caption, `Change of each node when ${content.nodes[wrt].label} changes`);
    this.cells = [];
    this.rows.show(
      rowsOf(content, store.state, "tangent").map((slot) => {
        const [terms, value] = [element("td", { class: "wide" }), element("td", { class: "number tangent" })];
        const name = element("th", { scope: "row" }, ...named(quotient(nameOf(content, slot), nameOf(content, wrt), "d", true)));
        this.cells.push({ slot, terms, value });
        return { slot, row: element("tr", {}, name, terms, value) };
      }),
    );
  }
}
