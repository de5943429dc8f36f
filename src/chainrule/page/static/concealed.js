// While the reader practises, the drawing shows what is given and what has been filled in, and nothing else.

import { ASKS } from "./questions.js";
import { Known } from "./passes.js";

/** @typedef {import("./content.js").Edge} Edge */
/** @typedef {import("./practice.js").Practice} Practice */
/** @typedef {import("./questions.js").Ask} Ask */

/** What comes later needs what comes earlier. */
const ORDER = ASKS.map(([ask]) => ask);

/** What is known of each node and edge while the reader practises. */
export class Concealed extends Known {
  /** @param {Practice} practice */
  constructor(practice) {
    const { content, store } = practice.page;
    const question = practice.current;
    super(content, { ...store.state, pass: question?.ask === "adjoint" ? "backward" : "forward" });
    this.practice = practice;
    this.question = question;
    this.current = question && question.ask !== "local" && question.ask !== "formula" ? question.slot : null;
  }

  /** Whether a kind of number is asked for. @param {Ask} ask */
  asks(ask) {
    return this.practice.asks.includes(ask);
  }

  /** Whether a kind is needed for what is asked for, and thus given. @param {Ask} ask */
  isGiven(ask) {
    return !this.asks(ask) && this.practice.asks.some((other) => ORDER.indexOf(other) > ORDER.indexOf(ask));
  }

  /** Whether the answer to a question is in sight. @param {string} key */
  isOpen(key) {
    const [ask, place] = key.split("-");
    const slot = Number(place);
    if (ask === "value") {
      return this.hasValue(slot);
    }
    if (ask === "adjoint") {
      return this.hasAdjoint(slot);
    }
    const edge = this.content.edges.find((one) => one.slot === slot);
    return edge !== undefined && this.hasLocal(edge);
  }

  /** @param {number} slot */
  isReached(slot) {
    return this.hasValue(slot);
  }

  /** @param {number} slot */
  hasValue(slot) {
    const isLeaf = !this.content.nodes[slot].operands.length;
    return isLeaf || this.isGiven("value") || this.practice.isClosed(`value-${slot}`);
  }

  /** @param {number} slot */
  hasAdjoint(slot) {
    return this.practice.isClosed(`adjoint-${slot}`);
  }

  /** A local derivative can be the value of a node: it is not given before that. @param {Edge} edge */
  hasLocal(edge) {
    if (this.asks("local")) {
      return this.practice.isClosed(`local-${edge.slot}`);
    }
    const values = [edge.user, ...this.content.nodes[edge.user].operands];
    const isReady = values.every((slot) => this.hasValue(slot));
    return isReady && (this.asks("formula") ? this.practice.isClosed(`formula-${edge.slot}`) : this.isGiven("local"));
  }

  /** @param {number} _slot */
  hasTangent(_slot) {
    return false;
  }

  /** @param {import("./passes.js").Way} way */
  isOnWay(way) {
    const edge = this.question?.edge;
    return edge ? !way.isBack && way.edge === edge : super.isOnWay(way);
  }
}
