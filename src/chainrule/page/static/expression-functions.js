// The constants, signs and functions that an answer may have in it, and how they are computed.

/** @type {Record<string, number>} */
export const CONSTANTS = { pi: Math.PI, e: Math.E, tau: 2 * Math.PI, true: 1, false: 0 };

/** @type {Record<string, (...given: number[]) => number>} */
export const SUMS = { "+": (x, y) => x + y, "-": (x, y) => x - y };
/** @type {Record<string, (...given: number[]) => number>} */
export const PRODUCTS = { "*": (x, y) => x * y, "/": (x, y) => x / y };
/** @type {Record<string, (...given: number[]) => number>} */
export const COMPARISONS = {
  "<": (x, y) => Number(x < y),
  "<=": (x, y) => Number(x <= y),
  ">": (x, y) => Number(x > y),
  ">=": (x, y) => Number(x >= y),
  "==": (x, y) => Number(x === y),
  "!=": (x, y) => Number(x !== y),
};

const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));

/** By every name they have in formulas. @type {Map<string, (...given: number[]) => number>} */
export const FUNCTIONS = new Map(
  Object.entries({
    sin: Math.sin,
    cos: Math.cos,
    tan: Math.tan,
    tg: Math.tan,
    asin: Math.asin,
    arcsin: Math.asin,
    acos: Math.acos,
    arccos: Math.acos,
    atan: Math.atan,
    arctan: Math.atan,
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    asinh: Math.asinh,
    acosh: Math.acosh,
    atanh: Math.atanh,
    exp: Math.exp,
    expm1: Math.expm1,
    exp2: (/** @type {number} */ x) => 2 ** x,
    log: Math.log,
    ln: Math.log,
    log2: Math.log2,
    log10: Math.log10,
    log1p: Math.log1p,
    sqrt: Math.sqrt,
    cbrt: Math.cbrt,
    square: (/** @type {number} */ x) => x * x,
    reciprocal: (/** @type {number} */ x) => 1 / x,
    abs: Math.abs,
    sign: Math.sign,
    relu: (/** @type {number} */ x) => Math.max(x, 0),
    sigmoid,
    sigma: sigmoid,
    logistic: sigmoid,
    softplus: (/** @type {number} */ x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    silu: (/** @type {number} */ x) => x * sigmoid(x),
    max: Math.max,
    maximum: Math.max,
    min: Math.min,
    minimum: Math.min,
    pow: Math.pow,
    where: (/** @type {number} */ condition, /** @type {number} */ x, /** @type {number} */ y) => (condition ? x : y),
    not: (/** @type {number} */ condition) => Number(!condition),
  }),
);
