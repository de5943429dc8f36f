// The content of a page that is one file comes as gzip in base 64, which makes it short.

/** @typedef {import("./content.js").Content} Content */

/**
 * @param {string} packed
 * @returns {Promise<Content>}
 */
export async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
