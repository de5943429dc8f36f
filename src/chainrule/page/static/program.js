// All numbers of the current point come from the program that was made of the same graph.

/** @typedef {import("./content.js").Content} Content */

/**
 * The program of a graph: nodes and edges by their slots.
 * @typedef {object} Program
 * @property {number} nodes  How many there are.
 * @property {number} edges  How many carry derivatives.
 * @property {(given: number[]) => Float64Array} values  Of all nodes.
 * @property {(v: Float64Array) => Float64Array} locals  Local derivatives.
 * @property {(v: Float64Array, l: Float64Array, output: number) => Float64Array} adjoints  The backward pass.
 * @property {(v: Float64Array, l: Float64Array, argument: number) => Float64Array} tangents  Forward mode.
 * @property {(v: Float64Array, l: Float64Array, a: Float64Array) => Float64Array} shares  What each edge adds to an adjoint.
 */

/** A number as JSON has it: `inf` and `nan` are words there. @param {unknown} value */
export function numeric(value) {
  const words = new Map([["inf", Infinity], ["-inf", -Infinity], ["nan", NaN]]);
  return typeof value === "string" ? (words.get(value) ?? NaN) : Number(value);
}

/** The numbers at one point. Derivatives are computed when they are first asked for. */
export class Numbers {
  /**
   * @param {Content} content
   * @param {Program} program
   */
  constructor(content, program) {
    this.content = content;
    this.program = program;
    /** @type {Float64Array} */
    this.values = new Float64Array(0);
    /** @type {Float64Array} */
    this.locals = new Float64Array(0);
    /** @type {Map<number, Float64Array>} */
    this.knownAdjoints = new Map();
    /** @type {Map<number, Float64Array>} */
    this.knownTangents = new Map();
    /** @type {Map<number, Float64Array>} */
    this.knownShares = new Map();
    this.moveTo(new Map());
  }

  /**
   * Goes to another point; arguments that are not named have their first values.
   * @param {ReadonlyMap<string, number>} values
   */
  moveTo(values) {
    const given = this.content.arguments.map(({ name, value }) => values.get(name) ?? numeric(value));
    this.values = this.program.values(given);
    this.locals = this.program.locals(this.values);
    this.knownAdjoints.clear();
    this.knownTangents.clear();
    this.knownShares.clear();
  }

  /** ∂output/∂node of every node. @param {number} output */
  adjoints(output) {
    return once(this.knownAdjoints, output, () => this.program.adjoints(this.values, this.locals, output));
  }

  /** d(node)/d(argument) of every node. @param {number} argument */
  tangents(argument) {
    return once(this.knownTangents, argument, () => this.program.tangents(this.values, this.locals, argument));
  }

  /** What each edge adds to the adjoint of its operand. @param {number} output */
  shares(output) {
    return once(this.knownShares, output, () =>
      this.program.shares(this.values, this.locals, this.adjoints(output)),
    );
  }
}

/**
 * @param {Map<number, Float64Array>} known
 * @param {number} slot
 * @param {() => Float64Array} compute
 */
function once(known, slot, compute) {
  const found = known.get(slot) ?? compute();
  known.set(slot, found);
  return found;
}
