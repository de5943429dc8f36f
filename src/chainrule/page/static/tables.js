// The tables of the passes fill in step with the timeline; a row is a node, and selects it.

import { isDifferentiated, nameOf, operationOf } from "./content.js";
import { element, setText } from "./element.js";
import { mathematics, named, quotient } from "./mathematics.js";
import { DASH, number } from "./numbers.js";
import { Known, rowsOf } from "./passes.js";
import { backwardTerms, computation, forwardTerms } from "./sentences.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./state.js").Pass} Pass */
/** @typedef {{ slot: number, row: HTMLTableRowElement, cells: HTMLTableCellElement[], shown: string, isInSight: boolean }} Row */

/** Numbers out of sight wait until others rest. */
const UNSEEN_MS = 200;
/** Rows so near to what is seen are written as those in sight. */
const NEARLY_SEEN = "100px";

/**
 * The tab of the tables.
 * @param {Page} page
 * @returns {import("./main.js").Tab}
 */
export function tablesTab(page) {
  const tables = /** @type {Pass[]} */ (["forward", "backward", "tangent"]).map((pass) => new PassTable(page, pass));
  const panel = element("div", { class: "tables" }, ...tables.map((table) => table.element));
  /** @param {Set<string> | null} changed */
  const update = (changed) => {
    for (const table of tables) {
      table.update(changed);
    }
  };
  return { name: "tables", title: "Tables", panel, update };
}

/** The table of one pass. */
class PassTable {
  /**
   * @param {Page} page
   * @param {Pass} pass
   */
  constructor(page, pass) {
    this.page = page;
    this.pass = pass;
    this.caption = element("caption");
    this.body = element("tbody");
    const heads = {
      forward: ["Step", "Node", "Operation", "Value"],
      backward: ["Step", "Adjoint", "Computation", "Value"],
      tangent: ["Step", "Tangent", "Computation", "Value"],
    }[pass];
    const head = element("tr", {}, ...heads.map((word) => element("th", { scope: "col" }, word)));
    const table = element("table", { class: `pass-table ${pass}` }, this.caption, element("thead", {}, head), this.body);
    this.element = element("div", { class: "table-frame", role: "region", tabindex: 0, "aria-label": heads[1] }, table);
    /** @type {Row[]} */
    this.rows = [];
    this.made = "";
    this.rest = 0;
    this.sight = new IntersectionObserver((entries) => this.onSight(entries), { rootMargin: NEARLY_SEEN });
    page.signal.addEventListener("abort", () => {
      clearTimeout(this.rest);
      this.sight.disconnect();
    });
    this.listen();
  }

  /** Rows that come into sight are brought up to date. @param {IntersectionObserverEntry[]} entries */
  onSight(entries) {
    const found = new Map(entries.map(({ target, isIntersecting }) => [target, isIntersecting]));
    for (const row of this.rows) {
      row.isInSight = found.get(row.row) ?? row.isInSight;
    }
    this.update(null);
  }

  /**
   * Writes what is known at the current step.
   * @param {Set<string> | null} changed  Where these are values alone, rows out of sight wait.
   */
  update(changed) {
    const { state } = this.page.store;
    const isOther = (this.pass === "backward" && state.pass === "tangent") || (this.pass === "tangent" && state.pass !== "tangent");
    this.element.hidden = isOther || !rowsOf(this.page.content, state, this.pass).length;
    if (this.element.hidden) {
      return;
    }
    const made = [state.output, state.wrt, ...state.kinds].join(" ");
    if (made !== this.made) {
      this.made = made;
      this.make();
    }
    const areValues = changed?.size === 1 && changed.has("values");
    clearTimeout(this.rest);
    if (areValues) {
      this.rest = window.setTimeout(() => this.update(null), UNSEEN_MS);
    }
    const known = new Known(this.page.content, state);
    const isOfPass = state.pass === this.pass;
    this.rows.forEach((row, at) => {
      if (areValues && !row.isInSight) {
        return;
      }
      const isKnown = isOfPass ? at < state.step : this.isOver();
      const [text, spelled] = isKnown ? this.amounts(row.slot) : [DASH, ""];
      if (row.shown !== text + spelled) {
        row.shown = text + spelled;
        setText(row.cells[row.cells.length - 1], text);
        if (this.pass !== "forward") {
          setText(row.cells[2], spelled);
        }
      }
      row.row.classList.toggle("waiting", !isKnown);
      row.row.classList.toggle("selected", row.slot === state.selected);
      row.row.classList.toggle("hovered", row.slot === state.hovered);
      const isCurrent = isOfPass && row.slot === known.current;
      if (isCurrent !== row.row.hasAttribute("aria-current")) {
        row.row.toggleAttribute("aria-current", isCurrent);
        if (isCurrent) {
          row.row.setAttribute("aria-current", "step");
          this.reveal(row.row);
        }
      }
    });
  }

