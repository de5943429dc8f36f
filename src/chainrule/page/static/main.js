// The page is put together here: a store, a formula, and a stage that is made anew for each graph.

import { Chips } from "./chips.js";
import { derivativeTab } from "./derivative.js";
import { displayMenu } from "./display.js";
import { Drawing } from "./drawing.js";
import { element, plainButton } from "./element.js";
import { examplesMenu } from "./examples.js";
import { exportMenu } from "./export.js";
import { Formula } from "./formula.js";
import { restored, written } from "./fragment.js";
import { Help } from "./help.js";
import { keepHistories, keptHistories } from "./history.js";
import { iconButton } from "./icons.js";
import { listenToKeys } from "./keys.js";
import { LiveRegion } from "./live-region.js";
import { Marks } from "./marks.js";
import { Known, fitted, rowsOf } from "./passes.js";
import { unpacked } from "./packed.js";
import { pathsTab } from "./paths.js";
import { PracticePanel } from "./practice-panel.js";
import { Practice } from "./practice.js";
import { Numbers } from "./program.js";
import { Reasons } from "./reasons.js";
import { savedTab } from "./saved.js";
import { Server } from "./server.js";
import { Store, firstState } from "./state.js";
import { tablesTab } from "./tables.js";
import { Tabs } from "./tabs.js";
import { tangentTab } from "./tangent.js";
import { followTheme } from "./theme.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./program.js").Program} Program */
/** @typedef {import("./state.js").State} State */

/**
 * What every part of the page works with. A part reads `content`, `numbers` and `store.state`, asks
 * for changes with `store.change`, and paints in its `update(changed)`, once in a frame.
 * @typedef {object} Page
 * @property {Content} content  The graph that is shown; another one has another page.
 * @property {Numbers} numbers  Of the current point.
 * @property {Store} store  What the page can be in.
 * @property {Server | null} server  Null in a page that is one file.
 * @property {AbortSignal} signal  Comes when another graph takes the place of this one.
 * @property {(words: string, follows?: boolean) => void} say  Speaks; after what is being said, if it follows.
 * @property {Drawing} drawing  The drawing.
 * @property {Timeline} timeline  The timeline.
 * @property {() => Known} known  What may be shown at the current step, or while the reader practises.
 * @property {Help} help  The dialog with all keys.
 */

/**
 * A tab: a module exports a function that makes it from the page. `update` is called after each
 * change while the tab is shown, with what has changed, and with null when it comes to be shown.
 * @typedef {object} Tab
 * @property {string} name  In small letters, for links.
 * @property {string} title  What it is called.
 * @property {HTMLElement} panel  What it shows.
 * @property {(changed: Set<string> | null) => void} update  Brings it up to date.
 */

/** The tabs, in their order. @type {((page: Page) => Tab)[]} */
const TABS = [tablesTab, pathsTab, savedTab, derivativeTab, tangentTab];
/** The address follows when nothing changes for so long. */
const REMEMBERED_MS = 300;
/** What the server is asked anew for. */
const LOADED = ["source", "exercise", "style", "direction", "edges", "digits"];

