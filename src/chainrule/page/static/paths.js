// Every path from an argument to the output is a product; all products add up to the derivative.

import { ArgumentChoice } from "./argument-choice.js";
import { nameOf } from "./content.js";
import { element, setText } from "./element.js";
import { mathematics, quotient } from "./mathematics.js";
import { factor, number } from "./numbers.js";
import { exactSum } from "./path-numbers.js";
import { PathSearch } from "./path-search.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./path-search.js").Path} Path */
/** @typedef {{ row: HTMLTableRowElement, button: HTMLButtonElement, factors: HTMLElement, product: HTMLElement, path: Path }} PathRow */

/** Paths that are listed. */
export const LISTED_PATHS = 50;
/** Nodes of a path that are named; of longer ones those at the ends. */
const NAMED = 12;
/** Rows that are kept for paths that come back as a slider moves. */
const KEPT_ROWS = 400;
const NARROW_SPACE = "\u202f";

/**
 * The tab of the paths.
 * @param {Page} page
 * @returns {import("./main.js").Tab}
 */
export function pathsTab(page) {
  const list = new PathList(page);
  return { name: "paths", title: "Paths", panel: list.element, update: (changed) => list.update(changed) };
}

/**
 * The edges of the path that a state names.
 * @param {import("./state.js").State} state
 */
export function chosenPath({ path }) {
  return path ? path.split(".").map(Number) : [];
}

