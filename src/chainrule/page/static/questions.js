// The questions of a practice: what they ask, what is right, a hint that says how, and the rule.

import { isDifferentiated, nameOf } from "./content.js";
import { judged } from "./answers.js";
import { quotient } from "./mathematics.js";
import { number } from "./numbers.js";
import { pointsOf } from "./points.js";
import { ruleOf } from "./rules.js";
import { sentence } from "./sentences.js";

/** @typedef {import("./answers.js").Sought} Sought */
/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./content.js").Edge} Edge */
/** @typedef {import("./program.js").Numbers} Numbers */
/** @typedef {import("./sentences.js").Piece} Piece */
/** @typedef {import("./state.js").State} State */
/** What can be asked. @typedef {"value" | "local" | "formula" | "adjoint" | "saved"} Ask */

/**
 * @typedef {object} Question
 * @property {string} key  Such as `value-3`: the slot of the node, or of the edge.
 * @property {Ask} ask  What kind it is of.
 * @property {number} slot  The node; for an edge the one that it leads to.
 * @property {Edge | null} edge  Where it is about one.
 * @property {Piece[]} subject  What is asked for, in mathematics.
 * @property {Piece[]} words  The question as a sentence.
 * @property {Piece[]} row  What a table of answers has before the answer.
 * @property {Sought} sought  What is right.
 * @property {string} answer  The right one, as it is shown.
 * @property {Piece[]} hint  How it is done, without a number.
 * @property {(isOpen: (key: string) => boolean) => Piece[]} rule  With the numbers that are open.
 */

/** In their order, with what they are called. @type {readonly (readonly [Ask, string])[]} */
export const ASKS = [
  ["value", "values"],
  ["local", "local derivatives"],
  ["formula", "formulas"],
  ["adjoint", "adjoints"],
  ["saved", "what is saved"],
];

/** What an operation can have to save. @type {readonly (readonly [string, string])[]} */
export const SAVED_CHOICES = [
  ["nothing", "nothing"],
  ["operands", "operands"],
  ["output", "its output"],
  ["both", "operands and output"],
  ["bit", "one bit"],
];
const PLACES = ["first", "second", "third"];
const ANSWER_DIGITS = 12;

/** Makes the questions about one graph at its current point. */
export class Questions {
  /**
   * @param {Content} content
   * @param {Numbers} numbers
   * @param {State} state
   */
  constructor(content, numbers, state) {
    this.content = content;
    this.numbers = numbers;
    this.state = state;
    this.slots = new Map(content.nodes.flatMap(({ label, kind }, slot) => (kind === "constant" ? [] : [/** @type {[string, number]} */ ([label, slot])])));
    this.names = new Set(this.slots.keys());
    const { values, locals } = numbers;
    const sizes = [...values, ...locals].map(Math.abs).filter(Number.isFinite);
    this.scale = Math.min(1, Math.max(...sizes, 0) || 1);
  }

  /**
   * All questions of some kinds, kind after kind, each in the order of its pass; what has no finite
   * answer is not asked.
   * @param {readonly Ask[]} asks
   * @returns {Question[]}
   */
  of(asks) {
    const makers = {
      value: () => this.content.forward.filter((slot) => this.content.nodes[slot].operands.length).map((slot) => this.value(slot)),
      local: () => this.edgesBack().map((edge) => this.local(edge)),
      formula: () => this.edgesBack().flatMap((edge) => this.formula(edge)),
      adjoint: () => this.rowsBack().map((slot) => this.adjoint(slot)),
      saved: () => this.content.forward.flatMap((slot) => this.saved(slot)),
    };
    return asks.flatMap((ask) => makers[ask]()).filter(({ sought }) => sought.form === "choice" || Number.isFinite(sought.right));
  }

  rowsBack() {
    const { output } = this.state;
    return output === null ? [] : (this.content.backward[output] ?? []).filter((slot) => isDifferentiated(this.content, slot));
  }

  /** The edges as the backward pass comes to them. */
  edgesBack() {
    return this.rowsBack().flatMap((slot) => this.content.edges.filter((edge) => edge.user === slot && edge.slot !== null));
  }

  /** @param {number} slot @returns {Question} */
  value(slot) {
    const { content, numbers } = this;
    const node = content.nodes[slot];
    const right = numbers.values[slot];
    const equation = [nameOf(content, slot), { text: " = " }, node.operation];
    const operands = [...new Set(node.operands)].filter((operand) => content.nodes[operand].kind !== "constant");
    return {
      ...this.asked("value", slot, slot, null, right),
      subject: [nameOf(content, slot)],
      row: equation,
      words: [{ text: "What is the value of " }, ...equation, { text: "?" }],
      answer: number(right, ANSWER_DIGITS, node.type),
      hint: [{ text: "Put " }, ...listed(operands.map((operand) => nameOf(content, operand))), { text: " into " }, node.operation, { text: "." }],
      rule: (isOpen) => {
        const isReady = operands.every((operand) => isOpen(`value-${operand}`));
        const spelled = sentence(content, numbers, { ...this.state, pass: "forward", step: content.forward.indexOf(slot) + 1 });
        return isReady ? [...spelled.slice(0, -1), { text: "?" }] : [...equation, { text: " = ?" }];
      },
    };
  }

