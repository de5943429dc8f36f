// The drawing keeps its places; its numbers are written anew and its classes follow the step.

import { kindOf } from "./content.js";
import { element, setText, vector } from "./element.js";
import { paintHeat } from "./heat.js";
import { iconButton } from "./icons.js";
import { parsedXml } from "./markup.js";
import { number, short, DASH } from "./numbers.js";
import { rowsOf } from "./passes.js";
import { Letters, NumberShape } from "./signs.js";
import { tagBoxes } from "./tags.js";
import { listenToArrows } from "./travel.js";
import { View } from "./view.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./content.js").Edge} Edge */
/** @typedef {import("./content.js").Picture} Picture */
/** @typedef {import("./passes.js").Known} Known */
/** One number of the drawing. @typedef {{ group: SVGGElement, shape: NumberShape, role: string, slot: number, edge: Edge | null, text: string, shown: string }} Entry */
/** A box of the drawing. @typedef {{ group: SVGGElement, slot: number }} Box */
/** An edge, or what is written on it. @typedef {{ group: SVGGElement, user: number, operand: number, edge: Edge | null, isBack: boolean }} Flow */

/** What the colours of numbers mean. */
const LEGEND = [
  ["value", "value"],
  ["adjoint", "adjoint"],
  ["tangent", "tangent"],
  ["local", "local derivative"],
];
/** What decides which numbers are known. */
const KNOWN_BY = ["pass", "step", "output", "wrt", "practice", "sheet", "answers"];
/** Words of titles wait until numbers rest. */
const REST_MS = 250;

