// The formula: typed where there is a server, fixed elsewhere; below it stands what was understood.

import { Characters } from "./characters.js";
import { element } from "./element.js";
import { lines } from "./mathematics.js";
import { reachable } from "./reach.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./content.js").Problem} Problem */
/** @typedef {import("./state.js").Store} Store */

/** How long the field waits for the next letter. */
const PAUSE_MS = 250;

/** The formula of the page: field or text, the echo, and what is wrong. */
export class Formula {
  /**
   * @param {Store} store
   * @param {boolean} isFixed
   */
  constructor(store, isFixed) {
    this.store = store;
    this.characters = new Characters();
    /** @type {Content | null} */
    this.content = null;
    this.rows = element("div", { class: "rows" });
    this.echo = reachable(element("div", { class: "echo" }, this.rows), this.rows);
    this.problem = element("p", { class: "problem", id: "problem", role: "alert" });
    this.problem.hidden = true;
    this.warnings = element("div", { class: "warnings" });
    this.timer = 0;
    this.field = isFixed ? null : this.makeField();
    this.characters.element.addEventListener("pointerover", (event) =>
      store.change({ hovered: this.characters.nodeOf(event.target) }),
    );
    this.characters.element.addEventListener("pointerleave", () => store.change({ hovered: null }));
    this.characters.element.addEventListener("click", (event) => this.select(this.characters.nodeOf(event.target)));
    const source = element("div", { class: this.field ? "source field" : "source" }, this.characters.element, this.field);
    if (this.field) {
      this.characters.element.setAttribute("aria-hidden", "true");
    } else {
      reachable(this.characters.element);
    }
    this.element = element("section", { class: "formula", "aria-label": "Formula" }, source, this.problem, this.echo, this.warnings);
    store.subscribe((state, changed) => {
      if (changed.has("selected") || changed.has("hovered")) {
        this.characters.light(state.selected, state.hovered);
      }
      if (changed.has("source")) {
        this.take();
      }
    });
    this.take();
  }

  /** Shows what was understood. @param {Content} content */
  show(content) {
    this.content = content;
    this.rows.replaceChildren(
      ...content.formula.mathml.map((row) => lines({ text: content.formula.text, mathml: row }, "row")),
    );
    this.warnings.replaceChildren(...(content.warnings ?? []).map((words) => element("p", {}, words)));
    this.explain(null);
    this.take();
  }

  /** Says what is wrong, below the place of it; null: nothing is. @param {Problem | null} problem */
  explain(problem) {
    this.problem.hidden = !problem;
    this.problem.replaceChildren(
      ...(problem ? [element("strong", {}, problem.code), ` ${problem.message}`, problem.hint ? element("span", { class: "hint" }, ` ${problem.hint}`) : null] : []).filter((part) => part !== null),
    );
    this.field?.toggleAttribute("aria-invalid", Boolean(problem));
    if (problem && this.field) {
      this.field.setAttribute("aria-invalid", "true");
      this.characters.show(this.field.value, [], problem);
    }
  }

  /** Takes the formula of the state into the field. */
  take() {
    const { source, selected, hovered } = this.store.state;
    if (this.field && this.field.value !== source && document.activeElement !== this.field) {
      this.field.value = source;
    }
    const isShown = this.content?.formula.source === source;
    this.characters.show(this.field ? this.field.value : source, isShown && this.content ? this.content.nodes : []);
    this.characters.light(selected, hovered);
  }

  makeField() {
    const field = element("input", {
      type: "text",
      id: "formula",
      "aria-label": "Formula",
      "aria-describedby": "problem",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      oninput: () => {
        clearTimeout(this.timer);
        this.characters.show(field.value, []);
        this.timer = window.setTimeout(() => this.send(), PAUSE_MS);
      },
      onkeydown: (event) => {
        if (event.key === "Enter") {
          this.send();
        }
      },
      onscroll: () => (this.characters.element.scrollLeft = field.scrollLeft),
      onpointermove: (event) => this.store.change({ hovered: this.nodeUnder(event) }),
      onpointerleave: () => this.store.change({ hovered: null }),
      onclick: () => this.select(this.characters.nodeAt(Array.from(field.value.slice(0, field.selectionStart ?? 0)).length)),
    });
    return field;
  }

  /** Gives what was typed to the state. */
  send() {
    clearTimeout(this.timer);
    if (this.field && this.field.value !== this.store.state.source) {
      this.propose(this.field.value);
    }
  }

  /** Asks for another formula. @param {string} source */
  propose(source) {
    this.store.change({ source, exercise: "", answers: new Map() });
  }

  /** @param {number | null} slot */
  select(slot) {
    if (slot !== null) {
      this.store.change({ selected: slot === this.store.state.selected ? null : slot });
    }
  }

  /** The node below the pointer: the pieces behind the field are at the same places. @param {PointerEvent} event */
  nodeUnder(event) {
    const found = this.characters.segments.find(({ span }) => {
      const { left, right } = span.getBoundingClientRect();
      return event.clientX >= left && event.clientX < right;
    });
    return found?.slots[0] ?? null;
  }
}
