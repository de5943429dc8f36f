/** The derivatives of log Γ (NIST Digital Library of Mathematical Functions, DLMF 5.15 and 25.11). */

import { ONE_LESS_EULER, ZETA_LESS_ONE } from "./gamma.js";
import { BERNOULLI, hurwitz, polynomial } from "./series.js";

/** Coefficients of digamma at 2 + z for |z| ≤ 1/2, the derivative of DLMF 5.7.3. */
const DIGAMMA_AROUND_TWO = [
  ONE_LESS_EULER,
  ...ZETA_LESS_ONE.map((zeta, k) => (k % 2 === 0 ? zeta : -zeta)),
];

/** The positive zero of digamma, as the sum of two numbers. */
const ZERO = 1.4616321449683622;
const ZERO_REST = 9.549995429965697e-17;

/** Coefficients of Taylor's series of digamma around its zero, without the first one. */
const AROUND_ZERO = Array.from({ length: 30 }, (_, k) => {
  const zeta = hurwitz(k + 2, ZERO);
  return k % 2 === 0 ? zeta : -zeta;
});

/** Coefficients of the series of log(x) − 1/(2x) − digamma(x), in 1/x² (DLMF 5.11.2). */
const DIGAMMA_STIRLING = [0, ...BERNOULLI.map((number, k) => number / (2 * k + 2))];

/**
 * cot(πx).
 * @param {number} x
 * @returns {number}
 */
function cotangent(x) {
  return 1 / Math.tan(Math.PI * x);
}

/**
 * The derivative of log Γ; NaN at its poles with two signs, the negative whole numbers.
 * @param {number} x
 * @returns {number}
 */
export function digamma(x) {
  if (x < -0.5) {
    // Reflection (DLMF 5.5.4); the distance to the nearest pole is exact.
    const offset = x - Math.round(x);
    return offset === 0 ? NaN : digamma(1 - x) - Math.PI * cotangent(offset);
  }
  if (x >= 10) {
    return Math.log(x) - 0.5 / x - polynomial(DIGAMMA_STIRLING, 1 / (x * x));
  }
  if (Math.abs(x - ZERO) < 0.3) {
    const offset = x - ZERO - ZERO_REST;
    return offset * polynomial(AROUND_ZERO, offset);
  }
  let result = polynomial(DIGAMMA_AROUND_TWO, x - Math.round(x));
  for (let step = Math.round(x) - 1; step >= 2; step -= 1) {
    result += 1 / (x - step + 1);
  }
  if (x < 1.5) {
    result -= 1 / (x < 0.5 ? 1 + x : x);
  }
  return x < 0.5 ? result - 1 / x : result;
}

/**
 * The derivative of digamma of this order.
 * @param {number} x
 * @param {number} order
 * @returns {number}
 */
export function polygamma(x, order) {
  if (order === 0) {
    return digamma(x);
  }
  const sign = order % 2 === 0 ? -1 : 1;
  const factorial = factorialOf(order);
  if (x >= 0.5) {
    return sign * factorial * hurwitz(order + 1, x);
  }
  if (x > -0.5) {
    // One step of the recurrence (DLMF 5.15.5), so that the pole at ±0 has its sign.
    const step = sign * factorial * hurwitz(order + 1, x + 1);
    return step + (sign * factorial) / Math.pow(x, order + 1);
  }
  // Reflection (DLMF 5.15.6); the distance to the nearest pole is exact.
  const offset = x - Math.round(x);
  if (offset === 0) {
    return order % 2 === 0 ? NaN : Infinity;
  }
  const slope = polynomial(cotangentPolynomial(order), cotangent(offset));
  return -sign * (sign * factorial * hurwitz(order + 1, 1 - x)) - Math.PI * slope;
}

/**
 * @param {number} n
 * @returns {number}
 */
function factorialOf(n) {
  let product = 1;
  for (let factor = 2; factor <= n; factor += 1) {
    product *= factor;
  }
  return product;
}

/**
 * The derivative of this order of cot(πx) as a polynomial in c = cot(πx): c′ = −π(1 + c²).
 * @param {number} order
 * @returns {number[]}
 */
function cotangentPolynomial(order) {
  let powers = [0, 1];
  for (let step = 0; step < order; step += 1) {
    const slope = powers.map((a, at) => at * a).slice(1);
    powers = [...slope, 0, 0].map((a, at) => -Math.PI * (a + (slope[at - 2] ?? 0)));
  }
  return powers;
}
