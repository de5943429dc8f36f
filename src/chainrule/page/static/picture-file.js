// The drawing as a file of its own, as it is shown: every colour is written into it, no style is left.

import { element, vector } from "./element.js";

/** @typedef {import("./drawing.js").Drawing} Drawing */

/** What is painted. */
const SHAPES = "path, circle, ellipse, rect, line, polygon, polyline, use, text";
const PAINTS = ["fill", "stroke"];
const STROKES = ["stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin"];
/** What only the page uses. */
const OF_PAGE = /^(class|style|role|tabindex|aria-|data-)/;
const GROUND = 12;
const NEARER = 2;
/** Browsers draw no larger pictures. */
const MOST_PIXELS = 8192;

/**
 * The whole drawing as SVG.
 * @param {Drawing} drawing
 * @param {string} title
 */
export function drawingFile(drawing, title) {
  const { svg, picture } = drawing;
  if (!svg || !picture) {
    return "";
  }
  drawing.complete();
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const pairs = [...svg.querySelectorAll("*")].map((from, at) => ({ from, to: copy.querySelectorAll("*")[at] }));
  const [width, height] = [picture.width + 2 * GROUND, picture.height + 2 * GROUND];
  for (const { from, to } of pairs) {
    if (!from.closest("defs")) {
      paint(from, to);
    }
  }
  for (const box of copy.querySelectorAll("[aria-label]")) {
    box.prepend(vector("title", {}, box.getAttribute("aria-label")));
  }
  for (const part of [copy, ...copy.querySelectorAll("*")]) {
    part.getAttributeNames().filter((name) => OF_PAGE.test(name)).forEach((name) => part.removeAttribute(name));
  }
  copy.querySelectorAll("[hidden]").forEach((part) => part.remove());
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `${-GROUND} ${-GROUND} ${width} ${height}`);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const [ground] = colour(getComputedStyle(drawing.element).backgroundColor);
  copy.prepend(vector("title", {}, title), vector("rect", { x: -GROUND, y: -GROUND, width, height, fill: ground }));
  return new XMLSerializer().serializeToString(copy);
}

/**
 * The drawing as PNG, twice as large as it stands; null where the browser refuses.
 * @param {string} svg
 * @returns {Promise<Blob | null>}
 */
export async function pixels(svg) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const scale = Math.min(NEARER, MOST_PIXELS / Math.max(image.width, image.height));
    const canvas = element("canvas", { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * Writes what an element looks like into its copy.
 * @param {Element} from
 * @param {Element} to
 */
function paint(from, to) {
  const style = getComputedStyle(from);
  if (style.display === "none" && from.localName !== "title") {
    to.setAttribute("hidden", "");
    return;
  }
  if (style.opacity !== "1") {
    to.setAttribute("opacity", style.opacity);
  }
  if (!from.matches(SHAPES)) {
    return;
  }
  for (const name of PAINTS) {
    const [found, opacity] = colour(style.getPropertyValue(name));
    to.setAttribute(name, found);
    if (opacity < 1) {
      to.setAttribute(`${name}-opacity`, String(opacity));
    }
  }
  if (style.stroke !== "none") {
    STROKES.forEach((name) => to.setAttribute(name, style.getPropertyValue(name).replaceAll("px", "")));
  }
  if (from.localName === "text") {
    to.setAttribute("font-family", style.fontFamily.replaceAll('"', "'"));
    to.setAttribute("font-size", style.fontSize);
    to.setAttribute("font-style", style.fontStyle);
    to.setAttribute("text-anchor", style.textAnchor);
  }
}

/**
 * A computed colour as every reader of SVG knows it, and its opacity.
 * @param {string} computed
 * @returns {[string, number]}
 */
function colour(computed) {
  const numbers = (computed.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
  const isMixed = computed.startsWith("color(srgb");
  if (!isMixed && !computed.startsWith("rgb")) {
    return ["none", 1];
  }
  const parts = numbers.slice(0, 3).map((part) => Math.round(Math.max(0, Math.min(255, isMixed ? part * 255 : part))));
  return [`#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`, numbers[3] ?? 1];
}
