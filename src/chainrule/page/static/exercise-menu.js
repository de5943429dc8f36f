// What is practised on: the formula that is there, an exercise with a name, or one that is made of a seed.

import { element, plainButton } from "./element.js";
import { drawnValues } from "./points.js";
import { ASKS } from "./questions.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./practice.js").Practice} Practice */

/** The names that the server knows, with what they are called. @type {readonly (readonly [string, string])[]} */
const EXERCISE_NAMES = [
  ["difference-of-squares", "Difference of squares"],
  ["used-twice", "Used twice"],
  ["three-variables", "Three variables"],
  ["neural-layer", "Neural layer"],
  ["memory", "Memory"],
];
const DIFFICULTIES = [1, 2, 3, 4, 5];
const MOST_SEEDS = 10000;

/** The choices above a practice. */
export class ExerciseMenu {
  /**
   * @param {Page} page
   * @param {Practice} practice
   */
  constructor(page, practice) {
    this.page = page;
    this.practice = practice;
    const { store, server } = page;
    this.named = element(
      "select",
      { "aria-label": "Exercise", onchange: () => this.open(this.named.value) },
      element("option", { value: "" }, "This formula"),
      ...EXERCISE_NAMES.map(([name, title]) => element("option", { value: name }, title)),
    );
    this.difficulty = element("select", { "aria-label": "Difficulty" }, ...DIFFICULTIES.map((level) => element("option", { value: level }, `Difficulty ${level}`)));
    this.difficulty.value = /-(\d)$/.exec(store.state.exercise)?.[1] ?? "2";
    this.named.value = EXERCISE_NAMES.some(([name]) => name === store.state.exercise) ? store.state.exercise : "";
    this.boxes = ASKS.map(([ask, word]) => ({ ask, box: element("input", { type: "checkbox", onchange: () => this.choose() }), word }));
    this.element = element(
      "div",
      { class: "practice-menu" },
      ...(server
        ? [this.named, element("span", { class: "new-exercise" }, this.difficulty, plainButton("New exercise", () => this.draw()))]
        : []),
      page.content.arguments.length ? plainButton("New values", () => this.drawValues()) : null,
      element(
        "details",
        { class: "asked" },
        element("summary", {}, "What is asked"),
        element("fieldset", {}, element("legend", { class: "unseen" }, "What is asked"), ...this.boxes.map(({ box, word }) => element("label", {}, box, ` ${word}`))),
      ),
    );
    this.paint();
  }

  paint() {
    const { asks } = this.practice;
    for (const { ask, box } of this.boxes) {
      box.checked = asks.includes(ask);
    }
  }

  /** Opens an exercise; without a name, the formula that is shown becomes the reader's own. @param {string} exercise */
  open(exercise) {
    const { content, numbers, store } = this.page;
    const here = new Map(content.arguments.map(({ name, slot }) => [name, numbers.values[slot]]));
    const fresh = { output: null, wrt: null, selected: null, step: Infinity, kinds: new Map() };
    store.change({ practice: "on", exercise, answers: new Map(), ...(exercise ? { ...fresh, values: new Map() } : { values: here }) });
  }

  /** Opens an exercise that nobody has seen yet. */
  draw() {
    const seed = Math.floor(Math.random() * MOST_SEEDS);
    this.open(`${seed}-${this.difficulty.value}`);
  }

  /** The same formula at another point. */
  drawValues() {
    const { content, numbers, store } = this.page;
    const seed = Math.floor(Math.random() * MOST_SEEDS);
    const values = drawnValues(content, numbers.program, store.state.output, seed);
    if (values) {
      store.change({ values, answers: new Map() });
    } else {
      this.page.say("No other values were found where everything is finite.");
    }
  }

  /** Asks for what is ticked, and for something at least. */
  choose() {
    const ticked = this.boxes.filter(({ box }) => box.checked).map(({ ask }) => ask);
    if (ticked.length) {
      this.page.store.change({ practice: ticked.join(",") });
    } else {
      this.paint();
    }
  }
}
