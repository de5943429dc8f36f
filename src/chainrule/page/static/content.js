// What the page is given to show of a graph, in types; nodes go by their slot, from 0.

/** @typedef {{ text: string, mathml?: string }} Written  Text, set as mathematics where it can be. */

/**
 * @typedef {object} GraphNode
 * @property {string} label  Its name.
 * @property {string} mathml  The same as mathematics.
 * @property {"input" | "parameter" | "constant" | "computation"} kind  What kind of node it is.
 * @property {Written} operation  What computes it.
 * @property {number[]} operands  What it is computed from.
 * @property {boolean} [chooses]  Whether the first one, a condition, chooses one of the others.
 * @property {number | string | boolean | null} constant  The number of a constant.
 * @property {boolean} varying  Whether it depends on an argument.
 * @property {string} type  Such as `float64`, `bool`, `int64`.
 * @property {[number, number][]} spans  Where it stands in the source, start and end.
 * @property {string} title  What it is, in words.
 */

/**
 * @typedef {object} Argument
 * @property {number} slot  The node.
 * @property {string} name  As in the formula.
 * @property {number | string | boolean} value  Where its slider starts.
 * @property {number} low  The lower end of the slider.
 * @property {number} high  The upper end.
 * @property {number} step  The step of the slider.
 */

/**
 * @typedef {object} Edge
 * @property {number} user  Where values go.
 * @property {number} operand  Where they come from.
 * @property {number} position  Among the operands of the user.
 * @property {number | null} slot  Among the edges that carry a derivative.
 * @property {string} rule  The rule of the derivative.
 * @property {Written | null} [local]  The local derivative as a formula.
 */

/** @typedef {{ width: number, parts: [string, number, number, number][] }} Sign */

/**
 * @typedef {object} Picture
 * @property {string} style  Nodes as `values`, or `operators` apart.
 * @property {string} direction  Where values flow.
 * @property {string} edges  What edges show.
 * @property {number} digits  Significant digits of numbers.
 * @property {number} width  Of the whole drawing.
 * @property {number} height  Of the whole drawing.
 * @property {Record<string, Sign>} signs  What numbers are put together from.
 * @property {string} svg  The drawing, its numbers left out.
 */

/**
 * @typedef {object} Table
 * @property {string} title  What it is, in words.
 * @property {{ key: string, heading: string, numeric: boolean }[]} columns  What the cells of a row are.
 * @property {Written[][]} rows  Row by row.
 * @property {string} note  What is to be said below.
 * @property {(number | null)[]} [slots]  The node of each row.
 */

/**
 * @typedef {object} Formula
 * @property {string} source  As it was typed.
 * @property {"text" | "latex"} form  How it was typed.
 * @property {string} text  As the printer writes it.
 * @property {string} latex  The same in LaTeX.
 * @property {string[]} mathml  The same as mathematics.
 */

/**
 * @typedef {object} Content
 * @property {string} title  What it is, in words.
 * @property {string} [theme]  The colours at first.
 * @property {string[]} [warnings]  What there is to be warned of.
 * @property {Formula} formula  The formula.
 * @property {GraphNode[]} nodes  Operands before their users.
 * @property {Argument[]} arguments  What can be changed.
 * @property {number[]} outputs  Where the graph ends.
 * @property {number | null} output  What is differentiated at first.
 * @property {Edge[]} edges  What edges show.
 * @property {number[]} forward  The rows of the forward pass.
 * @property {Record<string, number[]>} backward  By output, the rows of its backward pass.
 * @property {Picture[]} drawings  The same graph drawn in several ways.
 * @property {{ needs: Table, values: Table, bytes: number, everything: number, kept: number[], kinds: Record<string, string> } | null} saved  What the backward pass needs; `kinds` is it in a word, for each operation.
 * @property {{ name: string, task: string, asks: import("./questions.js").Ask[] }} [exercise]  What there is to work out.
 * @property {Table | null} cost  What everything costs.
 * @property {Derivations | null} derivations  Those of the first output; null: the server is asked for them.
 */

/** By argument, the derivative. @typedef {Record<string, { text: string, mathml: string[], steps: Table | null }>} Derivations */
/** @typedef {{ code: string, message: string, hint?: string, start?: number | null, end?: number | null, text?: string }} Problem */

/**
 * The name of a node.
 * @param {Content} content
 * @param {number} slot
 * @returns {Written}
 */
export function nameOf(content, slot) {
  const node = content.nodes[slot];
  return { text: node.label, mathml: node.mathml };
}

/**
 * What kind a node is, once the reader has made inputs of parameters or parameters of inputs.
 * @param {Content} content
 * @param {ReadonlyMap<string, "input" | "parameter">} kinds
 * @param {number} slot
 */
export function kindOf(content, kinds, slot) {
  const argument = content.arguments.find((one) => one.slot === slot);
  return (argument && kinds.get(argument.name)) ?? content.nodes[slot].kind;
}

/**
 * What computes a node; of an argument, what kind it is now.
 * @param {Content} content
 * @param {ReadonlyMap<string, "input" | "parameter">} kinds
 * @param {number} slot
 * @returns {Written}
 */
export function operationOf(content, kinds, slot) {
  const { kind, operation } = content.nodes[slot];
  return kind === "input" || kind === "parameter" ? { text: kindOf(content, kinds, slot) } : operation;
}

/**
 * Whether numbers flow back from a node and tangents into it.
 * @param {Content} content
 * @param {number} slot
 */
export function isDifferentiated(content, slot) {
  const node = content.nodes[slot];
  return node.varying && node.type.startsWith("float");
}

/** @type {WeakMap<Content, { users: Edge[][], operands: Edge[][] }>} */
const knownEdges = new WeakMap();

/**
 * The edges that carry derivatives: for each node those to its users, and those from its operands.
 * @param {Content} content
 */
export function edgesBy(content) {
  const found = knownEdges.get(content);
  if (found) {
    return found;
  }
  const made = { users: content.nodes.map(() => /** @type {Edge[]} */ ([])), operands: content.nodes.map(() => /** @type {Edge[]} */ ([])) };
  for (const edge of content.edges) {
    if (edge.slot !== null) {
      made.users[edge.operand].push(edge);
      made.operands[edge.user].push(edge);
    }
  }
  knownEdges.set(content, made);
  return made;
}

/**
 * The outputs whose derivatives the page can show.
 * @param {Content} content
 * @returns {number[]}
 */
export function ends(content) {
  return Object.keys(content.backward).map(Number);
}

/**
 * How many outputs have derivatives; the page shows those of the first ones.
 * @param {Content} content
 */
export function endsOfAll(content) {
  const others = content.outputs.filter((slot) => !(slot in content.backward) && content.nodes[slot].type.startsWith("float"));
  return ends(content).length + new Set(others).size;
}

/**
 * The arguments that something can be differentiated by.
 * @param {Content} content
 * @returns {Argument[]}
 */
export function variables(content) {
  return content.arguments.filter((argument) => isDifferentiated(content, argument.slot));
}
