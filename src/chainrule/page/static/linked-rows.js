// Rows of tables that stand for nodes: the pointer, a click and the keys link them to the drawing.

/** @typedef {import("./main.js").Page} Page */
/** @typedef {{ row: HTMLTableRowElement, slot: number | null }} LinkedRow */

/** The rows of one table; those without a node do nothing. */
export class LinkedRows {
  /**
   * @param {Page} page
   * @param {HTMLTableSectionElement} body
   */
  constructor(page, body) {
    this.page = page;
    this.body = body;
    /** @type {LinkedRow[]} */
    this.rows = [];
    const { store } = page;
    body.addEventListener("click", (event) => this.select(this.at(event)));
    body.addEventListener("pointerover", (event) => store.change({ hovered: this.at(event)?.slot ?? null }));
    body.addEventListener("pointerleave", () => store.change({ hovered: null }));
    body.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Shows these rows in place of those before. @param {LinkedRow[]} rows */
  show(rows) {
    this.rows = rows;
    for (const { row, slot } of rows) {
      row.classList.toggle("linked", slot !== null);
      row.tabIndex = -1;
    }
    const first = rows.find(({ slot }) => slot !== null);
    if (first) {
      first.row.tabIndex = 0;
    }
    this.body.replaceChildren(...rows.map(({ row }) => row));
    this.paint();
  }

  /** Marks the rows of the node that is selected and of that under the pointer. */
  paint() {
    const { selected, hovered } = this.page.store.state;
    for (const { row, slot } of this.rows) {
      row.classList.toggle("selected", slot !== null && slot === selected);
      row.classList.toggle("hovered", slot !== null && slot === hovered);
      if (slot !== null) {
        row.setAttribute("aria-selected", String(slot === selected));
      }
    }
  }

  /** @param {LinkedRow | undefined} found */
  select(found) {
    const { store } = this.page;
    if (found && found.slot !== null) {
      store.change({ selected: found.slot === store.state.selected ? null : found.slot });
    }
  }

  /** @param {Event} event */
  at(event) {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    return this.rows.find((one) => one.row === row);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const linked = this.rows.filter(({ slot }) => slot !== null);
    const found = this.at(event);
    const at = found ? linked.indexOf(found) : -1;
    const goal = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: linked.length - 1 }[event.key];
    if (at < 0 || (goal === undefined && event.key !== "Enter" && event.key !== " ")) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (goal === undefined) {
      this.select(found);
    } else if (linked[goal]) {
      linked[at].row.tabIndex = -1;
      linked[goal].row.tabIndex = 0;
      linked[goal].row.focus();
    }
  }
}
