"""Graphs to measure on, from a seeded generator."""

from __future__ import annotations

import random

import chainrule as cr

INPUTS = 16
WINDOW = 200


def random_scalar_graph(nodes: int, seed: int = 1) -> cr.Graph:
    """A mixed scalar graph: each step one of eight forms over the last 200 values.

    The output is the mean of the last 16 values. Steps that the output does not reach are not part
    of the graph, and most forms are several nodes, so ``nodes`` is the number made, about.
    """
    rng = random.Random(seed)
    values = list(cr.inputs([f"x{i}" for i in range(INPUTS)]))
    made = 0
    while made < nodes:
        a, b = rng.choice(values[-WINDOW:]), rng.choice(values[-WINDOW:])
        form = rng.randrange(8)
        made += (2, 2, 2, 3, 1, 3, 2, 1)[form]
        values.append(_step(form, a, b))
    total = values[-INPUTS]
    for value in values[-INPUTS + 1 :]:
        total = total + value
    return cr.graph(total / INPUTS)


def _step(form: int, a: cr.Array, b: cr.Array) -> cr.Array:
    match form:
        case 0:
            result = 0.5 * (a + b)
        case 1:
            result = a - 0.5 * b
        case 2:
            result = 0.7 * a * b
        case 3:
            result = a / (1 + b**2)
        case 4:
            result = cr.sin(a)
        case 5:
            result = cr.exp(-(a**2))
        case 6:
            result = cr.log1p(a**2)
        case _:
            result = cr.tanh(a)
    return result
