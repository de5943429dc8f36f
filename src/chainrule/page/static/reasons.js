// Why a number is infinite or NaN stands in a note, as far as the numbers are known at the current step.

import { element } from "./element.js";
import { mathematics } from "./mathematics.js";
import { reasonsOfDerivatives, reasonsOfValues } from "./not-finite.js";
import { plainSentence } from "./sentences.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./not-finite.js").Reason} Reason */

/** This many places are named. */
const MOST_REASONS = 4;

/** The note of a page; where everything is finite there is none. */
export class Reasons {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.element = element("section", { class: "reasons", "aria-label": "What is not finite" });
    this.shown = "";
    this.spoken = "";
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["values", "pass", "step", "output"].some((key) => changed.has(key))) {
      this.paint(changed.has("step") || changed.has("pass"));
    }
  }

  /** @param {boolean} follows  Whether the sentence of a step is being spoken. */
  paint(follows) {
    const reasons = this.known();
    const sentences = reasons.map(({ words }) => plainSentence(words));
    const text = sentences.join("\n");
    const rest = reasons.length - MOST_REASONS;
    this.element.hidden = !reasons.length;
    if (text !== this.shown) {
      this.shown = text;
      this.element.replaceChildren(...reasons.slice(0, MOST_REASONS).map((reason) => this.line(reason)), ...(rest > 0 ? [element("p", {}, `… ${rest} more`)] : []));
    }
    // The numbers of a sentence change with a slider; it is spoken when it is about something else.
    const keys = reasons.map(({ key }) => key).join(" ");
    if (keys && keys !== this.spoken) {
      this.page.say(sentences.slice(0, MOST_REASONS).join(" "), follows);
    }
    this.spoken = keys;
  }

  /** What is not finite of the numbers that the current step shows. */
  known() {
    const { content, numbers, store } = this.page;
    const { output, pass } = store.state;
    const known = this.page.known();
    const values = reasonsOfValues(content, numbers).filter(({ slot }) => known.hasValue(slot));
    const derivatives = pass === "backward" && output !== null ? reasonsOfDerivatives(content, numbers, output) : [];
    return [...values, ...derivatives.filter(({ slot }) => known.hasAdjoint(slot))];
  }

  /** @param {Reason} reason */
  line({ slot, words }) {
    const { store } = this.page;
    const press = () => store.change({ selected: slot === store.state.selected ? null : slot });
    return element("button", { type: "button", class: "reason", "aria-label": plainSentence(words), onclick: press }, ...words.map((piece) => mathematics(piece, piece.role)));
  }
}
