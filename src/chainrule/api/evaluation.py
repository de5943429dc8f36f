"""One evaluation of a graph by the names of its nodes: values and derivatives."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from chainrule.api.arguments import digits_shown
from chainrule.api.node_record import EdgeRecord, NodeRecord
from chainrule.api.outputs import arranged
from chainrule.api.passes import Passes
from chainrule.api.selection import differentiated, find, held, scalars_only
from chainrule.errors import GraphError
from chainrule.graph.node import Node
from chainrule.late import Late
from chainrule.ops.several import is_joint
from chainrule.run.kernels import LinearMap

if TYPE_CHECKING:
    from chainrule.api import explain
    from chainrule.api.explain import NotFinite, Paths
    from chainrule.run import paths
    from chainrule.show import derivative_graph as derivative_graphs
    from chainrule.show.derivative_graph import DerivativeGraph
else:
    explain = Late("chainrule.api.explain")
    paths = Late("chainrule.run.paths")
    derivative_graphs = Late("chainrule.show.derivative_graph")


class Evaluation:
    """The part of a `Record` that gives numbers.

    Attributes:
        dag: The graph.
        shape: The shape of the points; ``()`` for one point.
        sweep: The numbers by node.
    """

    def __init__(self, passes: Passes) -> None:
        self.dag = passes.dag
        self.shape = passes.shape
        self.sweep = passes.sweep
        self._passes = passes

    # --- values -------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The value of the output; a tuple when there are several; a Jacobian as an array."""
        return arranged(self.dag.arrangement, self.outputs, self.shape)

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The values of all outputs, one after the other."""
        return tuple(map(self._passes.value, self.dag.outputs))

    def __getitem__(self, name: str) -> NodeRecord:
        """The node of this name or label; raises GraphError E225 when there is none."""
        return NodeRecord(self._passes, find(self.dag, name))

    @property
    def evaluations(self) -> int:
        """How many local derivatives have been computed so far: never more than there are edges."""
        return self.sweep.evaluations

    # --- derivatives --------------------------------------------------------------------------

    @property
    def gradient(self) -> dict[str, Any]:
        """The derivative of the output with respect to each floating-point argument.

        Of a step of a loop: the derivative of the output of the whole graph.

        Raises:
            DerivativeError: E331 when the output is not a floating-point number, E332 when there
                are several outputs (use ``gradient_of``), E333 when it is not a scalar.
        """
        given = self._passes.given
        return self.gradient_of(None) if given is None else self._passes.by_argument(given)

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
        return self._passes.gradient(differentiated(self.dag, output), seed)

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
        return self._passes.derivative(differentiated(self.dag, of), find(self.dag, wrt))

    def partial(self, of: str | None, wrt: str, holding: str | Collection[str] = ()) -> Any:
        """The derivative with some nodes held fixed: over the paths that avoid them.

        >>> import chainrule as cr
        >>> r = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
        >>> r.partial("f", "x"), r.partial("f", "x", holding=["a"])
        (8.0, 5.0)

        Raises:
            GraphError: E225 when there is no such node, E228 when ``of`` or ``wrt`` is held fixed.
            DerivativeError: as for ``derivative``.
        """
        start, leaf = differentiated(self.dag, of), find(self.dag, wrt)
        return self._passes.derivative(start, leaf, held(self.dag, holding, [start, leaf]))

    def paths(
        self, wrt: str, *, of: str | None = None, holding: str | Collection[str] = ()
    ) -> Paths:
        """Each path from one node to another with its product; their sum is the derivative.

        >>> import chainrule as cr
        >>> print(cr.parse("a = x + y; f = a * x").at(x=3, y=2).paths("x"))
        Paths from x to f
        Path  Nodes      Local derivatives  Product
        ────  ─────────  ─────────────────  ───────
           1  x → f      5                        5
           2  x → a → f  1·3                      3
        2 paths; the products add up to 8; df/dx = 8.

        Args:
            wrt: Where the paths start.
            of: Where they end; None: the only output.
            holding: Nodes that the paths avoid.

        Raises:
            GraphError: E225 when there is no such node, E228 when an end is held fixed, E229 for a
                graph of arrays.
            EvaluationError: E305 over many points; take one with `point`.
            DerivativeError: E332 when ``of`` is ambiguous.
        """
        scalars_only(self.dag, "the list of paths")
        start, end = find(self.dag, wrt), differentiated(self.dag, of)
        fixed = held(self.dag, holding, [start, end])
        return explain.Paths(paths.Paths(self.sweep, start, end, fixed))

    def why_not_finite(self, *, of: str | None = None) -> NotFinite:
        """Which nodes and edges first made a value or a derivative infinite or NaN.

        >>> import chainrule as cr
        >>> print(cr.parse("log(x)*y").at(x=0, y=2).why_not_finite())
        v1 = log(x) is -inf where x = 0.
        On the edge y → f = v1*y the derivative becomes -inf: ∂f/∂f · ∂f/∂y = 1 · (-inf).
        On the edge x → v1 = log(x) the derivative becomes inf: ∂f/∂v1 · ∂v1/∂x = 2 · inf.

        Args:
            of: What is differentiated; None: the only output, if it is one number.

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: E331 or E333 for a node without a gradient.
        """
        adjoints, name = self._passes.adjoints_from(self._passes.start(of))
        return explain.NotFinite(self.sweep, adjoints, name)

    def derivative_graph(
        self,
        wrt: str,
        *,
        of: str | None = None,
        digits: int = 6,
        holding: str | Collection[str] = (),
    ) -> DerivativeGraph:
        """The derivative graph of forward mode with numbers: derivatives in place of values.

        >>> import chainrule as cr
        >>> print(cr.parse("g = 3x; f = g^2").at(x=4).derivative_graph("x"))
        Derivative graph with respect to x
        Node   Edges into it  Value
        ─────  ─────────────  ─────
        dx/dx                 1
        dg/dx  ∂g/∂x = 3      3
        df/dx  ∂f/∂g = 24     72
        A node is the sum of its edges, each times the node it comes from.

        Args:
            wrt: By which node.
            of: What is differentiated; None: the only output.
            digits: Significant digits shown.
            holding: Nodes held fixed: only paths that avoid them count (partial derivatives).

        Raises:
            GraphError: E225 when there is no such node, E228 for one that changes and is held
                fixed.
            DerivativeError: E331 for integers and conditions, E332 when ``of`` is ambiguous.
        """
        scalars_only(self.dag, "a derivative graph")
        digits = digits_shown(digits)
        end, seed = differentiated(self.dag, of), find(self.dag, wrt)
        fixed = held(self.dag, holding, [seed, end])
        return derivative_graphs.numeric_derivative_graph(
            self.sweep, end, seed, self._passes.tangents(seed, fixed), digits, fixed
        )

    def tangent(self, of: str, seed: str) -> Any:
        """d(of)/d(seed) from the forward-mode pass that starts with 1 at ``seed``.

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: E331 for integers and conditions.
        """
        return self._passes.tangent(find(self.dag, of), find(self.dag, seed))

    def local_derivative(self, operand: str, user: str) -> Any:
        """∂user/∂operand along the edges between them; parallel edges (``x*x``) are added.

        Raises:
            GraphError: E225 when there is no such node, E227 when no edge joins them, E229 for a
                map between arrays.
        """
        start, end = find(self.dag, operand), find(self.dag, user)
        positions = [at for at, node in enumerate(end.operands) if node is start]
        if not positions:
            raise GraphError("E227", f"there is no edge from {operand!r} to {user!r}")
        if not all(self._is_number(end, position) for position in positions):
            raise GraphError(
                "E229",
                f"∂{user}/∂{operand} is no number: {end.op.rule}, a map of all elements or "
                "results at once; derivative() and jacobian() give numbers",
            )
        first, *others = (self.sweep.local_derivative(end, position) for position in positions)
        return self._passes.result(sum(others, first))

    def _is_number(self, user: Node, position: int) -> bool:
        """Whether the local derivative on an edge is a number, or one for each element."""
        return not is_joint(user) and not isinstance(
            self.sweep.local_derivative(user, position), LinearMap
        )

    def edges(self) -> tuple[EdgeRecord, ...]:
        """Every edge with its local derivative; ``x*x`` has two.

        Where that is a map of all elements of an array, or of several results at once, it is called
        by its rule.
        """
        labels = self.dag.labels
        return tuple(
            EdgeRecord(
                labels[edge.operand],
                labels[edge.user],
                edge.position,
                self._passes.result(self.sweep.local_derivative(edge.user, edge.position))
                if self._is_number(edge.user, edge.position)
                else edge.user.op.rule,
            )
            for edge in self.dag.edges()
        )
