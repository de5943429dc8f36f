// The state as the fragment of a link, readable and with a version; what comes in is not trusted.

import { number, read } from "./numbers.js";

/** @typedef {import("./state.js").State} State */

const VERSION = "1";
const LONGEST = 16000;
/** Characters of answers. */
const LONGEST_ANSWERS = 3000;
const MOST_NAMES = 2000;
/** Digits that bring every double back. */
const EXACT = 17;
/** Words, with what they may be. @type {[keyof State, RegExp][]} */
const WORDS = [
  ["pass", /^(forward|backward|tangent)$/],
  ["tab", /^[a-z-]{1,20}$/],
  ["style", /^(values|operators)$/],
  ["direction", /^(right|down)$/],
  ["edges", /^(local|formula|contribution|none)$/],
  ["path", /^\d{1,6}(\.\d{1,6}){0,1999}$/],
  ["heat", /^(value|adjoint|tangent|local|contribution)$/],
  ["theme", /^(light|dark|print|colour-blind)$/],
  ["practice", /^(off|on|[a-z,]{5,40})$/],
  ["sheet", /^all$/],
  ["exercise", /^[a-z0-9-]{1,40}$/],
];
/** Whole numbers: nodes and steps. @type {(keyof State)[]} */
const COUNTS = ["output", "wrt", "step", "selected", "digits"];

/**
 * What of a state differs from another one, as a fragment without `#`; empty where nothing does.
 * @param {State} state
 * @param {State} first
 * @returns {string}
 */
export function written(state, first) {
  /** @type {[string, string][]} */
  const pairs = [];
  if (state.source !== first.source) {
    pairs.push(["f", state.source]);
  }
  for (const key of [...WORDS.map(([word]) => word), ...COUNTS]) {
    if (state[key] !== first[key] && state[key] !== null && state[key] !== "") {
      pairs.push([key, String(state[key])]);
    }
  }
  if (state.speed !== first.speed) {
    pairs.push(["speed", String(state.speed)]);
  }
  for (const [name, value] of state.values) {
    pairs.push([`x.${name}`, shortest(value)]);
  }
  for (const [name, kind] of state.kinds) {
    pairs.push([`kind.${name}`, kind]);
  }
  if (haveRoom(state.answers)) {
    pairs.push(...Array.from(state.answers, ([key, given]) => /** @type {[string, string]} */ ([`a.${key}`, given])));
  }
  return pairs.length ? [`v=${VERSION}`, ...pairs.map(([key, value]) => `${coded(key)}=${coded(value)}`)].join("&") : "";
}

/**
 * Whether a link can hold the answers; others stay in the window.
 * @param {ReadonlyMap<string, string>} answers
 */
export function haveRoom(answers) {
  return [...answers].flat().join("").length <= LONGEST_ANSWERS;
}

/**
 * What a fragment says of a state; whatever is malformed says nothing.
 * @param {string} fragment  With or without `#`.
 * @returns {Partial<State>}
 */
export function restored(fragment) {
  if (fragment.length > LONGEST) {
    return {};
  }
  /** @type {Map<string, string>} */
  const given = new Map();
  for (const pair of fragment.replace(/^#/, "").split("&").slice(0, MOST_NAMES)) {
    const at = pair.indexOf("=");
    const [key, value] = [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
    if (at > 0 && key !== null && value !== null) {
      given.set(key, value);
    }
  }
  if (given.get("v") !== VERSION) {
    return {};
  }
  /** @type {Record<string, unknown>} */
  const found = {};
  if (given.has("f")) {
    found.source = given.get("f");
  }
  for (const [key, allowed] of WORDS) {
    const value = given.get(key);
    if (value !== undefined && allowed.test(value)) {
      found[key] = value;
    }
  }
  for (const key of COUNTS) {
    const value = given.get(key) ?? "";
    if (/^\d{1,6}$/.test(value)) {
      found[key] = Number(value);
    }
  }
  const speed = read(given.get("speed") ?? "");
  if (speed !== null && speed >= 0.25 && speed <= 8) {
    found.speed = speed;
  }
  const answers = new Map();
  const values = new Map();
  const kinds = new Map();
  for (const [key, value] of given) {
    const typed = read(value);
    if (key.startsWith("x.") && typed !== null) {
      values.set(key.slice(2), typed);
    } else if (key.startsWith("kind.") && /^(input|parameter)$/.test(value)) {
      kinds.set(key.slice(5), value);
    } else if (/^a\.[a-z]{5,7}-\d{1,6}$/.test(key)) {
      answers.set(key.slice(2), value);
    }
  }
  return { ...found, values, kinds, answers };
}

/**
 * The fewest digits that bring a number back.
 * @param {number} value
 */
function shortest(value) {
  for (const digits of [6, 15, 16]) {
    const text = number(value, digits);
    if (Object.is(read(text), value)) {
      return text;
    }
  }
  return number(value, EXACT);
}

/** Only what a link cannot hold, or what would end a part of it, is coded. @param {string} text */
function coded(text) {
  return encodeURIComponent(text).replace(/%(20|24|2B|2C|2F|3A|3B|40|5E|7C)/g, (code) =>
    code === "%20" ? "+" : code === "%2B" ? code : decodeURIComponent(code),
  );
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
