// What came of a practice: a row for each question; written as CSV and as JSON.

import { nameOf } from "./content.js";
import { HELPS } from "./history.js";
import { number } from "./numbers.js";
import { plainSentence } from "./sentences.js";

/** @typedef {import("./practice.js").Practice} Practice */
/** @typedef {{ question: string, kind: string, answers: string[], right: string | null, tries: number, hints: number, result: "solved" | "shown" | "open" }} Result */

const RESULTS_FORMAT = "chainrule-practice";
const RESULTS_VERSION = 1;
const VALUE_DIGITS = 17;

/**
 * @param {Practice} practice
 * @returns {Result[]}
 */
export function results(practice) {
  return practice.questions.map((question) => {
    const { given, level, isSolved, isShown, isClosed } = practice.of(question);
    return {
      question: plainSentence(question.words),
      kind: question.ask,
      answers: given,
      right: isClosed ? question.answer : null,
      tries: given.length,
      hints: Math.min(level, HELPS),
      result: isSolved ? "solved" : isShown ? "shown" : "open",
    };
  });
}

/** @param {Practice} practice */
export function resultsAsJson(practice) {
  const { content, numbers } = practice.page;
  const values = content.arguments.map(({ slot }) => [nameOf(content, slot).text, Number(number(numbers.values[slot], VALUE_DIGITS))]);
  const found = results(practice);
  const whole = {
    format: RESULTS_FORMAT,
    version: RESULTS_VERSION,
    formula: content.formula.source,
    exercise: content.exercise?.name ?? null,
    values: Object.fromEntries(values),
    solved: found.filter(({ result }) => result === "solved").length,
    questions: found,
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

/** As RFC 4180 has it; tries stand one after the other. @param {Practice} practice */
export function resultsAsCsv(practice) {
  const rows = results(practice).map((row) => [row.question, row.kind, row.answers.join(" | "), row.right ?? "", row.tries, row.hints, row.result]);
  const head = ["question", "kind", "answers", "right", "tries", "hints", "result"];
  return [head, ...rows].map((row) => `${row.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(",")}\r\n`).join("");
}
