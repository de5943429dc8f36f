"""The values of nodes that depend on no argument, found in NumPy when asked for."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import Op


class Known:
    """The values of nodes that depend on no argument, found when asked for.

    Args:
        given: Arguments whose values are known all the same, such as indices.
    """

    def __init__(self, given: Mapping[Node, Any] | None = None) -> None:
        self._values: dict[Node, Any] = dict(given or {})
        self._seen: dict[Node, bool] = dict.fromkeys(self._values, True)

    def of(self, node: Node) -> Any:
        """The value of a node; None where it depends on an argument."""
        if node.op is CONSTANT:
            return constant_value(node)
        seen = self._seen
        if node not in seen:
            for one in walk.depth_first([node], seen):
                if one not in seen:
                    fixed = one.op is CONSTANT
                    seen[one] = all(map(seen.__getitem__, one.operands)) if one.operands else fixed
        return computed(node, self._values) if seen[node] else None


def computed(node: Node, values: dict[Node, Any]) -> Any:
    """The value of a node over those that are known; they are joined by all on the way."""
    with np.errstate(all="ignore"):
        for one in walk.depth_first([node], values.keys()):
            if one not in values:
                if one.op is CONSTANT:
                    values[one] = constant_value(one)
                    continue
                given = [values[operand] for operand in one.operands]
                # An operation with several results is told which ones are wanted.
                more = () if one.op.joint is None else ((True,) * len(one.type.parts),)
                values[one] = _function(one.op)(*given, *one.params, *more)
    return values[node]


@functools.lru_cache(maxsize=1024)
def _function(op: Op) -> Callable[..., Any]:
    module, _, name = op.kernel.rpartition(".")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))
