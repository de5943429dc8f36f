// A number in a drawing is put together from the shapes of its signs. Browsers keep what they have
// read of path data by its text: each sign is a path of its own, and has one of few texts.

import { vector } from "./element.js";
import { DASH } from "./numbers.js";

/** @typedef {import("./content.js").Sign} Sign */
/** Path data of each sign; width of all, and where the power begins, in sizes. @typedef {{ signs: string[], power: string[], width: number, at: number }} Written */

const THIN = 0.1667;
const MEDIUM = 0.2222;
const BASELINE = 0.78;
const UP = 0.363;
const SMALL = 0.7;
/** From the upper edge of a line to that of a power, in sizes. */
const RAISED = BASELINE - UP - BASELINE * SMALL;
/** Numbers that are kept; of a moving slider most do not come again. */
const KEPT = 4000;
/** How far plates reach beyond numbers, and how high they are in sizes of letters. */
const PLATE = { margin: 3, height: 1.14 };
/** A dash would be lost among those of its edge: its plate is wider, in sizes. */
const LEAST = 1.8;
/** @type {Record<string, string>} */
const NO_DIGITS = { inf: "∞", nan: "NaN" };
/** @type {Record<string, string>} */
const MARKS = { adjoint: "∂", tangent: "d" };

/** The signs of one drawing: what is written with them, at any place and size. */
export class Letters {
  /**
   * @param {Record<string, Sign>} signs
   * @param {(id: string) => string} shape  The path data of a shape by its name.
   */
  constructor(signs, shape) {
    this.signs = signs;
    /** @type {Map<string, [number, number, string][]>} */
    this.shapes = new Map();
    /** @type {Map<string, Written>} */
    this.known = new Map();
    /** Signs at their places, by sign and place. @type {Map<string, string>} */
    this.placed = new Map();
    for (const [sign, { parts }] of Object.entries(signs)) {
      this.shapes.set(sign, parts.map(([id, x, y]) => moved(shape(id), x * 1000, y * 1000)));
    }
  }

  /**
   * A sign as path data, in thousandths of the size of its letters.
   * @param {string} sign
   * @param {number} at
   */
  sign(sign, at) {
    const key = `${sign} ${at}`;
    let data = this.placed.get(key);
    if (data === undefined) {
      data = (this.shapes.get(sign) ?? []).map(([x, y, rest]) => `M${x + at} ${y}${rest}`).join("");
      this.placed.set(key, data);
    }
    return data;
  }

  /**
   * A number as path data of its signs, and its power of ten.
   * @param {string} text
   * @param {string} role
   * @returns {Written}
   */
  written(text, role) {
    const key = `${role} ${text}`;
    const found = this.known.get(key) ?? this.put(text, role);
    if (this.known.size > KEPT) {
      this.known.clear();
    }
    this.known.set(key, found);
    return found;
  }

  /**
   * Puts a number together.
   * @param {string} text
   * @param {string} role
   * @returns {Written}
   */
  put(text, role) {
    const bare = NO_DIGITS[text] ?? (text === "-inf" ? "-∞" : text);
    const [mantissa, power = ""] = /^-?[\d.]+e/.test(bare) ? bare.split("e") : [bare];
    const line = new Line(this);
    if (MARKS[role]) {
      line.add(MARKS[role]);
      line.skip(THIN);
    } else if (role === "contribution" && !bare.startsWith("-") && bare !== DASH) {
      line.add("+");
    }
    const isPower = power !== "";
    if (!isPower) {
      line.addAll(mantissa);
    } else {
      if (mantissa === "-1") {
        line.add("-");
      } else if (mantissa !== "1") {
        line.addAll(mantissa);
        line.skip(MEDIUM);
        line.add("·");
        line.skip(MEDIUM);
      }
      line.addAll("10");
    }
    const at = line.width;
    const raised = new Line(this);
    raised.addAll(power);
    return { signs: line.signs, power: raised.signs, width: at + raised.width * SMALL, at };
  }
}

