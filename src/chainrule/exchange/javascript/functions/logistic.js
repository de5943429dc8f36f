/** Sums of exponentials and what is made of them; no exponential overflows. */

/**
 * The logistic function 1/(1 + exp(−x)).
 * @param {number} x
 * @returns {number}
 */
export function sigmoid(x) {
  return Math.exp(Math.min(x, 0)) / (1 + Math.exp(-Math.abs(x)));
}

/**
 * log(1 + exp(x)).
 * @param {number} x
 * @returns {number}
 */
export function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * log(sigmoid(x)).
 * @param {number} x
 * @returns {number}
 */
export function logSigmoid(x) {
  return -softplus(-x);
}

/**
 * log(exp(a) + exp(b)).
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
export function logAddExp(a, b) {
  // Infinities may be equal: their difference is no number.
  const distance = a === b ? 0 : Math.abs(a - b);
  return Math.max(a, b) + Math.log1p(Math.exp(-distance));
}

/**
 * x where positive, else slope · x.
 * @param {number} x
 * @param {number} slope
 * @returns {number}
 */
export function leakyRelu(x, slope) {
  return slope === 0 ? Math.max(x, 0) : x > 0 ? x : slope * x;
}

/**
 * x where positive, else alpha · (exp(x) − 1).
 * @param {number} x
 * @param {number} alpha
 * @returns {number}
 */
export function elu(x, alpha) {
  return x > 0 ? x : alpha * Math.expm1(x);
}

/**
 * x sigmoid(x). The exponential stands in two halves, so that x is multiplied in before anything
 * underflows.
 * @param {number} x
 * @returns {number}
 */
export function silu(x) {
  const bounded = Math.max(x, -2000);
  const half = Math.exp(0.5 * Math.min(bounded, 0));
  return (bounded * half * half) / (1 + Math.exp(-Math.abs(x)));
}

/**
 * The tanh form of gelu; (1 + tanh(u))/2 is sigmoid(2u), which does not cancel for negative u.
 * @param {number} x
 * @returns {number}
 */
export function geluTanh(x) {
  const u = Math.sqrt(8 / Math.PI) * (x + 0.044715 * (x * x * x));
  return x === -Infinity ? -0 : x * sigmoid(u);
}
