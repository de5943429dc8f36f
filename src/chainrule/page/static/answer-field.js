// A place for one answer: a line to type in, or a choice; it says what is wrong with what is there.

import { element } from "./element.js";
import { SAVED_CHOICES } from "./questions.js";
import { plainSentence } from "./sentences.js";

/** @typedef {import("./questions.js").Question} Question */

/**
 * @typedef {object} AnswerField
 * @property {HTMLElement} element  What is seen.
 * @property {() => string} typed  The answer as it is now.
 * @property {() => void} focus  Takes the focus.
 * @property {(isInvalid: boolean, at?: number | null) => void} complain  With the place of what cannot be read.
 */

/**
 * The field of a question.
 * @param {Question} question
 * @param {string} describedBy  The id of what is said about the answer.
 * @returns {AnswerField}
 */
export function answerField(question, describedBy) {
  return question.sought.form === "choice" ? choiceField(question, describedBy) : lineField(question, describedBy);
}

/** @param {Question} question @param {string} describedBy @returns {AnswerField} */
function lineField(question, describedBy) {
  const input = element("input", {
    type: "text",
    class: "answer",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: 250,
    "aria-label": plainSentence(question.words),
    "aria-describedby": describedBy,
    oninput: () => input.removeAttribute("aria-invalid"),
  });
  return {
    element: input,
    typed: () => input.value,
    focus: () => input.focus(),
    complain(isInvalid, at = null) {
      input.toggleAttribute("aria-invalid", isInvalid);
      if (isInvalid) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        input.setSelectionRange(at ?? 0, at === null ? input.value.length : at + 1);
      }
    },
  };
}

/** @param {Question} question @param {string} describedBy @returns {AnswerField} */
function choiceField(question, describedBy) {
  const name = `choice-${question.key}-${describedBy}`;
  const buttons = SAVED_CHOICES.map(([value]) => element("input", { type: "radio", name, value }));
  const group = element(
    "div",
    { class: "choices", role: "radiogroup", "aria-label": plainSentence(question.words), "aria-describedby": describedBy },
    ...SAVED_CHOICES.map(([, word], at) => element("label", {}, buttons[at], ` ${word}`)),
  );
  const chosen = () => buttons.find((button) => button.checked);
  return {
    element: group,
    typed: () => chosen()?.value ?? "",
    focus: () => (chosen() ?? buttons[0]).focus(),
    complain(isInvalid) {
      group.toggleAttribute("aria-invalid", isInvalid);
      if (isInvalid) {
        group.setAttribute("aria-invalid", "true");
        (chosen() ?? buttons[0]).focus();
      }
    },
  };
}
