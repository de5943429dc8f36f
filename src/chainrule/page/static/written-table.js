// A table that Python has written: words and mathematics, with rows that may stand for nodes.

import { element } from "./element.js";
import { LinkedRows } from "./linked-rows.js";
import { mathematics } from "./mathematics.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./content.js").Table} Table */

/** One such table. */
export class WrittenTable {
  /**
   * @param {Page} page
   * @param {Table} table
   */
  constructor(page, table) {
    const { columns, rows, title, note, slots } = table;
    const numeric = columns.map((column) => column.numeric);
    const head = columns.map((column, at) => element("th", { scope: "col", class: numeric[at] ? "number" : null }, column.heading));
    const body = element("tbody");
    this.element = element(
      "div",
      { class: "table-frame written-table", role: "region", "aria-label": title, tabindex: 0 },
      element("table", {}, element("caption", {}, title), element("thead", {}, element("tr", {}, ...head)), body),
      note ? element("p", { class: "note" }, note) : null,
    );
    this.rows = new LinkedRows(page, body);
    this.rows.show(
      rows.map((cells, at) => {
        const made = cells.map((cell, place) => element("td", { class: numeric[place] ? "number" : null }, mathematics(cell)));
        return { row: element("tr", {}, ...made), slot: slots?.[at] ?? null };
      }),
    );
  }

  /** Marks rows anew. */
  update() {
    this.rows.paint();
  }
}
