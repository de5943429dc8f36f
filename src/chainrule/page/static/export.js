// What leaves the page: the drawing, the graph, the tables, a link to the state.

import { edgesFile, passFile } from "./csv.js";
import { blobOf, copy, save } from "./download.js";
import { element } from "./element.js";
import { dotFile, mermaidFile, numbersFile } from "./graph-file.js";
import { Menu } from "./menu.js";
import { rowsOf } from "./passes.js";
import { drawingFile, pixels } from "./picture-file.js";
import { request } from "./server.js";

/** @typedef {import("./main.js").Page} Page */
/** One file: its name, its type and how its text comes about. @typedef {{ word: string, name: string, type: string, text: (page: Page) => string | Promise<string> }} TextFile */

/** @type {TextFile[]} */
const TABLES = [
  { word: "Forward pass, CSV", name: "forward.csv", type: "text/csv", text: (page) => passFile(page, "forward") },
  { word: "Backward pass, CSV", name: "backward.csv", type: "text/csv", text: (page) => passFile(page, "backward") },
  { word: "Forward mode, CSV", name: "forward-mode.csv", type: "text/csv", text: (page) => passFile(page, "tangent") },
  { word: "Local derivatives, CSV", name: "local-derivatives.csv", type: "text/csv", text: edgesFile },
  { word: "All numbers, JSON", name: "graph.json", type: "application/json", text: numbersFile },
];
/** @type {TextFile} */
const DRAWING = { word: "SVG", name: "graph.svg", type: "image/svg+xml", text: (page) => drawingFile(page.drawing, page.content.title || page.content.formula.text) };
/** Made by the page where there is no server. @type {TextFile[]} */
const GRAPHS = [
  { word: "Mermaid", name: "graph.mmd", type: "text/plain", text: mermaidFile },
  { word: "DOT", name: "graph.dot", type: "text/vnd.graphviz", text: dotFile },
];
/** @type {TextFile[]} */
const SERVED_GRAPHS = [
  { word: "Mermaid", name: "graph.mmd", type: "text/plain", text: (page) => drawn(page, "mmd") },
  { word: "TikZ", name: "graph.tex", type: "application/x-tex", text: (page) => drawn(page, "tex") },
  { word: "DOT", name: "graph.dot", type: "text/vnd.graphviz", text: (page) => drawn(page, "dot") },
];

/**
 * The menu of exports.
 * @param {() => Page | null} current
 * @param {() => string} fragment  The state, as a link has it.
 * @param {(words: string) => void} say
 */
export function exportMenu(current, fragment, say) {
  const told = element("p", { class: "told" });
  const tell = (/** @type {string} */ words) => {
    told.textContent = words;
    say(words);
  };
  return new Menu("export", "Export", () => {
    const page = current();
    told.textContent = "";
    if (!page) {
      return [element("p", { class: "note" }, "There is no graph yet.")];
    }
    const row = (/** @type {TextFile} */ file) => fileRow(page, file, tell);
    return [
      heading("Drawing, as it is shown"),
      row(DRAWING),
      saveRow("PNG, twice as large", "graph.png", () => pixels(drawingFile(page.drawing, page.content.formula.text)), tell),
      heading("Graph"),
      ...(page.server ? SERVED_GRAPHS : GRAPHS).map(row),
      page.server ? saveRow("This page as one file", "graph.html", async () => blobOf(await asked(page, "html")), tell) : null,
      heading("Numbers at this point"),
      ...TABLES.filter((file) => hasRows(page, file)).map(row),
      heading("Link"),
      ...linkRow(fragment(), page.server !== null, tell),
      told,
    ];
  });
}

/** @param {string} words */
function heading(words) {
  return element("h2", {}, words);
}

/**
 * A text that can be saved and copied.
 * @param {Page} page
 * @param {TextFile} file
 * @param {(words: string) => void} tell
 */
