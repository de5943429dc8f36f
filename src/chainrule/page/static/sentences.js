// Each step in a sentence, with its arithmetic spelled out: "a receives ∂f/∂f · ∂f/∂a = 1 · 3 = 3".

import { edgesBy, kindOf, nameOf } from "./content.js";
import { quotient } from "./mathematics.js";
import { bracketed, factor, number } from "./numbers.js";
import { currentNode } from "./passes.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./program.js").Numbers} Numbers */
/** @typedef {import("./state.js").State} State */
/** A part of a sentence; its role is its colour. @typedef {{ text: string, mathml?: string, role?: string }} Piece */

const NAME = /[\p{L}_][\p{L}\p{N}_']*(?!\s*\()/gu;
/** Terms of a sum that are spelled out. */
const SHOWN = 6;

/**
 * The sentence of the current step.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {State} state
 * @returns {Piece[]}
 */
export function sentence(content, numbers, state) {
  const slot = currentNode(content, state);
  if (slot === null) {
    return [{ text: opening(content, state) }];
  }
  if (state.pass === "forward") {
    return valueSentence(content, numbers, state, slot);
  }
  if (state.pass === "backward" && state.output !== null) {
    return adjointSentence(content, numbers, slot, state.output);
  }
  return state.wrt === null ? [] : tangentSentence(content, numbers, slot, state.wrt);
}

/**
 * A sentence as text, for tables and for readers that speak.
 * @param {Piece[]} pieces
 */
export function plainSentence(pieces) {
  return pieces.map(({ text }) => text).join("");
}

/**
 * @param {Content} content
 * @param {State} state
 */
function opening(content, state) {
  const label = (/** @type {number | null} */ slot) => (slot === null ? "" : content.nodes[slot].label);
  const openings = {
    forward: "The forward pass computes every value, arguments first.",
    backward: `The backward pass starts at ${label(state.output)} and goes back to the arguments.`,
    tangent: `Forward mode follows a change of ${label(state.wrt)} through the graph.`,
  };
  return openings[state.pass];
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {State} state
 * @param {number} slot
 * @returns {Piece[]}
 */
function valueSentence(content, numbers, state, slot) {
  const node = content.nodes[slot];
  /** @type {Piece} */
  const value = { text: number(numbers.values[slot], 6, node.type), role: "value" };
  if (!node.operands.length) {
    return [{ text: `${kindOf(content, state.kinds, slot)} ` }, nameOf(content, slot), { text: " = " }, value];
  }
  const filled = inserted(content, numbers, slot);
  /** @type {Piece[]} */
  const arithmetic = filled && filled !== value.text ? [{ text: " = " }, { text: filled, role: "value" }] : [];
  return [nameOf(content, slot), { text: " = " }, node.operation, ...arithmetic, { text: " = " }, value];
}

/**
 * The operation of a node with numbers in place of names; empty where they do not all fit in.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 */
function inserted(content, numbers, slot) {
  const node = content.nodes[slot];
  const values = new Map();
  for (const operand of node.operands) {
    const { label, kind, type } = content.nodes[operand];
    if (kind !== "constant" || /^[\p{L}_]/u.test(label)) {
      values.set(label, bracketed(number(numbers.values[operand], 6, type)));
    }
  }
  const missing = new Set(values.keys());
  const text = node.operation.text.replace(NAME, (name) => {
    missing.delete(name);
    return values.get(name) ?? name;
  });
  return missing.size ? "" : text.replaceAll("*", " · ");
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 * @param {number} output
 * @returns {Piece[]}
 */
function adjointSentence(content, numbers, slot, output) {
  const adjoints = numbers.adjoints(output);
  const of = nameOf(content, output);
  const name = nameOf(content, slot);
  if (slot === output) {
    return [name, { text: " is where the pass starts: " }, quotient(of, of), { text: " = " }, { text: "1", role: "adjoint" }];
  }
  const terms = backwardTerms(content, numbers, slot, output).map((term) => [
    { ...quotient(of, nameOf(content, term.via)), value: term.left, role: "adjoint" },
    { ...quotient(nameOf(content, term.via), name), value: term.right, role: "local" },
  ]);
  if (!terms.length) {
    return [name, { text: " receives nothing: there is no path to " }, of];
  }
  return [name, { text: " receives " }, ...spelled(terms), { text: number(adjoints[slot]), role: "adjoint" }];
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 * @param {number} wrt
 * @returns {Piece[]}
 */
function tangentSentence(content, numbers, slot, wrt) {
  const tangents = numbers.tangents(wrt);
  const by = nameOf(content, wrt);
  const name = nameOf(content, slot);
  if (slot === wrt) {
    return [name, { text: " is what changes: " }, quotient(by, by, "d"), { text: " = " }, { text: "1", role: "tangent" }];
  }
  const terms = forwardTerms(content, numbers, slot, wrt).map((term) => [
    { ...quotient(name, nameOf(content, term.via)), value: term.left, role: "local" },
    { ...quotient(nameOf(content, term.via), by, "d"), value: term.right, role: "tangent" },
  ]);
  if (!terms.length) {
    return [name, { text: " does not change with " }, by, { text: ": " }, quotient(name, by, "d"), { text: " = 0" }];
  }
  return [quotient(name, by, "d"), { text: " = " }, ...spelled(terms), { text: number(tangents[slot]), role: "tangent" }];
}

/** One edge's part of a derivative. @typedef {{ via: number, left: number, right: number }} Term */

/**
 * What a node receives from its users: adjoint of the user · local derivative.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 * @param {number} output
 * @returns {Term[]}
 */
export function backwardTerms(content, numbers, slot, output) {
  const adjoints = numbers.adjoints(output);
  return edgesBy(content)
    .users[slot].filter((edge) => edge.user <= output && content.backward[output]?.includes(edge.user))
    .map((edge) => ({ via: edge.user, left: adjoints[edge.user], right: numbers.locals[edge.slot ?? 0] }));
}

/**
 * How a node follows its operands: local derivative · tangent of the operand.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 * @param {number} wrt
 * @returns {Term[]}
 */
export function forwardTerms(content, numbers, slot, wrt) {
  const tangents = numbers.tangents(wrt);
  const reached = following(content, wrt);
  return edgesBy(content)
    .operands[slot].filter((edge) => reached.has(edge.operand))
    .map((edge) => ({ via: edge.operand, left: numbers.locals[edge.slot ?? 0], right: tangents[edge.operand] }));
}

/**
 * The computation of a derivative as tables have it.
 * @param {Term[]} terms
 * @param {string} total
 */
export function computation(terms, total) {
  const products = terms.slice(0, SHOWN).map(({ left, right }, at) => {
    return `${at ? factor(left) : number(left)} · ${factor(right)}`;
  });
  return `${[...products, ...more(terms)].join(" + ")} = ${total}`;
}

/** @param {unknown[]} terms */
function more(terms) {
  return terms.length > SHOWN ? [`… ${terms.length - SHOWN} more`] : [];
}

/** @typedef {Piece & { value: number }} Factor */

/**
 * A sum of products by their names, then by their numbers.
 * @param {Factor[][]} terms
 * @returns {Piece[]}
 */
function spelled(terms) {
  /** @type {Piece[]} */
  const names = [];
  /** @type {Piece[]} */
  const amounts = [];
  terms.slice(0, SHOWN).forEach((term, at) => {
    const [left, right] = term;
    const plus = at ? [{ text: " + " }] : [];
    names.push(...plus, left, { text: " · " }, right);
    const first = at ? factor(left.value) : number(left.value);
    amounts.push(...plus, { text: first, role: left.role }, { text: " · " }, { text: factor(right.value), role: right.role });
  });
  const rest = more(terms).map((text) => ({ text: ` + ${text}` }));
  return [...names, ...rest, { text: " = " }, ...amounts, ...rest, { text: " = " }];
}

/** @type {WeakMap<Content, Map<number, Set<number>>>} */
const knownFollowing = new WeakMap();

/**
 * The nodes that depend on another one, and it.
 * @param {Content} content
 * @param {number} start
 */
function following(content, start) {
  const known = knownFollowing.get(content) ?? new Map();
  knownFollowing.set(content, known);
  const found = known.get(start) ?? new Set([start]);
  if (known.has(start)) {
    return found;
  }
  known.set(start, found);
  content.nodes.forEach((node, slot) => {
    if (node.operands.some((operand) => found.has(operand))) {
      found.add(slot);
    }
  });
  return found;
}
