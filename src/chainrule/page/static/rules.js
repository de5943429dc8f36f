// The rules of differentiation in words, by the names that edges give them.

/** @typedef {import("./sentences.js").Piece} Piece */

/** With u and v for the operands. @type {Record<string, string>} */
const RULES = {
  "sum rule": "a term that is added counts once, one that is subtracted counts −1.",
  "constant factor": "a constant factor stays as it is.",
  "product rule": "of a product u·v, the derivative by one factor is the other one.",
  "quotient rule": "of a quotient u/v, the derivative by u is 1/v, by v it is −u/v².",
  "power rule": "the derivative of uⁿ is n·uⁿ⁻¹; a square root is the power 1/2.",
  "the branch taken": "1 for the branch that is taken, 0 for the other one.",
  "derivative of general_power": "the derivative of u^v by u is v·u^(v − 1), by v it is u^v·ln(u).",
  "derivative of exp": "exp is its own derivative.",
  "derivative of log": "the derivative of ln(u) is 1/u.",
  "derivative of sin": "the derivative of sin(u) is cos(u).",
  "derivative of cos": "the derivative of cos(u) is −sin(u).",
  "derivative of tan": "the derivative of tan(u) is 1 + tan(u)².",
  "derivative of tanh": "the derivative of tanh(u) is 1 − tanh(u)².",
  "derivative of sinh": "the derivative of sinh(u) is cosh(u).",
  "derivative of cosh": "the derivative of cosh(u) is sinh(u).",
  "derivative of asin": "the derivative of asin(u) is 1/√(1 − u²).",
  "derivative of acos": "the derivative of acos(u) is −1/√(1 − u²).",
  "derivative of atan": "the derivative of atan(u) is 1/(1 + u²).",
  "derivative of sigmoid": "the derivative of sigmoid(u) is sigmoid(u)·(1 − sigmoid(u)).",
  "derivative of relu": "the derivative of relu(u) is 1 where u > 0, else 0.",
  "derivative of abs": "the derivative of |u| is the sign of u.",
  "derivative of softplus": "the derivative of softplus(u) is sigmoid(u).",
};

/**
 * The rule of an edge in words; empty where its name says enough.
 * @param {import("./content.js").Edge} edge
 * @returns {Piece[]}
 */
export function ruleOf({ rule }) {
  const words = RULES[rule];
  return words ? [{ text: `${words} ` }] : [];
}
