// Help: all keys, what colours and signs mean, and the two passes in a few words.

import { element } from "./element.js";
import { iconButton } from "./icons.js";
import { KEYS } from "./keys.js";

/** Boxes and edges by their classes, with words. @type {[string, string][]} */
const COLOURS = [
  ["input", "input: what is given"],
  ["parameter", "parameter: what is learned"],
  ["constant", "constant"],
  ["computation", "computation"],
];
/** @type {[string, string][]} */
const NUMBERS = [
  ["value", "value: computed by the forward pass, from the operands"],
  ["adjoint", "adjoint ∂: how the output follows this node, from the backward pass"],
  ["local", "local derivative, on an edge: how a node follows one operand"],
  ["tangent", "tangent d: how a node follows one argument, from forward mode"],
];
const PASSES_IN_WORDS = [
  "The forward pass goes from the arguments to the output: every node is computed from its operands.",
  "The backward pass goes from the output back: every node receives, from each of its users, the adjoint of the user times the local derivative on the edge. What it receives is added up.",
  "Forward mode follows one argument: the tangent of a node is the sum, over its operands, of the local derivative times the tangent of the operand.",
  "Along a path the local derivatives multiply; the derivative is the sum over all paths. Both passes compute that sum without going through the paths one by one.",
];
const NAMES = new Map([
  [" ", "Space"],
  ["ArrowLeft", "←"],
  ["ArrowRight", "→"],
  ["ArrowUp", "↑"],
  ["ArrowDown", "↓"],
  ["Escape", "Esc"],
]);

/** The dialog of the page, and the button that opens it. */
export class Help {
  constructor() {
    this.dialog = element("dialog", { class: "help card", "aria-labelledby": "help-title" });
    this.button = iconButton("help", "Help (?)", () => this.open(), { "aria-haspopup": "dialog" });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) {
        this.dialog.close();
      }
    });
  }

  /** Opens the dialog; the browser keeps the focus in it, and gives it back. */
  open() {
    if (!this.dialog.open) {
      this.dialog.replaceChildren(content(() => this.dialog.close()));
      this.dialog.showModal();
    }
  }
}

/** @param {() => void} close */
function content(close) {
  const keys = KEYS.map(({ keys: names, does }) =>
    element("tr", {}, element("th", { scope: "row" }, ...names.flatMap((name, at) => [at ? " " : null, ...pressed(name)])), element("td", {}, does)),
  );
  return element(
    "div",
    { class: "help-inside" },
    element("header", {}, element("h1", { id: "help-title" }, "Help"), element("button", { type: "button", class: "plain", onclick: close }, "Close")),
    element("section", {}, element("h2", {}, "Colours and signs"), marks(COLOURS, "shape"), marks(NUMBERS, "dot"), element("p", {}, "A dash stands for what is not known yet at this step. Solid arrows carry values, dashed arrows carry adjoints back.")),
    element("section", {}, element("h2", {}, "Forward and backward"), ...PASSES_IN_WORDS.map((words) => element("p", {}, words))),
    element("section", { class: "keys" }, element("h2", {}, "Keys"), element("table", {}, element("tbody", {}, ...keys))),
  );
}

/**
 * @param {[string, string][]} found
 * @param {string} shape
 */
function marks(found, shape) {
  return element("ul", { class: "marks" }, ...found.map(([role, words]) => element("li", {}, element("span", { class: `${shape} ${role}` }), words)));
}

/** A key as it is written on keyboards. @param {string} name */
function pressed(name) {
  const parts = name === "+" ? [name] : name.split("+");
  return parts.flatMap((part, at) => [at ? " + " : null, element("kbd", {}, NAMES.get(part) ?? (part.length === 1 ? part.toUpperCase() : part))]);
}
