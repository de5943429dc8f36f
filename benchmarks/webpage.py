"""How large the page of a graph is and how fast it answers: ``python -m benchmarks.webpage``.

The page is opened in a Chromium without windows, the one on PATH, as readers open it: from its
file and from ``chainrule serve``. What a move of a slider costs is clocked in the page itself,
around the listeners of the event and the work of the frame after it; the browser's own account of
the processor time of scripts, styles and layout stands beside it.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page import Row, write_page
from benchmarks.pictures import mixed_graph, shown
from chainrule.formula.printer import formula
from chainrule.page.asking import content_for

SIZES = (10, 20, 50)
"""Nodes of the graphs whose pages are weighed."""
LARGEST = max(SIZES)
MANY = 100
MOVED = ((20, False), (MANY, False), (MANY, True))
"""Nodes of the graphs whose sliders move, and whether all of them are brought into sight."""
MOVES = 300
RUNS = 3
"""Everything in the browser is done so often, and the best run counts: others use the machine."""
SERVED = 20
"""Nodes of the formulas that are typed."""
TYPED = 10
"""How many are typed, after the first."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

MOVE = """
async (moves) => {
  const sliders = [...document.querySelectorAll(".chip input[type=range]")];
  const frame = window.requestAnimationFrame.bind(window);
  let cost = 0;
  const clocked = (work) => {
    const start = performance.now();
    work();
    cost += performance.now() - start;
  };
  window.requestAnimationFrame = (work) => frame((at) => clocked(() => work(at)));
  const costs = [];
  for (let move = 0; move < moves; move += 1) {
    const slider = sliders[Math.floor((move * sliders.length) / moves)];
    const [value, by] = [Number(slider.value), Number(slider.step)];
    slider.value = String(value + by > Number(slider.max) ? value - 5 * by : value + by);
    cost = 0;
    clocked(() => slider.dispatchEvent(new Event("input", { bubbles: true })));
    await new Promise(frame);
    costs.push(cost);
  }
  return costs;
}
"""
WATCH = """
const marks = (window.marks = { asked: [], drawn: [] });
const fetched = window.fetch;
window.fetch = (url, ...rest) => {
  if (String(url).endsWith("api/content")) {
    marks.asked.push(performance.now());
  }
  return fetched(url, ...rest);
};
let last = null;
new MutationObserver(() => {
  const drawing = document.querySelector(".drawing svg[role=application]");
  if (drawing && drawing !== last) {
    last = drawing;
    requestAnimationFrame(() => setTimeout(() => marks.drawn.push(performance.now())));
  }
}).observe(document, { childList: true, subtree: true });
"""
"""When content is asked for, and when the frame with another drawing has been made."""
TYPE = """
(source) => {
  const field = document.getElementById("formula");
  field.value = source;
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
}
"""
ANSWERS = """
performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("api/content"))
  .map(({ requestStart, responseEnd }) => responseEnd - requestStart)
"""
OPENED = "marks.drawn[0] - performance.getEntriesByType('navigation')[0].responseEnd"
SERVE = "from chainrule.app.cli import run; run()"
ACCOUNTS = {"ScriptDuration": "script", "RecalcStyleDuration": "style", "LayoutDuration": "layout"}


@contextmanager
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"there is no browser on PATH: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path)
        yield opened
        opened.close()


@contextmanager
def windows(address: str, script: str = "") -> Iterator[Callable[[], Page]]:
    """Windows that show an address, each new."""
    with browser() as chromium:

        def window() -> Page:
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            if script:
                page.add_init_script(script)
            page.goto(address)
            return page

        yield window