  /** @param {Edge} edge @returns {Question} */
  local(edge) {
    const { content, numbers } = this;
    const { user, operand } = edge;
    const node = content.nodes[user];
    const right = numbers.locals[edge.slot ?? 0];
    const subject = this.slope(edge);
    return {
      ...this.asked("local", edge.slot ?? 0, user, edge, right),
      subject: [subject],
      row: [this.slope(edge, true), ...this.place(edge)],
      words: [{ text: "What number is " }, subject, ...this.place(edge), { text: ", the local derivative of " }, nameOf(content, user), { text: " = " }, node.operation, { text: "?" }],
      answer: number(right, ANSWER_DIGITS),
      hint: [{ text: "Differentiate " }, node.operation, { text: " by " }, nameOf(content, operand), { text: this.isTwice(edge) ? " at this place alone" : "" }, { text: ", with everything else held fixed, and put the numbers in." }],
      rule: () => [{ text: `${edge.rule}: ` }, ...ruleOf(edge), ...(edge.local ? [subject, { text: " = " }, edge.local, { text: " = ?" }] : [])],
    };
  }

  /** Asked where its derivative can be typed. @param {Edge} edge @returns {Question[]} */
  formula(edge) {
    const { content, numbers } = this;
    const { user, operand, local } = edge;
    if (!local) {
      return [];
    }
    const node = content.nodes[user];
    const subject = this.slope(edge);
    const base = this.asked("formula", edge.slot ?? 0, user, edge, numbers.locals[edge.slot ?? 0]);
    const found = {
      ...base,
      subject: [subject],
      row: [this.slope(edge, true), ...this.place(edge)],
      words: [{ text: "Which formula is " }, subject, ...this.place(edge), { text: ", the local derivative of " }, nameOf(content, user), { text: " = " }, node.operation, { text: "?" }],
      answer: local.text,
      hint: [{ text: "Take " }, node.operation, { text: " as a function of " }, nameOf(content, operand), { text: this.isTwice(edge) ? " at this place alone; " : " alone; " }, { text: "everything else is held fixed, like a number." }],
      rule: () => [{ text: `${edge.rule}: ` }, ...ruleOf(edge)],
    };
    return judged(local.text, found.sought).is === "right" ? [found] : [];
  }

  /** @param {number} slot @returns {Question} */
  adjoint(slot) {
    const { content, numbers, state } = this;
    const output = state.output ?? 0;
    const right = numbers.adjoints(output)[slot];
    const subject = quotient(nameOf(content, output), nameOf(content, slot));
    const edges = this.edgesBack().filter((edge) => edge.operand === slot);
    const users = [...new Set(edges.map(({ user }) => user))].map((user) => nameOf(content, user));
    const way = slot === output ? [{ text: "The pass starts here: by how much does " }, nameOf(content, slot), { text: " change when it changes itself?" }] : [{ text: edges.length > 1 ? "For each edge to a user (" : "For the edge to its user (" }, ...listed(users), { text: `) multiply the adjoint of the user by the local derivative${edges.length > 1 ? "; add these up" : ""}.` }];
    return {
      ...this.asked("adjoint", slot, slot, null, right),
      subject: [subject],
      row: [quotient(nameOf(content, output), nameOf(content, slot), "∂", true)],
      words: [{ text: "What is " }, subject, { text: ", the adjoint of " }, nameOf(content, slot), { text: "?" }],
      answer: number(right, ANSWER_DIGITS),
      hint: way,
      rule: (isOpen) => {
        const spelled = sentence(content, numbers, { ...state, pass: "backward", step: (content.backward[output] ?? []).indexOf(slot) + 1 });
        const isReady = edges.every((edge) => isOpen(`adjoint-${edge.user}`) && isOpen(`local-${edge.slot}`));
        const names = spelled.slice(0, spelled.findIndex(({ text }) => text === " = "));
        return [{ text: "chain rule: " }, ...(isReady ? [...spelled.slice(0, -1), { text: "?" }] : [...names, { text: " = ?" }])];
      },
    };
  }

