// The paths from one node to another: counted exactly, and the first ones by magnitude of their
// product. They come in the order of `chainrule.run.paths`, and no more than are asked for.

import { CLOSED, productOf, weightOf } from "./path-numbers.js";
import { Queue } from "./path-queue.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./path-queue.js").Start} Start */
/** @typedef {import("./program.js").Numbers} Numbers */
/** One path: its edges by their places in the content. @typedef {{ edges: number[], product: number }} Path */
/** From a node on: the best edge, and what others lose by it, the first one last. @typedef {{ best: number, others: { edge: number, loss: bigint }[] }} Departures */

/** The paths from a source to a target at the current point. */
export class PathSearch {
  /**
   * @param {Content} content
   * @param {Numbers} numbers
   * @param {number} source
   * @param {number} target
   */
  constructor(content, numbers, source, target) {
    this.all = content.edges;
    this.source = source;
    this.target = target;
    /** The edges on paths, those of later users later. */
    this.edges = between(content, source, target);
    /** @type {Map<number, number[]>} */
    this.uses = new Map();
    for (const edge of this.edges) {
      const { operand } = this.all[edge];
      this.uses.set(operand, [...(this.uses.get(operand) ?? []), edge]);
    }
    this.open = openEdges(content, numbers, target);
    this.locals = this.all.map(({ slot }) => (slot === null ? 0 : numbers.locals[slot]));
    /** By node. @type {Map<number, Departures>} */
    this.known = new Map();
    /** By edge. @type {Map<number, bigint>} */
    this.weights = new Map(this.edges.map((edge) => [edge, this.open[edge] ? weightOf(this.locals[edge]) : -CLOSED]));
    /** The weight of the best way to the target, by node. @type {Map<number, bigint>} */
    this.best = new Map([[target, 0n]]);
    for (const edge of this.edges.toReversed()) {
      const { operand, user } = this.all[edge];
      const weight = this.weight(edge) + this.bestOf(user);
      const known = this.best.get(operand);
      if (known === undefined || weight > known) {
        this.best.set(operand, weight);
      }
    }
  }

  /** How many paths there are, exactly. */
  get count() {
    const counts = new Map([[this.target, 1n]]);
    for (const edge of this.edges.toReversed()) {
      const { operand, user } = this.all[edge];
      counts.set(operand, (counts.get(operand) ?? 0n) + (counts.get(user) ?? 0n));
    }
    return counts.get(this.source) ?? 0n;
  }

  /**
   * The paths of largest magnitude, best first.
   * @param {number} count
   * @returns {Path[]}
   */
  first(count) {
    const total = this.best.get(this.source);
    /** @type {Path[]} */
    const found = [];
    const queue = new Queue();
    let order = 0;
    if (total !== undefined) {
      queue.push({ node: this.source, total, before: null, edge: -1, order });
    }
    while (found.length < count) {
      let taken = queue.pop();
      if (!taken) {
        break;
      }
      while (taken.node !== this.target) {
        const { best, others } = this.departures(taken.node);
        // The later one is put in, the earlier it comes out among equals.
        for (const { edge, loss } of others) {
          order += 1;
          queue.push(this.further(taken, edge, taken.total - loss, order));
        }
        taken = this.further(taken, best, taken.total, order);
      }
      found.push(this.path(edgesOf(taken)));
    }
    return found;
  }

  /** @param {number} node @returns {Departures} */
  departures(node) {
    const known = this.known.get(node);
    if (known) {
      return known;
    }
    const steps = (this.uses.get(node) ?? []).map((edge) => ({ edge, loss: this.bestOf(node) - this.ahead(edge) }));
    const first = steps.findIndex(({ loss }) => loss === 0n);
    const found = { best: steps[first].edge, others: steps.filter((_, at) => at !== first).toReversed() };
    this.known.set(node, found);
    return found;
  }

