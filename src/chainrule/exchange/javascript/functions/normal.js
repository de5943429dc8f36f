/** The standard normal distribution, by its scaled tail. */

import { expOfSquare, scaledTail } from "./error.js";

/**
 * The probability beyond |x|, over exp(−x²/2).
 * @param {number} x
 * @returns {number}
 */
function scaledNormalTail(x) {
  return 0.5 * scaledTail(Math.SQRT1_2 * Math.abs(x));
}

/**
 * The density.
 * @param {number} x
 * @returns {number}
 */
export function normalDensity(x) {
  return expOfSquare(x, -0.5) / Math.sqrt(2 * Math.PI);
}

/**
 * The probability of at most x.
 * @param {number} x
 * @returns {number}
 */
export function normalProbability(x) {
  const tail = scaledNormalTail(x) * expOfSquare(x, -0.5);
  return x < 0 ? tail : 1 - tail;
}

/**
 * The logarithm of normalProbability(x), without underflow.
 * @param {number} x
 * @returns {number}
 */
export function logNormalProbability(x) {
  return x < -1
    ? Math.log(scaledNormalTail(x)) - 0.5 * (x * x)
    : Math.log1p(-normalProbability(-x));
}

/**
 * x normalProbability(x). In the tail x goes into the product before the factor that underflows.
 * @param {number} x
 * @returns {number}
 */
export function gelu(x) {
  const far = Math.max(x, -50);
  return x < 0
    ? far * scaledNormalTail(far) * expOfSquare(far, -0.5)
    : x * normalProbability(x);
}
