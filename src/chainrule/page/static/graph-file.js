// The graph as a text for other programs: Mermaid, DOT and JSON, with the numbers of now. Labels are
// escaped as in `chainrule.draw.mermaid` and `chainrule.draw.dot`.

import { kindOf, operationOf } from "./content.js";
import { amount } from "./csv.js";
import { number } from "./numbers.js";

/** @typedef {import("./main.js").Page} Page */
/** One box, with its lines. @typedef {{ slot: number, kind: string, lines: string[] }} Label */

/** What a label of Mermaid cannot have as it is, or only in some places. */
const RISKY = /[^A-Za-z0-9\s=(),/.+\u0080-\u{10ffff}-]|=(?==)|^=|=$|^[+-](?!\d)|(?<=\d)[.)](?!\S)/gu;
/** What files cannot hold. */
const UNFIT = /[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
const KINDS = ["input", "parameter", "constant", "computation"];

/**
 * The graph as a flowchart of Mermaid.
 * @param {Page} page
 */
export function mermaidFile(page) {
  const { content, store } = page;
  const isDown = (store.state.direction || page.drawing.picture?.direction) === "down";
  const boxes = labels(page).map(({ slot, kind, lines }) => {
    const [open, close] = kind === "computation" ? ["(", ")"] : ["([", "])"];
    return `n${slot}${open}${mermaidLabel(lines)}${close}:::${kind}`;
  });
  const edges = content.edges.map((edge) => {
    const local = edge.slot === null ? "" : `|${mermaidLabel([number(page.numbers.locals[edge.slot])])}|`;
    return `n${edge.operand} -->${local} n${edge.user}`;
  });
  const paints = kinds(page).map((kind) => {
    const { fill, line, ink } = paintOf(kind);
    return `classDef ${kind} fill:${fill},stroke:${line},color:${ink},stroke-width:2px`;
  });
  return [`flowchart ${isDown ? "TD" : "LR"}`, ...[...boxes, ...edges, ...paints].map((line) => `  ${line}`), ""].join("\n");
}

/**
 * The graph for Graphviz.
 * @param {Page} page
 */
export function dotFile(page) {
  const { content, store } = page;
  const isDown = (store.state.direction || page.drawing.picture?.direction) === "down";
  const paints = new Map(kinds(page).map((kind) => [kind, paintOf(kind)]));
  const boxes = labels(page).map(({ slot, kind, lines }) => {
    const { fill, line, ink } = paints.get(kind) ?? paintOf(kind);
    const shape = kind === "computation" ? "box" : "ellipse";
    return `n${slot} [label=${quoted(lines)}, shape=${shape}, style=${quoted(["filled,rounded"])}, fillcolor=${quoted([fill])}, color=${quoted([line])}, fontcolor=${quoted([ink])}]`;
  });
  const edges = content.edges.map((edge) => {
    const local = edge.slot === null ? "" : ` [label=${quoted([number(page.numbers.locals[edge.slot])])}]`;
    return `n${edge.operand} -> n${edge.user}${local}`;
  });
  const head = [`rankdir=${isDown ? "TB" : "LR"}`, `label=${quoted([content.formula.text])}`];
  return ["digraph chainrule {", ...[...head, ...boxes, ...edges].map((line) => `  ${line};`), "}", ""].join("\n");
}

/**
 * The graph with all numbers of now, as JSON; what is not finite is a word.
 * @param {Page} page
 */
export function numbersFile({ content, numbers, store }) {
  const { output, wrt } = store.state;
  const [adjoints, shares] = output === null ? [null, null] : [numbers.adjoints(output), numbers.shares(output)];
  const tangents = wrt === null ? null : numbers.tangents(wrt);
  const found = {
    format: "chainrule-numbers",
    version: 1,
    formula: { text: content.formula.text, latex: content.formula.latex },
    output: output === null ? null : content.nodes[output].label,
    tangents_by: wrt === null ? null : content.nodes[wrt].label,
    nodes: content.nodes.map(({ label, operands, type }, slot) => ({
      label,
      kind: kindOf(content, store.state.kinds, slot),
      operation: operationOf(content, store.state.kinds, slot).text,
      operands,
      value: type === "bool" ? Boolean(numbers.values[slot]) : jsonNumber(numbers.values[slot]),
      adjoint: jsonNumber(adjoints?.[slot]),
      tangent: jsonNumber(tangents?.[slot]),
    })),
    edges: content.edges.map(({ user, operand, position, slot }) => ({
      user,
      operand,
      position,
      local_derivative: slot === null ? null : jsonNumber(numbers.locals[slot]),
      contribution: slot === null ? null : jsonNumber(shares?.[slot]),
    })),
  };
  return `${JSON.stringify(found, null, 2)}\n`;
}

/** What stands in the boxes. @param {Page} page @returns {Label[]} */
function labels({ content, numbers, store }) {
  const { output } = store.state;
  const adjoints = output === null ? null : numbers.adjoints(output);
  return content.nodes.map((node, slot) => {
    const value = number(numbers.values[slot], 6, node.type);
    const lines = [node.operands.length ? `${node.label} = ${node.operation.text}` : node.label];
    if (node.kind !== "constant" || value !== node.label) {
      lines.push(value);
    }
    if (adjoints && node.varying && node.type.startsWith("float")) {
      lines.push(`∂ ${number(adjoints[slot])}`);
    }
    return { slot, kind: kindOf(content, store.state.kinds, slot), lines };
  });
}

/** A number as JSON can have it. @param {number | undefined} value */
function jsonNumber(value) {
  return value === undefined ? null : Number.isFinite(value) ? value : amount(value);
}

/** The kinds that there are. @param {Page} page */
function kinds({ content, store }) {
  return KINDS.filter((kind) => content.nodes.some((_, slot) => kindOf(content, store.state.kinds, slot) === kind));
}

/** The colours of a kind in the theme of the page. @param {string} kind */
function paintOf(kind) {
  const style = getComputedStyle(document.documentElement);
  const [fill, line, ink] = [`--${kind}-fill`, `--${kind}-line`, "--ink"].map((name) => style.getPropertyValue(name).trim());
  return { fill, line, ink };
}

/** Text in a label of Mermaid between double quotes: whatever has a meaning is a code. @param {string} text */
export function escaped(text) {
  return oneLine(text).replace(RISKY, (sign) => `#${sign.codePointAt(0)};`);
}

/** Lines below each other, for Mermaid. @param {string[]} lines */
function mermaidLabel(lines) {
  return `"${lines.map(escaped).join("<br/>") || " "}"`;
}

/** Lines as one text of DOT. @param {string[]} lines */
export function quoted(lines) {
  const inside = lines.map((line) => oneLine(line).replaceAll("\\", "\\\\").replaceAll('"', '\\"'));
  return `"${inside.join("\\n")}"`;
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/\s+/g, " ").replace(UNFIT, "\ufffd").trim();
}
