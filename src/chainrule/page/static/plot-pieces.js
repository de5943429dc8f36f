// A curve in its window, broken where it has no value and where it jumps; round numbers on its axes.

import { number } from "./numbers.js";

/** @typedef {[number, number]} Place  x and y. */
/** @typedef {{ left: number, right: number, low: number, high: number }} Window */

/** A step that is so much larger than those beside it is looked at. */
const LARGER = 2;
/** So is one of this part of the height at least. */
const SEEN = 0.01;
/** How often a step is halved to see whether it is a jump. */
const HALVINGS = 30;

/**
 * The pieces of a curve that are seen.
 * @param {number[]} xs
 * @param {number[]} ys
 * @param {Window} window
 * @param {(x: number) => number} curve
 * @returns {Place[][]}
 */
export function piecesOf(xs, ys, window, curve) {
  /** @type {Place[][]} */
  const pieces = [];
  /** @type {Place[]} */
  let piece = [];
  for (let at = 0; at + 1 < xs.length; at += 1) {
    const isWhole = Number.isFinite(ys[at]) && Number.isFinite(ys[at + 1]) && !(isSteep(ys, at, window) && isJump(curve, xs[at], xs[at + 1]));
    const shown = isWhole ? clippedLine([xs[at], ys[at]], [xs[at + 1], ys[at + 1]], window) : null;
    const last = piece[piece.length - 1];
    if (last && (!shown || last[0] !== shown[0][0] || last[1] !== shown[0][1])) {
      pieces.push(piece);
      piece = [];
    }
    if (shown) {
      piece.push(...(piece.length ? [shown[1]] : shown));
    }
  }
  return piece.length ? [...pieces, piece] : pieces;
}

/**
 * Whether a curve rises or falls after a place much more than before and further on, or all over
 * the window.
 * @param {number[]} ys
 * @param {number} at
 * @param {Window} window
 */
function isSteep(ys, at, { low, high }) {
  const step = (/** @type {number} */ from) => Math.abs(ys[from + 1] - ys[from]) || 0;
  if (Math.min(ys[at], ys[at + 1]) < low && Math.max(ys[at], ys[at + 1]) > high) {
    return true;
  }
  return step(at) > LARGER * Math.max(step(at - 1), step(at + 1)) && step(at) > SEEN * (high - low);
}

/**
 * Whether a curve jumps between two places: half of the step is still there in a tiny part of it.
 * @param {(x: number) => number} curve
 * @param {number} left
 * @param {number} right
 */
function isJump(curve, left, right) {
  let [start, end] = [curve(left), curve(right)];
  const step = Math.abs(end - start);
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (left + right) / 2;
    const value = curve(middle);
    if (!Number.isFinite(value)) {
      return true;
    }
    if (Math.abs(value - start) > Math.abs(end - value)) {
      [right, end] = [middle, value];
    } else {
      [left, start] = [middle, value];
    }
  }
  return Math.abs(end - start) > step / 2;
}

/**
 * The part of a straight line within a window; null: there is none.
 * @param {Place} start
 * @param {Place} end
 * @param {Window} window
 * @returns {[Place, Place] | null}
 */
export function clippedLine(start, end, { left, right, low, high }) {
  let [first, last] = [0, 1];
  for (const [axis, least, most] of [[0, left, right], [1, low, high]]) {
    const step = end[axis] - start[axis];
    if (step === 0 && !(start[axis] >= least && start[axis] <= most)) {
      return null;
    }
    if (step !== 0) {
      const ways = [(least - start[axis]) / step, (most - start[axis]) / step];
      first = Math.max(first, Math.min(...ways));
      last = Math.min(last, Math.max(...ways));
    }
  }
  const between = (/** @type {number} */ share) => /** @type {Place} */ (start.map((from, axis) => from + (end[axis] - from) * share));
  return first > last ? null : [first === 0 ? start : between(first), last === 1 ? end : between(last)];
}

/**
 * Round numbers in a range, at most about so many, each with as many digits as tell it from its
 * neighbours.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {{ at: number, text: string }[]}
 */
export function ticks(low, high, most) {
  const least = (high - low) / Math.max(most, 1);
  if (!(least > 0 && Number.isFinite(least))) {
    return [];
  }
  const power = Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((times) => times * 10 ** power >= least * (1 - 1e-9)) ?? 10;
  const [first, last] = [Math.floor(low / (step * 10 ** power)), Math.ceil(high / (step * 10 ** power))];
  const found = [];
  for (let times = first; times <= last; times += 1) {
    // Read from decimals, so that no rounding is seen: 3 · 0.1 is not 0.3.
    found.push(Number(`${times * step}e${power}`));
  }
  const inside = found.filter((at) => at >= low && at <= high);
  const largest = Math.max(...inside.map(Math.abs));
  const digits = largest > 0 ? Math.floor(Math.log10(largest)) - power + 1 : 1;
  return inside.map((at) => ({ at, text: number(at, Math.min(Math.max(digits, 4), 17)) }));
}
