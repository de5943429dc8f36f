// Numbers are written as in Python: the same digits, rounded to even where two are as near.

export const DASH = "–";
const WHOLE = 1e6;
/** Digits that tell a number between two from the one in their middle. */
const MANY = 100;
/** What has no more digits than are asked for, and one more, is a whole number of these parts. */
const FINEST = 2 ** 26;
/** The same number stands in many places: by digits, what has been written. @type {Map<number, string>[]} */
const texts = [];
const KEPT_TEXTS = 2000;

/**
 * A number with so many significant digits, as `chainrule.show.numbers.number` writes it.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 * @param {string} [type]  What the number is: `bool`, a whole number, or a floating-point number.
 * @returns {string}
 */
export function number(value, digits = 6, type = "float64") {
  if (value === null || value === undefined) {
    return DASH;
  }
  if (type === "bool") {
    return value ? "true" : "false";
  }
  if (!type.startsWith("float")) {
    return String(BigInt(value));
  }
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
  if (value === 0) {
    return "0";
  }
  const known = texts[digits] ??= new Map();
  let text = known.get(value);
  if (text === undefined) {
    const [mantissa, power] = rounded(Math.abs(value), digits);
    text = (value < 0 ? "-" : "") + placed(mantissa, power, digits);
    if (known.size > KEPT_TEXTS) {
      known.clear();
    }
    known.set(value, text);
  }
  return text;
}

/**
 * A number in a drawing, as `chainrule.draw.number_lines.short`: whole ones in full.
 * @param {number | null | undefined} value
 * @param {number} digits
 * @param {string} [type]
 * @returns {string}
 */
export function short(value, digits, type = "float64") {
  if (typeof value === "number" && Math.abs(value) < WHOLE && Number.isInteger(value) && type !== "bool") {
    return String(value);
  }
  return number(value, digits, type);
}

/**
 * A number as a factor of a product: a negative one in brackets.
 * @param {number} value
 * @param {number} [digits]
 */
export function factor(value, digits = 6) {
  return bracketed(number(value, digits));
}

/** What is written of a number; a negative one in brackets. @param {string} text */
export function bracketed(text) {
  return text.startsWith("-") ? `(${text})` : text;
}

/**
 * A number that somebody typed, also `inf` and `nan`; null for anything else.
 * @param {string} text
 * @returns {number | null}
 */
export function read(text) {
  const bare = text.trim().toLowerCase().replace("−", "-").replace("∞", "inf");
  const words = new Map([["inf", Infinity], ["-inf", -Infinity], ["nan", NaN]]);
  const word = words.get(bare);
  if (word !== undefined) {
    return word;
  }
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/.test(bare) ? Number(bare) : null;
}

/**
 * The digits of a number above 0 and the power of ten of the first of them.
 * @param {number} value
 * @param {number} digits
 * @returns {[string, number]}
 */
function rounded(value, digits) {
  const [nearest, power] = parts(value, digits);
  if (!Number.isInteger(value * FINEST)) {
    return [nearest, power];
  }
  const [more] = parts(value, digits + 1);
  if (more.endsWith("5") && /^0*$/.test(parts(value, MANY)[0].slice(digits + 1))) {
    // In the middle of two: JavaScript goes up, Python to the even one.
    const lower = more.slice(0, -1);
    if ("02468".includes(lower[lower.length - 1])) {
      return [lower, parts(value, MANY)[1]];
    }
  }
  return [nearest, power];
}

/**
 * @param {number} value
 * @param {number} digits
 * @returns {[string, number]}
 */
function parts(value, digits) {
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  return [mantissa.replace(".", ""), Number(power)];
}

/**
 * Digits with a point or with a power of ten, without zeros at the end.
 * @param {string} mantissa
 * @param {number} power
 * @param {number} digits
 */
function placed(mantissa, power, digits) {
  if (power < -4 || power >= digits) {
    const tail = mantissa.slice(1).replace(/0+$/, "");
    return `${mantissa[0]}${tail ? `.${tail}` : ""}e${power}`;
  }
  const whole = power < 0 ? "0" : mantissa.slice(0, power + 1);
  const tail = (power < 0 ? "0".repeat(-power - 1) + mantissa : mantissa.slice(power + 1)).replace(/0+$/, "");
  return tail ? `${whole}.${tail}` : whole;
}
