// The panel of the practice: what is to be done, how far it has come, the questions, the result.

import { save } from "./download.js";
import { element, plainButton } from "./element.js";
import { ExerciseMenu } from "./exercise-menu.js";
import { PracticeCard } from "./practice-card.js";
import { PracticeSheet } from "./practice-sheet.js";
import { reachable } from "./reach.js";
import { results, resultsAsCsv, resultsAsJson } from "./results.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./practice.js").Practice} Practice */

const OWN_TASK = "Fill in what is asked for, in the order of the passes.";
const ANSWER_HELP =
  "Numbers: 3, 0.75, 3/4, sqrt(2), 2*pi. Give three digits or more where a number does not end. Values are numbers; local derivatives and adjoints may also be given with the names of nodes. Formulas may be written in any way: 2x, x + x, x*2.";

/** Columns of numbers. */
const RESULT_NUMBERS = new Set(["Tries", "Hints"]);

/** The practice as it is seen. */
export class PracticePanel {
  /**
   * @param {Page} page
   * @param {Practice} practice
   */
  constructor(page, practice) {
    this.page = page;
    this.practice = practice;
    const { store, content } = page;
    this.menu = new ExerciseMenu(page, practice);
    this.card = new PracticeCard(page, practice);
    this.sheet = new PracticeSheet(page, practice);
    this.bar = element("progress", { "aria-label": "Questions answered" });
    this.count = element("span", { class: "count" });
    this.ways = [
      ["", "One by one"],
      ["all", "All at once"],
    ].map(([sheet, word]) => ({ sheet, button: element("button", { type: "button", onclick: () => store.change({ sheet }) }, word) }));
    this.end = element("h3", { class: "practice-end", tabindex: -1 });
    this.rows = element("tbody");
    this.result = element("details", { class: "practice-result" }, element("summary", {}, "Result"), this.resultTable(), this.exports());
    this.element = element(
      "section",
      { class: "practice card", "aria-label": "Practice" },
      element("div", { class: "practice-head" }, element("h2", {}, "Practice"), this.menu.element, element("div", { class: "segments", role: "group", "aria-label": "How questions are asked" }, ...this.ways.map(({ button }) => button))),
      element("p", { class: "task" }, content.exercise?.task ?? OWN_TASK),
      element("div", { class: "progress-row" }, this.bar, this.count),
      this.card.element,
      this.sheet.element,
      this.end,
      element("details", { class: "answer-help" }, element("summary", {}, "How answers are written"), element("p", {}, ANSWER_HELP)),
      this.result,
    );
    this.wasOver = true;
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["practice", "sheet", "answers", "values", "output"].some((key) => changed.has(key))) {
      this.paint();
    }
  }

  paint() {
    const { practice } = this;
    const isSheet = this.page.store.state.sheet === "all";
    if (!isSheet) {
      practice.pointed = null;
    }
    const total = practice.questions.length;
    const done = practice.questions.filter(({ key }) => practice.isClosed(key)).length;
    const isOver = done === total;
    this.bar.max = Math.max(1, total);
    this.bar.value = done;
    this.count.textContent = `${done} of ${total}`;
    for (const { sheet, button } of this.ways) {
      button.setAttribute("aria-pressed", String((sheet === "all") === isSheet));
    }
    this.menu.paint();
    this.sheet.paint();
    this.sheet.element.hidden ||= !isSheet;
    this.card.paint();
    this.card.element.hidden ||= isSheet;
    const solved = practice.questions.filter((question) => practice.of(question).isSolved).length;
    this.end.hidden = !isOver;
    this.end.textContent = total ? `Done: ${solved} of ${total} solved.` : "Nothing is asked here: no operation carries what was chosen.";
    this.paintResult();
    if (isOver && !this.wasOver) {
      this.result.open = true;
      this.end.focus();
    }
    this.wasOver = isOver;
  }

  paintResult() {
    const rows = results(this.practice).map(({ question, answers, right, tries, hints, result }) =>
      element(
        "tr",
        { class: result },
        element("th", { scope: "row" }, question),
        element("td", {}, answers.join(", ")),
        element("td", {}, right ?? "–"),
        element("td", { class: "number" }, String(tries)),
        element("td", { class: "number" }, String(hints)),
        element("td", {}, result),
      ),
    );
    this.rows.replaceChildren(...rows);
  }

  resultTable() {
    const heads = ["Question", "Answers", "Right", "Tries", "Hints", "Result"];
    const head = element("tr", {}, ...heads.map((word) => element("th", { scope: "col", class: RESULT_NUMBERS.has(word) ? "number" : null }, word)));
    const table = element("table", {}, element("caption", { class: "unseen" }, "Result"), element("thead", {}, head), this.rows);
    return reachable(element("div", { class: "table-frame" }, table), table);
  }

  exports() {
    return element(
      "div",
      { class: "practice-buttons" },
      plainButton("Save as CSV", () => save("practice.csv", new Blob([resultsAsCsv(this.practice)], { type: "text/csv" }))),
      plainButton("Save as JSON", () => save("practice.json", new Blob([resultsAsJson(this.practice)], { type: "application/json" }))),
      plainButton("Print", () => window.print()),
    );
  }
}
