"""Sparse Jacobians and Hessians: patterns, colours, and the time of a first and a second call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.foundation import timed
from benchmarks.page import Row, write_page
from chainrule.api.pattern import Sparsity
from chainrule.diff.coloring import acyclic_colors, column_colors, star_colors

# --- functions ------------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    """The chained function of Rosenbrock."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def arrow(x: Any) -> Any:
    """A full row, a full column, and the diagonal."""
    return np.concatenate([np.sum(x**2)[None], x[1:] ** 2 * x[0]])


def heat(u: Any) -> Any:
    """A nonlinear diffusion on a square, 5-point stencil, zero around it."""
    p = np.pad(u, 1)
    around = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2]
    return (around - 4 * u) * (1 + u**2) - np.exp(u)


def rotated(vectors: Any, points: Any) -> Any:
    """Points turned about axes by angles: Rodrigues' formula."""
    angle = np.sqrt(np.sum(vectors**2, axis=1, keepdims=True))
    axis = vectors / angle
    along = np.sum(axis * points, axis=1, keepdims=True)
    parts = [
        axis[:, a] * points[:, b] - axis[:, b] * points[:, a] for a, b in ((1, 2), (2, 0), (0, 1))
    ]
    cross = np.stack(parts, axis=1)
    return np.cos(angle) * points + np.sin(angle) * cross + along * (1 - np.cos(angle)) * axis


def bundle(cameras: Any, points: Any, camera_of: Any, point_of: Any, seen: Any) -> Any:
    """Where cameras see points, less where they were seen (Agarwal and others, ECCV 2010)."""
    camera = cameras[camera_of]
    moved = rotated(camera[:, :3], points[point_of]) + camera[:, 3:6]
    flat = -moved[:, :2] / moved[:, 2:]
    square = np.sum(flat**2, axis=1)
    scale = camera[:, 6] * (1 + camera[:, 7] * square + camera[:, 8] * square**2)
    return (flat * scale[:, None] - seen).ravel()


def bundle_arguments(cameras: int, points: int, each: int) -> tuple[Any, ...]:
    random = np.random.default_rng(0)
    seen_by = [random.permutation(points)[:each] for _ in range(cameras)]
    return (
        random.uniform(0.1, 1, (cameras, 9)),
        random.uniform(1, 2, (points, 3)),
        np.repeat(np.arange(cameras), each),
        np.concatenate(seen_by),
        random.normal(size=(cameras * each, 2)),
    )


# --- rows -----------------------------------------------------------------------------------------


def measured(
    name: str, transform: Callable[[], Any], explain: Callable[[], Sparsity], goal: str, *given: Any
) -> list[Row]:
    """The first call, with tracing, pattern and colouring, and those after it."""
    firsts = []
    for _ in range(3):
        run = transform()
        start = time.perf_counter()
        run(*given)
        firsts.append(time.perf_counter() - start)
    again = timed(lambda: run(*given))
    found = explain()
    passes = f"{found.colors} passes ({found.coloring}) in place of {found.dense_passes:,}"
    return [
        (
            name,
            f"{min(firsts):.2f} s, then {again * 1e3:.1f} ms; {found.entries:,} entries, {passes}",
            goal,
        )
    ]


def fresh(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function as one that was not traced before."""
    number = time.perf_counter_ns()

    def copy(*given: Any) -> Any:
        return function(*given) if number else None

    return copy


def hessians() -> list[Row]:
    x = np.random.default_rng(0).normal(size=100_000)
    # What is loaded on first use is loaded before.
    cr.hessian(rosenbrock, sparse=True)(x[:10])
    rows = []
    for recovery, goal in (("direct", "2 s, 3 colours"), ("substitution", "")):
        rows += measured(
            f"Hessian of Rosenbrock, 100,000 variables, {recovery} recovery",
            lambda how=recovery: cr.hessian(fresh(rosenbrock), sparse=True, recovery=how),  # type: ignore[misc]
            lambda how=recovery: cr.sparsity(rosenbrock, of="hessian", recovery=how)(x),  # type: ignore[misc]
            goal,
            x,
        )
    return rows


def jacobians() -> list[Row]:
    def row(name: str, function: Any, argnums: Any, given: Any, goal: str) -> list[Row]:
        return measured(
            name,
            lambda: cr.jacobian(fresh(function), argnums, sparse=True),
            lambda: cr.sparsity(function, argnums)(*given),
            goal,
            *given,
        )

    side = np.random.default_rng(0).normal(size=(316, 316))
    given = bundle_arguments(20, 2000, 500)
    return [
        *row("Jacobian of a diffusion on 316 × 316", heat, 0, (side,), "5 to 7 colours"),
        *row("Jacobian of an arrow, 100,000 variables", arrow, 0, (np.ones(100_000),), "3 colours"),
        *row(
            "bundle adjustment, 20 cameras, 2,000 points, 10,000 observations",
            bundle, (0, 1), given, "12 colours",
        ),
    ]  # fmt: skip


def colorings() -> list[Row]:
    count = 100_000
    line = cr.sparsity(rosenbrock, of="hessian")(np.ones(count)).pattern
    rows = []
    for name, color in (
        ("column", column_colors),
        ("star", star_colors),
        ("acyclic", acyclic_colors),
    ):
        took = timed(lambda: color(line))  # noqa: B023 - called at once
        number = int(color(line).max()) + 1
        rows.append((f"{name} colouring of a band, 100,000 rows", f"{took:.2f} s, {number}", ""))
    return rows


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-sparse.md",
        "Benchmarks of sparse derivatives",
        [
            "A first call traces the function, finds the pattern and the colours, and runs the",
            "passes; the calls after it only run them. The best of three first calls, the median",
            "of others. Written by `python -m benchmarks.sparse`. The machine is shared and noisy.",
        ],
        [hessians, jacobians, colorings],
    )


if __name__ == "__main__":
    main()
