/** The gamma function and its logarithm (NIST Digital Library of Mathematical Functions, DLMF 5). */

import { BERNOULLI, hurwitz, polynomial } from "./series.js";

/** 1 less than Riemann's zeta function at 2, 3, …. */
export const ZETA_LESS_ONE = Array.from({ length: 28 }, (_, k) => hurwitz(k + 2, 2));

/** 1 less Euler's constant. */
export const ONE_LESS_EULER = 0.42278433509846713;

/** Coefficients of log Γ(2 + z) / z for |z| ≤ 1/2 (DLMF 5.7.3). */
const AROUND_TWO = [
  ONE_LESS_EULER,
  ...ZETA_LESS_ONE.map((zeta, k) => (k % 2 === 0 ? zeta : -zeta) / (k + 2)),
];

/** Coefficients of x times Stirling's series of log Γ(x), in 1/x² (DLMF 5.11.1). */
const STIRLING = BERNOULLI.map((number, k) => number / ((2 * k + 1) * (2 * k + 2)));

const LOG_OF_ROOT_TWO_PI = 0.9189385332046728;

/** From here on Stirling's series is used. */
const LARGE = 10;

/**
 * The sine of πx; the distance to the nearest zero is exact.
 * @param {number} x
 * @returns {number}
 */
function sinPi(x) {
  const nearest = Math.round(x);
  const sine = Math.sin(Math.PI * (x - nearest));
  return nearest % 2 === 0 ? sine : -sine;
}

/**
 * @param {number} z
 * @returns {number}
 */
function logGammaAroundTwo(z) {
  return z * polynomial(AROUND_TWO, z);
}

/**
 * What Stirling's formula leaves out: log Γ(x) − (x − 1/2) log(x) + x − log(√(2π)).
 * @param {number} x
 * @returns {number}
 */
function stirling(x) {
  return polynomial(STIRLING, 1 / (x * x)) / x;
}

/**
 * The product (x − 1)(x − 2)… of factors down to some that lie between 3/2 and 5/2. Each factor is
 * exact.
 * @param {number} x
 * @returns {{product: number, offset: number}} The product, and what Γ is left to be taken of, as
 *   its distance from 2.
 */
function steppedDown(x) {
  let product = 1;
  while (x > 2.5) {
    x -= 1;
    product *= x;
  }
  return { product, offset: x - 2 };
}

/**
 * Γ(x) for x ≥ 10 as two factors, neither of which overflows or underflows where 1/Γ(x) is a number.
 * @param {number} x
 * @returns {[number, number]}
 */
function gammaFactors(x) {
  if (x > 200) {
    return [Infinity, Infinity];
  }
  const root = Math.pow(x, 0.5 * x - 0.25);
  return [root, root * Math.exp(LOG_OF_ROOT_TWO_PI + stirling(x)) * Math.exp(-x)];
}

/**
 * The gamma function; NaN at its poles with two signs, the negative whole numbers.
 * @param {number} x
 * @returns {number}
 */
export function gamma(x) {
  if (x < -0.5) {
    // Reflection (DLMF 5.5.3).
    const sine = sinPi(x);
    if (sine === 0 || x === -Infinity) {
      return NaN;
    }
    const [one, other] = x <= -LARGE ? gammaFactors(-x) : [gamma(-x), 1];
    return -Math.PI / (sine * x) / one / other;
  }
  if (x < 0.5) {
    return Math.exp(logGammaAroundTwo(x)) / ((1 + x) * x);
  }
  if (x < 1.5) {
    return Math.exp(logGammaAroundTwo(x - 1)) / x;
  }
  // Of whole numbers the product is exact.
  if (x < LARGE || (x < 24 && Number.isInteger(x))) {
    const { product, offset } = steppedDown(x);
    return product * Math.exp(logGammaAroundTwo(offset));
  }
  const [one, other] = gammaFactors(x);
  return one * other;
}

/**
 * The logarithm of |Γ(x)|.
 * @param {number} x
 * @returns {number}
 */
export function logGamma(x) {
  if (x < -0.5) {
    // Reflection (DLMF 5.5.3).
    const sine = sinPi(x);
    return sine === 0 || x === -Infinity
      ? Infinity
      : Math.log(Math.PI / (-x * Math.abs(sine))) - logGamma(-x);
  }
  if (x < 0.5) {
    return logGammaAroundTwo(x) - Math.log1p(x) - Math.log(Math.abs(x));
  }
  if (x < 1.5) {
    return logGammaAroundTwo(x - 1) - Math.log1p(x - 1);
  }
  if (x < LARGE) {
    const { product, offset } = steppedDown(x);
    return Math.log(product) + logGammaAroundTwo(offset);
  }
  return (x - 0.5) * (Math.log(x) - 1) + (LOG_OF_ROOT_TWO_PI - 0.5) + stirling(x);
}
