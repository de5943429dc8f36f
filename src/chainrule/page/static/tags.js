// Nodes without names of their own show what sentences and tables call them.

import { vector } from "./element.js";

/** @typedef {import("./drawing.js").Drawing} Drawing */

const ACROSS = 8;
const DOWN = 14;

/** @param {Drawing} drawing */
export function tagBoxes(drawing) {
  if (!drawing.frame.isConnected) {
    return; // nothing has a place yet
  }
  for (const { group, slot } of drawing.boxes) {
    const node = drawing.page.content.nodes[slot];
    if (node.operands.length && !group.matches(".operator") && !group.querySelector(".name, .tag")) {
      const { x, y } = group.getBBox();
      const [, letters, digits] = /^(.*?)(\d*)$/.exec(node.label) ?? [];
      const below = vector("tspan", { dy: 3, "font-size": 9 }, digits);
      group.append(vector("text", { class: "tag", x: x + ACROSS, y: y + DOWN, "aria-hidden": "true" }, letters, below));
    }
  }
}
