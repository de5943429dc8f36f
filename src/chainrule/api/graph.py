"""A computation graph as users hold it: a Dag with verbs. Nodes go by their names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.api.arguments import taken_apart, whole_number
from chainrule.api.array import Array
from chainrule.api.explaining import Explaining
from chainrule.api.record import Record
from chainrule.api.selection import differentiated, find, held, leaves
from chainrule.diff.build import require_float, require_scalar
from chainrule.diff.compression import compression, symmetric_compression
from chainrule.diff.forward import jvp
from chainrule.diff.jacobian import Mode, hessian, jacobian
from chainrule.diff.patterns import symmetric
from chainrule.diff.reverse import gradient, vjp
from chainrule.diff.sparsity import jacobian_pattern
from chainrule.errors import DrawingError, GraphError
from chainrule.formula.names import names_of
from chainrule.graph.node import Node, constant_node
from chainrule.late import Late
from chainrule.run.inside import graphs_of, holder

if TYPE_CHECKING:
    from chainrule.api import compiled, drawings, pages
    from chainrule.api import pattern as pattern_room
    from chainrule.api.compiled import Compiled
    from chainrule.api.pattern import Sparsity
    from chainrule.draw.drawing import Drawing
    from chainrule.exchange.javascript import exported
    from chainrule.run.native import request
    from chainrule.simplify import expand as expanding
    from chainrule.simplify import light
else:
    compiled = Late("chainrule.api.compiled")
    exported = Late("chainrule.exchange.javascript.exported")
    request = Late("chainrule.run.native.request")
    drawings = Late("chainrule.api.drawings")
    pages = Late("chainrule.api.pages")
    pattern_room = Late("chainrule.api.pattern")
    expanding = Late("chainrule.simplify.expand")
    light = Late("chainrule.simplify.light")


class Graph(Explaining):
    """A computation graph: inputs, parameters and constants, computations, outputs.

    Made by `parse` from text and by `graph` from symbolic arrays. Graphs are equal when their
    arguments and outputs are; names of intermediate nodes do not count.

    >>> import chainrule as cr
    >>> g = cr.parse("(x + y) * (x + 1)")
    >>> g
    <Graph of (x, y): (x + y)*(x + 1)>
    >>> g(2, 1)
    9.0
    """

    __slots__ = ()

    # --- evaluation ---------------------------------------------------------------------------

    def at(self, /, *values: Any, **named: Any) -> Record:
        """Evaluate, and keep every number.

        Arrays are many points at once: they broadcast against each other, and every number of the
        record is then an array with one entry for each point.

        Args:
            values: Numbers or arrays for the arguments in order; for a traced function also the
                structures it takes.
            named: The same by name.

        Raises:
            EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the dtype,
                E305 shapes that do not fit, E307 an abstract function has no values.
        """
        if len(values) != len(self.dag.inputs):
            values = taken_apart(self.dag, values)
        return Record(self.dag, values, named)

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The value of the output (a tuple when there are several); takes what ``at`` takes."""
        return self.at(*values, **named).value

    # --- new graphs ---------------------------------------------------------------------------

    def substitute(self, /, **replacements: Array | Graph | float) -> Graph:
        """The graph with nodes, by name, replaced by arrays, one-output graphs or numbers.

        >>> import chainrule as cr
        >>> cr.parse("g^2").substitute(g=cr.parse("3x"))
        <Graph of (x): (3*x)^2>

        Raises:
            GraphError: E225 for an unknown name, E202 when the types differ.
        """
        mapping: dict[Node, Node] = {}
        names: dict[Node, Sequence[str]] = {}
        for name, value in replacements.items():
            node = find(self.dag, name)
            if isinstance(value, Array):
                mapping[node] = value.node
            elif isinstance(value, Graph):
                mapping[node] = value.dag.output
                names.update(value.dag.names)
            elif node.type.parts:
                raise GraphError("E202", f"{name} has several results; replace these by name")
            else:
                mapping[node] = constant_node(value, node.type)
        return Graph(self.dag.substitute(mapping, names))

    def simplify(self) -> Graph:
        """The graph lightly simplified for reading: constants folded, simple identities applied.

        >>> import chainrule as cr
        >>> cr.parse("1*x + 0*y + x").simplify()
        <Graph of (x, y): 2*x>
        """
        return Graph(light.simplify(self.dag).dag)

    def with_parameters(self, parameters: str | Sequence[str]) -> Graph:
        """The graph in which exactly these arguments are parameters, all others inputs.

        >>> import chainrule as cr
        >>> g = cr.parse("(w*x - y)^2").with_parameters("w")
        >>> g.parameters, g.inputs
        (('w',), ('x', 'y'))

        Raises:
            GraphError: E225 for an unknown name, E220 for one that is no argument.
        """
        learned = {find(self.dag, name) for name in names_of(parameters)}
        return Graph(self.dag.with_parameters(learned))

    def expand(self, most: int = 2000) -> Graph:
        """A small graph of arrays written out as scalars: ``W`` becomes ``W_0_0``, ``W_0_1``, ….

        >>> import chainrule as cr
        >>> import numpy as np
        >>> layer = cr.trace(lambda W, x, b: np.tanh(W @ x + b))
        >>> print(layer(np.ones((1, 2)), np.ones(2), np.ones(1)).expand().formula())
        tanh(W_0_0*x_0 + W_0_1*x_1 + b_0)

        Args:
            most: How many scalars there may be.

        Raises:
            GraphError: E229 for an operation that chooses elements by their values.
            LimitError: E157 when there would be more scalars than that.
        """
        return Graph(expanding.expand(self.dag, most))

    def inside(self, name: str, number: int = 0) -> Graph:
        """The graph that a loop, a branch or a call runs, as a graph of its own.

        That of a loop gives the carried values after a step, then what is stacked; with a loop that
        runs while a condition holds, the condition comes last.

        >>> import chainrule as cr
        >>> def root(a):
        ...     return cr.while_loop(lambda x: x * x - a > 1e-9, lambda x: (x + a / x) / 2, a)
        >>> print(cr.trace(root)(2.0).inside("while1"))
        (x + a/x)/2, x*x - a > 1e-9

        Args:
            name: The loop, branch or call, or one of its results.
            number: Which branch.

        Raises:
            GraphError: E225 for an unknown name, E226 for a branch that there is not, E229 for a
                node that holds no graph.
        """
        dags = graphs_of(holder(find(self.dag, name)))
        return Graph(dags[whole_number(number, "number", 0, len(dags) - 1)])

    # --- derivatives --------------------------------------------------------------------------

    def gradient(
        self,
        wrt: str | Sequence[str] | None = None,
        *,
        of: str | None = None,
        holding: str | Sequence[str] = (),
    ) -> Graph:
        """The graph of the value and of its derivatives, by reverse mode.

        Calling it gives ``(value, (derivative, …))``. Its nodes know what they are derivatives of:
        see `derivatives`. It is a graph like any other, and can be differentiated again.

        >>> import chainrule as cr
        >>> g = cr.parse("a = x + y; f = a * x").gradient()
        >>> g
        <Graph of (x, y): a = x + y; f = a*x; d_x = a + x; f, d_x, x>
        >>> g(3, 2)
        (15.0, (8.0, 3.0))

        Args:
            wrt: By which nodes, in order; None: all floating-point arguments.
            of: What is differentiated; None: the only output.
            holding: Nodes held fixed: only paths that avoid them count (partial derivatives).

        Raises:
            GraphError: E225 for an unknown name, E228 for a node that changes and is held fixed.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs,
                E333 when the output is not a scalar.
        """
        output = differentiated(self.dag, of)
        nodes = leaves(self.dag, wrt)
        return Graph(gradient(self.dag, output, nodes, held(self.dag, holding, [output, *nodes])))

    def jvp(self, wrt: str | Sequence[str] | None = None) -> Graph:
        """The graph of a derivative along a direction, by forward mode.

        Its arguments are those of this graph, then a tangent ``x_dot`` for each node of ``wrt``;
        calling it gives ``(value, tangent)``, tuples of them where there are several outputs.

        >>> import chainrule as cr
        >>> cr.parse("sin(x) * y").jvp("x")
        <Graph of (x, y, x_dot): f = sin(x)*y; f_dot = x_dot*cos(x)*y; f, f_dot>

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions.
        """
        return Graph(jvp(self.dag, leaves(self.dag, wrt)))

    def vjp(self, wrt: str | Sequence[str] | None = None) -> Graph:
        """The graph of adjoints, given those of the outputs, by reverse mode.

        Its arguments are those of this graph, then an adjoint ``f_bar`` for each output; calling it
        gives ``(value, (adjoint, …))``, the value a tuple where there are several outputs.

        >>> import chainrule as cr
        >>> cr.parse("s = x + y; p = x * y; s, p").vjp()(2, 3, 1, 10)
        ((5.0, 6.0), (31.0, 21.0))

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions.
        """
        return Graph(vjp(self.dag, leaves(self.dag, wrt)))

    def jacobian(self, wrt: str | Sequence[str] | None = None, *, mode: Mode = "auto") -> Graph:
        """The graph of all first derivatives: a row for each output, a column for each argument.

        Calling it gives an array of shape (…, outputs, columns), the points in front.

        >>> import chainrule as cr
        >>> cr.parse("r*cos(t), r*sin(t)").jacobian()(2, 0)
        array([[ 1., -0.],
               [ 0.,  2.]])

        Args:
            wrt: By which nodes; None: all floating-point arguments.
            mode: ``"forward"``, one pass for each column, ``"reverse"``, one for each row, or
                ``"auto"``, whichever needs fewer passes.

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions, E336 for an unknown mode.
        """
        return Graph(jacobian(self.dag, leaves(self.dag, wrt), mode))

    def hessian(self, wrt: str | Sequence[str] | None = None, *, of: str | None = None) -> Graph:
        """The graph of all second derivatives of one output; each mixed one is computed once.

        Calling it gives an array of shape (…, n, n), the points in front.

        >>> import chainrule as cr
        >>> cr.parse("x^3 * y").hessian()(2, 5)
        array([[60., 12.],
               [12.,  0.]])

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: as for `gradient`, and E335 for a node that is not an argument.
        """
        return Graph(hessian(self.dag, differentiated(self.dag, of), leaves(self.dag, wrt)))

    def sparsity(
        self,
        wrt: str | Sequence[str] | None = None,
        *,
        of: str | None = None,
        second: bool = False,
    ) -> Sparsity:
        """Which derivatives can be other than zero, and how many passes find them.

        >>> import chainrule as cr
        >>> g = cr.parse("x*y, y*z, z^2")
        >>> g.sparsity().pattern.toarray().astype(int)
        array([[1, 1, 0],
               [0, 1, 1],
               [0, 0, 1]])
        >>> cr.parse("x*y + z^3").sparsity(second=True)
        <Sparsity of the Hessian: 3 × 3, 3 of 9 entries may not be zero, 2 colours>

        Args:
            wrt: By which nodes; None: all floating-point arguments.
            of: What is differentiated; None: all outputs, or the only one.
            second: Of the second derivatives of one output, in place of the first ones.

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions, E332 and E333 for second derivatives
                of what is not one number.
            LimitError: E159 where the derivatives are not sparse.
        """
        nodes = list(dict.fromkeys(leaves(self.dag, wrt)))
        if second:
            output = differentiated(self.dag, of)
            ends = gradient(self.dag, output, nodes).outputs[1:]
            pattern = symmetric(jacobian_pattern(ends, nodes))
            return pattern_room.Sparsity(symmetric_compression(pattern), "hessian")
        outputs = self.dag.outputs if of is None else [find(self.dag, of)]
        require_float(self.dag, [*outputs, *nodes])
        return pattern_room.Sparsity(compression(jacobian_pattern(outputs, nodes)))

    # --- machine code -------------------------------------------------------------------------

    def compile(
        self,
        *,
        gradient: bool | str | Sequence[str] = False,
        budget: str | float = "200ms",
        threads: int = 1,
        fast_math: bool = False,
        profile: bool = False,
    ) -> Compiled:
        """The graph as a callable that runs as machine code.

        It can be called at once: a graph of numbers runs on a tape, one of arrays by NumPy, until
        code has been made aside. This waits for the code no longer than the budget.

        >>> import chainrule as cr
        >>> fast = cr.parse("(x + y) * (x + 1)").compile(gradient=True)
        >>> fast(2.0, 1.0)
        (9.0, (6.0, 3.0))

        Args:
            gradient: Give the value and the derivatives, as `gradient` does: by all floating-point
                arguments, or by those named. Where there are many nodes this has its first result
                sooner than ``gradient().compile()``.
            budget: How long to wait for optimised code, such as ``"200ms"``, ``"2s"`` or seconds.
            threads: How many threads may share the work on points and on large arrays.
            fast_math: Whether sums and products may be regrouped, so that rounding differs.
            profile: Whether kernels count their calls and their time, for `Compiled.profile`; it
                costs some tens of nanoseconds a kernel.

        Raises:
            GraphError: E226 for a budget that is no time, or for too few threads; E225 for an
                unknown name.
            DerivativeError: as for `gradient`, and E334 for a node that is no argument.
        """
        seconds = compiled.seconds_of(budget)
        wrt = None
        if gradient is not False:
            output = differentiated(self.dag, None)
            require_scalar(self.dag, output)
            nodes = leaves(self.dag, None if gradient is True else gradient)
            require_float(self.dag, [output, *nodes])
            wrt = compiled.positions(self.dag, nodes)
        threads = whole_number(threads, "threads", 1, 1024)
        options = request.Options(threads, bool(fast_math), wrt, bool(profile))
        made = compiled.Compiled(self.dag, options)
        return made.wait(seconds)

    # --- other languages ----------------------------------------------------------------------

    def javascript(self) -> str:
        """The graph as an ES module in JavaScript: values, derivatives, the passes over its edges.

        It exports ``value`` and ``gradient`` (for several outputs ``jacobian``), which take a
        number for each argument, and what they are made of.

        >>> import chainrule as cr
        >>> print(cr.parse("(x + y) * (x + 1)").javascript())
        /*
         * (x + y)*(x + 1)
        ...

        Raises:
            GraphError: E249 for arrays, whole numbers, loops, abstract and Python functions.
        """
        return exported.exported(self.dag)

    # --- drawings -----------------------------------------------------------------------------

    def draw(self, *, wrt: str | None = None, of: str | None = None, **options: Any) -> Drawing:
        """A drawing of the graph without numbers; `Record.draw` has them.

        >>> import chainrule as cr
        >>> cr.parse("(x + y) * (x + 1)").draw(edges="formula", direction="down")
        <Drawing of 6 boxes: Computation graph of f>

        Args:
            wrt: The node that changes: where paths start.
            of: What is differentiated; None: the only output.
            options: How it is drawn: those of `chainrule.draw.options.Options`.

        Raises:
            DrawingError, GraphError, DerivativeError, LimitError: as for `Record.draw`.
        """
        return drawings.drawn(self.dag, None, wrt, of, options)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write the graph to a file that `load` reads, or a drawing of it, by the suffix.

        ``.json`` and ``.txt`` hold the graph itself, ``.js`` is the module of `javascript`,
        ``.html`` the page in one file, for any browser, without a network; every other suffix is
        that of a drawing (`Drawing.save`), whose options may be given. A page has some of them,
        and ``title``.

        Raises:
            FileError: E406 for another suffix, E407 for text that UTF-8 cannot hold, E408 for a
                graph that calls a Python function.
            GraphError: E249 as for `javascript`; E229 for the page of a graph of arrays.
            DrawingError: as for `draw`; E250 and E251 for options without a meaning.
        """
        suffix = Path(path).suffix.lower()
        if suffix in (".json", ".txt", ".js"):
            if options:
                raise DrawingError("E250", "a file of the graph itself takes no options")
            if suffix == ".js":
                Path(path).write_text(self.javascript(), encoding="utf-8")
            else:
                super().save(path)
            return
        if suffix == ".html":
            pages.save_page(path, self.dag, {}, options)
            return
        drawings.save_drawing(path, self.draw, options)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return drawings.notebook_forms(self, self.dag, self.draw, include, exclude)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Graph, (self.dag,))
