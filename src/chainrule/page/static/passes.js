// What is known at a step of a pass: one place decides it for the drawing, the tables and the words.

import { ends, isDifferentiated, variables } from "./content.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./content.js").Edge} Edge */
/** @typedef {import("./state.js").State} State */
/** An edge, or the way back along it. @typedef {{ user: number, operand: number, edge: Edge | null, isBack: boolean }} Way */

/**
 * The rows of a pass, each a node.
 * @param {Content} content
 * @param {State} state
 * @param {import("./state.js").Pass} [pass]
 * @returns {number[]}
 */
export function rowsOf(content, state, pass = state.pass) {
  if (pass === "forward") {
    return content.forward;
  }
  if (pass === "backward") {
    return state.output === null ? [] : (content.backward[state.output] ?? []);
  }
  if (state.wrt === null) {
    return [];
  }
  const isFloat = (/** @type {number} */ slot) => content.nodes[slot].type.startsWith("float");
  return content.forward.filter((slot) => isFloat(slot) && content.nodes[slot].kind !== "constant");
}

/**
 * The node of the step that was made last; null before the first one.
 * @param {Content} content
 * @param {State} state
 * @returns {number | null}
 */
export function currentNode(content, state) {
  return rowsOf(content, state)[state.step - 1] ?? null;
}

/**
 * A state as this graph can have it: nodes and steps that it has, and something to differentiate.
 * @param {Content} content
 * @param {State} state
 * @returns {Partial<State>}
 */
export function fitted(content, state) {
  const outputs = ends(content);
  const starts = variables(content).map(({ slot }) => slot);
  const output = state.output !== null && outputs.includes(state.output) ? state.output : content.output;
  const wrt = state.wrt !== null && starts.includes(state.wrt) ? state.wrt : (starts[0] ?? null);
  const pass = rowsOf(content, { ...state, output, wrt }).length ? state.pass : "forward";
  const last = rowsOf(content, { ...state, output, wrt }, pass).length;
  const isNode = state.selected !== null && state.selected < content.nodes.length;
  return {
    output,
    wrt,
    pass,
    step: Math.min(state.step, last),
    selected: isNode ? state.selected : null,
    hovered: null,
    isPlaying: false,
  };
}

/** What is known of each node and edge at a step. */
export class Known {
  /**
   * @param {Content} content
   * @param {State} state
   */
  constructor(content, state) {
    this.content = content;
    this.pass = state.pass;
    this.step = state.step;
    this.current = currentNode(content, state);
    this.places = new Map(rowsOf(content, state).map((slot, at) => [slot, at]));
  }

  /** Whether the pass has made the step of a node. @param {number} slot */
  isReached(slot) {
    const place = this.places.get(slot);
    return place === undefined ? this.content.nodes[slot].kind === "constant" : place < this.step;
  }

  /** Whether a node has its value. @param {number} slot */
  hasValue(slot) {
    return this.pass !== "forward" || this.isReached(slot);
  }

  /** Whether a node has its adjoint, or what an edge adds to it. @param {number} slot */
  hasAdjoint(slot) {
    return this.pass === "backward" && this.isReached(slot);
  }

  /** Whether an edge has its local derivative. @param {Edge} edge */
  hasLocal(edge) {
    return this.hasValue(edge.user);
  }

  /** Whether it is known what an edge adds to the adjoint of its operand. @param {Edge} edge */
  hasShare(edge) {
    return this.hasAdjoint(edge.operand);
  }

  /** Whether an edge, or the way back along it, belongs to the current step. @param {Way} way */
  isOnWay({ user, operand, isBack }) {
    return isBack === (this.pass === "backward") && (isBack ? operand : user) === this.current;
  }

  /** Whether a node has its tangent. @param {number} slot */
  hasTangent(slot) {
    return this.pass === "tangent" && this.isReached(slot) && isDifferentiated(this.content, slot);
  }
}
