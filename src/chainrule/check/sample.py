"""Points to check at: those a user gives, or deterministic ones where the graph is finite."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from chainrule.errors import EvaluationError, listed, shown
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Sweep

_SCALES: Final = ((-2.0, 2.0), (0.1, 2.0), (0.0, 1.0), (-10.0, 10.0), (1.0, 5.0), (-0.5, 0.5))
"""Intervals that arguments are drawn from: between them they reach into most domains."""
_DRAWS: Final = 40
_WIDE: Final = (1e-3, 1e3)


def bind(dag: Dag, point: Mapping[str, Any]) -> dict[Node, Any]:
    """The arguments of a point as numbers of the right dtype.

    Raises:
        EvaluationError: E301 missing, E302 surplus, E303 not one number, E304 not of the dtype.
    """
    names = [node.name for node in dag.inputs]
    missing = [name for name in names if name not in point]
    surplus = [name for name in point if name not in names]
    if missing:
        raise EvaluationError("E301", f"no value for {listed(map(repr, missing))}")
    if surplus:
        raise EvaluationError("E302", f"the graph has no argument {listed(map(repr, surplus))}")
    return {node: _number(node, point[node.name]) for node in dag.inputs}


def _number(node: Node, given: Any) -> Any:
    if not isinstance(given, (bool, int, float, np.generic)) or isinstance(
        given, np.complexfloating
    ):
        raise EvaluationError("E303", f"{node.name} needs a number, got {shown(given)}")
    dtype = node.type.dtype
    try:
        if dtype.kind == "f" or given == (bool(given) if dtype.kind == "b" else int(given)):
            with np.errstate(over="ignore"):
                return dtype.type(given)
    except (OverflowError, ValueError):  # too large, infinite, NaN
        pass
    raise EvaluationError("E304", f"{node.name} is {node.type}: {shown(given)} does not fit")


def sampled(dag: Dag, count: int, seed: int = 0) -> list[dict[Node, Any]]:
    """Up to ``count`` points where every number of the graph and of its gradient is finite.

    The same graph gets the same points every time. Arguments are drawn from several intervals, and
    the points that are kept come from as many of them as possible.
    """
    generator = np.random.default_rng(seed)
    found: list[list[dict[Node, Any]]] = []
    for draw in _draws(dag, generator):
        usable = np.flatnonzero(_finite(dag, draw))
        found.append(
            [{node: draw[node][at] for node in dag.inputs} for at in usable[:count].tolist()]
        )
        if sum(map(len, found)) >= count and len(found) >= min(count, len(_SCALES)):
            break
    # One from each interval, then the second of each, …
    deepest = max(map(len, found))
    turns = [points[at] for at in range(deepest) for points in found if at < len(points)]
    return turns[: count if dag.inputs else 1]


def _draws(dag: Dag, generator: np.random.Generator) -> Iterator[dict[Node, Any]]:
    for low, high in _SCALES:
        yield {node: _drawn(node, generator.uniform(low, high, _DRAWS)) for node in dag.inputs}
    smallest, largest = map(math.log, _WIDE)
    for signs in ((1.0,), (-1.0, 1.0)):
        yield {
            node: _drawn(
                node,
                np.exp(generator.uniform(smallest, largest, _DRAWS))
                * generator.choice(signs, _DRAWS),
            )
            for node in dag.inputs
        }


def _drawn(node: Node, numbers: Any) -> Any:
    dtype = node.type.dtype
    if dtype.kind == "f":
        return numbers.astype(dtype)
    return numbers > np.median(numbers) if dtype.kind == "b" else np.rint(numbers).astype(dtype)


def _finite(dag: Dag, draw: Mapping[Node, Any]) -> Any:
    """At which of the points all values and adjoints are finite."""
    sweep = Sweep(dag, draw)
    numbers: list[Any] = list(sweep.values.values())
    for output in dag.outputs:
        if output.type.is_float:
            adjoints = sweep.reverse(output)
            numbers += [adjoints[node] for node in dag.inputs if node in adjoints]
    usable = np.ones(_DRAWS, dtype=bool)
    for value in numbers:
        usable &= np.isfinite(value)
    return usable


def labelled(arguments: Mapping[Node, Any], nodes: Sequence[Node]) -> dict[str, Any]:
    """A point by names, as reports have it."""
    return {node.name: arguments[node].item() for node in nodes}
