// What a reader types is cut into tokens: numbers, names and signs, each with its place.

/** @typedef {{ sort: "number" | "name" | "sign" | "raised" | "end", text: string, at: number }} Token */

/** Signs of formulas, with what they are written for. @type {Record<string, string>} */
const SIGNS = { "**": "^", "·": "*", "⋅": "*", "×": "*", "∗": "*", "÷": "/", "∕": "/", "−": "-", "–": "-", "≤": "<=", "≥": ">=", "≠": "!=", "[": "(", "]": ")", "{": "(", "}": ")" };
export const RAISED_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻";
const LOWERED_DIGITS = "₀₁₂₃₄₅₆₇₈₉";
const GREEK = new Map(
  ("α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi π pi ρ rho " +
    "σ sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Φ Phi Ψ Psi Ω Omega")
    .split(" ")
    .flatMap((word, at, words) => (at % 2 ? [] : [/** @type {[string, string]} */ ([word, words[at + 1]])])),
);
const TOKEN = /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+−]?\d+)?)|(?<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+)|(?<name>[\p{L}_][\p{L}\p{Nd}_₀-₉']*)|(?<sign>\*\*|<=|>=|==|!=|[-+*/^()[\]{},<>√·⋅×∗÷∕−–≤≥≠]))/uy;

/** Says what cannot be read, and where. */
export class Unreadable extends Error {
  /**
   * @param {string} message
   * @param {number} at  The place, counted from 0.
   */
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

/**
 * @param {string} text
 * @returns {Token[]}
 */
export function tokens(text) {
  /** @type {Token[]} */
  const found = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; ) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match?.groups) {
      const place = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
      throw new Unreadable(`“${String.fromCodePoint(text.codePointAt(place) ?? 0)}” has no meaning here.`, place);
    }
    const { number, raised, name, sign } = match.groups;
    at = TOKEN.lastIndex;
    const word = number ?? raised ?? name ?? sign;
    const sort = number ? "number" : raised ? "raised" : name ? "name" : "sign";
    found.push({ sort, text: sort === "sign" ? (SIGNS[word] ?? word) : word, at: at - word.length });
  }
  return [...found, { sort: "end", text: "", at: end }];
}

/** A name as formulas know it: Greek letters by their words, small digits after `_`. @param {string} written */
export function plainName(written) {
  const letters = [...written].map((letter) => GREEK.get(letter) ?? letter).join("");
  const body = letters.replace(/[₀-₉]+$/u, "");
  const below = Array.from(letters.slice(body.length), (digit) => LOWERED_DIGITS.indexOf(digit)).join("");
  return below ? `${body}_${below}` : body;
}
