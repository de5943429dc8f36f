"""Tracing and derivatives of NumPy code on the interpreter, against NumPy by hand."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.foundation import timed
from benchmarks.page import Row, write_page

FLOAT = np.float32
Parameters = dict[str, Any]


# --- tracing --------------------------------------------------------------------------------------


def long_function(x: Any) -> Any:
    """Nine hundred operations, one after the other."""
    for _ in range(300):
        x = np.sin(x) * 2.0 + x
    return x


def branching_function(x: Any, y: Any) -> Any:
    """Twenty operations on two numbers."""
    a = x * y + np.sin(x)
    b = a * np.exp(-y)
    c = np.tanh(a + b) * x
    d = c / (1.0 + a * a)
    return np.log(1.0 + d * d) + a * b * c


def tracing() -> list[Row]:
    rows = []
    for name, arguments in (
        ("scalars", (0.5,)),
        ("arrays of 1,000 elements", (np.full(1000, 0.5),)),
    ):
        run = partial(cr.trace(long_function), *arguments)
        nodes = len(run().dag)
        each = timed(run) / nodes
        rows.append((f"tracing {nodes} nodes, {name}", f"{each * 1e6:.1f} µs a node", "15 µs"))
    return rows


def cached_gradient() -> list[Row]:
    gradient = cr.grad(branching_function)
    nodes = len(cr.trace(branching_function)(1.0, 2.0).dag)
    gradient(1.0, 2.0)

    def thousand() -> None:
        for _ in range(1000):
            gradient(1.0, 2.0)

    each = timed(thousand) / 1000
    return [
        (
            f"a call of cr.grad(f), traced before, f of {nodes} nodes",
            f"{each * 1e6:.1f} µs",
            "60 µs",
        )
    ]


# --- a step of training ---------------------------------------------------------------------------


def loss(params: Parameters, x: Any, y: Any) -> Any:
    """A network of two layers with the mean softmax cross-entropy."""
    hidden = np.maximum(x @ params["w1"] + params["b1"], 0)
    scores = hidden @ params["w2"] + params["b2"]
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    logs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(np.sum(logs * y, axis=1))


def by_hand(params: Parameters, x: Any, y: Any) -> tuple[Any, Parameters]:
    """The same loss and its gradient, derived with pencil and paper."""
    before = x @ params["w1"] + params["b1"]
    hidden = np.maximum(before, 0)
    scores = hidden @ params["w2"] + params["b2"]
    top = scores.max(1, keepdims=True)
    powers = np.exp(scores - top)
    sums = powers.sum(1, keepdims=True)
    value = -np.sum((scores - top - np.log(sums)) * y) / FLOAT(len(x))
    d_scores = (powers / sums - y) / FLOAT(len(x))
    d_before = (d_scores @ params["w2"].T) * (before > 0)
    return value, {
        "w1": x.T @ d_before,
        "b1": d_before.sum(0),
        "w2": hidden.T @ d_scores,
        "b2": d_scores.sum(0),
    }


def start() -> Parameters:
    random = np.random.default_rng(0)
    return {
        "w1": (random.normal(size=(784, 128)) * 0.05).astype(FLOAT),
        "b1": np.zeros(128, FLOAT),
        "w2": (random.normal(size=(128, 10)) * 0.05).astype(FLOAT),
        "b2": np.zeros(10, FLOAT),
    }


def step(run: Callable[..., tuple[Any, Parameters]], params: Parameters, x: Any, y: Any) -> float:
    """The seconds of one step of gradient descent."""
    begin = time.perf_counter()
    _, gradient = run(params, x, y)
    {name: params[name] - FLOAT(0.1) * gradient[name] for name in params}
    return time.perf_counter() - begin


def training() -> list[Row]:
    rows = []
    random = np.random.default_rng(1)
    ours = cr.value_and_grad(loss)
    for batch in (32, 256):
        x = random.normal(size=(batch, 784)).astype(FLOAT)
        y = np.eye(10, dtype=FLOAT)[random.integers(0, 10, batch)]
        params = start()
        pairs = [(step(ours, params, x, y), step(by_hand, params, x, y)) for _ in range(200)][20:]
        mine = statistics.median(pair[0] for pair in pairs)
        hand = statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
        rows.append(
            (
                f"a step of 784-128-10 in float32, batch {batch} (row e)",
                f"{mine * 1e6:,.0f} µs, {ratio:.2f} × NumPy by hand ({hand * 1e6:,.0f} µs)",
                "1.5 ×",
            )
        )
    return rows


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-arrays.md",
        "Benchmarks of arrays",
        [
            "NumPy functions traced, differentiated, and run on the interpreter. Medians; ours and",
            "NumPy by hand take turns. Written by `python -m benchmarks.arrays`. The machine is",
            "shared and noisy: ratios count.",
        ],
        [tracing, cached_gradient, training],
    )


if __name__ == "__main__":
    main()
