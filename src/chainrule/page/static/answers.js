// An answer is right when it is worth the same, however it is written; what cannot be read is no wrong answer.

import { Unreadable } from "./expression-tokens.js";
import { namesIn, worth } from "./expression-tree.js";
import { expressionOf } from "./expressions.js";

/** @typedef {import("./expression-tree.js").Expression} Expression */

/**
 * What is asked for.
 * @typedef {object} Sought
 * @property {"number" | "formula" | "choice"} form  What an answer has to be.
 * @property {boolean} mayName  Whether a number may be given with names of nodes.
 * @property {ReadonlySet<string>} names  Those that an answer may have in it.
 * @property {(name: string) => number} valueOf  At the point that is shown.
 * @property {number} right  The number at this point.
 * @property {number} scale  Numbers that are tiny beside this one count as 0.
 * @property {() => Point[]} points  Others, for formulas.
 * @property {readonly string[]} choices  Those that are right.
 */

/** Another point: what names are worth there, and what the right formula is. @typedef {{ valueOf: (name: string) => number, right: number }} Point */
/** @typedef {{ is: "right" | "wrong" | "unclear", words: string, at: number | null }} Verdict */

/** Digits that are enough where a number has more. */
const ENOUGH = 3;
/** As near as numbers are that should be the same. */
const NEAR = 1e-9;
const TINY = 1e-12;
/** Points that two formulas have to agree at. */
const LEAST_POINTS = 3;

/**
 * What an answer is.
 * @param {string} text
 * @param {Sought} sought
 * @returns {Verdict}
 */
export function judged(text, sought) {
  if (sought.form === "choice") {
    return text ? verdict(sought.choices.includes(text)) : unclear("Choose one first.");
  }
  try {
    const answer = expressionOf(text, sought.names);
    return sought.form === "formula" ? judgedFormula(answer, sought) : judgedNumber(answer, sought);
  } catch (error) {
    if (error instanceof Unreadable) {
      return unclear(error.message, error.at);
    }
    throw error;
  }
}

/**
 * @param {Expression} answer
 * @param {Sought} sought
 * @returns {Verdict}
 */
function judgedNumber(answer, { mayName, valueOf, right, scale }) {
  const [name] = namesIn(answer);
  if (name !== undefined && !mayName) {
    return unclear(`A number is asked for: put the value of ${name} in its place.`);
  }
  const found = worth(answer, valueOf);
  if (!Number.isFinite(found)) {
    return unclear("This is no finite number.");
  }
  const goal = Math.abs(right) < TINY * scale ? 0 : right;
  if (isNear(found, goal, goal === 0 ? TINY * scale : 0)) {
    return verdict(true);
  }
  const hasFewDigits = isNear(Number(goal.toPrecision(ENOUGH)), goal, 0);
  if (!hasFewDigits && answer.kind === "number" && isRounded(found, goal, answer.unit)) {
    return answer.digits >= ENOUGH ? verdict(true) : unclear(`So far so good: give at least ${ENOUGH} digits, or the exact number.`);
  }
  return verdict(false);
}

/**
 * Whether the digits of an answer are those of the number, rounded or cut off.
 * @param {number} found
 * @param {number} goal
 * @param {number} unit  What one in the last place of the answer is worth.
 */
function isRounded(found, goal, unit) {
  const off = Math.abs(found - goal) / unit;
  const isCut = Math.abs(found) < Math.abs(goal) && found * goal > 0;
  return found !== 0 && goal !== 0 && off < (isCut ? 1 - NEAR : 0.5 + NEAR);
}

/**
 * @param {Expression} answer
 * @param {Sought} sought
 * @returns {Verdict}
 */
function judgedFormula(answer, { valueOf, right, points }) {
  const pairs = points().map((point) => [worth(answer, point.valueOf), point.right]);
  const both = pairs.filter((pair) => pair.every(Number.isFinite));
  if (both.length < Math.min(LEAST_POINTS, pairs.length)) {
    return unclear("This has no finite value where the derivative has one.");
  }
  const isRight = both.every(([found, goal]) => isNear(found, goal, TINY));
  const isNumber = !namesIn(answer).length;
  if (!isRight && isNumber && isNear(worth(answer, valueOf), right, 0)) {
    return unclear("That is its number at this point: the formula is asked for.");
  }
  return verdict(isRight);
}

/**
 * @param {number} found
 * @param {number} goal
 * @param {number} slack
 */
function isNear(found, goal, slack) {
  return Math.abs(found - goal) <= Math.max(NEAR * Math.abs(goal), slack);
}

/** @param {boolean} isRight @returns {Verdict} */
function verdict(isRight) {
  return { is: isRight ? "right" : "wrong", words: "", at: null };
}

/**
 * @param {string} words
 * @param {number | null} [at]
 * @returns {Verdict}
 */
function unclear(words, at = null) {
  return { is: "unclear", words, at };
}
