"""Graphs to measure on, from a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import chainrule as cr

INPUTS = 16
WINDOW = 200

Step = tuple[int, int, int]
"""Which form, and the places of its operands among the inputs and the steps before."""

FORMS: tuple[Callable[[Any, Any, Any], Any], ...] = (
    lambda _, a, b: 0.5 * (a + b),
    lambda _, a, b: a - 0.5 * b,
    lambda _, a, b: 0.7 * a * b,
    lambda _, a, b: a / (1 + b**2),
    lambda m, a, _: m.sin(a),
    lambda m, a, _: m.exp(-(a**2)),
    lambda m, a, _: m.log1p(a**2),
    lambda m, a, _: m.tanh(a),
)
"""Each takes the functions of some library, and two operands of its own kind."""

_OPERATIONS = (2, 2, 2, 3, 1, 3, 2, 1)


def random_steps(steps: int | None = None, *, operations: int = 0, seed: int = 1) -> list[Step]:
    """So many steps (or operations): each one of eight forms over the last 200 values."""
    rng = random.Random(seed)
    made: list[Step] = []
    count = 0
    while len(made) < steps if steps is not None else count < operations:
        end = INPUTS + len(made)
        last = range(max(0, end - WINDOW), end)
        a, b = rng.choice(last), rng.choice(last)
        form = rng.randrange(8)
        count += _OPERATIONS[form]
        made.append((form, a, b))
    return made


def mean_of_last(steps: Sequence[Step], inputs: Sequence[Any], functions: Any) -> Any:
    """The steps computed by some library; the mean of the last 16 values."""
    values = list(inputs)
    for form, a, b in steps:
        values.append(FORMS[form](functions, values[a], values[b]))
    total = values[-INPUTS]
    for value in values[-INPUTS + 1 :]:
        total = total + value
    return total / INPUTS


def random_scalar_graph(nodes: int, seed: int = 1) -> cr.Graph:
    """A mixed scalar graph; the output is the mean of the last 16 values.

    Steps that the output does not reach are not part of the graph, and most forms are several
    nodes, so ``nodes`` is the number made, about.
    """
    inputs = cr.inputs([f"x{i}" for i in range(INPUTS)])
    return cr.graph(mean_of_last(random_steps(operations=nodes, seed=seed), inputs, cr))
