// A menu is a button and a panel that opens below it; the browser closes it on Escape and outside.

import { element } from "./element.js";

const AWAY = 8;

/** One menu. */
export class Menu {
  /**
   * @param {string} name  In small letters.
   * @param {string} title
   * @param {() => (HTMLElement | null)[]} make  What is in it, made anew each time that it opens.
   */
  constructor(name, title, make) {
    this.panel = element("div", { id: `menu-${name}`, class: `menu menu-${name}`, popover: "auto", role: "dialog", "aria-label": title });
    this.button = element("button", { type: "button", class: "opens", popovertarget: this.panel.id, "aria-haspopup": "dialog" }, title);
    this.element = element("div", {}, this.button, this.panel);
    this.panel.addEventListener("beforetoggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") {
        this.panel.replaceChildren(...make().flatMap((part) => part ?? []));
      }
    });
    this.panel.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") {
        this.place();
      }
    });
  }

  /** Puts the panel below the button, inside of the window. */
  place() {
    const { bottom, right } = this.button.getBoundingClientRect();
    const { style, offsetWidth } = this.panel;
    const left = Math.max(AWAY, Math.min(right - offsetWidth, window.innerWidth - offsetWidth - AWAY));
    style.left = `${left}px`;
    style.top = `${bottom + AWAY}px`;
    style.maxHeight = `${window.innerHeight - bottom - 2 * AWAY}px`;
  }

  /** Closes it. */
  close() {
    this.panel.hidePopover();
  }
}