@contextmanager
def saved(nodes: int) -> Iterator[Path]:
    """The page of a graph of so many nodes, as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.html"
        mixed_graph(nodes).save(path)
        yield path


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server of its own process."""
    command = [sys.executable, "-c", SERVE, "serve", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("The page: ").strip()
        process.terminate()


def late(amounts: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(amounts, n=20)[-1]


# --- the figures ------------------------------------------------------------------------------


PIECES = {
    "styles": r"<style>(.*?)</style>",
    "script": r'<script type="module">.*?\n\}\)\(\);\n(.*?)</script>',
    "program": r"const graphProgram = (.*?)\n\}\)\(\);\n",
    "content, packed": r'id="content">(.*?)</script>',
}
"""Where the pieces of the file are; the program of the graph comes before the other modules."""
TABLES = ("derivations", "saved", "cost")


def sizes() -> list[Row]:
    rows = []
    for nodes in SIZES:
        with saved(nodes) as path:
            text = path.read_text(encoding="utf-8")
        pieces = {name: piece(pattern, text) for name, pattern in PIECES.items()}
        content = json.loads(gzip.decompress(base64.b64decode(pieces["content, packed"])))
        ways = len(content["drawings"])
        drawings = weight(content.pop("drawings"))
        tables = sum(weight(content.pop(name)) for name in TABLES)
        inside = f"{ways} drawings {drawings}, tables {tables:.1f}, the rest {weight(content)} kB"
        parts = ", ".join(f"{name} {weight(text)}" for name, text in pieces.items())
        goal = "300 kB" if nodes == LARGEST else "–"
        rows.append((f"{nodes} nodes: the page as one file", f"{weight(text)} kB ({parts})", goal))
        rows.append((f"{nodes} nodes: its content before it is packed", inside, "–"))
    return rows


def piece(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None
    return found[1]


def weight(what: Any) -> float:
    """The size of a text, or of JSON, in kB."""
    compact = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    return round(len((what if isinstance(what, str) else compact(what)).encode()) / 1e3, 1)


def moves() -> list[Row]:
    rows = []
    for nodes, whole in MOVED:
        runs, accounts = [], []
        with saved(nodes) as path, windows(path.as_uri()) as window:
            for _ in range(RUNS):
                page = window()
                page.wait_for_selector(".drawing svg")
                if whole:
                    page.keyboard.press("0")
                with accounted(page) as account:
                    costs = page.evaluate(MOVE, MOVES)
                runs.append((statistics.median(costs), late(costs)))
                accounts.append({name: 1e3 * spent / MOVES for name, spent in account.items()})
                page.close()
        middle, high = (min(figures) for figures in zip(*runs, strict=True))
        least = min(accounts, key=lambda one: sum(one.values()))
        parts = ", ".join(f"{name} {spent:.2f}" for name, spent in least.items())
        goal = "8 ms" if nodes == MANY else "–"
        what = f"{nodes} nodes, all in sight" if whole else f"{nodes} nodes"
        rows += [
            (f"{what}: script of a move, 95th percentile", f"{high:.1f} ms", goal),
            (f"{what}: script of a move, median", f"{middle:.1f} ms", "–"),
            (
                f"{what}: processor time of a move, mean",
                f"{sum(least.values()):.2f} ms ({parts})",
                "–",
            ),
        ]
    return rows


@contextmanager
def accounted(page: Page) -> Iterator[dict[str, float]]:
    """Processor seconds of scripts, styles and layout meanwhile, as the browser counts them."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read() -> dict[str, float]:
        found = session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}

    before = read()
    account: dict[str, float] = {}
    yield account
    after = read()
    for name, word in ACCOUNTS.items():
        account[word] = after[name] - before[name]


def served() -> list[Row]:
    formulas = [formula(mixed_graph(SERVED, seed).dag) for seed in range(1, TYPED + 2)]
    firsts, lasts, answers = [], [], []
    for _ in range(RUNS):
        with serving() as address, windows(address, WATCH) as window:
            page = window()
            waits = [drawn(page, 1)]
            for count, text in enumerate(formulas, 2):
                page.evaluate(TYPE, text)
                waits.append(drawn(page, count))
            firsts.append(waits[0])
            lasts.append(statistics.median(waits[1:]))
            answers.append(statistics.median(page.evaluate(ANSWERS)[1:]))
    answer, whole = shown(min(answers) / 1e3), shown(min(lasts) / 1e3)
    return [
        (
            "served, first formula of a new server: request to drawing",
            shown(min(firsts) / 1e3),
            "–",
        ),
        (
            f"served, a formula of {SERVED} nodes: request to drawing",
            f"{whole} ({answer} of it until the answer is there)",
            "300 ms",
        ),
        (f"content of a formula of {SERVED} nodes, in a process of its own", job(), "–"),
    ]


def job() -> str:
    """Processor time of a worker for formulas that it has not seen, by turns."""
    seconds = []
    for seed in range(100, 100 + 2 * TYPED):
        asked = request(formula(mixed_graph(SERVED, seed).dag))
        start = time.process_time()
        content_for(asked)
        seconds.append(time.process_time() - start)
    return f"median {shown(statistics.median(seconds[TYPED:]))} of processor time"


def drawn(page: Page, count: int) -> float:
    """Milliseconds from the request for the latest drawing to the frame that shows it."""
    page.wait_for_function("count => marks.drawn.length >= count", arg=count, timeout=60_000)
    marks = page.evaluate("marks")
    assert len(marks["asked"]) == len(marks["drawn"]) == count
    return float(marks["drawn"][-1] - marks["asked"][-1])


def request(source: str) -> dict[str, Any]:
    """What the page asks for a formula."""
    return {
        "source": source,
        "form": "auto",
        "of": "",
        "kinds": {},
        "values": {},
        "options": {"style": "values", "direction": "right", "edges": "local"},
    }


def opening() -> list[Row]:
    rows = []
    for nodes in (*SIZES, MANY):
        waits = []
        with saved(nodes) as path, windows(path.as_uri(), WATCH) as window:
            for _ in range(RUNS):
                page = window()
                page.wait_for_function("() => marks.drawn.length")
                waits.append(page.evaluate(OPENED))
                page.close()
        what = f"{nodes} nodes: one file, from its last byte to its drawing"
        rows.append((what, shown(min(waits) / 1e3), "–"))
    return rows


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-page.md",
        "Benchmarks of the page",
        [
            "The page of graphs of random operations, in a Chromium without windows; written by",
            "`python -m benchmarks.webpage`. The machine is shared and noisy: each figure is the",
            f"best of {RUNS} runs. A move is counted twice: by the clock of the page, around the",
            "listeners of the slider and the work of the frame after them, and as processor time",
            f"that the browser counts. A run is {MOVES} moves over all sliders; both passes are",
            "shown. Of a drawing that cannot be read as a whole a part is shown at first, and only",
            "numbers in sight are drawn anew; *all in sight* is after the key 0.",
        ],
        [sizes, moves, served, opening],
    )


if __name__ == "__main__":
    main()
