// Mathematics comes as MathML in text; only known elements and attributes of it reach the page.

import { element } from "./element.js";
import { parsedXml } from "./markup.js";

/** @typedef {import("./content.js").Written} Written */

const MATHEMATICS = "http://www.w3.org/1998/Math/MathML";
const ELEMENTS = new Set(
  ("math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle mpadded mphantom menclose msub msup msubsup " +
    "munder mover munderover mmultiscripts mtable mtr mtd").split(" "),
);
const ATTRIBUTES = new Set(
  ("mathvariant stretchy fence form separator lspace rspace width height depth linethickness accent " +
    "accentunder displaystyle scriptlevel notation columnalign largeop movablelimits minsize maxsize").split(" "),
);
/** What makes a row higher than a line. */
const HIGH = "mfrac, mtable, munder, mover, munderover";
/** Between a factor and the name of a function, as TeX has it. */
const THIN_SPACE = "0.1667em";
/** No longer texts fit everywhere. */
const ONE_LINE = 30;
/** Signs before which a long row may go on in the next line. */
const BREAKS = new Set("=+−-·");
/** @type {Map<string, Element | null>} */
const known = new Map();

/**
 * Something written: as mathematics where it can be, else as text.
 * @param {Written} written
 * @param {string} [role]  Its class.
 * @returns {HTMLElement}
 */
export function mathematics(written, role = "") {
  const set = written.mathml ? parsed(written.mathml) : null;
  return element("span", { class: `written ${role}`.trim() }, set ? set.cloneNode(true) : written.text);
}

/**
 * Something written that names a row or a column: as text for readers that speak, as mathematics for eyes.
 * @param {Written} written
 */
export function named(written) {
  const shown = mathematics(written);
  if (!written.mathml) {
    return [shown];
  }
  shown.setAttribute("aria-hidden", "true");
  return [element("span", { class: "unseen" }, written.text), shown];
}

/**
 * Something written that may be wider than the page: it goes on in the next line at its outermost signs.
 * @param {Written} written
 * @param {string} [role]
 */
export function lines(written, role = "") {
  const whole = mathematics(written, role);
  const row = written.text.length > ONE_LINE ? (whole.querySelector("math > mrow:only-child") ?? whole.querySelector("math")) : null;
  const parts = row ? [...row.children] : [];
  const starts = parts.flatMap((part, at) => (at && part.localName === "mo" && BREAKS.has(part.textContent ?? "") ? [at] : []));
  if (starts.length) {
    whole.replaceChildren(
      ...[0, ...starts].flatMap((start, at) => {
        const piece = document.createElementNS(MATHEMATICS, "math");
        piece.append(...parts.slice(start, starts[at]));
        if (at) {
          // At the front of a row it would be taken for the sign of a number.
          piece.firstElementChild?.setAttribute("form", "infix");
        }
        return [piece, document.createElement("wbr")];
      }),
    );
  }
  return whole;
}

/**
 * ∂of/∂by, or with `d` for the letter of total derivatives.
 * @param {Written} of
 * @param {Written} by
 * @param {string} [letter]
 * @param {boolean} [isInline]  On one line, with a slash.
 * @returns {Written}
 */
export function quotient(of, by, letter = "∂", isInline = false) {
  const text = `${letter}${of.text}/${letter}${by.text}`;
  if (!of.mathml || !by.mathml) {
    return { text };
  }
  const [above, below] = [of, by].map((name) => `<mrow><mi mathvariant="normal">${letter}</mi>${inner(name.mathml ?? "")}</mrow>`);
  return { text, mathml: isInline ? `<math>${above}<mo>/</mo>${below}</math>` : `<math><mfrac>${above}${below}</mfrac></math>` };
}

/**
 * What is inside of a `math` element, as text.
 * @param {string} mathml
 */
function inner(mathml) {
  return `<mrow>${mathml.slice(mathml.indexOf(">") + 1, mathml.lastIndexOf("<"))}</mrow>`;
}

/**
 * A `math` element from text; null for what is none.
 * @param {string} text
 * @returns {Element | null}
 */
function parsed(text) {
  const found = known.get(text);
  if (found !== undefined) {
    return found;
  }
  const root = parsedXml(text, "text/xml");
  const made = root.localName === "math" ? copied(root) : null;
  known.set(text, made);
  return made;
}

/**
 * An element with what is known of its attributes and children.
 * @param {Element} given
 * @returns {Element}
 */
function copied(given) {
  const made = document.createElementNS(MATHEMATICS, given.localName);
  for (const { name, value } of given.attributes) {
    if (ATTRIBUTES.has(name)) {
      made.setAttribute(name, value);
    }
  }
  for (const child of given.childNodes) {
    if (child instanceof Element && ELEMENTS.has(child.localName)) {
      made.append(copied(child));
    } else if (child.nodeType === Node.TEXT_NODE) {
      made.append(child.textContent ?? "");
    }
  }
  arrange(made);
  return made;
}

/**
 * What browsers do not do by themselves: brackets of low rows have no more room than they need, and
 * names of functions stand apart from what is before them.
 * @param {Element} row
 */
function arrange(row) {
  const isLow = !row.querySelector(HIGH);
  for (const part of row.querySelectorAll(":scope > *")) {
    if (part.localName === "mo" && isLow) {
      part.setAttribute("stretchy", "false");
    }
    const before = part.previousElementSibling;
    if (part.localName === "mi" && (part.textContent ?? "").length > 1 && before && before.localName !== "mo") {
      const space = document.createElementNS(MATHEMATICS, "mspace");
      space.setAttribute("width", THIN_SPACE);
      part.before(space);
    }
  }
}
