// Starts of paths wait in a queue, from which the one with the best way on comes first.

/** The start of a path; its total is the weight of the best path that begins so. @typedef {{ node: number, total: bigint, before: Start | null, edge: number, order: number }} Start */

/** Starts of paths, the one with the best way on first, among equals the one that came last. */
export class Queue {
  constructor() {
    /** A binary heap. @type {Start[]} */
    this.entries = [];
  }

  /** @param {Start} start */
  push(start) {
    const { entries } = this;
    let at = entries.push(start) - 1;
    while (at > 0 && this.isBefore(at, (at - 1) >> 1)) {
      const above = (at - 1) >> 1;
      [entries[at], entries[above]] = [entries[above], entries[at]];
      at = above;
    }
  }

  /** @returns {Start | null} */
  pop() {
    const { entries } = this;
    const [first] = entries;
    const last = entries.pop();
    if (!first || !last) {
      return null;
    }
    if (entries.length) {
      entries[0] = last;
      let at = 0;
      for (;;) {
        let next = at;
        for (const below of [2 * at + 1, 2 * at + 2]) {
          next = below < entries.length && this.isBefore(below, next) ? below : next;
        }
        if (next === at) {
          break;
        }
        [entries[at], entries[next]] = [entries[next], entries[at]];
        at = next;
      }
    }
    return first;
  }

  /**
   * @param {number} one
   * @param {number} other
   */
  isBefore(one, other) {
    const [a, b] = [this.entries[one], this.entries[other]];
    return a.total === b.total ? a.order > b.order : a.total > b.total;
  }
}
