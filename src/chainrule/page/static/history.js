// What was answered to each question, one after the other; all else about a practice follows from it.

import { judged } from "./answers.js";
import { haveRoom } from "./fragment.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./questions.js").Question} Question */

const BETWEEN = "|";
/** No answer looks like these. */
const HELP = "!";
const REVEALED = "?";
const LONGEST_HISTORY = 4000;
/** Helps: the hint, then the rule; after them, and after one more answer, the right one. */
export const HELPS = 2;

/**
 * How far a question has come.
 * @typedef {object} Standing
 * @property {string[]} given  All that was answered.
 * @property {number} level  How many helps are there: 1 the hint, 2 the rule, 3 the right answer may be shown.
 * @property {boolean} isSolved  Whether the last answer is right.
 * @property {boolean} isShown  Whether the right answer was shown.
 * @property {boolean} isClosed  Whether it is done with, either way.
 */

/**
 * @param {Question} question
 * @param {string | undefined} history
 * @returns {Standing}
 */
export function standing(question, history = "") {
  const entries = history ? history.slice(0, LONGEST_HISTORY).split(BETWEEN) : [];
  const given = entries.filter((entry) => entry !== HELP && entry !== REVEALED);
  const isSolved = given.length > 0 && judged(given[given.length - 1], question.sought).is === "right";
  const isShown = !isSolved && entries.includes(REVEALED);
  const level = entries.length - Number(isSolved) - Number(isShown);
  return { given, level, isSolved, isShown, isClosed: isSolved || isShown };
}

/**
 * A history with one more answer; what cannot be read is never among them.
 * @param {string | undefined} history
 * @param {string} answer
 */
export function answered(history, answer) {
  return history ? `${history}${BETWEEN}${answer}` : answer;
}

/** A history in which the reader has asked for help. @param {string | undefined} history */
export function helped(history) {
  return answered(history, HELP);
}

/** A history in which the right answer was shown. @param {string | undefined} history */
export function shown(history) {
  return answered(history, REVEALED);
}

/**
 * Keeps histories in this window, where a link cannot hold them.
 * @param {Content} content
 * @param {ReadonlyMap<string, number>} values
 * @param {ReadonlyMap<string, string>} histories
 */
export function keepHistories(content, values, histories) {
  try {
    if (haveRoom(histories)) {
      sessionStorage.removeItem(placeOf(content, values));
    } else {
      sessionStorage.setItem(placeOf(content, values), JSON.stringify([...histories]));
    }
  } catch {
    // Without storage they last as long as the page.
  }
}

/**
 * The histories that were kept; none where there are none.
 * @param {Content} content
 * @param {ReadonlyMap<string, number>} values
 * @returns {Map<string, string>}
 */
export function keptHistories(content, values) {
  try {
    const pairs = JSON.parse(sessionStorage.getItem(placeOf(content, values)) ?? "[]");
    return new Map(pairs.filter((/** @type {unknown} */ pair) => Array.isArray(pair) && pair.every((one) => typeof one === "string")));
  } catch {
    return new Map();
  }
}

/**
 * @param {Content} content
 * @param {ReadonlyMap<string, number>} values
 */
function placeOf(content, values) {
  return `chainrule ${content.formula.source} ${JSON.stringify([...values])}`;
}
