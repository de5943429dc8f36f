"""Where arguments start when nobody says, and how far their sliders go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Sweep

_STARTS: Final[Sequence[Sequence[float]]] = (
    (2, 1, 4, -1),
    (2, 1, 4, 3),
    (1, 2),
    (0.5, 0.25),
    (0.5,),
    (-0.5,),
    (2,),
    (0.1, 0.2, 0.3),
    (-2,),
)
"""Values tried one after the other until the graph has a finite value and derivatives."""
_LEAST: Final = 10.0
_STEPS: Final = 200
"""How many steps a slider has from one end to the other."""


def start(dag: Dag, output: Node | None, given: Mapping[str, Any]) -> Sweep:
    """The graph at the values that are given by name, and at others that suit it."""
    found: Sweep | None = None
    for values in _choices(dag, given):
        sweep = Sweep(dag, values)
        found = found or sweep
        if _is_finite(sweep, output):
            return sweep
        if len(given) == len(dag.inputs):
            break
    assert found is not None
    return found


def _choices(dag: Dag, given: Mapping[str, Any]) -> Iterator[dict[Node, Any]]:
    for starts in _STARTS:
        values = islice(cycle(starts), len(dag.inputs))
        yield {
            node: node.type.dtype.type(given.get(node.name, value))
            for node, value in zip(dag.inputs, values, strict=True)
        }


def _is_finite(sweep: Sweep, output: Node | None) -> bool:
    if not all(np.all(np.isfinite(sweep.values[node])) for node in sweep.dag.outputs):
        return False
    if output is None or output not in sweep.varying:
        return True
    adjoints = sweep.reverse(output)
    return all(np.isfinite(adjoints.get(node, 0.0)) for node in sweep.dag.inputs)


def slider(node: Node, value: float) -> dict[str, float]:
    """The ends of a slider and its step: powers of ten around the value.

    >>> from chainrule.graph.node import input_node
    >>> from chainrule.graph.types import FLOAT64
    >>> slider(input_node("x", FLOAT64), 2.5)
    {'low': -10.0, 'high': 10.0, 'step': 0.1}
    """
    if node.type.is_bool:
        return {"low": 0.0, "high": 1.0, "step": 1.0}
    size = abs(value) if math.isfinite(value) else 0.0
    end = max(_LEAST, 10.0 ** math.ceil(math.log10(size))) if size else _LEAST
    step = 2 * end / _STEPS
    return {"low": -end, "high": end, "step": step if node.type.is_float else max(1.0, step)}
