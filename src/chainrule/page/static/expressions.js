// What a reader types is read by a grammar of its own, that of formulas, and is never run as a program.

import { COMPARISONS, CONSTANTS, FUNCTIONS, PRODUCTS, SUMS } from "./expression-functions.js";
import { RAISED_DIGITS, Unreadable, plainName, tokens } from "./expression-tokens.js";
import { call, numeral, opposite } from "./expression-tree.js";

/** @typedef {import("./expression-tokens.js").Token} Token */
/** @typedef {import("./expression-tree.js").Expression} Expression */

const LONGEST_ANSWER = 200;
const DEEPEST = 30;

/**
 * A typed text as an expression.
 * @param {string} text
 * @param {ReadonlySet<string>} names  Those that may be used.
 * @returns {Expression}
 */
export function expressionOf(text, names) {
  if (!text.trim()) {
    throw new Unreadable("Type an answer first.", 0);
  }
  if (text.length > LONGEST_ANSWER) {
    throw new Unreadable(`An answer has at most ${LONGEST_ANSWER} characters.`, LONGEST_ANSWER);
  }
  return new Reader(tokens(text), names).whole();
}

/** Goes through the tokens from left to right. */
class Reader {
  /**
   * @param {Token[]} given
   * @param {ReadonlySet<string>} names
   */
  constructor(given, names) {
    this.tokens = given;
    this.names = names;
    this.place = 0;
    this.depth = 0;
  }

  get next() {
    return this.tokens[this.place];
  }

  /** Takes a sign if it comes next. @param {string} sign */
  takes(sign) {
    const isNext = this.next.sort === "sign" && this.next.text === sign;
    this.place += Number(isNext);
    return isNext;
  }

  /** @returns {Expression} */
  whole() {
    const found = this.comparison();
    const { sort, text, at } = this.next;
    if (sort === "sign" && text === ",") {
      throw new Unreadable("Numbers have a decimal point, not a comma: write 3.5.", at);
    }
    if (sort !== "end") {
      throw new Unreadable(text === ")" ? "This bracket is closed, but was never opened." : `“${text}” cannot stand here.`, at);
    }
    return found;
  }

  /** Counts how deeply brackets, signs and powers nest. @param {() => Expression} read @returns {Expression} */
  nested(read) {
    if (++this.depth > DEEPEST) {
      throw new Unreadable("This nests too deeply.", this.next.at);
    }
    const found = read();
    this.depth -= 1;
    return found;
  }

  /** @returns {Expression} */
  comparison() {
    const left = this.sum();
    const run = this.next.sort === "sign" ? COMPARISONS[this.next.text] : undefined;
    if (!run) {
      return left;
    }
    this.place += 1;
    return call(run, left, this.sum());
  }

  /** @returns {Expression} */
  sum() {
    let found = this.product();
    for (let run = SUMS[this.next.text]; this.next.sort === "sign" && run; run = SUMS[this.next.text]) {
      this.place += 1;
      found = call(run, found, this.product());
    }
    return found;
  }

  /** Factors with a sign between them, or beside each other: `2x`, `3(x + 1)`. @returns {Expression} */
  product() {
    let found = this.signed();
    for (;;) {
      const { sort, text } = this.next;
      const run = sort === "sign" ? PRODUCTS[text] : undefined;
      if (run) {
        this.place += 1;
        found = call(run, found, this.signed());
      } else if (sort === "name" || text === "(" || text === "√") {
        found = call(PRODUCTS["*"], found, this.power());
      } else {
        return found;
      }
    }
  }

  /** @returns {Expression} */
  signed() {
    if (this.takes("-")) {
      return opposite(this.nested(() => this.signed()));
    }
    return this.takes("+") ? this.nested(() => this.signed()) : this.power();
  }

  /** @returns {Expression} */
  power() {
    const base = this.factor();
    if (this.next.sort === "raised") {
      const { text, at } = this.tokens[this.place++];
      const digits = [...text].map((sign) => "0123456789+-"[RAISED_DIGITS.indexOf(sign)]).join("");
      if (!/^[-+]?\d{1,9}$/.test(digits)) {
        throw new Unreadable("This power is no number.", at);
      }
      return call(Math.pow, base, numeral(digits));
    }
    return this.takes("^") ? call(Math.pow, base, this.nested(() => this.signed())) : base;
  }

  /** @returns {Expression} */
  factor() {
    const { sort, text, at } = this.tokens[this.place];
    if (sort === "number") {
      this.place += 1;
      if (this.next.sort === "number") {
        throw new Unreadable("There is a sign missing between two numbers.", this.next.at);
      }
      return numeral(text);
    }
    if (sort === "name") {
      this.place += 1;
      return this.named(text, at);
    }
    if (this.takes("√")) {
      return call(Math.sqrt, this.nested(() => this.factor()));
    }
    if (this.takes("(")) {
      const [found, ...others] = this.enclosed(at);
      if (others.length) {
        throw new Unreadable("Numbers have a decimal point, not a comma: write 3.5.", at);
      }
      return found;
    }
    throw new Unreadable(sort === "end" ? "Something is missing at the end." : `A number or a name is missing before “${text}”.`, at);
  }

  /**
   * A name, a constant, or a function with its operands.
   * @param {string} written
   * @param {number} at
   * @returns {Expression}
   */
  named(written, at) {
    const name = plainName(written);
    const run = FUNCTIONS.get(name);
    if (this.names.has(name) && !(run && this.next.text === "(")) {
      return { kind: "name", name };
    }
    if (run && this.takes("(")) {
      const operands = this.enclosed(this.tokens[this.place - 1].at);
      if (operands.length !== run.length) {
        throw new Unreadable(`${written} takes ${run.length === 1 ? "one number" : `${run.length} numbers`}, not ${operands.length}.`, at);
      }
      return call(run, ...operands);
    }
    if (name === "not") {
      return call(/** @type {(x: number) => number} */ (run), this.nested(() => this.comparison()));
    }
    if (run) {
      throw new Unreadable(`What ${written} is taken of stands in brackets: ${written}(x).`, at);
    }
    if (Object.hasOwn(CONSTANTS, name)) {
      return call(() => CONSTANTS[name]);
    }
    throw new Unreadable(this.unknown(written), at);
  }

  /** @param {string} written */
  unknown(written) {
    const letters = [...written];
    if (letters.length > 1 && letters.every((letter) => this.names.has(plainName(letter)))) {
      return `There is no name ${written} here; for a product write ${letters.join("*")}.`;
    }
    return this.next.text === "(" ? `There is no function ${written} here.` : `There is no name ${written} here.`;
  }

  /** What stands in brackets, with commas between; the first one is taken. @param {number} opened @returns {Expression[]} */
  enclosed(opened) {
    const found = [this.nested(() => this.comparison())];
    while (this.takes(",")) {
      found.push(this.nested(() => this.comparison()));
    }
    if (!this.takes(")")) {
      const { sort, text, at } = this.next;
      throw sort === "end" ? new Unreadable("This bracket is never closed.", opened) : new Unreadable(`“${text}” cannot stand here.`, at);
    }
    return found;
  }
}