  /**
   * The path of largest magnitude along an edge; null where none goes there.
   * @param {number} edge
   * @returns {Path | null}
   */
  along(edge) {
    const { operand, user } = this.all[edge];
    return this.weights.has(edge) ? this.path([...this.wayTo(operand), edge, ...this.wayFrom(user)]) : null;
  }

  /**
   * The path of largest magnitude through a node; null where none goes there.
   * @param {number} node
   * @returns {Path | null}
   */
  through(node) {
    return this.best.has(node) && this.best.has(this.source) ? this.path([...this.wayTo(node), ...this.wayFrom(node)]) : null;
  }

  /**
   * Whether edges follow each other from the source to the target.
   * @param {number[]} edges
   */
  isPath(edges) {
    let node = this.source;
    for (const edge of edges) {
      if (!this.weights.has(edge) || this.all[edge].operand !== node) {
        return false;
      }
      node = this.all[edge].user;
    }
    return node === this.target;
  }

  /**
   * A path of its edges, with its product.
   * @param {number[]} edges
   * @returns {Path}
   */
  path(edges) {
    const isOpen = edges.every((edge) => this.open[edge]);
    return { edges, product: isOpen ? productOf(edges.map((edge) => this.locals[edge])) : 0 };
  }

  /** @param {number} node */
  wayFrom(node) {
    const edges = [];
    while (node !== this.target) {
      const { best } = this.departures(node);
      edges.push(best);
      node = this.all[best].user;
    }
    return edges;
  }

  /** @param {number} node */
  wayTo(node) {
    /** @type {Map<number, { weight: bigint, edge: number }>} */
    const arrivals = new Map([[this.source, { weight: 0n, edge: -1 }]]);
    for (const edge of this.edges) {
      const { operand, user } = this.all[edge];
      const weight = (arrivals.get(operand)?.weight ?? 0n) + this.weight(edge);
      const known = arrivals.get(user);
      if (!known || weight > known.weight) {
        arrivals.set(user, { weight, edge });
      }
    }
    const edges = [];
    for (let at = node; at !== this.source; ) {
      const edge = arrivals.get(at)?.edge ?? -1;
      edges.unshift(edge);
      at = this.all[edge].operand;
    }
    return edges;
  }

  /**
   * @param {Start} before
   * @param {number} edge
   * @param {bigint} total
   * @param {number} order
   * @returns {Start}
   */
  further(before, edge, total, order) {
    return { node: this.all[edge].user, total, before, edge, order };
  }

  /** @param {number} edge */
  ahead(edge) {
    return this.weight(edge) + this.bestOf(this.all[edge].user);
  }

  /** @param {number} edge */
  weight(edge) {
    return this.weights.get(edge) ?? 0n;
  }

  /** @param {number} node */
  bestOf(node) {
    return this.best.get(node) ?? 0n;
  }
}

/**
 * The edges on paths from one node to another.
 * @param {Content} content
 * @param {number} source
 * @param {number} target
 */
function between({ edges }, source, target) {
  const reached = new Set([source]);
  for (const { operand, user } of edges) {
    if (reached.has(operand)) {
      reached.add(user);
    }
  }
  const wanted = new Set([target]);
  /** @type {number[]} */
  const found = [];
  for (let at = edges.length - 1; at >= 0; at -= 1) {
    const { operand, user } = edges[at];
    if (wanted.has(user) && reached.has(operand)) {
      wanted.add(operand);
      found.push(at);
    }
  }
  return found.toReversed();
}

/**
 * For each edge whether anything flows along it: with 1 for every local derivative the shares are
 * above 0 where something does.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} target
 */
function openEdges(content, { program, values }, target) {
  const adjoints = new Float64Array(content.nodes.length);
  adjoints[target] = 1;
  const shares = program.shares(values, new Float64Array(program.edges).fill(1), adjoints);
  return content.edges.map(({ slot }) => slot !== null && shares[slot] !== 0);
}

/** @param {Start} end */
function edgesOf(end) {
  const edges = [];
  for (let at = end; at.before; at = at.before) {
    edges.push(at.edge);
  }
  return edges.toReversed();
}
