"""Loops, their memory in reverse mode, and functions of many items on the interpreter."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.foundation import timed
from benchmarks.page import Row, write_page

STEPS = 10_000
SIZE = 1_000
START = np.full(SIZE, 0.5)
CARRIED = STEPS * SIZE * 8
"""Bytes of the carried values before all steps."""


def end(start: Any, checkpoints: int | None = None) -> Any:
    """A loop that carries a vector."""

    def step(x: Any, _: Any) -> tuple[Any, None]:
        return np.sin(x) + 0.1 * x, None

    return np.sum(cr.scan(step, start, None, STEPS, checkpoints=checkpoints)[0])


def by_hand(start: Any) -> Any:
    """The gradient of the same, with pencil and paper."""
    kept = []
    x = start
    for _ in range(STEPS):
        kept.append(x)
        x = np.sin(x) + 0.1 * x
    bar = np.ones(SIZE)
    for x in reversed(kept):
        bar = bar * (np.cos(x) + 0.1)
    return bar


def memory_of(run: Callable[[], Any]) -> tuple[int, float]:
    """The most bytes in use while it runs, and the seconds of another run."""
    run()
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begin = time.perf_counter()
    run()
    return peak, time.perf_counter() - begin


def memory() -> list[Row]:
    _, hand = memory_of(lambda: by_hand(START))
    rows = []
    for checkpoints, bound in ((None, 1.2), (100, 0.0102), (10, 0.0012)):
        gradient = cr.grad(partial(end, checkpoints=checkpoints))
        peak, seconds = memory_of(partial(gradient, START))
        kept, more = "all carried values", ""
        if checkpoints is not None:
            kept, more = f"{checkpoints} checkpoints", " + 20 vectors"
        # A checkpointed loop holds besides what one step computes and what goes in and comes out.
        limit = f"{bound:g} of all carried values{more}"
        share = f"{peak / CARRIED:.4f} of all carried values ({CARRIED / 1e6:.0f} MB)"
        rows.append(
            (
                f"gradient of a scan of {STEPS:,} steps with {SIZE:,} numbers, {kept}",
                f"{share}, {seconds / hand:.2f} × the time of NumPy by hand",
                limit,
            )
        )
    return rows


def overhead() -> list[Row]:
    """What a step of a loop costs besides its work."""
    run = cr.jit(lambda x: cr.scan(lambda x, _: (np.sin(x) + 0.1 * x, None), x, None, STEPS)[0])
    run(0.5)

    def plain() -> None:
        x = np.float64(0.5)
        for _ in range(STEPS):
            x = np.sin(x) + 0.1 * x

    mine, theirs = timed(lambda: run(0.5)), timed(plain)
    return [
        (
            "a step of a scan of one number, two operations",
            f"{mine / STEPS * 1e6:.2f} µs, {mine / theirs:.2f} × a loop in Python",
            "",
        )
    ]


def many() -> list[Row]:
    """One call for many items against a call for each."""

    def loss(w: Any, x: Any, y: Any) -> Any:
        return (np.tanh(x @ w) - y) ** 2

    random = np.random.default_rng(0)
    w, xs, ys = random.normal(size=20), random.normal(size=(1000, 20)), random.normal(size=1000)
    one = cr.grad(loss)
    every = cr.jit(cr.vmap(one, (None, 0, 0)))
    items = sum(1 for node in cr.trace(one)(w, xs[0], ys[0]).dag.computations)
    count = sum(1 for node in cr.trace(every)(w, xs, ys).dag.computations)
    every(w, xs, ys)

    def each() -> None:
        for x, y in zip(xs, ys, strict=True):
            one(w, x, y)

    loop, whole = timed(each), timed(partial(every, w, xs, ys))
    return [
        (
            "per-example gradients of 1,000 examples by vmap of grad",
            f"{count} operations for all, {items} for one; {loop / whole:.0f} × faster than a loop",
            "as many operations",
        )
    ]


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-loops.md",
        "Benchmarks of loops and of many items",
        [
            "Loops as operations, on the interpreter: the memory of their gradients with all",
            "carried values kept and with few (Revolve), and what a step costs; functions of one",
            "item as functions of many. Written by `python -m benchmarks.loops`. The machine is",
            "shared and noisy: ratios count.",
        ],
        [memory, overhead, many],
    )


if __name__ == "__main__":
    main()
