// Text becomes elements here alone, in documents of their own that run nothing.

/** Where the page may do so at all, it is by this name. @type {{ createHTML: (text: string) => any }} */
const POLICY = /** @type {any} */ (window).trustedTypes?.createPolicy("chainrule", {
  createHTML: (/** @type {string} */ text) => text,
}) ?? { createHTML: (/** @type {string} */ text) => text };

/**
 * The root of XML; of text that is none, an element that says so.
 * @param {string} text
 * @param {"text/xml" | "image/svg+xml"} type
 * @returns {Element}
 */
export function parsedXml(text, type) {
  return new DOMParser().parseFromString(POLICY.createHTML(text), type).documentElement;
}
