// One store holds everything that the page can be in; each change tells what it changed.

/** @typedef {"forward" | "backward" | "tangent"} Pass */

/**
 * @typedef {object} State
 * @property {string} source  The formula, as it was typed.
 * @property {ReadonlyMap<string, number>} values  Of arguments that have left their first values.
 * @property {ReadonlyMap<string, "input" | "parameter">} kinds  Of arguments that have another kind.
 * @property {number | null} output  What is differentiated.
 * @property {number | null} wrt  What it is differentiated by, in forward mode.
 * @property {Pass} pass  The pass that is shown.
 * @property {number} step  How many rows of the pass are done.
 * @property {boolean} isPlaying  Whether it goes on by itself.
 * @property {number} speed  Steps in a second.
 * @property {number | null} selected  A node.
 * @property {number | null} hovered  The node under the pointer.
 * @property {string} tab  The name of the tab that is shown.
 * @property {string} style  Of the drawing: `values`, or `operators` apart from them.
 * @property {string} direction  Where values flow; empty: where there is more room.
 * @property {string} edges  What edges show.
 * @property {number} digits  Significant digits in the drawing.
 * @property {string} path  The edges of the path that stands out, by their places, with points between.
 * @property {string} heat  What colours nodes or edges by magnitude; empty: nothing.
 * @property {string} theme  Empty: light or dark, as the system is.
 * @property {string} practice  `off`; `on` for what the graph's exercise asks; else what is asked, with commas.
 * @property {string} sheet  `all` where everything is filled in at once.
 * @property {string} exercise  Its name, or its seed and difficulty as `7-3`; empty: a formula of one's own.
 * @property {ReadonlyMap<string, string>} answers  By question, what was answered, one after the other (`history.js`).
 */

/** What undo goes back over; it goes back to the tab that was shown then, too. @type {(keyof State)[]} */
const UNDOABLE = [
  "source", "values", "kinds", "output", "wrt", "path", "style", "direction", "edges", "digits", "heat", "theme",
  "practice", "exercise", "answers",
];
/** What a formula brings with it. @type {Set<keyof State>} */
const NODES = new Set(["output", "wrt", "path"]);
const MOST = 200;

/** @returns {State} */
export function firstState() {
  return {
    source: "",
    values: new Map(),
    kinds: new Map(),
    output: null,
    wrt: null,
    pass: "backward",
    step: 0,
    isPlaying: false,
    speed: 1,
    selected: null,
    hovered: null,
    tab: "tables",
    style: "values",
    direction: "",
    edges: "local",
    digits: 3,
    path: "",
    heat: "",
    theme: "",
    practice: "off",
    sheet: "",
    exercise: "",
    answers: new Map(),
  };
}

/** @typedef {(state: State, changed: Set<keyof State>) => void} Listener */

/** The state of the page, and what it was before. */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    /** @type {State[]} */
    this.past = [];
    /** @type {State[]} */
    this.future = [];
    this.group = "";
  }

  /**
   * Calls a listener after each change, until the signal comes.
   * @param {Listener} listener
   * @param {AbortSignal} [signal]
   */
  subscribe(listener, signal) {
    this.listeners.add(listener);
    signal?.addEventListener("abort", () => this.listeners.delete(listener));
  }

  /**
   * Changes some of the state; what is the same stays the same.
   * @param {Partial<State>} patch
   * @param {string} [group]  Changes of one group that follow each other are undone together.
   */
  change(patch, group = "") {
    const changed = this.differences({ ...this.state, ...patch });
    if (UNDOABLE.some((key) => changed.has(key))) {
      if (!group || group !== this.group) {
        this.past = [...this.past.slice(-MOST + 1), this.state];
      }
      this.future = [];
      this.group = group;
    }
    this.become({ ...this.state, ...patch }, changed);
  }

  /** Puts another state in place, with no way back: what a link says, what a new graph needs.
   * @param {Partial<State>} patch */
  restore(patch) {
    const state = { ...this.state, ...patch };
    this.become(state, this.differences(state));
  }

  /** Ends a group of changes: a slider has been let go. */
  settle() {
    this.group = "";
  }

  /** Whether there is something to undo. */
  get canUndo() {
    return this.past.length > 0;
  }

  /** Whether there is something to do again. */
  get canRedo() {
    return this.future.length > 0;
  }

  /** Goes back one change. */
  undo() {
    this.travel(this.past, this.future);
  }

  /** Goes forward again. */
  redo() {
    this.travel(this.future, this.past);
  }

  /**
   * @param {State[]} from
   * @param {State[]} to
   */
  travel(from, to) {
    const goal = from.pop();
    if (goal) {
      to.push(this.state);
      this.group = "";
      // Nodes are those of one formula: another one brings its own.
      const keys = goal.source === this.state.source ? UNDOABLE : UNDOABLE.filter((key) => !NODES.has(key));
      this.restore(Object.fromEntries([...keys, /** @type {const} */ ("tab")].map((key) => [key, goal[key]])));
    }
  }

  /** @param {State} state */
  differences(state) {
    const keys = /** @type {(keyof State)[]} */ (Object.keys(state));
    return new Set(keys.filter((key) => !isSame(state[key], this.state[key])));
  }

  /**
   * @param {State} state
   * @param {Set<keyof State>} changed
   */
  become(state, changed) {
    if (changed.size) {
      this.state = state;
      for (const listener of this.listeners) {
        listener(this.state, changed);
      }
    }
  }
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function isSame(one, other) {
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, value]) => Object.is(other.get(key), value));
  }
  return Object.is(one, other);
}
