// Everything filled in at once: a table of all questions, and one Check for what has been written.

import { answerField } from "./answer-field.js";
import { element, plainButton } from "./element.js";
import { named } from "./mathematics.js";
import { helpLines, latestHelp } from "./practice-card.js";
import { ASKS } from "./questions.js";
import { reachable } from "./reach.js";

/** @typedef {import("./answer-field.js").AnswerField} AnswerField */
/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./practice.js").Practice} Practice */
/** @typedef {import("./questions.js").Question} Question */
/** @typedef {{ question: Question, field: AnswerField, row: HTMLTableRowElement, mark: HTMLTableCellElement, place: HTMLTableCellElement }} Line */

const SHEET_SAID = "sheet-said";
const HEADS = ["", "What", "Answer", "Tries"];

/** The table of a practice. */
export class PracticeSheet {
  /**
   * @param {Page} page
   * @param {Practice} practice
   */
  constructor(page, practice) {
    this.page = page;
    this.practice = practice;
    /** @type {Question[] | null} */
    this.made = null;
    /** @type {Line[]} */
    this.lines = [];
    this.tables = element("div", { class: "sheet-tables" });
    this.said = element("div", { id: SHEET_SAID, class: "sheet-said" });
    this.show = plainButton("Show the answer", () => this.onShow());
    /** The first wrong step. @type {Question | null} */
    this.wrong = null;
    this.element = element(
      "form",
      { class: "practice-sheet", novalidate: true, onsubmit: (event) => this.onCheck(event), onfocusin: (event) => this.onFocus(event) },
      this.tables,
      this.said,
      element("div", { class: "practice-buttons" }, element("button", { type: "submit", class: "check" }, "Check"), this.show),
    );
  }

  /** Makes the rows for other questions; what was typed for the same ones stays. */
  paint() {
    const { questions } = this.practice;
    if (questions !== this.made) {
      this.made = questions;
      this.wrong = null;
      this.said.replaceChildren();
      this.lines = questions.map((question) => this.line(question));
      const kinds = ASKS.filter(([ask]) => questions.some((question) => question.ask === ask));
      this.tables.replaceChildren(...kinds.map(([ask, word]) => sheetTable(word, this.lines.filter(({ question }) => question.ask === ask))));
    }
    for (const { question, field, row, mark, place } of this.lines) {
      const { isClosed, isSolved, given } = this.practice.of(question);
      row.classList.toggle("done", isClosed);
      row.classList.toggle("wrong", !isClosed && question === this.wrong);
      mark.textContent = isSolved ? "✓" : isClosed ? "–" : question === this.wrong ? "✗" : "";
      mark.setAttribute("aria-label", isSolved ? "right" : isClosed ? "shown" : question === this.wrong ? "first wrong step" : "open");
      row.cells[HEADS.length - 1].textContent = given.length ? String(given.length) : "";
      const wanted = isClosed ? element("span", { class: `written ${question.ask}` }, question.answer) : field.element;
      if (place.firstChild !== wanted && !(isClosed && place.textContent === question.answer)) {
        place.replaceChildren(wanted);
      }
    }
    this.show.hidden = !(this.wrong && this.practice.mayShow(this.wrong));
    this.element.hidden = !questions.length;
  }

  /** @param {Question} question @returns {Line} */
  line(question) {
    const field = answerField(question, SHEET_SAID);
    const mark = element("td", { class: "mark", role: "cell" });
    const place = element("td", { class: "answer-cell" }, field.element);
    const what = element("th", { scope: "row" }, ...question.row.flatMap(named));
    const row = element("tr", { "data-key": question.key }, mark, what, place, element("td", { class: "number" }));
    return { question, field, row, mark, place };
  }

  /** @param {Event} event */
  onCheck(event) {
    event.preventDefault();
    const typed = new Map(this.lines.map(({ question, field }) => [question, field.typed()]));
    const { right, wrong, unclear, verdict, left } = this.practice.mark((question) => typed.get(question) ?? "");
    this.wrong = wrong;
    this.practice.pointed = wrong?.key ?? null;
    this.paint();
    this.page.drawing.paint(null);
    const target = this.lines.find(({ question }) => question === (wrong ?? unclear));
    const words = unclear ? (verdict?.words ?? "") : summary(right.length, Boolean(wrong), left);
    this.said.replaceChildren(element("p", { class: wrong || unclear ? "verdict bad" : "verdict good" }, words), ...(wrong ? helpLines(this.practice, wrong) : []));
    this.page.say([words, ...(wrong ? latestHelp(this.practice, wrong) : [])].join(" "));
    if (target) {
      target.field.complain(true, verdict?.at);
    } else {
      this.lines.find(({ question }) => !this.practice.isClosed(question.key))?.field.focus();
    }
  }

  onShow() {
    if (this.wrong) {
      this.practice.reveal(this.wrong);
      this.wrong = null;
      this.said.replaceChildren();
      this.paint();
      this.lines.find(({ question }) => !this.practice.isClosed(question.key))?.field.focus();
    }
  }

  /** The drawing shows what the reader is at. @param {FocusEvent} event */
  onFocus(event) {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    const found = this.lines.find((line) => line.row === row);
    if (found && this.practice.pointed !== found.question.key) {
      this.practice.pointed = found.question.key;
      this.page.drawing.paint(null);
    }
  }
}

/**
 * @param {string} title
 * @param {Line[]} lines
 */
function sheetTable(title, lines) {
  const head = element("tr", {}, ...HEADS.map((word) => element("th", { scope: "col" }, word || element("span", { class: "unseen" }, "Mark"))));
  const name = title[0].toUpperCase() + title.slice(1);
  const table = element("table", {}, element("caption", {}, name), element("thead", {}, head), element("tbody", {}, ...lines.map(({ row }) => row)));
  return reachable(element("div", { class: "table-frame" }, table), table);
}

/**
 * @param {number} right
 * @param {boolean} hasWrong
 * @param {number} left
 */
function summary(right, hasWrong, left) {
  if (!right && !hasWrong) {
    return left ? "" : "Fill in something first.";
  }
  const rest = left ? " The rest has not been judged." : "";
  return `${right} right. ${hasWrong ? `The first wrong step is marked.${rest}` : ""}`.trim();
}
