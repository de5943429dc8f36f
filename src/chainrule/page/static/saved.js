// What the backward pass needs of the forward pass, and what values and derivatives cost.

import { element } from "./element.js";
import { WrittenTable } from "./written-table.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./content.js").Table} Table */

/**
 * The tab of saved values and cost; while it is shown, what is saved is marked in the drawing.
 * @param {Page} page
 * @returns {import("./main.js").Tab}
 */
export function savedTab(page) {
  const { content } = page;
  const { saved, cost } = content;
  const make = (/** @type {(Table | null | undefined)[]} */ ...found) => found.flatMap((table) => (table ? [new WrittenTable(page, table)] : []));
  const [left, right] = [make(saved?.values, saved?.needs), make(cost)];
  const lead = saved ? words(saved.bytes, saved.everything) : "There is nothing to differentiate, so nothing is saved.";
  const name = content.output === null ? "" : ` The derivatives are those of ${content.nodes[content.output].label}.`;
  const panel = element(
    "div",
    { class: "saved" },
    element("div", { class: "panel-row" }, saved ? bar(saved.bytes, saved.everything) : null, element("p", { class: "lead" }, lead + (content.outputs.length > 1 ? name : ""))),
    element("div", { class: "tables" }, ...[left, right].map((tables) => element("div", {}, ...tables.map((table) => table.element)))),
  );
  return { name: "saved", title: "Saved values and cost", panel, update: () => [...left, ...right].forEach((table) => table.update()) };
}

/**
 * @param {number} bytes
 * @param {number} everything
 */
function words(bytes, everything) {
  return `The backward pass keeps ${bytes} of ${everything} ${everything === 1 ? "byte" : "bytes"} that the forward pass computes; they are marked in the drawing, with the arguments that it needs.`;
}

/**
 * The bytes as a part of all.
 * @param {number} bytes
 * @param {number} everything
 */
function bar(bytes, everything) {
  return element("meter", { min: 0, max: Math.max(everything, 1), value: bytes, "aria-label": "Bytes that are kept" });
}
