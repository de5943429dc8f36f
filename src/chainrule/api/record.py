"""One evaluation of a graph: every value, adjoint, tangent and local derivative, on demand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from chainrule.api.arguments import bind, digits_shown
from chainrule.api.drawings import drawn, notebook_forms, save_drawing
from chainrule.api.explain import Paths
from chainrule.api.outputs import arranged
from chainrule.api.passes import Passes
from chainrule.api.plots import Plot, plotted
from chainrule.api.selection import differentiated, find, held, scalars_only
from chainrule.draw.drawing import Drawing
from chainrule.draw.words import counted
from chainrule.errors import EvaluationError, GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.ops.branches import COND, branch_at
from chainrule.ops.several import ITEM
from chainrule.run import paths
from chainrule.run.inside import Inside, holder
from chainrule.run.interpret import Sweep
from chainrule.run.kernels import LinearMap
from chainrule.show.derivative_graph import DerivativeGraph, numeric_derivative_graph
from chainrule.show.iterations import iterations_table
from chainrule.show.numbers import number
from chainrule.show.table import Table
from chainrule.show.tables import backward_table, forward_mode_table, forward_table
from chainrule.simplify.expand import expand

Kind = Literal["forward", "backward", "forward-mode"]


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


class Iterations(Sequence["Record"]):
    """The steps of a loop: records that are made when they are asked for.

    The adjoints in each are those of the whole graph's output; they need one run back through the
    steps, which is made once. `table` shows all steps.
    """

    def __init__(self, inside: Inside, name: str, of: str) -> None:
        self._inside = inside
        self._name = name
        self._of = of

    def __len__(self) -> int:
        return self._inside.count

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...

    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        if isinstance(at, slice):
            return [self[step] for step in range(*at.indices(len(self)))]
        step = range(len(self))[at]
        return _StepRecord(self._inside, step, self._of)

    def table(self, digits: int = 6) -> Table:
        """One row for each step: the carried values before it, and the values that are stacked.

        Where there are adjoints, those of the carried values are shown too.
        """
        return iterations_table(self._inside, self._name, self._of, digits_shown(digits))

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'step')} of {self._name}>"


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
        self._passes = Passes(dag, self.sweep, self.shape)

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
        if self._passes.given is not None:
            arguments = [node for node in self.dag.inputs if node.type.is_float]
            return {node.name: self._passes.adjoint(node) for node in arguments}
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
        return Paths(paths.Paths(self.sweep, start, end, fixed))

    def derivative_graph(
        self, wrt: str, *, of: str | None = None, digits: int = 6
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

        Raises:
            GraphError: E225 when there is no such node.
            DerivativeError: E331 for integers and conditions, E332 when ``of`` is ambiguous.
        """
        scalars_only(self.dag, "a derivative graph")
        digits = digits_shown(digits)
        end, seed = differentiated(self.dag, of), find(self.dag, wrt)
        return numeric_derivative_graph(self.sweep, end, seed, self._passes.tangents(seed), digits)

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
        if user.op.joint is not None or user.op is ITEM:
            return False
        return not isinstance(self.sweep.local_derivative(user, position), LinearMap)

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

    # --- inside of loops, branches and calls --------------------------------------------------

    def iterations(self, name: str, *, of: str | None = None) -> Iterations:
        """The steps of a loop, each a record of the graph that the loop runs.

        A branch or a call has one step.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> def fall(v):
        ...     def step(v, wind):
        ...         v = 0.5 * v + wind
        ...         return v, v**2
        ...
        ...     return np.sum(cr.scan(step, v, np.array([1.0, 2.0]))[1])
        >>> steps = cr.trace(fall)(4.0).at(4.0).iterations("scan1")
        >>> [step.value for step in steps], steps[0]["v"].adjoint
        ([(3.0, 9.0), (3.5, 12.25)], 4.75)

        Args:
            name: The loop, or one of its results.
            of: What the adjoints are derivatives of; None: the only output, if it is one number.

        Raises:
            GraphError: E225 when there is no such node, E229 for one that holds no graph.
            DerivativeError: E331 or E333 when ``of`` has no derivative.
        """
        node = holder(find(self.dag, name))
        output = None if of is None else find(self.dag, of)
        given, given_name = self._passes.given, self._passes.given_name
        if output is None and given is None:
            ends = self.dag.outputs
            if len(ends) == 1 and ends[0].type.is_float and not ends[0].type.shape:
                output = ends[0]
        if output is not None:
            given, given_name = self._passes.adjoints(output), self.dag.labels[output]
        return Iterations(Inside(self.sweep, node, given), self.dag.labels[node], given_name)

    def branch(self, name: str) -> int:
        """The number of the branch that was taken, from 0: of `cond` 0 where the condition holds.

        >>> import chainrule as cr
        >>> f = cr.trace(lambda x: cr.cond(x > 0, lambda x: x, lambda x: -x, x))(1.0)
        >>> f.at(-2.0).branch("cond1"), f.at(-2.0).iterations("cond1")[0].value
        (1, 2.0)

        Raises:
            GraphError: E225 when there is no such node, E229 for one that is no branch.
        """
        node = holder(find(self.dag, name))
        if node.op is not COND:
            raise GraphError("E229", f"{self.dag.labels[node]} is no branch of cond or switch")
        return branch_at(node, self.sweep.values[node.operands[0]])

    # --- drawings -----------------------------------------------------------------------------

    def draw(self, *, wrt: str | None = None, of: str | None = None, **options: Any) -> Drawing:
        """A drawing with values, adjoints and local derivatives.

        >>> import chainrule as cr
        >>> r = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
        >>> r.draw(view="paths", wrt="x").scene.captions[0].text
        'path 1: 1 · 3 = 3'

        Args:
            wrt: The node that changes: where paths start, what tangents are by.
            of: What is differentiated; None: the only output, if it is one number.
            options: How it is drawn: those of `chainrule.draw.options.Options`.

        Raises:
            DrawingError: E250 for an option or a value that there is not, E251 for an option
                without what it needs, E252 for a step that a pass does not have.
            GraphError: E225 for an unknown name.
            DerivativeError: E331 or E333 for a node without a derivative.
            LimitError: E156 or E157 where a view has more boxes than ``most``.
        """
        return drawn(self.dag, self._passes, wrt, of, options)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write a drawing in the form that the suffix names; ``options`` are those of `draw`,
        and ``scale`` and ``animated`` of `Drawing.save`.

        Raises:
            FileError: E406 for another suffix.
            DrawingError: as for `draw`.
        """
        save_drawing(path, self.draw, options)

    def plot_tangent(
        self,
        wrt: str | None = None,
        *,
        of: str | None = None,
        width: float = 420,
        height: float = 300,
        spread: float | None = None,
        theme: str = "light",
    ) -> Plot:
        """The function around the point, and its tangent there; all other arguments stay.

        >>> import chainrule as cr
        >>> cr.parse("a*x^2").at(a=3, x=1).plot_tangent("x", spread=2)
        <Plot of f and its tangent at x = 1: ∂f/∂x = 6>

        Args:
            wrt: The argument that changes; None: the only one.
            of: The node that is plotted; None: the only output.
            width: Of the picture, in points: 160 to 4000.
            height: Of the picture, in points: 120 to 4000.
            spread: How far the curve reaches to either side of the point; None: as far as makes a
                clear picture.
            theme: The colours: ``light``, ``dark``, ``print`` (grey) or ``colour-blind``.

        Raises:
            DrawingError: E250 for an unknown theme; E251 where not one floating-point scalar
                changes, over many points, and in graphs of arrays; E253 for lengths out of range.
            GraphError: E225 for an unknown name.
            DerivativeError: E332 when ``of`` is ambiguous.
        """
        return plotted(self._passes, of, wrt, width, height, spread, theme)

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
        digits = digits_shown(digits)
        if (wrt and kind != "forward-mode") or (of is not None and kind != "backward"):
            raise GraphError("E226", "wrt= is for the forward-mode table, of= for the backward one")
        if kind == "forward":
            return forward_table(self.dag, self.sweep.values, digits)
        if kind == "backward":
            given = self._passes.given
            if given is not None and of is None:
                return backward_table(self.sweep, None, given, digits, self._passes.given_name)
            output = differentiated(self.dag, of)
            return backward_table(self.sweep, output, self._passes.adjoints(output), digits)
        if kind == "forward-mode":
            if not wrt:
                raise GraphError("E226", "the forward-mode table needs wrt=, the name of a leaf")
            seed = find(self.dag, wrt)
            return forward_mode_table(self.sweep, seed, self._passes.tangents(seed), digits)
        raise GraphError(
            "E226", f"unknown table {kind!r}; use 'forward', 'backward' or 'forward-mode'"
        )

    def expand(self, most: int = 2000) -> Record:
        """The record of a graph of arrays written out as scalars; see `Graph.expand`.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> w, x = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        >>> cr.trace(lambda w, x: w @ x)(w, x).at(w, x).expand().gradient
        {'w_0': 3.0, 'w_1': 4.0, 'x_0': 1.0, 'x_1': 2.0}

        Raises:
            GraphError: E229 for an operation that chooses elements by their values.
            LimitError: E157 when there would be more scalars than ``most``.
        """
        dag = expand(self.dag, most)
        numbers = [number for value in self._arguments.values() for number in np.ravel(value)]
        return Record(dag, numbers, {})

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

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return notebook_forms(self, self.dag, self.draw, include, exclude)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {node.name: value for node, value in self._arguments.items()}
        return (Record, (self.dag, (), values))

    def __repr__(self) -> str:
        names = ", ".join(f"{node.name}={number(value)}" for node, value in self._arguments.items())
        values = ", ".join(
            f"{self.dag.labels[node]} = {number(self.sweep.values[node])}"
            for node in self.dag.outputs
        )
        return f"<Record at ({names}): {values}>"


class _StepRecord(Record):
    """The record of one step of a loop."""

    def __init__(self, inside: Inside, step: int, of: str) -> None:
        self.dag = inside.dag
        self.shape = ()
        self._arguments = dict(zip(self.dag.inputs, inside.arguments(step), strict=True))
        self.sweep = Sweep(self.dag, self._arguments)
        given = inside.adjoints(step, self.sweep) if inside.has_adjoints else None
        self._passes = Passes(self.dag, self.sweep, self.shape, given, of)
