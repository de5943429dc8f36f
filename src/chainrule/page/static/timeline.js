// The timeline goes through a pass: by itself, step by step, or wherever the reader drags it.

import { ends, endsOfAll, nameOf, variables } from "./content.js";
import { element } from "./element.js";
import { icon, iconButton } from "./icons.js";
import { mathematics } from "./mathematics.js";
import { rowsOf } from "./passes.js";
import { reachable } from "./reach.js";
import { plainSentence, sentence } from "./sentences.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./state.js").Pass} Pass */

/** @type {[Pass, string][]} */
const PASSES = [
  ["forward", "Forward pass"],
  ["backward", "Backward pass"],
  ["tangent", "Forward mode"],
];
const SPEEDS = [0.5, 1, 2, 4];

/** The timeline of a page. */
export class Timeline {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    const { store, content, signal } = page;
    this.passes = PASSES.map(([pass, word]) => this.passChoice(pass, word));
    this.range = element("input", {
      type: "range",
      class: "scrub",
      min: 0,
      step: 1,
      "aria-label": "Step",
      oninput: () => this.goTo(this.range.valueAsNumber),
    });
    this.count = element("span", { class: "count" });
    this.play = element("button", { type: "button", class: "sign play", onclick: () => this.toggle() });
    this.words = element("span", { class: "words" });
    this.sentence = reachable(element("p", { class: "sentence" }, this.words), this.words);
    this.output = choice("of", "What is differentiated", ends(content), content, (slot) => {
      store.change({ output: slot });
      this.toEnd();
    });
    const [here, all] = [ends(content).length, endsOfAll(content)];
    if (here < all) {
      this.output.element.append(`(the first ${here} of ${all} outputs)`);
    }
    this.argument = choice("by", "What changes", variables(content).map(({ slot }) => slot), content, (slot) =>
      store.change({ wrt: slot }),
    );
    this.speed = element(
      "select",
      { class: "speed", title: "Speed", "aria-label": "Speed", onchange: () => store.change({ speed: Number(this.speed.value) }) },
      ...SPEEDS.map((speed) => element("option", { value: speed }, `${speed}×`)),
    );
    this.element = element(
      "section",
      { class: "timeline card", "aria-label": "Timeline" },
      element(
        "div",
        { class: "timeline-row" },
        element("div", { class: "segments", role: "group", "aria-label": "Pass" }, ...this.passes.map(([, button]) => button)),
        this.output.element,
        this.argument.element,
      ),
      element(
        "div",
        { class: "timeline-row steps" },
        iconButton("first", "First step (Home)", () => this.goTo(0)),
        iconButton("back", "One step back (←)", () => this.move(-1)),
        this.play,
        iconButton("forward", "One step (→)", () => this.move(1)),
        iconButton("last", "Last step (End)", () => this.toEnd()),
        this.range,
        this.count,
        this.speed,
      ),
      this.sentence,
    );
    this.timer = 0;
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.paint(true);
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["values", "kinds", "pass", "step", "output", "wrt", "isPlaying", "speed"].some((key) => changed.has(key))) {
      this.paint(changed.has("step") || changed.has("pass"));
    }
    if (changed.has("isPlaying")) {
      this.schedule();
    }
  }

  /** How many steps the pass has. */
  get last() {
    return rowsOf(this.page.content, this.page.store.state).length;
  }

  /** @param {number} step */
  goTo(step) {
    this.page.store.change({ step: Math.max(0, Math.min(step, this.last)), isPlaying: false });
  }

  /** Goes to the end of the pass. */
  toEnd() {
    this.goTo(this.last);
  }

  /** One step on or back; the backward pass follows the forward pass. @param {number} by */
  move(by) {
    const { content, store } = this.page;
    const { state } = store;
    const isOver = state.step + by > this.last;
    if (state.pass === "forward" && isOver && rowsOf(content, state, "backward").length) {
      store.change({ pass: "backward", step: 0, isPlaying: state.isPlaying });
    } else if (state.pass === "backward" && state.step + by < 0) {
      store.change({ pass: "forward", step: rowsOf(content, state, "forward").length, isPlaying: false });
    } else if (!isOver) {
      store.change({ step: Math.max(0, state.step + by) });
    }
  }

  /** Plays from the current step; at the end of everything, from the beginning. */
  toggle() {
    const { store } = this.page;
    const { state } = store;
    if (!state.isPlaying && this.isAtEnd()) {
      const pass = state.pass === "backward" ? "forward" : state.pass;
      store.change({ pass, step: 0, isPlaying: true });
    } else {
      store.change({ isPlaying: !state.isPlaying });
    }
  }

  isAtEnd() {
    const { content, store } = this.page;
    const { pass, step } = store.state;
    const goesOn = pass === "forward" && rowsOf(content, store.state, "backward").length > 0;
    return step >= this.last && !goesOn;
  }

  /** Waits for the next step while the pass plays. */
  schedule() {
    clearTimeout(this.timer);
    const { store } = this.page;
    if (!store.state.isPlaying) {
      return;
    }
    this.timer = window.setTimeout(() => {
      if (this.isAtEnd()) {
        store.change({ isPlaying: false });
      } else {
        this.move(1);
        this.schedule();
      }
    }, 1000 / store.state.speed);
  }

  /** @param {boolean} isStep  Whether there is something new to be spoken. */
  paint(isStep) {
    const { content, numbers, store } = this.page;
    const { state } = store;
    for (const [pass, button] of this.passes) {
      button.setAttribute("aria-pressed", String(pass === state.pass));
      button.toggleAttribute("disabled", !rowsOf(content, state, pass).length);
    }
    const pieces = sentence(content, numbers, state);
    const words = plainSentence(pieces);
    this.range.max = String(this.last);
    this.range.value = String(state.step);
    this.range.setAttribute("aria-valuetext", `${state.step} of ${this.last}: ${words}`);
    this.count.textContent = `${state.step} / ${this.last}`;
    if (this.play.dataset.playing !== String(state.isPlaying)) {
      this.play.dataset.playing = String(state.isPlaying);
      const word = state.isPlaying ? "Pause (space)" : "Play (space)";
      this.play.setAttribute("aria-label", word);
      this.play.title = word;
      this.play.replaceChildren(icon(state.isPlaying ? "pause" : "play"));
    }
    this.speed.value = String(state.speed);
    this.output.show(state.pass !== "tangent" && ends(content).length > 1, state.output);
    this.argument.show(state.pass === "tangent", state.wrt);
    this.words.replaceChildren(...pieces.map((piece) => mathematics(piece, piece.role)));
    if (isStep && this.page.store.state.practice === "off") {
      this.page.say(words);
    }
  }

  /**
   * @param {Pass} pass
   * @param {string} word
   * @returns {[Pass, HTMLButtonElement]}
   */
  passChoice(pass, word) {
    const press = () => {
      const { content, store } = this.page;
      const step = rowsOf(content, store.state, pass).length;
      store.change({ pass, step: pass === store.state.pass ? store.state.step : step, isPlaying: false });
    };
    return [pass, element("button", { type: "button", class: `pass ${pass}`, onclick: press }, word)];
  }
}

/**
 * A choice among nodes.
 * @param {string} word
 * @param {string} label
 * @param {number[]} slots
 * @param {import("./content.js").Content} content
 * @param {(slot: number) => void} choose
 */
function choice(word, label, slots, content, choose) {
  const select = element(
    "select",
    { "aria-label": label, onchange: () => choose(Number(select.value)) },
    ...slots.map((slot) => element("option", { value: slot }, nameOf(content, slot).text)),
  );
  const whole = element("label", { class: "choice" }, `${word} `, select);
  return {
    element: whole,
    /**
     * @param {boolean} isShown
     * @param {number | null} slot
     */
    show(isShown, slot) {
      whole.hidden = !isShown;
      select.value = String(slot);
    },
  };
}