/** A number of the drawing: its group, the plate under it, and what is written there. */
export class NumberShape {
  /**
   * @param {SVGGElement} group
   * @param {SVGRectElement | null} plate
   */
  constructor(group, plate) {
    const [x, y, size, room] = (group.dataset.number ?? "").split(" ").map(Number);
    this.plate = plate;
    this.place = { x, y, size, room };
    this.line = new Shapes(group);
    this.power = new Shapes(group);
    this.width = -1;
    plate?.setAttribute("y", (y - (PLATE.height * size) / 2).toFixed(2));
    plate?.setAttribute("height", (PLATE.height * size).toFixed(2));
    plate?.setAttribute("rx", String(PLATE.margin));
  }

  /**
   * Shows a number; what was there goes.
   * @param {Letters} letters
   * @param {string} text
   * @param {string} role
   */
  show(letters, text, role) {
    const { x, y, size, room } = this.place;
    const { signs, power, width, at } = letters.written(text, role);
    this.line.show(signs);
    this.power.show(power);
    if (width !== this.width) {
      this.width = width;
      const scale = (size / 1000) * Math.min(1, room / (width * size || 1));
      const [left, top] = [x - width * 500 * scale, y - 500 * scale];
      this.line.move(left, top, scale);
      this.power.move(left + at * 1000 * scale, top + RAISED * 1000 * scale, scale * SMALL);
      this.lay(text === DASH ? Math.min(room, LEAST * size) : width * 1000 * scale);
    }
  }

  /** Lays the plate under a number. @param {number} width */
  lay(width) {
    this.plate?.setAttribute("x", (this.place.x - width / 2 - PLATE.margin).toFixed(2));
    this.plate?.setAttribute("width", (width + 2 * PLATE.margin).toFixed(2));
  }
}

/** Shapes that stand side by side; most stay when some of them become others. */
class Shapes {
  /** @param {SVGGElement} parent */
  constructor(parent) {
    this.parent = parent;
    /** @type {SVGGElement | null} */
    this.group = null;
    /** @type {{ path: SVGPathElement, data: string }[]} */
    this.shown = [];
  }

  /** @param {string[]} signs  The path data of each. */
  show(signs) {
    for (let at = this.shown.length; at < signs.length; at += 1) {
      this.group ??= this.parent.appendChild(vector("g"));
      this.shown.push({ path: this.group.appendChild(vector("path")), data: "" });
    }
    for (let at = 0; at < this.shown.length; at += 1) {
      const one = this.shown[at];
      const data = signs[at] ?? "";
      if (one.data !== data) {
        one.data = data;
        one.path.setAttribute("d", data);
      }
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} scale
   */
  move(x, y, scale) {
    this.group?.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})scale(${scale.toFixed(5)})`);
  }
}

/** Signs one after the other. */
class Line {
  /** @param {Letters} letters */
  constructor(letters) {
    this.letters = letters;
    this.width = 0;
    /** @type {string[]} */
    this.signs = [];
  }

  /** @param {string} text */
  addAll(text) {
    for (const sign of text === "NaN" ? [text] : text) {
      this.add(sign);
    }
  }

  /** @param {string} sign */
  add(sign) {
    this.signs.push(this.letters.sign(sign, Math.round(this.width * 1000)));
    this.width += this.letters.signs[sign]?.width ?? 0;
  }

  /** @param {number} width */
  skip(width) {
    this.width += width;
  }
}

/**
 * Where a shape starts, once it is moved, and how it goes on; all its steps are relative.
 * @param {string} path
 * @param {number} x
 * @param {number} y
 * @returns {[number, number, string]}
 */
function moved(path, x, y) {
  const found = /^m(-?\d+) ?(-?\d+)/.exec(path);
  if (!found) {
    return [0, 0, ""];
  }
  return [Math.round(Number(found[1]) + x), Math.round(Number(found[2]) + y), path.slice(found[0].length)];
}
