"""How fast graphs become pictures, and how large those are: ``python -m benchmarks.pictures``.

A picture is the scene of a record, with its layout, and the SVG of that scene. The first picture of
a process pays for the imports and for the outlines of every letter, so it is measured apart, in
processes of its own. Graphviz, where it is installed, places and draws the same boxes and labels
from our DOT text, as plain text, in a process of its own; it is the one peer.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import chainrule as cr
from benchmarks.foundation import timed
from benchmarks.page import Row, write_page
from chainrule.draw import compose, picture

SIZES = (10, 50, 200, 2_000)
GOALS = {10: "60 ms", 200: "0.8 s", 2_000: "10 s"}
"""For the warm picture with all its boxes."""
LARGE = 1_000
"""Graphs with more nodes than this are drawn twice: as they come by default, and with all boxes."""
PATIENCE = 120
"""Seconds after which Graphviz is given up."""
FORMULA = "(y - (w1*x1 + w2*x2 + b))^2"
"""A loss of twelve nodes, from the last of the texts."""


@cache
def mixed_graph(nodes: int, seed: int = 1) -> cr.Record:
    """A scalar graph of this many nodes, all of which lead to the output, at some point."""
    chance = random.Random(seed)
    names = [f"x{at}" for at in range(max(2, min(8, nodes // 5)))]
    values = list(cr.inputs(names))
    loose = list(values)
    while len(values) + len(loose) - 1 < nodes:
        a = loose.pop(chance.randrange(len(loose)))
        form = chance.randrange(6)
        if form < 2:
            new = (cr.sin, cr.tanh)[form](a)
        else:
            b = chance.choice(values[-8:])
            new = (a + b, a - b, a * b, cr.maximum(a, b))[form - 2]
            loose = [value for value in loose if value is not b]
        values.append(new)
        loose.append(new)
    total = loose[0]
    for value in loose[1:]:
        total = total + value
    return cr.graph(total).at(**{name: chance.uniform(0.5, 2) for name in names})


def loss() -> cr.Record:
    """The graph of `FORMULA` at a point."""
    graph = cr.parse(FORMULA, parameters="w1 w2 b")
    return graph.at(w1=0.5, w2=-1.0, b=0.25, x1=2.0, x2=1.5, y=3.0)


def drawn(record: cr.Record, most: int) -> str:
    """The whole way: scene and SVG."""
    return record.draw(most=most).svg()


@contextmanager
def clocked(module: Any, name: str) -> Iterator[list[float]]:
    """The seconds of every call of one function of a module."""
    original: Callable[..., Any] = getattr(module, name)
    seconds: list[float] = []

    def work(*arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        result = original(*arguments, **named)
        seconds.append(time.perf_counter() - start)
        return result

    setattr(module, name, work)
    try:
        yield seconds
    finally:
        setattr(module, name, original)


def shown(seconds: float) -> str:
    """A duration with its unit.

    >>> shown(0.0423), shown(1.25)
    ('42.3 ms', '1.2 s')
    """
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


# --- the figures ------------------------------------------------------------------------------


def cases() -> Iterator[tuple[str, int, int, str]]:
    """Each drawing: what it is called, nodes asked for, ``most``, the goal."""
    for wanted in SIZES:
        nodes = len(mixed_graph(wanted).dag)
        if wanted > LARGE:
            yield f"{nodes:,} nodes, most=200 (default)", wanted, 200, "–"
            yield f"{nodes:,} nodes, most=5000", wanted, 5_000, GOALS[wanted]
        else:
            # A graph may have one node more than asked for, and no box is to be left out.
            yield f"{nodes:,} nodes", wanted, max(200, nodes), GOALS.get(wanted, "–")


def repeats(wanted: int, most: int) -> int:
    """How often a drawing is timed."""
    return 3 if most > LARGE else 5 if wanted > 100 else 11


def warm() -> list[Row]:
    rows = []
    for name, wanted, most, goal in cases():
        record = mixed_graph(wanted)
        scene = record.draw(most=most).scene
        text = drawn(record, most)
        seconds = timed(partial(drawn, record, most), repeats(wanted, most))
        boxes = f"{len(scene.boxes):,} boxes, {len(scene.curves):,} edges"
        rows.append(
            (
                f"{name}: scene and SVG, warm",
                f"{shown(seconds)} ({boxes}, {len(text.encode()) / 1e3:,.0f} kB)",
                goal,
            )
        )
    return rows


def parts() -> list[Row]:
    rows = []
    for name, wanted, most, _ in cases():
        record = mixed_graph(wanted)
        with clocked(picture, "graph_diagram") as diagrams, clocked(compose, "layout") as layouts:
            start = time.perf_counter()
            drawing = record.draw(most=most)
            whole = time.perf_counter() - start
        svg = timed(drawing.svg, repeats(wanted, most))
        rest = whole - sum(diagrams) - sum(layouts)
        calls = f" ({len(layouts)} calls)" if len(layouts) > 1 else ""
        before = f"diagram {shown(sum(diagrams))}, layout {shown(sum(layouts))}{calls}"
        rows.append(
            (
                f"{name}: where the time goes",
                f"{before}, sizes and scene {shown(rest)}, SVG {shown(svg)}",
                "–",
            )
        )
    return rows


def cold() -> list[Row]:
    rows = []
    for name, wanted, most, _ in cases():
        command = [sys.executable, "-m", "benchmarks.pictures", "first", str(wanted), str(most)]
        answers = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for _ in range(1 if most > LARGE else 3)
        ]
        seconds = statistics.median(map(float, answers))
        rows.append((f"{name}: first picture of a process", shown(seconds), "–"))
    return rows


def first(wanted: int, most: int) -> float:
    """Seconds for the first picture; ``import chainrule`` and the graph are there already."""
    record = mixed_graph(wanted)
    start = time.perf_counter()
    drawn(record, most)
    return time.perf_counter() - start


def sizes() -> list[Row]:
    drawing = loss().draw()
    text = drawing.svg()
    return [
        (
            f"SVG of a loss of {len(drawing.scene.boxes)} nodes, `{FORMULA}`",
            f"{len(text.encode()) / 1e3:.1f} kB",
            "60 kB",
        )
    ]


def graphviz() -> list[Row]:
    program = shutil.which("dot")
    if program is None:
        return [("Graphviz", "not installed on this machine", "–")]
    rows = []
    for name, wanted, most, _ in cases():
        record = mixed_graph(wanted)
        text = record.draw(most=most).dot()
        run = partial(
            subprocess.run,
            [program, "-Tsvg"],
            input=text.encode(),
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        what = f"{name}: Graphviz `dot -Tsvg`, process included"
        try:
            size = len(run().stdout)
            theirs = timed(run, 1 if most > LARGE else 5)
        except subprocess.TimeoutExpired:
            rows.append((what, f"given up after {PATIENCE} s", "–"))
            continue
        ours = timed(partial(drawn, record, most), 1 if most > LARGE else 5)
        measured = f"{shown(theirs)} ({size / 1e3:,.0f} kB); ours takes {ours / theirs:.2g} × that"
        rows.append((what, measured, "–"))
    return rows


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-pictures.md",
        "Benchmarks of pictures",
        [
            "Graphs of random operations as pictures: values, adjoints and local derivatives, laid",
            "out and written as SVG. Medians; written by `python -m benchmarks.pictures`. The",
            "machine is shared and noisy: ratios count. Warm: the process has drawn the same",
            f"picture before. Coordinates come from graphlay {version('graphlay')}; Graphviz draws",
            "the DOT text of the picture, with labels as plain text and not as mathematics.",
        ],
        [cold, warm, parts, sizes, graphviz],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["first"]:
        print(first(*map(int, sys.argv[2:])))
    else:
        main()