/** The drawing of a page, in its frame. */
export class Drawing {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.frame = element("div", { class: "drawing-frame" });
    this.word = element("span", {}, "Show all");
    const whole = iconButton("fit", "Show all (0)", () => this.view.fit(), { class: "sign worded" });
    whole.append(this.word);
    this.view = new View(this.frame, () => this.first(), (isPart) => this.onLook(isPart), page.signal);
    this.element = element(
      "section",
      { class: "drawing card", "aria-label": "Drawing" },
      this.frame,
      element(
        "div",
        { class: "drawing-tools" },
        element("ul", { class: "legend", "aria-label": "Colours" }, ...LEGEND.map(([role, word]) => element("li", { class: role }, word))),
        iconButton("nearer", "Zoom in (+)", () => this.view.zoom(1.25)),
        iconButton("farther", "Zoom out (−)", () => this.view.zoom(0.8)),
        whole,
      ),
    );
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Box[]} */
    this.boxes = [];
    /** @type {Flow[]} */
    this.flows = [];
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {SVGSVGElement | null} */
    this.svg = null;
    /** @type {Letters | null} */
    this.letters = null;
    this.rest = 0;
    this.edges = new Map(page.content.edges.map((edge) => [`${edge.user} ${edge.position}`, edge]));
    page.signal.addEventListener("abort", () => clearTimeout(this.rest));
    listenToArrows(this);
    this.show();
  }

  /** The window onto the drawing was moved. @param {boolean} isPart  Whether something is out of sight. */
  onLook(isPart) {
    this.word.hidden = !isPart;
    this.paintNumbers(this.page.known());
  }

  /** @param {Set<string>} changed */
  update(changed) {
    if (["style", "direction", "edges", "digits", "practice"].some((key) => changed.has(key))) {
      this.show();
    }
    this.paint(changed);
  }

  /** The picture that is nearest to what is asked for. */
  chosen() {
    const { state } = this.page.store;
    const { style, direction, digits, practice } = state;
    // Formulas on edges are what a practice asks for.
    const edges = practice === "off" ? state.edges : "local";
    const fit = (/** @type {Picture} */ picture) => (direction ? Number(picture.direction === direction) : this.view.fitOf(picture));
    const score = (/** @type {Picture} */ picture) =>
      8 * Number(picture.style === style) + 4 * Number(picture.edges === edges) + 2 * Number(picture.digits >= digits) + fit(picture);
    return this.page.content.drawings.reduce((best, one) => (score(one) > score(best) ? one : best));
  }

  /** Puts a picture in the place of the one before. */
  show() {
    const picture = this.chosen();
    if (!picture || picture === this.picture) {
      return;
    }
    this.picture = picture;
    const root = parsedXml(picture.svg, "image/svg+xml");
    root.querySelectorAll("style, script, .sheet").forEach((part) => part.remove());
    root.querySelectorAll("[style]").forEach((part) => part.removeAttribute("style"));
    const svg = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.importNode(root, true)));
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-roledescription", "computation graph");
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    this.svg = svg;
    this.frame.replaceChildren(svg);
    const shapes = new Map([...svg.querySelectorAll("defs > path")].map((path) => [path.id, path.getAttribute("d") ?? ""]));
    this.letters = new Letters(picture.signs, (id) => shapes.get(id) ?? "");
    this.collect(svg);
    this.paint(null);
    this.paintWords();
    this.view.show(svg, picture);
  }

  /** What is looked at first: the node of the step, and the output when everything is done. */
  first() {
    const { content, store } = this.page;
    const { practice, pass, step, output } = store.state;
    const isDone = practice === "off" && pass === "backward" && step === rowsOf(content, store.state).length;
    return this.boxOf((isDone ? null : this.page.known().current) ?? output ?? content.outputs[0]);
  }

  /**
   * Finds numbers, boxes and edges once, so that nothing is looked for later.
   * @param {SVGSVGElement} svg
   */
  collect(svg) {
    const { content } = this.page;
    const all = groups(svg, ".box").map((group) => ({ group, slot: slotOf(content, group.dataset.key) }));
    this.boxes = all.filter(({ slot }) => slot >= 0);
    const drawn = new Set(this.boxes.map(({ slot }) => slot));
    // A box that stands for all that is not drawn is no node.
    for (const { group } of all.filter(({ slot }) => slot < 0)) {
      group.setAttribute("role", "img");
      group.setAttribute("aria-label", `${content.nodes.length - drawn.size} more nodes not drawn`);
    }
    for (const { group } of this.boxes) {
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
    }
    this.boxes[0]?.group.setAttribute("tabindex", "0");
    this.flows = groups(svg, ".curve, .labels")
      .map((group) => {
        const isBack = group.classList.contains("backward");
        const [from, to] = [group.dataset.source, group.dataset.target].map((key) => slotOf(this.page.content, key));
        const [operand, user] = isBack ? [to, from] : [from, to];
        const edge = operand === user ? null : (this.edges.get(`${user} ${group.dataset.position}`) ?? null);
        return { group, user, operand, edge, isBack };
      })
      .filter(({ user, operand }) => user >= 0 && operand >= 0);
    for (const { group } of this.flows) {
      group.prepend(vector("title"));
    }
    const owners = new Map(this.flows.map((flow) => [flow.group, flow]));
    this.entries = groups(svg, "[data-number]").flatMap((group) => {
      const role = group.classList[0];
      const box = group.closest(".box");
      const labels = group.closest(".labels");
      const edge = labels instanceof SVGGElement ? (owners.get(labels)?.edge ?? null) : null;
      const slot = box instanceof SVGGElement ? slotOf(this.page.content, box.dataset.key) : -1;
      const plate = edge ? vector("rect", { class: "plate" }) : null;
      if (plate) {
        labels?.insertBefore(plate, labels.querySelector(".writing"));
      }
      return slot < 0 && !edge ? [] : [{ group, shape: new NumberShape(group, plate), role, slot, edge, text: "", shown: "" }];
    });
  }

  /**
   * Writes what has changed.
   * @param {Set<string> | null} changed  Null: everything has.
   */
  paint(changed) {
    const { store } = this.page;
    const known = this.page.known();
    const is = (/** @type {string[]} */ ...keys) => !changed || keys.some((key) => changed.has(key));
    if (is("values", "digits", ...KNOWN_BY)) {
      this.paintNumbers(known);
    }
    if (is("values", "kinds", ...KNOWN_BY)) {
      clearTimeout(this.rest);
      this.rest = window.setTimeout(() => this.paintWords(), REST_MS);
    }
    if (is(...KNOWN_BY)) {
      this.paintSteps(known);
    }
    if (is("selected", "hovered")) {
      this.paintSelection();
    }
    if (is("kinds")) {
      this.paintKinds();
    }
    if (is("heat", "practice") || (store.state.heat && is("values", "output", "wrt"))) {
      paintHeat(this);
    }
  }

  /** Brings everything up to date, what is out of sight, too. */
  complete() {
    this.paintNumbers(this.page.known(), true);
    this.paintWords();
  }

  /**
   * Numbers out of sight wait until they come into it.
   * @param {Known} known
   * @param {boolean} [everywhere]
   */
  paintNumbers(known, everywhere = false) {
    const { content, numbers, store } = this.page;
    const { output, wrt } = store.state;
    const digits = Math.min(store.state.digits, this.picture?.digits ?? Infinity);
    const isTangent = known.pass === "tangent" && wrt !== null;
    const adjoints = output === null ? null : numbers.adjoints(output);
    const tangents = isTangent ? numbers.tangents(wrt) : null;
    for (const entry of this.entries) {
      if (!everywhere && !this.view.shows(entry.shape.place)) {
        continue;
      }
      const { slot, edge } = entry;
      let role = entry.role;
      let text = DASH;
      if (role === "value") {
        text = known.hasValue(slot) ? short(numbers.values[slot], digits, content.nodes[slot].type) : DASH;
      } else if (role === "adjoint" && isTangent) {
        role = "tangent";
        text = known.hasTangent(slot) ? short(tangents?.[slot], digits) : DASH;
      } else if (role === "adjoint") {
        text = known.hasAdjoint(slot) ? short(adjoints?.[slot], digits) : DASH;
      } else if (typeof edge?.slot === "number" && role === "local") {
        text = known.hasLocal(edge) ? short(numbers.locals[edge.slot], digits) : DASH;
      } else if (typeof edge?.slot === "number" && role === "contribution") {
        text = known.hasShare(edge) ? short(output === null ? undefined : numbers.shares(output)[edge.slot], digits) : DASH;
      }
      if (entry.text !== text || entry.shown !== role) {
        if (entry.shown !== role) {
          entry.group.classList.replace(entry.shown || entry.role, role);
        }
        entry.text = text;
        entry.shown = role;
        if (this.letters) {
          entry.shape.show(this.letters, text, role);
        }
      }
    }
  }

  /** @param {Known} known */
  paintSteps(known) {
    const { pass } = known;
    const isPractice = this.page.store.state.practice !== "off";
    this.element.classList.toggle("of-tangents", pass === "tangent");
    tagBoxes(this);
    this.element.classList.toggle("without-formulas", isPractice && this.picture?.edges === "formula");
    for (const { group, slot } of this.boxes) {
      const isCurrent = slot === known.current;
      setState(group, isCurrent, !isCurrent && pass !== "backward" && !known.isReached(slot));
      if (isCurrent) {
        this.view.reveal(group);
      }
    }
    for (const flow of this.flows) {
      const { group, user, operand, isBack } = flow;
      const isReached = isBack ? known.hasAdjoint(operand) : pass === "backward" || known.isReached(user);
      setState(group, known.isOnWay(flow), !isReached);
    }
  }

  paintSelection() {
    const { selected, hovered } = this.page.store.state;
    for (const { group, slot } of this.boxes) {
      group.classList.toggle("selected", slot === selected);
      group.classList.toggle("hovered", slot === hovered);
      group.setAttribute("aria-pressed", String(slot === selected));
    }
    for (const { group, user, operand } of this.flows) {
      group.classList.toggle("touching", user === selected || operand === selected);
    }
  }

  /** Arguments look like what the reader says that they are. */
  paintKinds() {
    const { content, store } = this.page;
    for (const { slot } of content.arguments) {
      const kind = kindOf(content, store.state.kinds, slot);
      for (const box of this.boxes.filter((one) => one.slot === slot)) {
        box.group.classList.remove("input", "parameter");
        box.group.classList.add(kind);
      }
    }
  }

  /** What boxes and edges are called: with their numbers, as far as these are known. */
  paintWords() {
    const { content, numbers, store } = this.page;
    const { state } = store;
    const known = this.page.known();
    const adjoints = state.output === null ? null : numbers.adjoints(state.output);
    for (const { group, slot } of this.boxes) {
      const node = content.nodes[slot];
      const words = [node.operands.length ? `${node.label} = ${node.operation.text}` : `${kindOf(content, state.kinds, slot)} ${node.label}`];
      if (known.hasValue(slot) && node.kind !== "constant") {
        words.push(` = ${number(numbers.values[slot], 6, node.type)}`);
      }
      if (state.output !== null && known.hasAdjoint(slot)) {
        words.push(`; ∂${content.nodes[state.output].label}/∂${node.label} = ${number(adjoints?.[slot])}`);
      }
      group.setAttribute("aria-label", words.join(""));
    }
    for (const { group, user, operand, edge } of this.flows) {
      const title = group.querySelector(":scope > title");
      if (title && edge) {
        const names = [content.nodes[user].label, content.nodes[operand].label];
        const place = `${names[1]} is operand ${edge.position + 1} of ${names[0]}`;
        const isKnown = edge.slot !== null && known.hasLocal(edge);
        const local = isKnown ? `; ∂${names[0]}/∂${names[1]} = ${number(numbers.locals[edge.slot ?? 0])}` : "";
        setText(title, place + local);
      }
    }
  }

  /** The box of a node. @param {number} slot */
  boxOf(slot) {
    return this.boxes.find((box) => box.slot === slot && !box.group.classList.contains("operator"))?.group ?? null;
  }
}

/**
 * The node that a box or a part of one belongs to; -1 for none.
 * @param {import("./content.js").Content} content
 * @param {string} key  Such as `n3`, `n3o`, or `n3c1` for a constant drawn for one use.
 */
function slotOf(content, key = "") {
  const found = /^n(\d+)(?:c(\d+))?/.exec(key);
  const slot = found ? Number(found[1]) : -1;
  return found?.[2] ? content.nodes[slot].operands[Number(found[2])] : slot;
}

/**
 * @param {SVGSVGElement} svg
 * @param {string} selector
 * @returns {SVGGElement[]}
 */
function groups(svg, selector) {
  return /** @type {SVGGElement[]} */ ([...svg.querySelectorAll(selector)]);
}

/**
 * @param {SVGGElement} group
 * @param {boolean} isCurrent
 * @param {boolean} isWaiting
 */
function setState(group, isCurrent, isWaiting) {
  group.classList.toggle("current", isCurrent);
  group.classList.toggle("waiting", isWaiting);
}
