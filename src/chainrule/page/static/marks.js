// What an open tab is about stands out in the drawing: one path, or the values that are saved.

import { chosenPath } from "./paths.js";

/** @typedef {import("./main.js").Page} Page */

/** The marks in the drawing of a page. */
export class Marks {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {SVGSVGElement | null} */
    this.svg = null;
    this.shown = "";
    this.update();
  }

  /** Follows the state, and drawings that take each other's place. */
  update() {
    const { drawing, store } = this.page;
    const { state } = store;
    const tab = state.practice === "off" ? state.tab : "";
    const isPath = tab === "paths" && state.path !== "";
    const shown = isPath ? state.path : tab === "saved" ? "saved" : "";
    if (shown === this.shown && drawing.svg === this.svg) {
      return;
    }
    this.shown = shown;
    this.svg = drawing.svg;
    this.paint(isPath ? chosenPath(state) : [], shown === "saved" ? (this.page.content.saved?.kept ?? []) : []);
  }

  /**
   * @param {number[]} path
   * @param {number[]} kept
   */
  paint(path, kept) {
    const { content, drawing } = this.page;
    const edges = new Set(path.map((edge) => content.edges[edge]));
    const nodes = new Set([...kept, ...[...edges].flatMap((edge) => (edge ? [edge.operand, edge.user] : []))]);
    drawing.element.classList.toggle("of-path", edges.size > 0);
    drawing.element.classList.toggle("of-saved", kept.length > 0);
    for (const { group, slot } of drawing.boxes) {
      group.classList.toggle("marked", nodes.has(slot));
    }
    for (const { group, edge } of drawing.flows) {
      group.classList.toggle("marked", edge !== null && edges.has(edge));
    }
  }
}
