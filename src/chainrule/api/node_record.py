"""What a record says about one node, and about one edge."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.api.passes import Passes
from chainrule.api.selection import find
from chainrule.graph.node import Node
from chainrule.show.numbers import number


class EdgeRecord(NamedTuple):
    """One edge of a record.

    Attributes:
        operand: Where the edge starts.
        user: Where it ends.
        position: Which operand of the user it is, from 0; ``x*x`` has positions 0 and 1.
        local_derivative: ∂user/∂operand along this edge alone; the name of its rule where that is
            no number.
    """

    operand: str
    user: str
    position: int
    local_derivative: Any


class NodeRecord:
    """One node of a record: its numbers.

    >>> import chainrule as cr
    >>> r = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
    >>> r["a"].value, r["a"].adjoint, r["a"].tangent("x")
    (5.0, 3.0, 1.0)
    """

    def __init__(self, passes: Passes, node: Node) -> None:
        self._passes = passes
        self._node = node

    @property
    def name(self) -> str:
        """The label of the node."""
        return self._passes.dag.labels[self._node]

    @property
    def value(self) -> Any:
        """The value from the forward pass."""
        return self._passes.value(self._node)

    @property
    def adjoint(self) -> Any:
        """∂output/∂node over all paths, from the backward pass.

        Raises:
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        return self._passes.adjoint(self._node)

    def tangent(self, seed: str) -> Any:
        """d(node)/d(seed), from the forward-mode pass that starts with 1 at ``seed``.

        Raises:
            GraphError: E225 when there is no node of that name.
            DerivativeError: E331 for integers and conditions.
        """
        return self._passes.tangent(self._node, find(self._passes.dag, seed))

    def __repr__(self) -> str:
        return f"<node {self.name} = {number(self.value)}>"
