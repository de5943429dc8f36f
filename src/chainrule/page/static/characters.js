// The characters of a formula know the nodes that they stand for.

import { element } from "./element.js";

/** @typedef {import("./content.js").GraphNode} GraphNode */
/** @typedef {{ span: HTMLElement, slots: number[], start: number, end: number }} Segment */

/** A formula as it was typed, in pieces that light up with their nodes. */
export class Characters {
  constructor() {
    this.element = element("code", { class: "characters" });
    /** @type {Segment[]} */
    this.segments = [];
  }

  /**
   * @param {string} source
   * @param {GraphNode[]} nodes
   * @param {{ start?: number | null, end?: number | null } | null} [problem]  What is wrong in it.
   */
  show(source, nodes, problem = null) {
    // Python counts characters, JavaScript halves of some of them.
    const letters = [...source];
    const [wrong, right] = problem ? [problem.start ?? letters.length, problem.end ?? letters.length] : [-1, -1];
    const cuts = new Set([0, letters.length, Math.max(0, wrong), Math.max(0, right)]);
    for (const { spans } of nodes) {
      spans.flat().forEach((cut) => cuts.add(cut));
    }
    const places = [...cuts].filter((cut) => cut >= 0 && cut <= letters.length);
    places.sort((one, other) => one - other);
    this.segments = places.slice(1).map((end, at) => {
      const start = places[at];
      const isWrong = start >= wrong && end <= right;
      const span = element("span", isWrong ? { class: "wrong" } : {}, letters.slice(start, end).join(""));
      return { span, start, end, slots: covering(nodes, start, end) };
    });
    this.element.replaceChildren(...this.segments.map(({ span }) => span));
    if (problem && wrong >= letters.length) {
      this.element.append(element("span", { class: "wrong" }, " "));
    }
  }

  /**
   * Lights up what stands for two nodes.
   * @param {number | null} selected
   * @param {number | null} hovered
   */
  light(selected, hovered) {
    for (const { span, slots } of this.segments) {
      span.classList.toggle("selected", selected !== null && slots.includes(selected));
      span.classList.toggle("hovered", hovered !== null && slots.includes(hovered));
    }
  }

  /** The innermost node at a segment; null where there is none. @param {EventTarget | null} target */
  nodeOf(target) {
    return this.segments.find(({ span }) => span === target)?.slots[0] ?? null;
  }

  /** The innermost node at a character. @param {number} at */
  nodeAt(at) {
    return this.segments.find(({ start, end }) => at >= start && at < end)?.slots[0] ?? null;
  }
}

/**
 * The nodes that a piece belongs to, innermost first.
 * @param {GraphNode[]} nodes
 * @param {number} start
 * @param {number} end
 */
function covering(nodes, start, end) {
  /** @type {[number, number][]} */
  const found = [];
  nodes.forEach(({ spans }, slot) => {
    for (const [low, high] of spans) {
      if (low <= start && end <= high) {
        found.push([high - low, slot]);
      }
    }
  });
  found.sort(([one], [other]) => one - other);
  return found.map(([, slot]) => slot);
}
