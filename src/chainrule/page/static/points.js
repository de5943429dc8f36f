// Points that are drawn: where two formulas are compared, and new values to practise with.

import { isDifferentiated } from "./content.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./program.js").Program} Program */
/** @typedef {import("./answers.js").Point} Point */

const TRIED = 64;
const TAKEN = 12;
/** Easy to reckon with. */
const PLEASANT = [-2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4];
const LARGEST_DRAWN = 200;
const TRIES = 300;

/**
 * Numbers from 0 to 1 that are always the same for the same seed (mulberry32).
 * @param {number} seed
 * @returns {() => number}
 */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Some points where a local derivative is finite, positive ones and others.
 * @param {Content} content
 * @param {Program} program
 * @param {ReadonlyMap<string, number>} slots  Of names.
 * @param {number} edge
 * @returns {Point[]}
 */
export function pointsOf(content, program, slots, edge) {
  const draw = random(edge + 1);
  const found = [];
  for (let at = 0; at < TRIED && found.length < TAKEN; at += 1) {
    const sign = () => (at % 2 && draw() < 0.5 ? -1 : 1);
    const values = program.values(content.arguments.map(({ slot }) => suited(content.nodes[slot].type, sign() * (0.2 + 2.3 * draw()))));
    const right = program.locals(values)[edge];
    if (Number.isFinite(right)) {
      found.push({ valueOf: (/** @type {string} */ name) => values[slots.get(name) ?? -1], right });
    }
  }
  return found;
}

/**
 * New values of the arguments: easy ones, where nothing is too large or has no value.
 * @param {Content} content
 * @param {Program} program
 * @param {number | null} output
 * @param {number} seed
 * @returns {Map<string, number> | null}  Null where none are found.
 */
export function drawnValues(content, program, output, seed) {
  const draw = random(seed);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const given = content.arguments.map(({ slot }) => suited(content.nodes[slot].type, PLEASANT[Math.floor(draw() * PLEASANT.length)]));
    const values = program.values(given);
    const locals = program.locals(values);
    const adjoints = output === null ? [] : [...program.adjoints(values, locals, output)].filter((_, slot) => isDifferentiated(content, slot));
    if ([...values, ...locals, ...adjoints].every((value) => Number.isFinite(value) && Math.abs(value) <= LARGEST_DRAWN)) {
      return new Map(content.arguments.map(({ name }, at) => [name, given[at]]));
    }
  }
  return null;
}

/** A number as its type can have it. @param {string} type @param {number} value */
function suited(type, value) {
  return type === "bool" ? Number(value > 0) : type.startsWith("float") ? value : Math.round(value);
}
