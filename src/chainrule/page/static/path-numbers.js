// Numbers along paths: weights that order them, products that lose nothing on the way, exact sums.

// The weight of an edge is its log₂ in units of 2⁻⁵², a whole number, so that ties are ties. One
// that is 0, infinite, NaN or carries structurally nothing outweighs any number of ordinary edges.
const UNITS = 52;
const ZERO = 1n << 96n;
const ENDLESS = 1n << 130n;
export const CLOSED = 1n << 164n;
/** As long as exponents add up to less than this, plain products neither overflow nor underflow. */
const SAFE = 1000;

/** How much an edge weighs. @param {number} local  Its local derivative. */
export function weightOf(local) {
  if (!Number.isFinite(local)) {
    return ENDLESS;
  }
  if (local === 0) {
    return -ZERO;
  }
  const [mantissa, exponent] = halves(Math.abs(local));
  return (BigInt(exponent) << BigInt(UNITS)) + BigInt(Math.round(Math.log2(mantissa) * 2 ** UNITS));
}

/**
 * A product that overflows and underflows only in its result.
 * @param {number[]} factors
 */
export function productOf(factors) {
  const exponents = factors.map((factor) => Math.abs(halves(factor)[1]));
  if (exponents.reduce((sum, exponent) => sum + exponent, 0) < SAFE) {
    return factors.reduce((product, factor) => product * factor, 1);
  }
  let product = 1;
  let power = 0;
  for (const factor of factors) {
    const [mantissa, exponent] = halves(factor);
    const [kept, shift] = halves(product * mantissa);
    product = kept;
    power += exponent + shift;
  }
  // In two halves, as powers of 2 overflow themselves.
  const half = Math.trunc(power / 2);
  return product * 2 ** half * 2 ** (power - half);
}

const bits = new DataView(new ArrayBuffer(8));

/**
 * A number as a mantissa from ½ to 1 and a power of 2; what is 0 or not finite stays as it is.
 * @param {number} value
 * @returns {[number, number]}
 */
function halves(value) {
  if (value === 0 || !Number.isFinite(value)) {
    return [value, 0];
  }
  bits.setFloat64(0, value);
  const head = bits.getUint16(0);
  const field = (head >> 4) & 0x7ff;
  if (!field) {
    const [mantissa, exponent] = halves(value * 2 ** 54);
    return [mantissa, exponent - 54];
  }
  bits.setUint16(0, (head & 0x800f) | 0x3fe0);
  return [bits.getFloat64(0), field - 1022];
}

/**
 * The sum of numbers, rounded once (J. R. Shewchuk, Adaptive precision floating-point arithmetic,
 * 1997), as Python's `math.fsum`; infinite or NaN where plain addition says so.
 * @param {number[]} terms
 */
export function exactSum(terms) {
  /** Parts that do not overlap, small ones first. @type {number[]} */
  let parts = [];
  for (const term of terms) {
    let sum = term;
    const rest = [];
    for (const part of parts) {
      const [large, small] = Math.abs(sum) < Math.abs(part) ? [part, sum] : [sum, part];
      sum = large + small;
      const lost = small - (sum - large);
      if (lost) {
        rest.push(lost);
      }
    }
    parts = [...rest, sum];
  }
  const plain = terms.reduce((sum, term) => sum + term, 0);
  return parts.every(Number.isFinite) ? roundedOnce(parts) : plain;
}

/** @param {number[]} parts */
function roundedOnce(parts) {
  let sum = parts.pop() ?? 0;
  while (parts.length) {
    const before = sum;
    const part = parts.pop() ?? 0;
    sum = before + part;
    const lost = part - (sum - before);
    if (lost) {
      // What is left decides where the sum lies in the middle of two numbers.
      const left = parts[parts.length - 1] ?? 0;
      const further = sum + lost * 2;
      return left * lost > 0 && further - sum === lost * 2 ? further : sum;
    }
  }
  return sum;
}
