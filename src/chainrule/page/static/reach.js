// What is cut off at the edge of its place, and scrolls there, can be reached by keyboard.

/**
 * Lets the keyboard come to a place while, and only while, there is more in it than is seen.
 * @template {HTMLElement} T
 * @param {T} place
 * @param {...Element} inside  What is in it.
 * @returns {T}
 */
export function reachable(place, ...inside) {
  const observer = new ResizeObserver(() => {
    const isCut = place.scrollWidth > place.clientWidth + 1 || place.scrollHeight > place.clientHeight + 1;
    if (isCut) {
      place.tabIndex = 0;
    } else {
      place.removeAttribute("tabindex");
    }
  });
  [place, ...inside].forEach((one) => observer.observe(one));
  return place;
}
