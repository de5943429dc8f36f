// One question after the other: asked, answered, helped with, and at the end the result.

import { answerField } from "./answer-field.js";
import { element, plainButton } from "./element.js";
import { HELPS } from "./history.js";
import { mathematics } from "./mathematics.js";
import { reachable } from "./reach.js";
import { plainSentence } from "./sentences.js";

/** @typedef {import("./answer-field.js").AnswerField} AnswerField */
/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./practice.js").Practice} Practice */
/** @typedef {import("./questions.js").Question} Question */
/** @typedef {import("./sentences.js").Piece} Piece */

const SAID = "practice-said";

/** The question that is worked on. */
export class PracticeCard {
  /**
   * @param {Page} page
   * @param {Practice} practice
   */
  constructor(page, practice) {
    this.page = page;
    this.practice = practice;
    /** @type {Question | null} */
    this.question = null;
    /** @type {AnswerField | null} */
    this.field = null;
    this.before = element("p", { class: "verdict good" });
    this.words = element("p", { class: "question" });
    this.place = element("div", { class: "answer-place" });
    this.said = element("p", { class: "verdict bad" });
    this.helps = element("div", { class: "helps" });
    this.help = plainButton("Hint", () => this.onHelp());
    this.show = plainButton("Show the answer", () => this.onShow());
    this.element = element(
      "form",
      { class: "practice-card", novalidate: true, onsubmit: (event) => this.onAnswer(event) },
      this.before,
      this.words,
      this.place,
      element("div", { id: SAID }, this.said, this.helps),
      element("div", { class: "practice-buttons" }, element("button", { type: "submit", class: "check" }, "Check"), this.help, this.show),
    );
  }

  /** Asks the current question, if it is not asked already. */
  paint() {
    const { current } = this.practice;
    this.element.hidden = !current;
    if (current !== this.question) {
      this.question = current;
      this.words.replaceChildren(...(current ? current.words : []).map((piece) => mathematics(piece)));
      this.field = current && answerField(current, SAID);
      this.place.replaceChildren(...(this.field ? [this.field.element] : []));
      this.said.textContent = "";
    }
    if (current) {
      const { level } = this.practice.of(current);
      this.helps.replaceChildren(...helpLines(this.practice, current));
      this.help.hidden = level >= HELPS;
      this.help.textContent = level ? "Rule" : "Hint";
      this.show.hidden = !this.practice.mayShow(current);
    }
  }

  /** @param {Event} event */
  onAnswer(event) {
    event.preventDefault();
    const { field, practice, question } = this;
    if (!field || !question) {
      return;
    }
    const verdict = practice.answer(question, field.typed());
    if (verdict.is === "right") {
      this.goOn(question, "Right");
      return;
    }
    this.paint();
    const words = verdict.is === "wrong" ? "Not right." : verdict.words;
    this.said.textContent = words;
    this.said.classList.toggle("unclear", verdict.is === "unclear");
    field.complain(true, verdict.at);
    this.page.say([words, ...(verdict.is === "wrong" ? latestHelp(practice, question) : [])].join(" "));
  }

  onHelp() {
    if (this.question) {
      this.practice.help(this.question);
      this.paint();
      this.page.say(latestHelp(this.practice, this.question).join(" "));
      this.field?.focus();
    }
  }

  onShow() {
    if (this.question) {
      this.practice.reveal(this.question);
      this.goOn(this.question, "The answer");
    }
  }

  /** Says what came of a question, and asks the next one. @param {Question} question @param {string} word */
  goOn(question, word) {
    const equation = [...question.subject, { text: question.ask === "saved" ? " saves " : " = " }, { text: question.answer }];
    const isSolved = this.practice.of(question).isSolved;
    this.before.classList.toggle("good", isSolved);
    this.before.replaceChildren(element("b", {}, `${word}: `), ...equation.map((piece) => mathematics(piece)));
    this.paint();
    const next = this.question ? plainSentence(this.question.words) : "That was the last question.";
    this.page.say(`${word}: ${plainSentence(equation)}. ${next}`);
    this.field?.focus();
  }
}

/**
 * The helps that there are for a question, as lines.
 * @param {Practice} practice
 * @param {Question} question
 */
export function helpLines(practice, question) {
  const { hint, rule } = practice.helps(question);
  return [...(hint ? [helpLine("Hint", hint)] : []), ...(rule ? [helpLine("Rule", rule)] : [])];
}

/**
 * @param {string} word
 * @param {Piece[]} pieces
 */
function helpLine(word, pieces) {
  return reachable(element("p", { class: "practice-help" }, element("b", {}, `${word}: `), ...pieces.map((piece) => mathematics(piece, piece.role))));
}

/**
 * The last of the helps in words.
 * @param {Practice} practice
 * @param {Question} question
 */
export function latestHelp(practice, question) {
  const { hint, rule } = practice.helps(question);
  return rule ? [`Rule: ${plainSentence(rule)}`] : hint ? [`Hint: ${plainSentence(hint)}`] : [];
}
