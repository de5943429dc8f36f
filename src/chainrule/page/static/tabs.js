// Of several panels one is shown; it alone is kept up to date.

import { element } from "./element.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./main.js").Tab} Tab */

/** The row of tabs and their panels. */
export class Tabs {
  /**
   * @param {Page} page
   * @param {Tab[]} tabs
   */
  constructor(page, tabs) {
    this.page = page;
    this.tabs = tabs;
    this.buttons = tabs.map(({ name, title }) =>
      element(
        "button",
        { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => page.store.change({ tab: name }) },
        title,
      ),
    );
    for (const { name, panel } of tabs) {
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${name}`);
    }
    const list = element("div", { class: "tab-list", role: "tablist", "aria-label": "What is shown", onkeydown: (event) => this.onKey(event) }, ...this.buttons);
    this.list = list;
    this.element = element("section", { class: "tabs card", "aria-label": "Numbers and words" }, list, ...tabs.map(({ panel }) => panel));
    this.paint();
    this.shown.update(null);
  }

  /** The tab that is shown; the first one where the state names none that there is. */
  get shown() {
    return this.tabs.find(({ name }) => name === this.page.store.state.tab) ?? this.tabs[0];
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (changed.has("tab")) {
      this.paint();
    }
    this.shown.update(changed.has("tab") ? null : changed);
  }

  paint() {
    const { shown } = this;
    this.tabs.forEach((tab, at) => {
      const isShown = tab === shown;
      tab.panel.hidden = !isShown;
      this.buttons[at].setAttribute("aria-selected", String(isShown));
      this.buttons[at].tabIndex = isShown ? 0 : -1;
      if (isShown) {
        this.reveal(this.buttons[at]);
      }
    });
  }

  /** Scrolls the row of tabs so that one is in its middle; the page stays. @param {HTMLElement} button */
  reveal({ offsetLeft, offsetWidth }) {
    this.list.scrollLeft = offsetLeft + (offsetWidth - this.list.clientWidth) / 2;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const at = this.tabs.indexOf(this.shown);
    const count = this.tabs.length;
    const goal = { ArrowLeft: (at + count - 1) % count, ArrowRight: (at + 1) % count, Home: 0, End: count - 1 }[event.key];
    if (goal !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.page.store.change({ tab: this.tabs[goal].name });
      this.buttons[goal].focus();
    }
  }
}
