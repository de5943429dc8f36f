"""The passes over one evaluation, by node: run once, remembered, numbers as users get them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np

from chainrule.api.selection import differentiated, find, only_number
from chainrule.diff.build import require_float, require_scalar
from chainrule.errors import DerivativeError, EvaluationError, shown
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Flow, Sweep

_KEPT: Final = 8
"""How many passes of each direction are remembered; of more, the latest."""


class Passes:
    """Derivatives between the nodes of one evaluation.

    Attributes:
        dag: The graph.
        sweep: Its numbers.
        shape: The shape of the points; ``()`` for one point.
        given: For a step of a loop the adjoints that the steps after it send; None: none.
        given_name: What these are derivatives of.
    """

    def __init__(
        self,
        dag: Dag,
        sweep: Sweep,
        shape: tuple[int, ...],
        given: Flow | None = None,
        given_name: str = "",
    ) -> None:
        self.dag = dag
        self.sweep = sweep
        self.shape = shape
        self.given = given
        self.given_name = given_name
        self._backward: dict[Node, Flow] = {}
        self._forward: dict[Node, Flow] = {}

    def result(self, value: Any) -> Any:
        """A number as users get it: a Python number, a NumPy float32, an array over the points."""
        if isinstance(value, (list, tuple)):
            return tuple(map(self.result, value))
        if self.shape:
            return np.broadcast_to(value, self.shape).copy()
        if isinstance(value, np.ndarray):
            return value.copy()
        return value if isinstance(value, np.float32) else value.item()

    def value(self, node: Node) -> Any:
        """The value from the forward pass."""
        return self.result(self.sweep.values[node])

    def adjoints(self, output: Node) -> Flow:
        """The backward pass from a node."""
        found = self._backward.get(output)
        if found is None:
            found = self.sweep.reverse(self.scalar(output))
            _keep(self._backward, output, found)
        return found

    def start(self, of: str | None) -> Node | None:
        """The node of this name; where there is none, the only output, if it is one number. None:
        the adjoints are given from outside, or there are none.
        """
        if of is None and self.given is not None:
            return None
        return only_number(self.dag) if of is None else find(self.dag, of)

    def adjoints_from(self, start: Node | None) -> tuple[Flow | None, str]:
        """The backward pass from a node, and its label; None: what is given, if anything."""
        if start is None:
            return self.given, self.given_name
        return self.adjoints(start), self.dag.labels[start]

    def tangents(self, seed: Node, holding: Collection[Node] = ()) -> Flow:
        """The forward-mode pass that starts with 1 at a node, others perhaps held fixed."""
        found = None if holding else self._forward.get(seed)
        if found is None:
            if seed.type.shape:
                raise DerivativeError(
                    "E333",
                    f"{self.dag.labels[seed]!r} has shape {list(seed.type.shape)}, so a tangent "
                    "needs a direction: jvp() of the graph takes one, derivative() goes backward",
                )
            found = self.sweep.forward({self.floating(seed): seed.type.dtype.type(1)}, holding)
            if not holding:
                _keep(self._forward, seed, found)
        return found

    def gradient(self, output: Node, seed: Any = None) -> dict[str, Any]:
        """The derivatives of a node with respect to the floating-point arguments, times seed."""
        if seed is None:
            adjoints = self.adjoints(output)
        else:
            adjoints = self.sweep.reverse(self.scalar(output), self._seed(output, seed))
        return self.by_argument(adjoints)

    def by_argument(self, adjoints: Flow) -> dict[str, Any]:
        """The adjoints of the floating-point arguments, by name."""
        return {
            node.name: self.result(adjoints.get(node, self._nothing(node)))
            for node in self.dag.inputs
            if node.type.is_float
        }

    def derivative(self, of: Node, wrt: Node, holding: Collection[Node] = ()) -> Any:
        """∂of/∂wrt over the paths that avoid the nodes held fixed."""
        self.floating(wrt)
        if holding or wrt not in self.sweep.varying:
            adjoints = self.sweep.reverse(self.scalar(of), wrt=[wrt], holding=holding)
        else:
            adjoints = self.adjoints(of)
        return self.result(adjoints.get(wrt, self._nothing(wrt)))

    def adjoint(self, node: Node) -> Any:
        """The derivative of what is given from outside, or of the only output, by a node."""
        if self.given is None:
            return self.derivative(differentiated(self.dag, None), node)
        return self.result(self.given.get(self.floating(node), self._nothing(node)))

    def tangent(self, of: Node, seed: Node) -> Any:
        """d(of)/d(seed) by forward mode."""
        tangents = self.tangents(seed)
        return self.result(tangents.get(self.floating(of), self._nothing(of)))

    def floating(self, node: Node) -> Node:
        """The node itself; raises DerivativeError E331 when it cannot have a derivative."""
        require_float(self.dag, [node])
        return node

    def scalar(self, node: Node) -> Node:
        """The node itself; raises DerivativeError E333 when it is not a floating-point scalar."""
        require_scalar(self.dag, self.floating(node))
        return node

    def _nothing(self, node: Node) -> Any:
        """A derivative of 0 in the shape and dtype of its node."""
        shape = np.shape(self.sweep.values[node]) if node.type.shape else ()
        return np.zeros(shape, node.type.dtype)[()]

    def _seed(self, output: Node, seed: Any) -> Any:
        try:
            array = np.asarray(seed).astype(output.type.dtype, casting="same_kind")
            np.broadcast_to(array, self.shape)
        except (TypeError, ValueError, OverflowError):
            raise EvaluationError(
                "E306", f"the seed {shown(seed)} does not fit points of shape {list(self.shape)}"
            ) from None
        return array[()]


def _keep(passes: dict[Node, Flow], start: Node, flow: Flow) -> None:
    if len(passes) >= _KEPT:
        passes.pop(next(iter(passes)), None)
    passes[start] = flow
