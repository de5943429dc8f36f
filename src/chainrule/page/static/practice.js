// The practice of a page: which questions there are, what has been answered, and which one is next.

import { judged } from "./answers.js";
import { Concealed } from "./concealed.js";
import { answered, helped, HELPS, shown, standing } from "./history.js";
import { ASKS, comesFrom, Questions } from "./questions.js";

/** @typedef {import("./answers.js").Verdict} Verdict */
/** @typedef {import("./history.js").Standing} Standing */
/** @typedef {import("./questions.js").Ask} Ask */
/** @typedef {import("./questions.js").Question} Question */
/** What is practised with. @typedef {Pick<import("./main.js").Page, "content" | "numbers" | "store">} Practised */
/** What came of a whole sheet. @typedef {{ right: Question[], wrong: Question | null, unclear: Question | null, verdict: Verdict | null, left: number }} Marks */

/** What is asked where nothing else is said. @type {Ask[]} */
const USUAL = ["value", "local", "adjoint"];

/** One practice, on one graph. */
export class Practice {
  /** @param {Practised} page */
  constructor(page) {
    this.page = page;
    /** The question that the reader points at, in a sheet. @type {string | null} */
    this.pointed = null;
    /** @type {Question[]} */
    this.questions = [];
    /** @type {Map<string, Standing>} */
    this.standings = new Map();
    this.make();
  }

  /** Makes the questions anew: another point, or other kinds. */
  make() {
    const { content, numbers, store } = this.page;
    this.questions = this.isOn ? new Questions(content, numbers, store.state).of(this.asks) : [];
    this.judge();
  }

  /** Reads anew what has been answered. */
  judge() {
    const { answers } = this.page.store.state;
    this.standings = new Map(this.questions.map((question) => [question.key, standing(question, answers.get(question.key))]));
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["practice", "values", "output"].some((key) => changed.has(key))) {
      this.make();
    } else if (changed.has("answers")) {
      this.judge();
    }
  }

  get isOn() {
    return this.page.store.state.practice !== "off";
  }

  /** What is asked for, in its order. @returns {Ask[]} */
  get asks() {
    const { content, store } = this.page;
    const { practice } = store.state;
    const own = content.exercise?.asks ?? USUAL;
    const named = new Set(practice === "on" ? own : practice.split(","));
    const found = ASKS.flatMap(([ask]) => (named.has(ask) ? [ask] : []));
    return found.length ? found : own;
  }

  /** The question that is worked on; null at the end. */
  get current() {
    return this.questions.find(({ key }) => key === this.pointed) ?? this.questions.find(({ key }) => !this.isClosed(key)) ?? null;
  }

  /** @param {Question} question @returns {Standing} */
  of(question) {
    return this.standings.get(question.key) ?? standing(question, "");
  }

  /** Whether a question is done with; false for one that is not asked. @param {string} key */
  isClosed(key) {
    return this.standings.get(key)?.isClosed ?? false;
  }

  /** What may be seen. */
  get known() {
    return new Concealed(this);
  }

  /** What helps with a question, as far as the reader has come. @param {Question} question */
  helps(question) {
    const { level } = this.of(question);
    const { known } = this;
    return { hint: level > 0 ? question.hint : null, rule: level > 1 ? question.rule((key) => known.isOpen(key)) : null };
  }

  /**
   * Takes an answer; one that cannot be read leaves everything as it is.
   * @param {Question} question
   * @param {string} text
   * @returns {Verdict}
   */
  answer(question, text) {
    const verdict = judged(text, question.sought);
    if (verdict.is !== "unclear") {
      this.record([[question, text.trim()]]);
    }
    return verdict;
  }

  /**
   * Marks a sheet: the right ones, and of the wrong ones the first; what follows from it is not
   * judged, and neither are others that are wrong.
   * @param {(question: Question) => string} typed
   * @returns {Marks}
   */
  mark(typed) {
    const open = this.questions.filter((question) => !this.isClosed(question.key) && typed(question).trim());
    const verdicts = open.map((question) => judged(typed(question), question.sought));
    const first = verdicts.findIndex(({ is }) => is === "unclear");
    if (first >= 0) {
      return { right: [], wrong: null, unclear: open[first], verdict: verdicts[first], left: open.length };
    }
    const wrong = open.find((_, at) => verdicts[at].is === "wrong") ?? null;
    const right = open.filter((question, at) => verdicts[at].is === "right" && !(wrong && comesFrom(this.page.content, question.key, wrong.key)));
    this.record([...right, ...(wrong ? [wrong] : [])].map((question) => [question, typed(question).trim()]));
    return { right, wrong, unclear: null, verdict: null, left: open.length - right.length - Number(wrong !== null) };
  }

  /** Gives the next help. @param {Question} question */
  help(question) {
    if (this.of(question).level < HELPS) {
      this.become(new Map(this.page.store.state.answers).set(question.key, helped(this.page.store.state.answers.get(question.key))));
    }
  }

  /** Whether the right answer may be shown. @param {Question} question */
  mayShow(question) {
    const { level, isClosed } = this.of(question);
    return level > HELPS && !isClosed;
  }

  /** Shows the right answer, which does not count as solved. @param {Question} question */
  reveal(question) {
    if (this.mayShow(question)) {
      this.become(new Map(this.page.store.state.answers).set(question.key, shown(this.page.store.state.answers.get(question.key))));
    }
  }

  /** @param {[Question, string][]} pairs */
  record(pairs) {
    const answers = new Map(this.page.store.state.answers);
    for (const [{ key }, text] of pairs) {
      answers.set(key, answered(answers.get(key), text));
    }
    this.become(answers);
  }

  /** @param {Map<string, string>} answers */
  become(answers) {
    this.page.store.change({ answers });
    this.judge();
  }
}
