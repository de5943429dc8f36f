// A function along one argument with its tangent; the point is dragged along the curve.

import { element, vector } from "./element.js";
import { number } from "./numbers.js";
import { clippedLine, piecesOf, ticks } from "./plot-pieces.js";
import { fittingSpread, spaced, valueRange } from "./plot-window.js";
import { numeric } from "./program.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./plot-pieces.js").Place} Place */
/** @typedef {import("./plot-pieces.js").Window} Window */

/** Steps of the curve. */
const STEPS = 120;
/** Larger values count as infinite. */
const LARGEST = 1e300;
/** How near to the ends of the window the point comes before another window is looked for. */
const EDGE = 0.04;
const ROOM = { left: 58, right: 16, top: 14, bottom: 44 };
/** Between ticks. */
const APART = { across: 80, up: 46 };

/** The picture of one function of one argument, all others held fixed. */
export class Plot {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.grid = vector("g", { class: "grid" });
    this.curve = vector("path", { class: "curve-line" });
    this.tangent = vector("path", { class: "tangent-line" });
    this.guide = vector("path", { class: "guide" });
    this.point = vector("circle", { r: 7, class: "point", tabindex: 0, role: "slider" });
    this.svg = vector("svg", { class: "plot", role: "group" }, this.grid, this.guide, this.tangent, this.curve, this.point);
    this.element = element("div", { class: "plot-frame" }, this.svg);
    this.size = { width: 0, height: 0 };
    /** @type {Window} */
    this.window = { left: 0, right: 1, low: 0, high: 1 };
    this.shown = "";
    const observer = new ResizeObserver(() => this.update());
    observer.observe(this.element);
    page.signal.addEventListener("abort", () => observer.disconnect());
    this.listen();
  }

  /** Draws everything for the current point. */
  update() {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    const { clientWidth } = this.element;
    this.element.hidden = output === null || wrt === null;
    if (output === null || wrt === null || !clientWidth) {
      return;
    }
    this.size = { width: clientWidth, height: Math.round(Math.max(240, Math.min(clientWidth * 0.62, 400))) };
    const at = numbers.values[wrt];
    const value = numbers.values[output];
    const slope = numbers.adjoints(output)[wrt];
    this.look(at, slope, `${output} ${wrt}`);
    const { left, right } = this.window;
    const xs = spaced(left, right, STEPS);
    const ys = this.values(xs);
    const [low, high] = valueRange(ys, value);
    this.window = { ...this.window, low, high };
    const { width, height } = this.size;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.height = `${height}px`;
    this.drawAxes(content.nodes[wrt].label, content.nodes[output].label);
    this.curve.setAttribute("d", piecesOf(xs, ys, this.window, (x) => this.values([x])[0]).map((piece) => this.line(piece)).join(""));
    this.tangent.setAttribute("d", this.tangentAt(at, value, slope));
    this.drawPoint(at, value, slope);
  }

  /**
   * Looks for a window where there is none for this function, or where the point has left it.
   * @param {number} at
   * @param {number} slope
   * @param {string} shown
   */
  look(at, slope, shown) {
    const { left, right } = this.window;
    const edge = EDGE * (right - left);
    const isInside = at >= left + edge && at <= right - edge;
    if (shown === this.shown && (isInside || this.isHeld || !Number.isFinite(at))) {
      return;
    }
    this.shown = shown;
    const middle = Number.isFinite(at) ? at : 0;
    const spread = fittingSpread((places) => this.values(places), middle, slope);
    this.window = { ...this.window, left: middle - spread, right: middle + spread };
  }

  /** Whether the point is held by a pointer. */
  get isHeld() {
    return this.svg.classList.contains("held");
  }

  /** The function at some places of the argument; NaN where it has no finite value. @param {number[]} places */
  values(places) {
    const { content, numbers, store } = this.page;
    const { output, values, wrt } = store.state;
    const given = content.arguments.map(({ name, value }) => values.get(name) ?? numeric(value));
    const place = content.arguments.findIndex(({ slot }) => slot === wrt);
    return places.map((x) => {
      given[place] = x;
      const y = numbers.program.values(given)[output ?? 0];
      return Math.abs(y) < LARGEST ? y : NaN;
    });
  }

  /**
   * @param {string} by
   * @param {string} of
   */
  drawAxes(by, of) {
    const { width, height } = this.size;
    const { left, right, low, high } = this.window;
    const [bottom, top] = [height - ROOM.bottom, ROOM.top];
    const across = ticks(left, right, (width - ROOM.left - ROOM.right) / APART.across);
    const up = ticks(low, high, (bottom - top) / APART.up);
    this.grid.replaceChildren(
      ...across.flatMap(({ at, text }) => {
        const x = this.x(at);
        return [rule(x, top, x, bottom, at === 0), label(text, x, bottom + 18, "middle")];
      }),
      ...up.flatMap(({ at, text }) => {
        const y = this.y(at);
        return [rule(ROOM.left, y, width - ROOM.right, y, at === 0), label(text, ROOM.left - 8, y + 4, "end")];
      }),
      label(by, width - ROOM.right, height - 8, "end", "axis"),
      label(of, ROOM.left + 6, top + 12, "start", "axis"),
    );
  }

  /**
   * @param {number} at
   * @param {number} value
   * @param {number} slope
   */
  tangentAt(at, value, slope) {
    const { left, right, low, high } = this.window;
    if (!Number.isFinite(value) || Number.isNaN(slope)) {
      return "";
    }
    const line = Number.isFinite(slope)
      ? clippedLine([left, value + slope * (left - at)], [right, value + slope * (right - at)], this.window)
      : clippedLine([at, low], [at, high], this.window);
    return line ? this.line(line) : "";
  }

  /**
   * @param {number} at
   * @param {number} value
   * @param {number} slope
   */
  drawPoint(at, value, slope) {
    const { content, store } = this.page;
    const { output, wrt } = store.state;
    const [by, of] = [wrt, output].map((slot) => content.nodes[slot ?? 0].label);
    const isSeen = Number.isFinite(at) && Number.isFinite(value);
    this.point.toggleAttribute("hidden", !isSeen);
    this.guide.setAttribute("d", Number.isFinite(at) ? `M${this.x(at).toFixed(1)} ${ROOM.top}V${this.size.height - ROOM.bottom}` : "");
    if (isSeen) {
      this.point.setAttribute("cx", this.x(at).toFixed(2));
      this.point.setAttribute("cy", this.y(value).toFixed(2));
    }
    this.svg.setAttribute("aria-label", `${of} along ${by}, with its tangent`);
    this.point.setAttribute("aria-label", by);
    this.point.setAttribute("aria-valuenow", String(at));
    this.point.setAttribute("aria-valuetext", `${by} = ${number(at)}, ${of} = ${number(value)}, slope ${number(slope)}`);
  }

  /** @param {Place[]} places */
  line(places) {
    return places.map(([x, y], at) => `${at ? "L" : "M"}${this.x(x).toFixed(2)} ${this.y(y).toFixed(2)}`).join("");
  }

  /** Where a number of the argument stands. @param {number} value */
  x(value) {
    const { left, right } = this.window;
    return ROOM.left + ((value - left) / (right - left)) * (this.size.width - ROOM.left - ROOM.right);
  }

  /** Where a value stands. @param {number} value */
  y(value) {
    const { low, high } = this.window;
    return ROOM.top + ((high - value) / (high - low)) * (this.size.height - ROOM.top - ROOM.bottom);
  }

  listen() {
    const { svg, page } = this;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0) {
        svg.setPointerCapture(event.pointerId);
        svg.classList.add("held");
        this.drag(event);
      }
    });
    svg.addEventListener("pointermove", (event) => this.isHeld && this.drag(event));
    for (const type of ["pointerup", "pointercancel"]) {
      svg.addEventListener(type, () => {
        svg.classList.remove("held");
        page.store.settle();
        this.update();
      });
    }
    this.point.addEventListener("keydown", (event) => {
      const argument = this.argument;
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (by && argument) {
        event.preventDefault();
        event.stopPropagation();
        const at = page.numbers.values[argument.slot];
        this.move((Math.round(at / argument.step) + by) * argument.step);
      }
    });
  }

  /** What the point moves along. */
  get argument() {
    const { content, store } = this.page;
    return content.arguments.find(({ slot }) => slot === store.state.wrt);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const { left, right } = this.window;
    const box = this.svg.getBoundingClientRect();
    const inner = box.width - ROOM.left - ROOM.right;
    const share = Math.min(1, Math.max(0, (event.clientX - box.left - ROOM.left) / inner));
    // A round number that is near enough.
    const step = 10 ** Math.floor(Math.log10((right - left) / inner));
    this.move(Math.round((left + share * (right - left)) / step) * step, "point");
  }

  /**
   * @param {number} value
   * @param {string} [group]
   */
  move(value, group) {
    const { argument, page } = this;
    if (argument) {
      const values = new Map(page.store.state.values).set(argument.name, Number(value.toPrecision(12)));
      page.store.change({ values }, group);
    }
  }
}

/**
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 * @param {boolean} isZero
 */
function rule(x0, y0, x1, y1, isZero) {
  const [a, b, c, d] = [x0, y0, x1, y1].map((length) => length.toFixed(1));
  return vector("line", { x1: a, y1: b, x2: c, y2: d, class: isZero ? "zero" : null });
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 * @param {string} [role]
 */
function label(text, x, y, anchor, role = "tick") {
  return vector("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: role }, text);
}
