// What changes is spoken, one thing after the other.

import { element } from "./element.js";

/** A place that readers that speak listen to. */
export class LiveRegion {
  constructor() {
    this.element = element("div", { class: "unseen", role: "status", "aria-live": "polite" });
  }

  /**
   * @param {string} words
   * @param {boolean} [follows]  Whether what has just been said is still to be heard.
   */
  say(words, follows = false) {
    this.element.textContent = follows ? `${this.element.textContent} ${words}` : words;
  }
}
