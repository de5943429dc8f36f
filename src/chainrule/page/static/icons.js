// The signs on buttons are small drawings, the same on every system.

import { element, vector } from "./element.js";

/** Paths on a sheet of 20 by 20. */
const ICONS = {
  first: "M5 4v12M16 4l-8 6 8 6z",
  back: "M14 4l-8 6 8 6z",
  play: "M6 3.5v13l10.5-6.5z",
  pause: "M5.5 4h3v12h-3zM11.5 4h3v12h-3z",
  forward: "M6 4l8 6-8 6z",
  last: "M15 4v12M4 4l8 6-8 6z",
  undo: "M7.5 4 4 7.5 7.5 11M4 7.5h8a4 4 0 0 1 0 8H8",
  redo: "M12.5 4 16 7.5 12.5 11M16 7.5H8a4 4 0 0 0 0 8h4",
  nearer: "M10 4v12M4 10h12",
  farther: "M4 10h12",
  fit: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  help: "M7.2 7.4a2.8 2.8 0 1 1 4.3 2.3c-1 .7-1.5 1.2-1.5 2.3M10 15v.2",
  light: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
};
const FILLED = new Set(["play", "pause", "back", "forward", "first", "last"]);

/** @typedef {keyof typeof ICONS} Icon */

/**
 * @param {Icon} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const path = vector("path", { d: ICONS[name] });
  const filled = FILLED.has(name) ? " filled" : "";
  return vector("svg", { class: `icon${filled}`, viewBox: "0 0 20 20", "aria-hidden": "true" }, path);
}

/**
 * A button with an icon; its word is its name and its tip.
 * @param {Icon} name
 * @param {string} word
 * @param {() => void} press
 * @param {import("./element.js").Attributes} [attributes]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, word, press, attributes = {}) {
  const given = { type: "button", class: "sign", "aria-label": word, title: word, onclick: press, ...attributes };
  return element("button", given, icon(name));
}
