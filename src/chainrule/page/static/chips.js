// Each argument is a chip: its name, its kind, a slider and a box for its number.

import { kindOf, nameOf } from "./content.js";
import { element } from "./element.js";
import { mathematics } from "./mathematics.js";
import { number, read } from "./numbers.js";
import { numeric } from "./program.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./content.js").Argument} Argument */

/** Digits that a number box shows. */
const DIGITS = 9;
/** Longer names stand as text, cut where there is no room. */
const LONGEST_NAME = 12;
/** Letters of what was refused that are repeated. */
const REPEATED = 20;

/** The chips of a page. */
export class Chips {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.chips = page.content.arguments.map((argument) => new Chip(page, argument));
    this.element = element("section", { class: "chips", "aria-label": "Names" }, ...this.chips.map((chip) => chip.element));
    this.element.hidden = !this.chips.length;
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["values", "kinds", "selected", "hovered", "practice"].some((key) => changed.has(key))) {
      for (const chip of this.chips) {
        chip.paint();
      }
    }
  }
}

/** The chip of one argument. */
class Chip {
  /**
   * @param {Page} page
   * @param {Argument} argument
   */
  constructor(page, argument) {
    this.page = page;
    this.argument = argument;
    const { content, store } = page;
    const { name, slot, low, high, step } = argument;
    this.type = content.nodes[slot].type;
    this.kind = element("button", {
      type: "button",
      class: "kind",
      onclick: () => this.turn(),
    });
    this.slider = element("input", {
      type: "range",
      "aria-label": name,
      min: low,
      max: high,
      step,
      oninput: () => this.become(this.slider.valueAsNumber, `slider ${name}`),
      onchange: () => store.settle(),
    });
    this.box = element("input", {
      type: "text",
      class: "number-box",
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `${name}, number`,
      onchange: () => this.take(),
      onblur: () => store.settle(),
      onkeydown: (event) => this.onKey(event),
    });
    this.refusal = element("p", { class: "refusal", id: `refusal-${slot}`, hidden: true });
    this.element = element(
      "div",
      {
        class: "chip",
        onpointerenter: () => store.change({ hovered: slot }),
        onpointerleave: () => store.change({ hovered: null }),
      },
      this.kind,
      this.slider,
      this.box,
      this.refusal,
    );
    /** @type {number | null} */
    this.painted = null;
    this.name = name.length > LONGEST_NAME ? name : mathematics(nameOf(content, slot));
    this.paint();
  }

  /** The number of the argument. */
  get value() {
    return this.page.store.state.values.get(this.argument.name) ?? numeric(this.argument.value);
  }

  /** Writes the number and the kind. */
  paint() {
    const { content, store } = this.page;
    const { name, slot, low, high } = this.argument;
    const { value } = this;
    const kind = kindOf(content, store.state.kinds, slot);
    this.element.classList.toggle("selected", slot === store.state.selected);
    this.element.classList.toggle("hovered", slot === store.state.hovered);
    // What is practised at stays; other values are drawn, and begin anew.
    this.slider.hidden = store.state.practice !== "off";
    this.box.readOnly = this.slider.hidden;
    if (Object.is(value, this.painted) && this.kind.dataset.kind === kind) {
      return;
    }
    this.painted = value;
    if (this.kind.dataset.kind !== kind) {
      this.kind.dataset.kind = kind;
      this.kind.replaceChildren(this.name);
      this.kind.title = `${kind} ${name}: press to make it ${kind === "input" ? "a parameter" : "an input"}`;
      this.kind.setAttribute("aria-label", `${name} is ${kind === "input" ? "an input" : "a parameter"}`);
    }
    // A slider that is set to a number beyond its ends would go back to them.
    const reach = Number.isFinite(value) ? value : low;
    this.slider.min = String(Math.min(low, reach));
    this.slider.max = String(Math.max(high, reach));
    if (this.slider.valueAsNumber !== value) {
      this.slider.value = String(value === Infinity ? high : reach);
    }
    this.slider.setAttribute("aria-valuetext", number(value, DIGITS));
    if (document.activeElement !== this.box) {
      this.show();
    }
  }

  /** Shows the number in its box. */
  show() {
    this.box.value = number(this.value, DIGITS);
    this.refuse("");
  }

  /** Says why the number is not taken; without words, that it is. @param {string} words */
  refuse(words) {
    this.refusal.textContent = words;
    this.refusal.hidden = !words;
    for (const [name, value] of Object.entries({ "aria-invalid": "true", "aria-describedby": this.refusal.id, "aria-errormessage": this.refusal.id })) {
      if (words) {
        this.box.setAttribute(name, value);
      } else {
        this.box.removeAttribute(name);
      }
    }
  }

  /** Takes what was typed, if it is a number that the argument can have. */
  take() {
    const typed = read(this.box.value);
    const isReal = this.type.startsWith("float");
    if (typed === null || !(isReal || Number.isInteger(typed))) {
      const given = this.box.value.trim().slice(0, REPEATED);
      const words = `${given ? `“${given}”` : "This"} is not ${isReal ? "a number such as 0.5 or 1e3" : "0 or 1"}.`;
      this.refuse(words);
      this.element.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.page.say(`${this.argument.name}: ${words}`);
      return;
    }
    this.become(typed);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by && !this.box.readOnly) {
      event.preventDefault();
      // By steps that have no digits of rounding.
      const { step } = this.argument;
      this.become(Number(((Math.round(this.value / step) + by) * step).toPrecision(12)), `box ${this.argument.name}`);
      this.show();
    } else if (event.key === "Escape") {
      this.show();
    } else if (event.key === "Enter") {
      this.take();
    }
  }

  /**
   * @param {number} value
   * @param {string} [group]
   */
  become(value, group = "") {
    const { store } = this.page;
    const most = this.type === "bool" ? Number(value > 0) : value;
    store.change({ values: new Map(store.state.values).set(this.argument.name, most) }, group);
  }

  /** An input becomes a parameter, and back. */
  turn() {
    const { store } = this.page;
    const kind = this.kind.dataset.kind === "input" ? "parameter" : "input";
    store.change({ kinds: new Map(store.state.kinds).set(this.argument.name, kind) });
  }
}