/** The list of paths and their sum. */
class PathList {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.choice = new ArgumentChoice(page, "from");
    this.count = element("p", { class: "lead" });
    this.body = element("tbody");
    this.sum = element("td", { class: "number" });
    this.sumWords = element("th", { scope: "row", colspan: 3 });
    this.total = element("td", { class: "number adjoint" });
    this.totalWords = element("th", { scope: "row", colspan: 3 });
    const heads = ["#", "Path", "Local derivatives", "Product"].map((word) => element("th", { scope: "col" }, word));
    this.table = element(
      "table",
      { class: "path-table" },
      element("thead", {}, element("tr", {}, ...heads)),
      this.body,
      element("tfoot", {}, element("tr", {}, this.sumWords, this.sum), element("tr", {}, this.totalWords, this.total)),
    );
    this.frame = element("div", { class: "table-frame", role: "region", tabindex: 0, "aria-label": "Paths" }, this.table);
    this.element = element("div", { class: "paths" }, element("div", { class: "panel-row" }, this.choice.element, this.count), this.frame);
    /** @type {PathRow[]} */
    this.rows = [];
    /** Rows that were made, by the edges of their paths. @type {Map<string, PathRow>} */
    this.known = new Map();
    this.ends = "";
    /** @type {PathSearch | null} */
    this.search = null;
    this.listen();
  }

  /** @param {Set<string> | null} changed */
  update(changed) {
    const is = (/** @type {string[]} */ ...keys) => !changed || keys.some((key) => changed.has(key));
    if (is("values", "output", "wrt")) {
      this.find();
    }
    if (changed?.has("selected")) {
      this.follow();
    }
    if (is("values", "output", "wrt", "path", "selected", "hovered")) {
      this.paint();
    }
  }

  /** Looks for the paths at the current point. */
  find() {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    this.choice.paint();
    if (output === null || wrt === null) {
      setText(this.count, "There is nothing to differentiate by.");
      this.frame.hidden = true;
      return;
    }
    const search = (this.search = new PathSearch(content, numbers, wrt, output));
    const { count } = search;
    const [from, to] = [content.nodes[wrt].label, content.nodes[output].label];
    const words = `${grouped(count)} ${count === 1n ? "path" : "paths"} from ${from} to ${to}`;
    setText(this.count, count > LISTED_PATHS ? `${words}${about(count)}; the ${LISTED_PATHS} of largest magnitude:` : words);
    this.show(search.first(LISTED_PATHS), count);
  }

  /**
   * @param {Path[]} paths
   * @param {bigint} count
   */
  show(paths, count) {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    if (output === null || wrt === null) {
      return;
    }
    if (this.ends !== `${wrt} ${output}`) {
      this.ends = `${wrt} ${output}`;
      this.known.clear();
      const derivative = quotient(nameOf(content, output), nameOf(content, wrt), "∂", true);
      this.totalWords.replaceChildren(mathematics(derivative), " from the backward pass");
    }
    const before = this.rows;
    if (this.known.size > KEPT_ROWS) {
      this.known.clear();
    }
    this.rows = paths.map((path) => this.rowOf(path));
    this.rows.forEach(({ button, factors, product, path }, at) => {
      setText(button, String(at + 1));
      setText(factors, this.factors(path));
      setText(product, number(path.product));
    });
    if (before.length !== this.rows.length || this.rows.some((row, at) => row !== before[at])) {
      this.body.replaceChildren(...this.rows.map(({ row }) => row));
      const focus = this.rows.find(({ button }) => button.tabIndex === 0);
      if (this.rows[0] && !focus) {
        this.rows[0].button.tabIndex = 0;
      }
    }
    this.frame.hidden = !paths.length;
    const isAll = count <= paths.length;
    setText(this.sumWords, isAll ? "Sum of the products" : `Sum of the products of these ${paths.length}; all add up to`);
    setText(this.sum, number(exactSum(paths.map(({ product }) => product))));
    setText(this.total, number(numbers.adjoints(output)[wrt]));
  }

  /** @param {Path} path @returns {PathRow} */
  rowOf(path) {
    const key = path.edges.join(".");
    const found = this.known.get(key) ?? this.made(path);
    this.known.set(key, found);
    found.path = path;
    return found;
  }

  /** @param {Path} path @returns {PathRow} */
  made(path) {
    const button = element("button", { type: "button", class: "step", tabindex: -1, "aria-pressed": "false" });
    const factors = element("td", { class: "factors local" });
    const product = element("td", { class: "number" });
    const name = element("th", { scope: "row", class: "path-name" }, ...this.names(path));
    const row = element("tr", { class: "linked" }, element("td", {}, button), name, factors, product);
    return { row, button, factors, product, path };
  }

  /** The names of the nodes, with arrows. @param {Path} path */
  names({ edges }) {
    const { content } = this.page;
    const nodes = this.nodes(edges);
    const half = NAMED / 2;
    /** @type {(number | null)[]} */
    const shown = nodes.length > NAMED ? [...nodes.slice(0, half), null, ...nodes.slice(-half)] : nodes;
    return shown.flatMap((slot, at) => [
      ...(at ? [this.arrow(shown.length === nodes.length ? edges[at - 1] : null)] : []),
      slot === null ? `… ${nodes.length - NAMED} more …` : mathematics(nameOf(content, slot)),
    ]);
  }

  /** An arrow; of several edges between the same nodes it says which operand. @param {number | null} edge */
  arrow(edge) {
    const { edges } = this.page.content;
    const { user, operand, position } = edges[edge ?? 0];
    const isOneOfSeveral = edge !== null && edges.filter((one) => one.user === user && one.operand === operand).length > 1;
    return element("span", { class: "arrow" }, " →", isOneOfSeveral ? element("sup", {}, String(position + 1)) : null, " ");
  }

  /** @param {Path} path */
  factors({ edges }) {
    const locals = edges.map((edge) => this.search?.locals[edge] ?? 0);
    const half = NAMED / 2;
    const written = locals.map((local, at) => (at ? factor(local) : number(local)));
    const shown = written.length > NAMED ? [...written.slice(0, half), "…", ...written.slice(-half)] : written;
    return shown.join(" · ");
  }

  /** The nodes along edges. @param {number[]} edges */
  nodes(edges) {
    const { content, store } = this.page;
    return edges.length ? [content.edges[edges[0]].operand, ...edges.map((edge) => content.edges[edge].user)] : [store.state.wrt ?? 0];
  }

  paint() {
    const { state } = this.page.store;
    for (const { row, button, path } of this.rows) {
      const isChosen = state.path === path.edges.join(".");
      row.classList.toggle("selected", isChosen);
      button.setAttribute("aria-pressed", String(isChosen));
      const nodes = this.nodes(path.edges);
      row.classList.toggle("hovered", [state.selected, state.hovered].some((slot) => slot !== null && nodes.includes(slot)));
    }
  }

  /** A node that is selected chooses the largest path through it, if none through it is chosen. */
  follow() {
    const { state } = this.page.store;
    const { selected } = state;
    if (selected !== null && this.search && !this.nodes(chosenPath(state)).includes(selected)) {
      this.choose(this.search.through(selected));
    }
  }

  /** @param {Path | null} path */
  choose(path) {
    const { content, say, store } = this.page;
    if (path?.edges.length) {
      store.change({ path: path.edges.join(".") });
      const names = this.nodes(path.edges).map((slot) => content.nodes[slot].label);
      say(`Path ${names.join(", ")}: product ${number(path.product)}`);
    }
  }

  listen() {
    const { page } = this;
    this.body.addEventListener("click", (event) => {
      const found = this.rowAt(event);
      if (found && page.store.state.path === found.path.edges.join(".")) {
        page.store.change({ path: "" });
      } else if (found) {
        this.choose(found.path);
      }
    });
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    page.drawing.frame.addEventListener(
      "click",
      (event) => {
        const group = event.target instanceof Element ? event.target.closest(".curve, .labels") : null;
        const edge = page.drawing.flows.find((flow) => flow.group === group)?.edge;
        if (edge && this.search && page.store.state.tab === "paths") {
          this.choose(this.search.along(page.content.edges.indexOf(edge)));
        }
      },
      { signal: page.signal },
    );
  }

  /** @param {Event} event */
  rowAt(event) {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    return this.rows.find((one) => one.row === row);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const at = this.rows.findIndex((row) => row === this.rowAt(event));
    const goal = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.rows.length - 1 }[event.key];
    if (goal !== undefined && this.rows[goal]) {
      event.preventDefault();
      event.stopPropagation();
      this.rows.forEach(({ button }, place) => (button.tabIndex = place === goal ? 0 : -1));
      this.rows[goal].button.focus();
    }
  }
}

/** A whole number with its digits in threes. @param {bigint} count */
function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
}

/** About how many that is, where there are many digits. @param {bigint} count */
function about(count) {
  const digits = String(count);
  return digits.length > 9 ? `, about ${digits[0]}.${digits[1]} · 10^${digits.length - 1}` : "";
}