/** All of the page, whatever graph it shows. */
class Application {
  /**
   * @param {HTMLElement} root
   * @param {Content | null} content  Null: the server is asked for it.
   * @param {Server | null} server
   */
  constructor(root, content, server) {
    this.server = server;
    const source = content?.formula.source ?? "";
    this.first = { ...firstState(), source, theme: content?.theme ?? "", step: Infinity, practice: content?.exercise ? "on" : "off" };
    const given = restored(location.hash);
    this.store = new Store({ ...this.first, ...given, ...(server ? {} : { source }) });
    this.formula = new Formula(this.store, !server);
    this.voice = new LiveRegion();
    this.undo = iconButton("undo", "Undo (Ctrl+Z)", () => this.store.undo(), { disabled: true });
    this.redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () => this.store.redo(), { disabled: true });
    this.practiceButton = plainButton("Practice", () => this.practise(), { class: "plain practice-button" });
    this.help = new Help();
    this.exports = exportMenu(() => this.page, () => this.link(), (words) => this.voice.say(words));
    this.stage = element("div", { class: "stage" });
    this.isShowing = false;
    /** @type {Page | null} */
    this.page = null;
    /** @typedef {{ element?: HTMLElement, update: (changed: Set<string>) => void }} Part */
    /** @type {Part[]} */
    this.usual = [];
    /** While the reader practises. @type {Part[]} */
    this.practising = [];
    this.parts = this.usual;
    this.end = new AbortController();
    /** What a link says of the graph that the server is asked for. @type {Partial<State>} */
    this.wanted = {};
    /** @type {Set<string>} */
    this.changed = new Set();
    this.frame = 0;
    this.memory = 0;
    root.replaceChildren(this.header(), element("main", {}, this.formula.element, this.stage), this.voice.element, this.help.dialog);
    followTheme(this.store);
    this.store.subscribe((_, changed) => this.onChange(changed));
    window.addEventListener("hashchange", () => this.onLink());
  }

  header() {
    const { server, store } = this;
    const current = () => this.page;
    const menus = [
      server && examplesMenu(store),
      displayMenu(current, store, server !== null),
      this.exports,
    ];
    return element(
      "header",
      { class: "top" },
      element("h1", { class: "brand" }, "chainrule"),
      element("span", { class: "spring" }),
      element("div", { class: "tools", role: "group", "aria-label": "Tools" }, this.practiceButton, this.undo, this.redo, ...menus.map((menu) => menu && menu.element), this.help.button),
    );
  }

  /**
   * Shows a graph.
   * @param {Content} content
   * @param {Program} program
   */
  show(content, program) {
    this.end.abort();
    this.end = new AbortController();
    const { store, server } = this;
    // Another formula has other nodes, and is shown with all its numbers.
    const isOther = this.page && this.page.content.formula.source !== content.formula.source;
    const fresh = isOther ? { output: null, wrt: null, selected: null, path: "", step: Infinity } : {};
    const { answers, values } = store.state;
    const kept = answers.size ? answers : keptHistories(content, values);
    this.isShowing = true;
    store.restore({ ...fitted(content, { ...store.state, ...fresh, ...this.wanted }), source: content.formula.source, answers: kept });
    this.isShowing = false;
    this.wanted = {};
    /** @type {any} */
    const page = { content, store, server, help: this.help, signal: this.end.signal, say: this.voice.say.bind(this.voice) };
    page.numbers = new Numbers(content, program);
    page.numbers.moveTo(store.state.values);
    const practice = new Practice(page);
    page.known = () => (practice.isOn ? practice.known : new Known(content, store.state));
    const drawing = (page.drawing = new Drawing(page));
    const timeline = (page.timeline = new Timeline(page));
    const chips = new Chips(page);
    const tabs = new Tabs(page, TABS.map((make) => make(page)));
    this.page = /** @type {Page} */ (page);
    const panel = new PracticePanel(page, practice);
    const marks = new Marks(this.page);
    const reasons = new Reasons(this.page);
    this.usual = [drawing, timeline, chips, reasons, tabs, marks];
    this.practising = [practice, drawing, panel, chips, marks];
    this.arrange();
    this.formula.show(content);
    listenToKeys(page);
    document.title = `${content.title || content.formula.text} · chainrule`;
  }

  /** Puts the parts into their places; what would give numbers away is not there while practising. */
  arrange() {
    const isOn = this.store.state.practice !== "off";
    this.parts = isOn ? this.practising : this.usual;
    this.stage.replaceChildren(...this.parts.flatMap((part) => (part.element ? [part.element] : [])));
    this.stage.classList.toggle("practising", isOn);
    this.practiceButton.setAttribute("aria-pressed", String(isOn));
    // Files hold all numbers.
    this.exports.element.hidden = isOn;
    this.voice.say("");
    for (const part of this.parts) {
      part.update(new Set(Object.keys(this.store.state)));
    }
    this.page?.drawing.view.open();
  }

  /** Begins or ends the practice. */
  practise() {
    this.store.change({ practice: this.store.state.practice === "off" ? "on" : "off", isPlaying: false });
  }

  /** Asks the server for the graph of the current formula. */
  async load() {
    const { page, server, store } = this;
    if (!server) {
      return;
    }
    this.stage.classList.add("waiting-for-server");
    const found = await server.graph(store.state);
    if (!found) {
      return;
    }
    this.stage.classList.remove("waiting-for-server");
    if ("error" in found) {
      this.formula.explain(found.error);
    } else if (page && page.content.formula.source === found.content.formula.source && page.numbers.program === found.program) {
      // The same graph, drawn in another way: nothing else is made anew.
      page.content.drawings.push(...found.content.drawings);
      page.drawing.show();
      this.formula.explain(null);
    } else {
      this.show(found.content, found.program);
    }
  }

  /** @param {Set<string>} changed */
  onChange(changed) {
    this.undo.disabled = !this.store.canUndo;
    this.redo.disabled = !this.store.canRedo;
    for (const key of changed) {
      this.changed.add(key);
    }
    const isAnother = LOADED.some((key) => changed.has(key));
    if (!this.isShowing && isAnother) {
      void this.load();
    }
    this.frame ||= requestAnimationFrame(() => this.paint());
    clearTimeout(this.memory);
    // An answer is not lost where the window closes right after it.
    const isAnswer = changed.has("answers") && !isAnother;
    this.memory = window.setTimeout(() => this.remember(), isAnswer ? 0 : REMEMBERED_MS);
  }

  /** Brings everything up to date, once in a frame. */
  paint() {
    this.frame = 0;
    const { changed, page } = this;
    this.changed = new Set();
    if (!page) {
      return;
    }
    if (changed.has("values")) {
      page.numbers.moveTo(this.store.state.values);
    }
    if (changed.has("practice") && (this.parts === this.usual) === (this.store.state.practice !== "off")) {
      this.arrange();
      return;
    }
    for (const part of this.parts) {
      part.update(changed);
    }
  }

  /** Puts the state into the address of the page. */
  remember() {
    const fragment = this.link();
    if (this.page && this.store.state.practice !== "off") {
      keepHistories(this.page.content, this.store.state.values, this.store.state.answers);
    }
    if (fragment !== location.hash.slice(1)) {
      history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
    }
  }

  /** The state as a fragment. */
  link() {
    const { page, store } = this;
    const { state } = store;
    if (!page) {
      return location.hash.slice(1);
    }
    const start = fitted(page.content, { ...this.first, pass: state.pass, output: null, wrt: null });
    return written(state, { ...this.first, ...start, pass: this.first.pass, step: rowsOf(page.content, state).length });
  }

  /** Follows a link to another state of this page. */
  onLink() {
    const given = restored(location.hash);
    const { page, store } = this;
    const fixed = this.server ? {} : { source: this.first.source };
    const goal = { ...this.first, ...given, ...fixed };
    if (page && goal.source === page.content.formula.source && goal.exercise === store.state.exercise) {
      store.restore({ ...goal, ...fitted(page.content, goal) });
    } else {
      this.wanted = goal;
      const { source, exercise, values, kinds, theme, practice, sheet, answers } = goal;
      store.restore({ source, exercise, values, kinds, theme, practice, sheet, answers });
    }
  }
}

/**
 * Opens the page of one graph, which needs nothing else.
 * @param {HTMLElement} root
 * @param {string} packed  Its content.
 * @param {Program} program
 */
export async function openFile(root, packed, program) {
  const content = await unpacked(packed);
  new Application(root, content, null).show(content, program);
}

/**
 * Opens the page on a server.
 * @param {HTMLElement} root
 * @param {string} source  The formula that is shown when a link names none.
 */
export function openServed(root, source) {
  const application = new Application(root, null, new Server());
  if (!application.store.state.source && !application.store.state.exercise) {
    application.store.restore({ source });
  } else {
    void application.load();
  }
}
