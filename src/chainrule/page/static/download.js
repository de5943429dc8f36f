// Files that the page makes are saved by the browser; texts may be copied, too.

import { element } from "./element.js";

/** Until the browser has taken what is saved. */
const KEPT_MS = 30000;

/**
 * Saves a file.
 * @param {string} name
 * @param {Blob} blob
 */
export function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/**
 * Copies a text; without the right to, false.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A blob from the file that a server has made.
 * @param {{ type: string, text?: string, base64?: string }} file
 */
export function blobOf({ type, text, base64 }) {
  const content = base64 === undefined ? (text ?? "") : Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  return new Blob([content], { type });
}
