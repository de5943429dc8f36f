"""How fast graphs are built, read, recorded and saved: ``python -m benchmarks.foundation``.

Every figure is a median. Building is compared with the least that an interned graph can cost: a
loop that makes bare nodes in a dict of weak references, timed in the same run.
"""

from __future__ import annotations

import gc
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import chainrule as cr
from benchmarks.graphs import random_scalar_graph
from benchmarks.page import Row, write_page
from chainrule.formula.tokens import tokenize
from chainrule.graph import text

REPEATS = 5


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median seconds; what the work returns is freed outside the clock."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
        del result
    return statistics.median(times)


# --- the least that interning costs ---------------------------------------------------------------


class BareNode:
    """A node with nothing but an operation and operands."""

    __slots__ = ("__weakref__", "op", "operands")

    def __init__(self, op: str, operands: tuple[Any, ...]) -> None:
        self.op = op
        self.operands = operands


class BareReference(weakref.ref[BareNode]):
    """A weak reference with its key."""

    __slots__ = ("key",)
    key: tuple[Any, ...]


def bare_loop(count: int) -> BareNode:
    """A chain of interned bare nodes."""
    table: dict[tuple[Any, ...], BareReference] = {}

    def forget(reference: weakref.ref[BareNode]) -> None:
        assert isinstance(reference, BareReference)
        table.pop(reference.key, None)

    leaf = node = BareNode("leaf", ())
    for _ in range(count):
        key = ("add", (node, leaf))
        found = table.get(key)
        if found is None:
            node = BareNode(*key)
            found = BareReference(node, forget)
            found.key = key
            table[key] = found
    return node


def operator_loop(count: int) -> cr.Array:
    """A chain of mixed operators, as users write them: half of them meet a number."""
    x, y = cr.inputs("x y")
    value = x
    for step in range(count // 8):
        value = (value + y) * x - cr.sin(value)
        value = value * 0.5 + step
    return value


def made_by_operator_loop(count: int) -> int:
    """How many nodes `operator_loop` makes."""
    return len(cr.graph(operator_loop(count)).dag)


# --- the figures ------------------------------------------------------------------------------


def building() -> list[Row]:
    rows = []
    bare = timed(lambda: bare_loop(100_000)) / 100_000
    rows.append(("a bare interned node, to compare with", f"{bare * 1e6:.2f} µs", "–"))
    for count in (100_000, 1_000_000):
        made = made_by_operator_loop(count)
        each = timed(partial(operator_loop, count)) / made
        rows.append(
            (
                f"build {made:,} mixed nodes with operators",
                f"{each * 1e6:.2f} µs a node, {each / bare:.2f} × a bare interned node",
                "5 µs",
            )
        )
    gc.collect()
    tracemalloc.start()
    graph = cr.graph(operator_loop(100_000))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    rows.append(("memory of that graph", f"{used / len(graph.dag):.0f} bytes a node", "600 bytes"))
    return rows


def written_formula(size: int) -> str:
    """A sum of about this many characters, each term with a number of its own."""
    terms: list[str] = []
    length = 0
    while length < size - 50:
        terms.append(f"sin(alpha*x_1 + {len(terms)}.5) - 3x_2^2/(1 + beta)")
        length += len(terms[-1]) + 3
    return " + ".join(terms)


def reading() -> list[Row]:
    rows = []
    for size in (10_000, 100_000, 1_000_000):
        source = written_formula(size)
        tokens = len(tokenize(source, cr.Limits()))
        seconds = timed(partial(cr.parse, source), 3)
        rows.append(
            (
                f"read a formula of {len(source):,} characters, {tokens:,} tokens",
                f"{tokens / seconds:,.0f} tokens a second",
                "50,000",
            )
        )
    return rows


def recording() -> list[Row]:
    # About half of the steps are reached from the output.
    graph = random_scalar_graph(200_000)
    nodes = len(graph.dag)
    values = dict.fromkeys(graph.arguments, 0.1)
    seconds = timed(lambda: graph.at(**values).gradient) * 100_000 / nodes
    forward = timed(lambda: graph.at(**values)) * 100_000 / nodes
    return [
        (
            f"record with gradient, mixed graph of {nodes:,} nodes",
            f"{seconds:.2f} s for 10⁵ nodes, {seconds / forward:.1f} × the values alone",
            "0.6 s",
        )
    ]


def freeing(build: Callable[[], Any]) -> float:
    """Seconds to free what ``build`` makes."""
    made = [build()]
    start = time.perf_counter()
    made.clear()
    return time.perf_counter() - start


def large() -> list[Row]:
    count = 1_000_000
    x = cr.input("x")

    def build() -> cr.Graph:
        value = x
        for _ in range(count):
            value = cr.sin(value)
        return cr.graph(value)

    graph = build()
    parts = [f"build and free {timed(build, 1) + freeing(build):.1f}"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.json"
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("record and gradient", lambda: graph.at(0.5).gradient),
            ("formula", graph.formula),
            ("canonical text", graph.text),
            ("read it back", lambda: text.read(graph.text())),
            ("save", lambda: graph.save(path)),
            ("load", lambda: cr.load(path)),
            ("pickle", lambda: pickle.dumps(graph)),
        ]
        parts += [f"{name} {timed(work, 1):.1f}" for name, work in steps]
    value = x
    for _ in range(100):
        value = value + value
    doubled = cr.graph(value)
    paths = timed(lambda: doubled.count_paths("x"))
    return [
        ("a chain of 10⁶ nodes", f"seconds: {', '.join(parts)}", "works"),
        ("count 2¹⁰⁰ paths", f"{paths * 1e6:.0f} µs", "at once"),
    ]


def processes() -> list[Row]:
    command = str(Path(sys.executable).parent / "chainrule")

    # As installed packages run: from bytecode.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run(*arguments: str) -> float:
        def once() -> object:
            return subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, env=environment)

        once()
        return timed(once, 21)

    show = run(command, "show", "(x+y)*(x+1)", "x=2", "y=1")
    ours = run(sys.executable, "-c", "import chainrule")
    numpy = run(sys.executable, "-c", "import numpy")
    return [
        ('chainrule show "(x+y)*(x+1)" x=2 y=1', f"{show * 1e3:.0f} ms", "500 ms"),
        (
            "import chainrule",
            f"{(ours - numpy) * 1e3:.0f} ms above import numpy ({numpy * 1e3:.0f} ms)",
            "60 ms",
        ),
    ]


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks.md",
        "Benchmarks",
        [
            "The foundation: building, reading, recording, saving. Medians; written by",
            "`python -m benchmarks.foundation`. The machine is shared and noisy: ratios count.",
            "Derivatives have [a page of their own](benchmarks-derivatives.md).",
        ],
        [processes, building, reading, recording, large],
    )


if __name__ == "__main__":
    main()
