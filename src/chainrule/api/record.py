"""One evaluation of a graph: every value, adjoint, tangent and local derivative, on demand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from chainrule.api.arguments import bind
from chainrule.api.names import find
from chainrule.errors import DerivativeError, EvaluationError, GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Adjoints, Numbers, Sweep
from chainrule.show.numbers import number
from chainrule.show.table import Table
from chainrule.show.tables import backward_table, forward_mode_table, forward_table

Kind = Literal["forward", "backward", "forward-mode"]


class EdgeRecord(NamedTuple):
    """One edge of a record.

    Attributes:
        operand: Where the edge starts.
        user: Where it ends.
        position: Which operand of the user it is, from 0; ``x*x`` has positions 0 and 1.
        local_derivative: ∂user/∂operand along this edge alone.
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

    def __init__(self, record: Record, node: Node) -> None:
        self._record = record
        self._node = node

    @property
    def name(self) -> str:
        """The label of the node."""
        return self._record.dag.labels[self._node]

    @property
    def value(self) -> Any:
        """The value from the forward pass."""
        return result(self._record.sweep.values[self._node], self._record.shape)

    @property
    def adjoint(self) -> Any:
        """∂output/∂node over all paths, from the backward pass.

        Raises:
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        return self._record.derivative(wrt=self.name)

    def tangent(self, seed: str) -> Any:
        """d(node)/d(seed), from the forward-mode pass that starts with 1 at ``seed``.

        Raises:
            DerivativeError: E331 for integers and conditions.
        """
        return self._record.tangent(self.name, seed)

    def __repr__(self) -> str:
        return f"<node {self.name} = {number(self.value)}>"


class Record:
    """The graph with the numbers of one evaluation; made by ``Graph.at``.

    The forward pass has run. Backward and forward-mode passes run when asked for, over the recorded
    values; each local derivative is computed once for all of them. Over many points every number
    is an array of the shape of the points.

    >>> import chainrule as cr
    >>> r = cr.parse("(x + y) * (x + 1)").at(x=2, y=1)
    >>> r.value
    9.0
    >>> r.gradient
    {'x': 6.0, 'y': 3.0}

    Attributes:
        dag: The graph.
        shape: The shape of the points; ``()`` for one point.
        sweep: The numbers by node.
    """

    def __init__(self, dag: Dag, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.dag = dag
        self._arguments, self.shape = bind(dag, positional, named)
        self.sweep = Sweep(dag, self._arguments)
        self._adjoints_of: dict[Node, Adjoints] = {}
        self._tangents_by: dict[Node, Numbers] = {}

    # --- values -------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The value of the output; a tuple when there are several."""
        values = tuple(result(self.sweep.values[node], self.shape) for node in self.dag.outputs)
        return values[0] if len(values) == 1 else values

    def __getitem__(self, name: str) -> NodeRecord:
        """The node of this name or label; raises GraphError E225 when there is none."""
        return NodeRecord(self, find(self.dag, name))

    @property
    def evaluations(self) -> int:
        """How many local derivatives have been computed so far: never more than there are edges."""
        return self.sweep.evaluations

    # --- derivatives --------------------------------------------------------------------------

    @property
    def gradient(self) -> dict[str, Any]:
        """The derivative of the output with respect to each floating-point argument.

        Raises:
            DerivativeError: E331 when the output is not a floating-point number, E332 when there
                are several outputs (use ``gradient_of``), E333 when it is not a scalar.
        """
        return self.gradient_of(None)

    @property
    def parameter_gradient(self) -> dict[str, Any]:
        """The part of the gradient that belongs to parameters: what gradient descent uses."""
        learnable = {node.name for node in self.dag.parameters}
        return {name: value for name, value in self.gradient.items() if name in learnable}

    def gradient_of(self, output: str | None, seed: Any = None) -> dict[str, Any]:
        """The gradient of a node by name (None: the only output), times ``seed``.

        >>> import chainrule as cr
        >>> r = cr.parse("s = x + y; p = x * y; s, p").at(x=2, y=3)
        >>> r.gradient_of("p")
        {'x': 3.0, 'y': 2.0}

        Raises:
            DerivativeError: as for ``gradient``.
            EvaluationError: E306 when the seed does not fit the shape of the points.
        """
        start = self._output(output)
        if seed is None:
            adjoints = self._adjoints(start)
        else:
            adjoints = self.sweep.reverse(start, self._seed(start, seed))
        return {
            node.name: result(adjoints.get(node, node.type.dtype.type(0)), self.shape)
            for node in self.dag.inputs
            if node.type.is_float
        }

    def derivative(self, of: str | None = None, *, wrt: str) -> Any:
        """The total derivative of one node with respect to another, over every path between them.

        >>> import chainrule as cr
        >>> cr.parse("a = x + y; f = a * x").at(x=3, y=2).derivative(of="f", wrt="a")
        3.0

        Args:
            of: The name of the node to differentiate; None: the only output.
            wrt: The name of the node that changes.

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: E331 for integers and conditions, E332 when ``of`` is ambiguous.
        """
        return self.partial(of, wrt)

    def partial(self, of: str | None, wrt: str, holding: Collection[str] = ()) -> Any:
        """The derivative with some nodes held fixed: over the paths that avoid them.

        >>> import chainrule as cr
        >>> r = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
        >>> r.partial("f", "x"), r.partial("f", "x", holding=["a"])
        (8.0, 5.0)

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: as for ``derivative``.
        """
        start, leaf = self._output(of), self._float_node(wrt)
        held = [holding] if isinstance(holding, str) else holding
        fixed = {find(self.dag, name) for name in held} - {leaf, start}
        known = None if fixed else self._adjoints(start).get(leaf)
        if known is None:
            adjoints = self.sweep.reverse(start, wrt=[leaf], holding=fixed)
            known = adjoints.get(leaf, leaf.type.dtype.type(0))
        return result(known, self.shape)

    def tangent(self, of: str, seed: str) -> Any:
        """d(of)/d(seed) from the forward-mode pass that starts with 1 at ``seed``.

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: E331 for integers and conditions.
        """
        node = self._float_node(of)
        return result(self._tangents(seed).get(node, node.type.dtype.type(0)), self.shape)

    def local_derivative(self, operand: str, user: str) -> Any:
        """∂user/∂operand along the edges between them; parallel edges (``x*x``) are added.

        Raises:
            GraphError: E225 when there is no such node, E227 when no edge joins them.
        """
        start, end = find(self.dag, operand), find(self.dag, user)
        positions = [edge.position for edge in self.dag.uses(start) if edge.user is end]
        if not positions:
            raise GraphError("E227", f"there is no edge from {operand!r} to {user!r}")
        total = sum(self.sweep.local_derivative(end, position) for position in positions)
        return result(total, self.shape)

    def edges(self) -> tuple[EdgeRecord, ...]:
        """Every edge with its local derivative; ``x*x`` has two."""
        labels = self.dag.labels
        return tuple(
            EdgeRecord(
                labels[edge.operand],
                labels[edge.user],
                edge.position,
                result(self.sweep.local_derivative(edge.user, edge.position), self.shape),
            )
            for edge in self.dag.edges()
        )

    # --- tables -------------------------------------------------------------------------------

    def table(
        self, kind: Kind = "forward", *, wrt: str = "", of: str | None = None, digits: int = 6
    ) -> Table:
        """A pass as a table: ``"forward"``, ``"backward"`` or ``"forward-mode"``.

        >>> import chainrule as cr
        >>> print(cr.parse("a = x + y; f = a * x").at(x=3, y=2).table("backward"))
        Backward pass: adjoints
        Step  Node  Derivative  Computation    Via   Gradient
        ────  ────  ──────────  ─────────────  ────  ────────
           1  f     ∂f/∂f       start                       1
           2  a     ∂f/∂a       1·3 = 3        f            3
           3  x     ∂f/∂x       3·1 + 1·5 = 8  a, f         8
           4  y     ∂f/∂y       3·1 = 3        a            3
        Computation: adjoint of the user · local derivative, summed over the users (via).

        Args:
            kind: Which pass.
            wrt: The leaf that forward mode follows; needed there alone.
            of: Where the backward pass starts; None: the only output.
            digits: Significant digits shown; the table's data has all of them.

        Raises:
            GraphError: E226 for an unknown kind, E225 for an unknown name.
            DerivativeError: as for ``gradient``.
        """
        if kind == "forward":
            return forward_table(self.dag, self.sweep.values, digits)
        if kind == "backward":
            output = self._output(of)
            return backward_table(self.sweep, output, self._adjoints(output), digits)
        if kind == "forward-mode":
            if not wrt:
                raise GraphError("E226", "the forward-mode table needs wrt=, the name of a leaf")
            return forward_mode_table(
                self.sweep, self._float_node(wrt), self._tangents(wrt), digits
            )
        raise GraphError(
            "E226", f"unknown table {kind!r}; use 'forward', 'backward' or 'forward-mode'"
        )

    def point(self, *index: int) -> Record:
        """The record of one of many points.

        >>> import chainrule as cr
        >>> cr.parse("x^2").at(x=[1, 2, 3]).point(1).gradient
        {'x': 4.0}

        Raises:
            EvaluationError: E305 when there is no such point.
        """
        try:
            values = {
                node.name: np.broadcast_to(value, self.shape)[index]
                for node, value in self._arguments.items()
            }
        except IndexError:
            raise EvaluationError(
                "E305", f"there is no point {index}; the points have shape {list(self.shape)}"
            ) from None
        return Record(self.dag, (), values)

    def __repr__(self) -> str:
        names = ", ".join(f"{node.name}={number(value)}" for node, value in self._arguments.items())
        values = ", ".join(
            f"{self.dag.labels[node]} = {number(self.sweep.values[node])}"
            for node in self.dag.outputs
        )
        return f"<Record at ({names}): {values}>"

    # --- inside -------------------------------------------------------------------------------

    def _adjoints(self, output: Node) -> Adjoints:
        found = self._adjoints_of.get(output)
        if found is None:
            found = self.sweep.reverse(output)
            _keep(self._adjoints_of, output, found)
        return found

    def _tangents(self, seed: str) -> Numbers:
        node = self._float_node(seed)
        found = self._tangents_by.get(node)
        if found is None:
            found = self.sweep.forward({node: node.type.dtype.type(1)})
            _keep(self._tangents_by, node, found)
        return found

    def _output(self, name: str | None) -> Node:
        if name is None:
            if len(self.dag.outputs) != 1:
                names = ", ".join(repr(self.dag.labels[node]) for node in self.dag.outputs)
                raise DerivativeError(
                    "E332", f"the graph has several outputs ({names}); say which one, of=…"
                )
            node = self.dag.outputs[0]
            name = self.dag.labels[node]
        node = self._float_node(name)
        if node.type.shape:
            raise DerivativeError(
                "E333", f"{name!r} has shape {list(node.type.shape)}; a gradient needs a scalar"
            )
        return node

    def _float_node(self, name: str) -> Node:
        node = find(self.dag, name)
        if not node.type.is_float:
            raise DerivativeError(
                "E331", f"{name!r} is {node.type}: only floating-point numbers have derivatives"
            )
        return node

    def _seed(self, output: Node, seed: Any) -> Any:
        try:
            array = np.asarray(seed).astype(output.type.dtype, casting="same_kind")
            np.broadcast_to(array, self.shape)
        except (TypeError, ValueError):
            raise EvaluationError(
                "E306", f"the seed {seed!r:.60} does not fit points of shape {list(self.shape)}"
            ) from None
        return array[()]


def result(value: Any, shape: tuple[int, ...]) -> Any:
    """A number as users get it: a Python number, a NumPy float32, or an array over the points."""
    if shape:
        return np.broadcast_to(value, shape).copy()
    if isinstance(value, np.ndarray):
        return value.copy()
    return value if isinstance(value, np.float32) else value.item()


_PASSES_KEPT: Final = 8


def _keep(passes: dict[Node, Any], start: Node, result: Any) -> None:
    """Remember a pass; of many, the latest ones."""
    if len(passes) >= _PASSES_KEPT:
        passes.pop(next(iter(passes)), None)
    passes[start] = result
