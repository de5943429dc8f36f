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
 * What ⌊x/y⌋ times y leaves of x, with the sign of y.
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
export function remainder(x, y) {
  const rest = x % y;
  if (rest === 0) {
    return y < 0 ? -0 : 0;
  }
  return (rest < 0) === (y < 0) ? rest : rest + y;
}

/**
 * The largest whole number not above x/y.
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
export function floorDivide(x, y) {
  if (y === 0) {
    return x / y;
  }
  const rest = x % y;
  const near = (x - rest) / y - Number(rest !== 0 && (rest < 0) !== (y < 0));
  const below = Math.floor(near);
  const whole = near - below > 0.5 ? below + 1 : below;
  return near === 0 ? 0 * Math.sign(x / y) : whole;
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
