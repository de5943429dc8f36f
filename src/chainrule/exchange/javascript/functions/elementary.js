/** Elementary functions where those of JavaScript differ from IEEE 754. */

/**
 * x to the power y. In JavaScript 1 to the power NaN and ±1 to the power ±∞ are NaN.
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
export function power(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}

/**
 * The nearest whole number; halves go to the even neighbour, in JavaScript upwards.
 * @param {number} x
 * @returns {number}
 */
export function roundHalfToEven(x) {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * x log(y), and 0 for x = 0 whatever y.
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
export function xLogY(x, y) {
  return x === 0 && !Number.isNaN(y) ? x : x * Math.log(y);
}
