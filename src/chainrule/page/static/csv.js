// The tables as comma-separated values (RFC 4180), with the numbers of now in full.

import { isDifferentiated, operationOf } from "./content.js";
import { bracketed } from "./numbers.js";
import { rowsOf } from "./passes.js";
import { backwardTerms, forwardTerms } from "./sentences.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./state.js").Pass} Pass */
/** @typedef {string | number | bigint} Cell */

/** What a program for tables might take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * The table of a pass, all of its steps.
 * @param {Page} page
 * @param {Pass} pass
 */
export function passFile(page, pass) {
  const { content, numbers, store } = page;
  const { output, wrt } = store.state;
  const slots = rowsOf(content, store.state, pass);
  const label = (/** @type {number} */ slot) => content.nodes[slot].label;
  if (pass === "forward") {
    const rows = slots.map((slot, at) => [at + 1, label(slot), operationOf(content, store.state.kinds, slot).text, valueOf(page, slot)]);
    return csv([["step", "node", "operation", "value"], ...rows]);
  }
  const isBack = pass === "backward";
  const start = (isBack ? output : wrt) ?? 0;
  const found = isBack ? numbers.adjoints(start) : numbers.tangents(start);
  const rows = slots.map((slot, at) => {
    const name = isBack ? `∂${label(start)}/∂${label(slot)}` : `d${label(slot)}/d${label(start)}`;
    const terms = slot === start ? [] : (isBack ? backwardTerms : forwardTerms)(content, numbers, slot, start);
    const words = slot === start ? "start" : "no path";
    const sum = terms.map(({ left, right }) => `${bracketed(amount(left))} · ${bracketed(amount(right))}`).join(" + ") || words;
    const total = slot === start || isDifferentiated(content, slot) ? found[slot] : 0;
    return [at + 1, label(slot), name, sum, terms.map(({ via }) => label(via)).join(", "), total];
  });
  return csv([["step", "node", "derivative", "computation", "contributions", isBack ? "gradient" : "tangent"], ...rows]);
}

/**
 * The edges with their local derivatives, and what each adds to the adjoint of its operand.
 * @param {Page} page
 */
export function edgesFile({ content, numbers, store }) {
  const { output } = store.state;
  const shares = output === null ? null : numbers.shares(output);
  const rows = content.edges.flatMap(({ user, operand, position, slot }) => {
    const names = [content.nodes[user].label, content.nodes[operand].label];
    return slot === null ? [] : [[...names, position + 1, numbers.locals[slot], shares?.[slot] ?? ""]];
  });
  return csv([["user", "operand", "position", "local derivative", "contribution"], ...rows]);
}

/**
 * A value as a number, or as a word for the truth of a condition.
 * @param {Page} page
 * @param {number} slot
 */
function valueOf({ content, numbers }, slot) {
  const { type } = content.nodes[slot];
  const value = numbers.values[slot];
  return type === "bool" ? (value ? "True" : "False") : type.startsWith("float") ? value : BigInt(value);
}

/** @param {Cell[][]} rows */
export function csv(rows) {
  return rows.map((row) => `${row.map(writtenCell).join(",")}\r\n`).join("");
}

/** @param {Cell} cell */
function writtenCell(cell) {
  if (typeof cell !== "string") {
    return amount(cell);
  }
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A number in full, as Python reads and writes it. @param {number | bigint} value */
export function amount(value) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
  return Object.is(value, -0) ? "-0" : String(value);
}
