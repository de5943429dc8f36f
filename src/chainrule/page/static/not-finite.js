// Where values and derivatives stop being finite, as `chainrule.run.finite` finds it and
// `chainrule.show.finite` says it. Where all ends are finite, nothing else is looked at.

import { edgesBy, nameOf, variables } from "./content.js";
import { quotient } from "./mathematics.js";
import { factor, number } from "./numbers.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./content.js").Edge} Edge */
/** @typedef {import("./program.js").Numbers} Numbers */
/** @typedef {import("./sentences.js").Piece} Piece */
/** A share of an adjoint that is the first not to be finite; without an edge the sum of finite ones. @typedef {{ node: number, edge: Edge | null }} FirstShare */
/** Why a number of a node is not finite, in a sentence; the key tells it from others. @typedef {{ key: string, slot: number, words: Piece[] }} Reason */

/** Of the operands of a node, this many are shown. */
const SHOWN_OPERANDS = 5;

/**
 * For each node that is the first whose value is not finite: its operation and its operands.
 * @param {Content} content
 * @param {Numbers} numbers
 * @returns {Reason[]}
 */
export function reasonsOfValues(content, numbers) {
  return firstValues(content, numbers.values).map((slot) => ({ key: `${slot}`, slot, words: valueReason(content, numbers, slot) }));
}

/**
 * For each edge that is the first with a derivative that is not finite: the product there.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} output
 * @returns {Reason[]}
 */
export function reasonsOfDerivatives(content, numbers, output) {
  return firstShares(content, numbers, output).map(({ node, edge }) => ({
    key: `${node}-${edge?.user}-${edge?.position}`,
    slot: node,
    words: edge ? edgeReason(content, numbers, output, edge) : sumReason(content, numbers, output, node),
  }));
}

/**
 * The nodes below the outputs that are not finite though their operands are; given ones too.
 * @param {Content} content
 * @param {Float64Array} values
 */
function firstValues({ nodes, outputs }, values) {
  const isSpoiled = (/** @type {number} */ slot) => !Number.isFinite(values[slot]);
  const seen = new Set(outputs.filter(isSpoiled));
  const found = [];
  // What is added to a set while it is gone through comes up, too.
  for (const slot of seen) {
    const { chooses, operands } = nodes[slot];
    const taken = chooses ? [operands[values[operands[0]] ? 1 : 2]] : operands;
    const causes = taken.filter(isSpoiled);
    if (!causes.length) {
      found.push(slot);
    }
    causes.forEach((cause) => seen.add(cause));
  }
  return found.toSorted((a, b) => a - b);
}

/**
 * The first shares that are not finite on the way back to the arguments, those of later users first.
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} output
 */
function firstShares(content, numbers, output) {
  const adjoints = numbers.adjoints(output);
  const seen = new Set(variables(content).flatMap(({ slot }) => (Number.isFinite(adjoints[slot]) ? [] : [slot])));
  /** @type {FirstShare[]} */
  const found = [];
  for (const node of seen) {
    const spoiled = edgesBy(content).users[node].filter(({ slot }) => !Number.isFinite(numbers.shares(output)[slot ?? 0]));
    const first = spoiled.filter(({ user }) => Number.isFinite(adjoints[user]));
    found.push(...first.map((edge) => ({ node, edge })), ...(spoiled.length ? [] : [{ node, edge: null }]));
    spoiled.forEach(({ user }) => Number.isFinite(adjoints[user]) || seen.add(user));
  }
  return found.toSorted((a, b) => placeOfShare(b) - placeOfShare(a) || (a.edge?.position ?? 0) - (b.edge?.position ?? 0));
}

/** @param {FirstShare} share */
function placeOfShare({ node, edge }) {
  return edge?.user ?? node;
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} slot
 * @returns {Piece[]}
 */
function valueReason(content, numbers, slot) {
  const { operands, operation } = content.nodes[slot];
  const name = nameOf(content, slot);
  const written = (/** @type {number} */ node) => ({ text: number(numbers.values[node], 6, content.nodes[node].type), role: "value" });
  if (!operands.length) {
    const value = content.nodes[slot].label === written(slot).text ? [] : [{ text: " = " }, written(slot)];
    return [name, ...value, { text: " is given." }];
  }
  const given = [...new Set(operands)].slice(0, SHOWN_OPERANDS).filter((operand) => content.nodes[operand].label !== written(operand).text);
  const where = given.flatMap((operand, at) => [{ text: at ? ", " : " where " }, nameOf(content, operand), { text: " = " }, written(operand)]);
  return [name, { text: " = " }, operation, { text: " is " }, written(slot), ...where, { text: "." }];
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} output
 * @param {Edge} edge
 * @returns {Piece[]}
 */
function edgeReason(content, numbers, output, { user, operand, slot }) {
  const [of, by, name] = [output, user, operand].map((node) => nameOf(content, node));
  const [share, local] = [numbers.shares(output)[slot ?? 0], numbers.locals[slot ?? 0]];
  return [
    { text: "On the edge " },
    name,
    { text: " → " },
    by,
    { text: " = " },
    content.nodes[user].operation,
    { text: " the derivative becomes " },
    { text: number(share), role: "adjoint" },
    { text: ": " },
    { ...quotient(of, by, "∂", true), role: "adjoint" },
    { text: " · " },
    { ...quotient(by, name, "∂", true), role: "local" },
    { text: " = " },
    { text: number(numbers.adjoints(output)[user]), role: "adjoint" },
    { text: " · " },
    { text: factor(local), role: "local" },
    { text: "." },
  ];
}

/**
 * @param {Content} content
 * @param {Numbers} numbers
 * @param {number} output
 * @param {number} node
 * @returns {Piece[]}
 */
function sumReason(content, numbers, output, node) {
  const total = { text: number(numbers.adjoints(output)[node]), role: "adjoint" };
  return [quotient(nameOf(content, output), nameOf(content, node), "∂", true), { text: " is " }, total, { text: ": the sum of finite shares overflows." }];
}
