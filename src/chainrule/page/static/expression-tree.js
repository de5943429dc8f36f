// An expression is a tree of numbers, names and calls; a number keeps the digits it was written with.

import { PRODUCTS } from "./expression-functions.js";

/** @typedef {{ kind: "number", value: number, digits: number, unit: number }} Numeral  Its significant digits, and what one in its last place is worth. */
/** @typedef {{ kind: "name", name: string }} Name */
/** @typedef {{ kind: "call", run: (...given: number[]) => number, operands: Expression[] }} Call */
/** @typedef {Numeral | Name | Call} Expression */

const negative = (/** @type {number} */ x) => -x;

/**
 * What an expression is worth.
 * @param {Expression} expression
 * @param {(name: string) => number} valueOf
 * @returns {number}
 */
export function worth(expression, valueOf) {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "name":
      return valueOf(expression.name);
    default:
      return expression.run(...expression.operands.map((operand) => worth(operand, valueOf)));
  }
}

/**
 * The names in an expression.
 * @param {Expression} expression
 * @returns {string[]}
 */
export function namesIn(expression) {
  if (expression.kind === "name") {
    return [expression.name];
  }
  return expression.kind === "call" ? expression.operands.flatMap(namesIn) : [];
}

/**
 * @param {(...given: number[]) => number} run
 * @param {...Expression} operands
 * @returns {Expression}
 */
export function call(run, ...operands) {
  if (run === PRODUCTS["*"] && operands[0].kind === "number") {
    return shifted(operands[0], operands[1]) ?? { kind: "call", run, operands };
  }
  return { kind: "call", run, operands };
}

/** `1.25*10^-3` is a numeral as `1.25e-3` is. @param {Numeral} mantissa @param {Expression} other @returns {Numeral | null} */
function shifted(mantissa, other) {
  if (other.kind !== "call" || other.run !== Math.pow) {
    return null;
  }
  const [base, power] = other.operands;
  const isTen = base.kind === "number" && base.value === 10 && power.kind === "number" && Number.isInteger(power.value);
  const { value, unit, digits } = mantissa;
  return isTen ? { kind: "number", value: Number(`${value}e${power.value}`), digits, unit: unit * 10 ** power.value } : null;
}

/** @param {Expression} expression @returns {Expression} */
export function opposite(expression) {
  return expression.kind === "number" ? { ...expression, value: -expression.value } : call(negative, expression);
}

/** @param {string} text @returns {Numeral} */
export function numeral(text) {
  const plain = text.replace("−", "-");
  const [mantissa, power = "0"] = plain.toLowerCase().split("e");
  const behind = (mantissa.split(".")[1] ?? "").length;
  const digits = mantissa.replace(/[-+.]/g, "").replace(/^0+/, "").length;
  return { kind: "number", value: Number(plain), digits, unit: 10 ** (Number(power) - behind) };
}