  /** Whether this pass is done while another one is shown. */
  isOver() {
    return this.pass === "forward";
  }

  /** A derivative or a value, and how it comes about. @param {number} slot @returns {[string, string]} */
  amounts(slot) {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    if (this.pass === "forward") {
      return [number(numbers.values[slot], 6, content.nodes[slot].type), ""];
    }
    const isBack = this.pass === "backward";
    const start = isBack ? output : wrt;
    if (start === null) {
      return [DASH, ""];
    }
    const found = (isBack ? numbers.adjoints(start) : numbers.tangents(start))[slot];
    const total = isDifferentiated(content, slot) || slot === start ? number(found) : "0";
    if (slot === start) {
      return [total, "start"];
    }
    const terms = (isBack ? backwardTerms : forwardTerms)(content, numbers, slot, start);
    return [total, terms.length ? computation(terms, total) : "no path"];
  }

  /** Makes the rows; their numbers come later. */
  make() {
    const { content, store } = this.page;
    const { output, wrt } = store.state;
    const title = {
      forward: "Forward pass: values",
      backward: `Backward pass: adjoints${output === null ? "" : ` of ${content.nodes[output].label}`}`,
      tangent: `Forward mode: tangents${wrt === null ? "" : ` with respect to ${content.nodes[wrt].label}`}`,
    }[this.pass];
    setText(this.caption, title);
    this.rows = rowsOf(content, store.state, this.pass).map((slot, at) => {
      const go = element("button", { type: "button", class: "step", tabindex: at ? -1 : 0, "aria-label": `Step ${at + 1}` }, String(at + 1));
      const cells = [element("td", {}, go), element("th", { scope: "row" }, ...named(this.written(slot))), element("td", { class: "wide" }), element("td", { class: `number ${role(this.pass)}` })];
      if (this.pass === "forward") {
        cells[2].append(mathematics(operationOf(content, store.state.kinds, slot)));
      }
      return { slot, cells, shown: "", isInSight: true, row: element("tr", { "data-slot": slot, "data-step": at + 1 }, ...cells) };
    });
    this.body.replaceChildren(...this.rows.map(({ row }) => row));
    this.sight.disconnect();
    this.rows.forEach(({ row }) => this.sight.observe(row));
  }

  /** What a row is about. @param {number} slot */
  written(slot) {
    const { content, store } = this.page;
    const name = nameOf(content, slot);
    const { output, wrt } = store.state;
    if (this.pass === "backward" && output !== null) {
      return quotient(nameOf(content, output), name, "∂", true);
    }
    return this.pass === "tangent" && wrt !== null ? quotient(name, nameOf(content, wrt), "d", true) : name;
  }

  listen() {
    const { store } = this.page;
    const rowAt = (/** @type {Event} */ event) =>
      event.target instanceof Element ? this.rows.find(({ row }) => row === /** @type {Element} */ (event.target).closest("tr")) : undefined;
    this.body.addEventListener("click", (event) => {
      const found = rowAt(event);
      if (found && event.target instanceof Element && event.target.closest("button")) {
        store.change({ pass: this.pass, step: Number(found.row.dataset.step), isPlaying: false });
      } else if (found) {
        store.change({ selected: found.slot === store.state.selected ? null : found.slot });
      }
    });
    this.body.addEventListener("pointerover", (event) => store.change({ hovered: rowAt(event)?.slot ?? null }));
    this.body.addEventListener("pointerleave", () => store.change({ hovered: null }));
    this.body.addEventListener("keydown", (event) => {
      const at = this.rows.findIndex((one) => one === rowAt(event));
      const goal = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.rows.length - 1 }[event.key];
      if (goal !== undefined && this.rows[goal]) {
        event.preventDefault();
        event.stopPropagation();
        this.rows.forEach(({ row }, place) => row.querySelector("button")?.setAttribute("tabindex", place === goal ? "0" : "-1"));
        this.rows[goal].row.querySelector("button")?.focus();
      }
    });
  }

  /** Scrolls the table alone, never the page. @param {HTMLTableRowElement} row */
  reveal(row) {
    const { element: frame } = this;
    const [top, bottom] = [row.offsetTop - 40, row.offsetTop + row.offsetHeight];
    if (top < frame.scrollTop) {
      frame.scrollTop = top;
    } else if (bottom > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = bottom - frame.clientHeight;
    }
  }
}

/** What the numbers of a pass are. @param {Pass} pass */
function role(pass) {
  return { forward: "value", backward: "adjoint", tangent: "tangent" }[pass];
}
