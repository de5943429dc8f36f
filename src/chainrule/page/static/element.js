// Nodes of the document are made here, from names, attributes and children; text stays text.

/**
 * What a node is given: words and numbers become attributes, `true` an empty attribute, functions
 * listen to the event that follows `on`; `null` and `false` are left out.
 * @typedef {Record<string, string | number | boolean | null | ((event: any) => void)>} Attributes
 */

/** @typedef {Node | string | null} Child */

const VECTORS = "http://www.w3.org/2000/svg";

/**
 * An element of HTML.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  append(made, children);
  return made;
}

/**
 * An element of a drawing.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function vector(tag, attributes = {}, ...children) {
  const made = document.createElementNS(VECTORS, tag);
  setAttributes(made, attributes);
  append(made, children);
  return made;
}

/**
 * A button with a word on it.
 * @param {string} word
 * @param {() => void} press
 * @param {Attributes} [attributes]
 */
export function plainButton(word, press, attributes = {}) {
  return element("button", { type: "button", class: "plain", onclick: press, ...attributes }, word);
}

/**
 * Writes a text only where it is another one: most updates of the page change few of them.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/**
 * @param {Element} made
 * @param {Attributes} attributes
 */
function setAttributes(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/**
 * @param {Element} made
 * @param {Child[]} children
 */
function append(made, children) {
  for (const child of children) {
    if (child !== null) {
      made.append(child);
    }
  }
}