function fileRow(page, file, tell) {
  const made = saveRow(file.word, file.name, async () => new Blob([await file.text(page)], { type: file.type }), tell);
  const press = async () => tell((await copy(await attempt(file, page, tell))) ? `${file.word} is copied.` : `The browser does not let the page copy; ${file.word} can be saved.`);
  made.append(element("button", { type: "button", class: "plain", "aria-label": `Copy ${file.word}`, onclick: press }, "Copy"));
  return made;
}

/**
 * @param {TextFile} file
 * @param {Page} page
 * @param {(words: string) => void} tell
 */
async function attempt(file, page, tell) {
  try {
    return await file.text(page);
  } catch (error) {
    tell(reason(error));
    throw error;
  }
}

/**
 * Something that can be saved.
 * @param {string} word
 * @param {string} name
 * @param {() => Promise<Blob | null>} make
 * @param {(words: string) => void} tell
 */
function saveRow(word, name, make, tell) {
  const press = async () => {
    try {
      const blob = await make();
      if (blob) {
        save(name, blob);
      }
      tell(blob ? `${name} is saved.` : `The browser cannot make ${name}.`);
    } catch (error) {
      tell(reason(error));
    }
  };
  const button = element("button", { type: "button", class: "plain", "aria-label": `Save ${word}`, onclick: press }, "Save");
  return element("div", { class: "menu-row" }, element("span", {}, word), button);
}

/**
 * The link to the state; the secret of a server is not in it.
 * @param {string} fragment
 * @param {boolean} isServed
 * @param {(words: string) => void} tell
 */
function linkRow(fragment, isServed, tell) {
  const text = isServed ? `#${fragment}` : `${location.href.split("#")[0]}#${fragment}`;
  const field = element("input", { type: "text", readonly: true, value: text, "aria-label": "Link", onfocus: () => field.select() });
  const press = async () => tell((await copy(text)) ? "The link is copied." : "The browser does not let the page copy; the link is in the field.");
  const use = isServed
    ? "Put it behind the address of this page, or of another one that chainrule serve has opened: it holds the formula, the point and the step. The address itself is secret and ends with the server."
    : "It opens this file with this point and this step, for whoever has the file in the same place.";
  return [
    element("div", { class: "menu-row" }, field, element("button", { type: "button", class: "plain", "aria-label": "Copy link", onclick: press }, "Copy")),
    element("p", { class: "note" }, use),
  ];
}

/**
 * @param {Page} page
 * @param {TextFile} file
 */
function hasRows({ content, store }, file) {
  const pass = new Map(TABLES.map(({ name }, at) => [name, (/** @type {const} */ (["forward", "backward", "tangent"]))[at]])).get(file.name);
  return !pass || rowsOf(content, store.state, pass).length > 0;
}

/**
 * A text that the server makes.
 * @param {Page} page
 * @param {string} form
 */
async function drawn(page, form) {
  return (await asked(page, form)).text ?? "";
}

/**
 * A file that the server makes, at the point and the step of now.
 * @param {Page} page
 * @param {string} form
 * @returns {Promise<{ type: string, text?: string, base64?: string }>}
 */
async function asked({ content, server, store }, form) {
  const { state } = store;
  const question = request(state);
  const of = state.output === null ? "" : content.nodes[state.output].label;
  const picture = { ...question.options, arrows: "both", heat: state.heat, theme: state.theme || "light", ...moment(content, state) };
  const answer = await server?.ask("export", { ...question, of, as: form, options: form === "html" ? question.options : picture });
  if (!answer || answer.error) {
    throw new Error(answer?.error?.message ?? "The server does not answer.");
  }
  return answer;
}

/**
 * The step, where the pass is not at its end.
 * @param {import("./content.js").Content} content
 * @param {import("./state.js").State} state
 */
function moment(content, state) {
  const isDone = state.step >= rowsOf(content, state).length || state.pass === "tangent";
  return isDone && state.pass !== "forward" ? {} : { up_to: `${state.pass} ${state.step}` };
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}
