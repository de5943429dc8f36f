// The server of the page turns formulas into content; of several questions the last one counts.

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./content.js").Problem} Problem */
/** @typedef {import("./program.js").Program} Program */
/** @typedef {import("./state.js").State} State */
/** @typedef {{ error: Problem }} Refusal */

/** What the page asks for; null: a later question has come. */
export class Server {
  constructor() {
    this.asking = new AbortController();
    /** @type {Map<string, Promise<Program>>} */
    this.programs = new Map();
  }

  /**
   * The content for a state and the program of its graph.
   * @param {State} state
   * @returns {Promise<{ content: Content, program: Program } | Refusal | null>}
   */
  async graph(state) {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    try {
      const answer = state.exercise
        ? await this.ask("exercise", exerciseRequest(state), signal)
        : await this.ask("content", request(state), signal);
      if ("error" in answer) {
        return answer;
      }
      const program = await this.program(answer.program.url);
      return signal.aborted ? null : { content: answer, program };
    } catch (error) {
      if (signal.aborted) {
        return null;
      }
      return { error: { code: "", message: `The server does not answer: ${error instanceof Error ? error.message : ""}` } };
    }
  }

  /**
   * Asks something, in JSON.
   * @param {string} what  The name of the question, below `api/`.
   * @param {object} question
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async ask(what, question, signal) {
    const answer = await fetch(new URL(`api/${what}`, document.baseURI), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
      signal,
    });
    return answer.json();
  }

  /** @param {string} url @returns {Promise<Program>} */
  program(url) {
    const known = this.programs.get(url) ?? import(new URL(url, document.baseURI).href);
    this.programs.set(url, known);
    return known;
  }
}

/**
 * What the server is asked for an exercise: by its name, or by seed and difficulty.
 * @param {State} state
 */
function exerciseRequest(state) {
  const { options } = request(state);
  const [, seed, difficulty] = /^(\d+)-(\d)$/.exec(state.exercise) ?? [];
  return seed ? { seed: Number(seed), difficulty: Number(difficulty), options } : { name: state.exercise, options };
}

/**
 * What the server is asked for a state.
 * @param {State} state
 */
export function request(state) {
  const { source, kinds, values, style, edges, digits } = state;
  const direction = state.direction || (window.innerWidth < 700 ? "down" : "right");
  return {
    source,
    kinds: Object.fromEntries(kinds),
    values: Object.fromEntries([...values].filter(([, value]) => Number.isFinite(value))),
    options: { style, direction, edges, digits },
  };
}