  /** @param {number} slot @returns {Question[]} */
  saved(slot) {
    const { content } = this;
    const node = content.nodes[slot];
    const needed = content.saved?.kinds[slot];
    if (!needed || !isDifferentiated(content, slot)) {
      return [];
    }
    const edges = content.edges.filter((edge) => edge.user === slot && edge.slot !== null && edge.local);
    const slopes = edges.flatMap((edge, at) => [{ text: at ? ", " : "" }, this.slope(edge), { text: " = " }, edge.local ?? { text: "" }]);
    const right = SAVED_CHOICES.find(([choice]) => choice === needed)?.[1] ?? needed;
    return [
      {
        ...this.asked("saved", slot, slot, null, 0, sufficient(content, slot, needed)),
        subject: [nameOf(content, slot)],
        row: [nameOf(content, slot), { text: " = " }, node.operation],
        words: [{ text: "What does " }, nameOf(content, slot), { text: " = " }, node.operation, { text: " have to save for the backward pass?" }],
        answer: right,
        hint: [{ text: "Which numbers are in its local derivatives? Its output can stand in for what it was computed from." }],
        rule: () => [{ text: "what is in the local derivatives is saved: " }, ...slopes],
      },
    ];
  }

  /**
   * What all questions have.
   * @param {Ask} ask
   * @param {number} place
   * @param {number} slot
   * @param {Edge | null} edge
   * @param {number} right
   * @param {readonly string[]} [choices]
   */
  asked(ask, place, slot, edge, right, choices = []) {
    const { content, numbers, names, slots, scale } = this;
    const form = { value: "number", local: "number", adjoint: "number", formula: "formula", saved: "choice" }[ask];
    /** @type {Sought} */
    const sought = {
      form: /** @type {Sought["form"]} */ (form),
      mayName: ask !== "value",
      names,
      valueOf: (name) => numbers.values[slots.get(name) ?? -1],
      right,
      scale,
      points: () => pointsOf(content, numbers.program, slots, edge?.slot ?? 0),
      choices,
    };
    return { key: `${ask}-${place}`, ask, slot, edge, sought };
  }

  /** ∂user/∂operand. @param {Edge} edge @param {boolean} [isInline] */
  slope({ user, operand }, isInline = false) {
    return quotient(nameOf(this.content, user), nameOf(this.content, operand), "∂", isInline);
  }

  /** Whether the user has the same operand at another place, too. @param {Edge} edge */
  isTwice({ user, operand }) {
    return this.content.nodes[user].operands.filter((one) => one === operand).length > 1;
  }

  /** Which of several edges between the same nodes is meant. @param {Edge} edge @returns {Piece[]} */
  place(edge) {
    return this.isTwice(edge) ? [{ text: ` at the ${PLACES[edge.position] ?? "last"} operand` }] : [];
  }
}

/**
 * What can be saved instead of what the graph saves: the operands where it saves them and the
 * output, and what the derivative as it is written is made of.
 * @param {Content} content
 * @param {number} slot
 * @param {string} needed
 */
function sufficient(content, slot, needed) {
  const node = content.nodes[slot];
  const texts = content.edges.flatMap((edge) => (edge.user === slot && edge.slot !== null ? [edge.local?.text ?? "where("] : []));
  if (texts.some((text) => text.includes("where("))) {
    return [needed];
  }
  const words = new Set(texts.flatMap((text) => text.match(/[\p{L}_][\p{L}\p{N}_']*/gu) ?? []));
  const hasOutput = words.has(node.label);
  const hasOperands = node.operands.some((operand) => words.has(content.nodes[operand].label));
  const written = hasOutput ? (hasOperands ? "both" : "output") : hasOperands ? "operands" : "nothing";
  return [...new Set([needed, written, ...([needed, written].includes("both") ? ["operands"] : [])])];
}

/**
 * The questions that an answer is worked out from, of any kind, asked or not.
 * @param {Content} content
 * @param {string} key
 * @returns {string[]}
 */
function sourcesOf(content, key) {
  const [ask, place] = key.split("-");
  const slot = Number(place);
  if (ask === "value") {
    return content.nodes[slot].operands.map((operand) => `value-${operand}`);
  }
  if (ask === "local") {
    return content.edges.flatMap((edge) => (edge.slot === slot ? [`value-${edge.user}`] : []));
  }
  if (ask === "adjoint") {
    return content.edges.flatMap((edge) => (edge.operand === slot && edge.slot !== null ? [`adjoint-${edge.user}`, `local-${edge.slot}`] : []));
  }
  return [];
}

/**
 * Whether an answer is worked out from that of another question.
 * @param {Content} content
 * @param {string} key
 * @param {string} source
 */
export function comesFrom(content, key, source) {
  const reached = new Set([key]);
  for (const one of reached) {
    for (const next of sourcesOf(content, one)) {
      reached.add(next);
    }
  }
  return key !== source && reached.has(source);
}

/** @param {Piece[]} pieces @returns {Piece[]} */
function listed(pieces) {
  return pieces.flatMap((piece, at) => [{ text: at === 0 ? "" : at === pieces.length - 1 ? " and " : ", " }, piece]);
}
