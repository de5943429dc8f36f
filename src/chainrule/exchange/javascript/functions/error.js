/** Error functions (NIST Digital Library of Mathematical Functions, DLMF 7). */

import { polynomial } from "./series.js";

/** Coefficients of erf(x)/x in x² for |x| ≤ 1/2 (DLMF 7.6.1). */
const ERF = Array.from({ length: 14 }, (_, k) => {
  let factorial = 1;
  for (let factor = 1; factor <= k; factor += 1) {
    factorial *= -factor;
  }
  return 2 / Math.sqrt(Math.PI) / (factorial * (2 * k + 1));
});

/**
 * Coefficients of (x + 1/2) exp(x²) erfc(x) in t = (x − 3)/(x + 3) for x ≥ 0, the map of Shepherd
 * and Laframboise (Mathematics of Computation 36, 1981); interpolated at the zeros of Chebyshev's
 * polynomials. The machine code of chainrule has the same (chainrule/ops/native.py).
 */
export const ERFCX = [
  0.6265040291348648, -0.06781055306229058, -0.0237811471767246, 0.0648225793513797,
  -0.05963683170769319, 0.03415401367200495, -0.01188525745858567, 0.0012646959078469848,
  0.0009443451724995859, -0.0003899161348271653, -5.2579859792240326e-05, 6.254967122918645e-05,
  2.4745983249841725e-06, -1.0050271134262806e-05, -3.654140734391807e-07, 1.736185472488584e-06,
  1.7788043342040298e-07, -3.083005730199363e-07, -7.023827157714231e-08, 5.091810301921368e-08,
  2.0532006833970177e-08, -6.6564598305193435e-09, -4.108797529355727e-09, 4.931266755172794e-10,
  4.1968674293454387e-10,
];

/**
 * exp(factor · x²). The part of x² that is lost in rounding is known and comes back as a factor
 * close to 1; the exponential would magnify it. Beyond 60 the result is 0 or infinite.
 * @param {number} x
 * @param {number} factor ±1 or −1/2.
 * @returns {number}
 */
export function expOfSquare(x, factor) {
  const size = Math.min(Math.abs(x), 60);
  const square = size * size;
  const high = Math.fround(size);
  const low = size - high;
  const lost = high * high - square + 2 * high * low + low * low;
  return Math.exp(factor * square) * (1 + factor * lost);
}

/**
 * erf(x) for |x| ≤ 1/2.
 * @param {number} x
 * @returns {number}
 */
function nearErf(x) {
  return x * polynomial(ERF, x * x);
}

/**
 * exp(x²) erfc(x) for x ≥ 0.
 * @param {number} x
 * @returns {number}
 */
export function scaledTail(x) {
  return x < 0.5
    ? expOfSquare(x, 1) * (1 - nearErf(x))
    : polynomial(ERFCX, 1 - 6 / (x + 3)) / (x + 0.5);
}

/**
 * The error function.
 * @param {number} x
 * @returns {number}
 */
export function erf(x) {
  if (Math.abs(x) < 0.5) {
    return nearErf(x);
  }
  const tail = scaledTail(Math.abs(x)) * expOfSquare(x, -1);
  return x < 0 ? tail - 1 : 1 - tail;
}

/**
 * 1 − erf(x).
 * @param {number} x
 * @returns {number}
 */
export function erfc(x) {
  if (Math.abs(x) < 0.5) {
    return 1 - nearErf(x);
  }
  const tail = scaledTail(Math.abs(x)) * expOfSquare(x, -1);
  return x < 0 ? 2 - tail : tail;
}

/**
 * exp(x²) erfc(x).
 * @param {number} x
 * @returns {number}
 */
export function erfcx(x) {
  // Both tails together are 2 exp(x²).
  return x < 0 ? 2 * expOfSquare(x, 1) - scaledTail(-x) : scaledTail(x);
}

/**
 * The inverse of erf; NaN outside [−1, 1]. From an approximation of three digits (S. Winitzki, 2008)
 * three steps of Halley's method go to all digits.
 * @param {number} x
 * @returns {number}
 */
export function erfinv(x) {
  if (x === 0 || !(Math.abs(x) < 1)) {
    return Math.abs(x) === 1 ? x * Infinity : Math.abs(x) > 1 ? NaN : x;
  }
  const size = Math.abs(x);
  const log = Math.log1p(-size * size) / 2;
  const half = 2 / (Math.PI * 0.147) + log;
  const ratio = (2 * log) / 0.147;
  let y = Math.sqrt(-ratio / (half + Math.sqrt(half * half - ratio)));
  for (let step = 0; step < 3; step += 1) {
    const distance = size < 0.5 ? size - erf(y) : erfc(y) - (1 - size);
    const newton = (Math.sqrt(Math.PI) / 2) * distance * expOfSquare(y, 1);
    y += newton / (1 - y * newton);
  }
  return x < 0 ? -y : y;
}
