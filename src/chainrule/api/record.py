"""What users hold of an evaluation: its numbers, the steps inside, drawings and tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule.api.arguments import bind, digits_shown
from chainrule.api.evaluation import Evaluation
from chainrule.api.iterations import Iterations
from chainrule.api.passes import Passes
from chainrule.api.selection import differentiated, find
from chainrule.errors import EvaluationError, GraphError
from chainrule.graph.dag import Dag
from chainrule.late import Late
from chainrule.ops.branches import COND, branch_at
from chainrule.run.inside import Inside, holder
from chainrule.run.interpret import Sweep
from chainrule.show.numbers import number

if TYPE_CHECKING:
    from chainrule.api import drawings, pages, plots
    from chainrule.api.plots import Plot
    from chainrule.draw.drawing import Drawing
    from chainrule.show import tables
    from chainrule.show.table import Table
    from chainrule.simplify import expand as expanding
else:
    drawings = Late("chainrule.api.drawings")
    pages = Late("chainrule.api.pages")
    plots = Late("chainrule.api.plots")
    tables = Late("chainrule.show.tables")
    expanding = Late("chainrule.simplify.expand")

Kind = Literal["forward", "backward", "forward-mode"]


class Record(Evaluation):
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
    """

    def __init__(self, dag: Dag, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
        arguments, shape = bind(dag, positional, named)
        super().__init__(Passes(dag, Sweep(dag, arguments), shape))

    # --- inside of loops, branches and calls --------------------------------------------------

    def iterations(self, name: str, *, of: str | None = None) -> Iterations[Record]:
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
        adjoints, of_name = self._passes.adjoints_from(self._passes.start(of))
        inside = Inside(self.sweep, node, adjoints)
        return Iterations(inside, self.dag.labels[node], of_name, _StepRecord)

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
        return drawings.drawn(self.dag, self._passes, wrt, of, options)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write a drawing in the form that the suffix names; ``options`` are those of `draw`,
        and ``scale`` and ``animated`` of `Drawing.save`. As ``.html`` it is the page of the graph
        (`Graph.save`), whose sliders start at these values.

        Raises:
            FileError: E406 for another suffix.
            DrawingError: as for `draw`; E250 and E251 for options that a page cannot have.
            GraphError: E229 for the page of a graph of arrays.
        """
        if Path(path).suffix.lower() == ".html":
            given = {node.name: self.sweep.values[node] for node in self.dag.inputs}
            pages.save_page(path, self.dag, given, options)
            return
        drawings.save_drawing(path, self.draw, options)

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
        return plots.plotted(self._passes, of, wrt, width, height, spread, theme)

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
            return tables.forward_table(self.dag, self.sweep.values, digits)
        if kind == "backward":
            given = self._passes.given
            if given is not None and of is None:
                return tables.backward_table(
                    self.sweep, None, given, digits, self._passes.given_name
                )
            output = differentiated(self.dag, of)
            return tables.backward_table(self.sweep, output, self._passes.adjoints(output), digits)
        if kind == "forward-mode":
            if not wrt:
                raise GraphError("E226", "the forward-mode table needs wrt=, the name of a leaf")
            seed = find(self.dag, wrt)
            return tables.forward_mode_table(self.sweep, seed, self._passes.tangents(seed), digits)
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
        dag = expanding.expand(self.dag, most)
        numbers = [number for value in self._values.values() for number in np.ravel(value)]
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
                name: np.broadcast_to(value, self.shape)[index]
                for name, value in self._values.items()
            }
        except IndexError:
            raise EvaluationError(
                "E305", f"there is no point {index}; the points have shape {list(self.shape)}"
            ) from None
        return Record(self.dag, (), values)

    @property
    def _values(self) -> dict[str, Any]:
        """The values of the arguments by name."""
        return {node.name: self.sweep.values[node] for node in self.dag.inputs}

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return drawings.notebook_forms(self, self.dag, self.draw, include, exclude)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Record, (self.dag, (), self._values))

    def __repr__(self) -> str:
        names = ", ".join(f"{name}={number(value)}" for name, value in self._values.items())
        values = ", ".join(
            f"{self.dag.labels[node]} = {number(self.sweep.values[node])}"
            for node in self.dag.outputs
        )
        return f"<Record at ({names}): {values}>"


class _StepRecord(Record):
    """The record of one step of a loop."""

    def __init__(self, inside: Inside, step: int, of: str) -> None:
        sweep = inside.sweep(step)
        given = inside.adjoints(step, sweep) if inside.has_adjoints else None
        Evaluation.__init__(self, Passes(inside.dag, sweep, (), given, of))
