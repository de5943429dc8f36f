"""A computation graph as users hold it: a Dag with verbs. Nodes go by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from chainrule.api.arguments import bind, by_name, whole_number
from chainrule.api.array import Array
from chainrule.api.drawings import drawn, notebook_forms, save_drawing
from chainrule.api.explain import Cost, Descent, Roles, SavedReport
from chainrule.api.record import Record
from chainrule.api.selection import differentiated, find, held, leaves
from chainrule.api.structure import Structure
from chainrule.check.graphs import check_graph
from chainrule.check.report import Report
from chainrule.diff.cost import cost
from chainrule.diff.forward import jvp
from chainrule.diff.jacobian import Mode, hessian, jacobian
from chainrule.diff.reverse import gradient, vjp
from chainrule.diff.saved import saved_values
from chainrule.draw.drawing import Drawing
from chainrule.errors import DrawingError
from chainrule.fit.descend import descend
from chainrule.fit.roles import roles
from chainrule.formula.names import names_of
from chainrule.graph.node import Node, constant_node
from chainrule.graph.tree import tree
from chainrule.show.chain_rule import ChainRule
from chainrule.show.derivation import Derivation, Direction
from chainrule.show.derivative_graph import DerivativeGraph, symbolic_derivative_graph
from chainrule.show.syntax_tree import SyntaxTree
from chainrule.simplify.light import simplify

_MOST_POINTS: Final = 1000
"""Of a check."""
_LARGEST_TREE: Final = 10**7
"""Nodes of a syntax tree; more would fill the memory."""


class Graph(Structure):
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
            values: Numbers or arrays for the arguments in order.
            named: The same by name.

        Raises:
            EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the dtype,
                E305 shapes that do not fit, E307 an abstract function has no values.
        """
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
            else:
                mapping[node] = constant_node(value, node.type)
        return Graph(self.dag.substitute(mapping, names))

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

    # --- explanations -------------------------------------------------------------------------

    def derive(
        self,
        wrt: str,
        *,
        of: str | None = None,
        mode: Direction = "forward",
        holding: str | Collection[str] = (),
    ) -> Derivation:
        """The derivative as a formula, lightly simplified, and step by step with the rules used.

        >>> import chainrule as cr
        >>> d = cr.parse("exp(-x^2)").derive("x")
        >>> d.text()
        '-2*x*exp(-x^2)'
        >>> print(d)
        Derivative of f with respect to x, step by step
        Step  Derivative  Operation  Rule                           Result
        ────  ──────────  ─────────  ─────────────────────────────  ──────────
           1  dx/dx       input      start                          1
           2  dv1/dx      x^2        power rule                     2*x
           3  dv2/dx      -v1        constant factor                -(dv1/dx)
           4  df/dx       exp(v2)    derivative of exp, chain rule  (dv2/dx)*f
        df/dx = -2*x*exp(-x^2)
        >>> a = cr.parse("a = x + y; f = a*x")
        >>> a.derive("x").text(), a.derive("x", holding="a").text()
        ('a = x + y; x + a', 'a = x + y')

        Args:
            wrt: By which node.
            of: What is differentiated; None: the only output.
            mode: ``"forward"``: steps from ``wrt`` on; ``"reverse"``: steps back from the output.
            holding: Nodes held fixed: only paths that avoid them count (partial derivatives).

        Raises:
            GraphError: E225 for an unknown name, E228 for a node that changes and is held fixed.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        output, node = differentiated(self.dag, of), find(self.dag, wrt)
        return Derivation(self.dag, output, node, mode, held(self.dag, holding, [output, node]))

    def chain_rule(self, wrt: str, *, of: str | None = None) -> ChainRule:
        """The chain rule with symbols, also for abstract functions.

        >>> import chainrule as cr
        >>> print(cr.parse("f(g1(x), g2(x))", abstract="f g1 g2").chain_rule("x"))
        df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        return ChainRule(self.dag, differentiated(self.dag, of), find(self.dag, wrt))

    def derivative_graph(self, wrt: str, *, of: str | None = None) -> DerivativeGraph:
        """The derivative graph of forward mode, with formulas; with numbers on a `Record`.

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        output = differentiated(self.dag, of)
        return symbolic_derivative_graph(self.dag, output, find(self.dag, wrt))

    def saved_values(
        self, wrt: str | Sequence[str] | None = None, *, of: str | None = None
    ) -> SavedReport:
        """What the backward pass needs of the forward pass: operands, outputs, bits, or nothing.

        Args:
            wrt: By which nodes is differentiated; None: all arguments. What only others need is
                not saved.
            of: What is differentiated; None: all outputs.

        Raises:
            GraphError: E225 for an unknown name.
        """
        ends = None if of is None else [find(self.dag, of)]
        starts = None if wrt is None else leaves(self.dag, wrt)
        return SavedReport(saved_values(self.dag, starts, ends))

    def cost(self, wrt: str | Sequence[str] | None = None, *, of: str | None = None) -> Cost:
        """What the value and its gradient cost in operations, by every way to get them.

        >>> import chainrule as cr
        >>> print(cr.parse("x1*x2*x3*x4").cost())
        Cost in operations, with 4 derivatives
        ...

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: as for `gradient`.
        """
        return Cost(cost(self.dag, differentiated(self.dag, of), leaves(self.dag, wrt)))

    def draw(self, *, wrt: str | None = None, of: str | None = None, **options: Any) -> Drawing:
        """A drawing of the graph without numbers; `Record.draw` has them.

        >>> import chainrule as cr
        >>> cr.parse("(x + y) * (x + 1)").draw(edges="formula", direction="down")
        <Drawing of 6 boxes: Computation graph of f>

        Args:
            wrt: The node that changes: where paths start, what tangents are by.
            of: What is differentiated; None: the only output.
            options: How it is drawn: ``view``, ``style``, ``direction``, ``nodes``, ``edges``,
                ``arrows``, ``theme``, ``heat``, ``path``, ``cone``, ``groups``, ``up_to``,
                ``digits``, ``most``, ``legend``; see `chainrule.draw.options.Options`.

        Raises:
            DrawingError: E250 for an option or a value that there is not, E251 for an option
                without what it needs, E252 for a step that a pass does not have.
            GraphError: E225 for an unknown name.
            DerivativeError: E331 or E333 for a node without a derivative.
            LimitError: E156 or E157 where a view has more boxes than ``most``.
        """
        return drawn(self.dag, None, wrt, of, options)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write the graph to a file that `load` reads, or a drawing of it, by the suffix.

        ``.json`` and ``.txt`` hold the graph itself; every other suffix is that of a drawing
        (`Drawing.save`), whose options may be given.

        Raises:
            FileError: E406 for another suffix, E407 for text that UTF-8 cannot hold.
            DrawingError: as for `draw`; E250 for an option where none has a meaning.
        """
        if Path(path).suffix.lower() in (".json", ".txt"):
            if options:
                raise DrawingError("E250", "a file of the graph itself takes no options")
            super().save(path)
            return
        save_drawing(path, self.draw, options)

    def tree(self, limit: int = 10_000, *, of: str | None = None) -> SyntaxTree:
        """The syntax tree of the output: the graph with nothing shared.

        >>> import chainrule as cr
        >>> print(cr.parse("x^2 + sin(x^2)").tree())
        f = v1 + v2
        ├── v1 = x^2
        │   └── x
        └── v2 = sin(v1)
            └── v1 = x^2
                └── x

        Raises:
            LimitError: E157 when it has more than ``limit`` nodes.
        """
        output = self.dag.output if of is None else find(self.dag, of)
        return SyntaxTree(self.dag, tree(output, whole_number(limit, "limit", 1, _LARGEST_TREE)))

    def simplify(self) -> Graph:
        """The graph lightly simplified for reading: constants folded, simple identities applied.

        >>> import chainrule as cr
        >>> cr.parse("1*x + 0*y + x").simplify()
        <Graph of (x, y): 2*x>
        """
        return Graph(simplify(self.dag).dag)

    def check(self, points: int | Mapping[str, Any] | Sequence[Mapping[str, Any]] = 3) -> Report:
        """Values and derivatives against differences in high precision and the complex step.

        >>> import chainrule as cr
        >>> cr.parse("sin(x)*y").check().ok
        True

        Args:
            points: Where: values by name, several of those, or how many points to choose.

        Raises:
            GraphError: E226 for a number of points that makes no sense.
            EvaluationError: E301 to E304 and E342 for points that do not fit, E307 for an abstract
                function.
        """
        if isinstance(points, (Mapping, str)) or not isinstance(points, Iterable):
            if not isinstance(points, Mapping):
                return check_graph(self.dag, whole_number(points, "points", 1, _MOST_POINTS))
            points = [points]
        return check_graph(self.dag, [by_name(point, "a point") for point in points])

    def roles(
        self,
        label: str | None = None,
        inputs: str | Sequence[str] = (),
        parameters: str | Sequence[str] = (),
    ) -> Roles:
        """Propose which arguments of a loss are inputs, parameters and label, with the reasons.

        What is said here wins, and spreads: the partner of a parameter in a product is an input.
        To make a graph with these roles see `with_parameters`.

        >>> import chainrule as cr
        >>> print(cr.parse("(a*b + c - d)^2").roles(label="d", parameters="b"))
        Roles of the arguments
        ...

        Args:
            label: What the prediction is compared with; None: look for it.
            inputs: Arguments that are given data.
            parameters: Arguments that are learned.

        Raises:
            GraphError: E224 or E225 for a name that is no argument, E229 for one with two roles.
        """
        return Roles(
            roles(
                self.dag,
                None if label is None else find(self.dag, label),
                [find(self.dag, name) for name in names_of(inputs)],
                [find(self.dag, name) for name in names_of(parameters)],
            )
        )

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

    def descend(
        self, values: Mapping[str, Any], rate: float, steps: int, *, of: str | None = None
    ) -> Descent:
        """Gradient descent by hand: move the parameters downhill, a table row for each step.

        Inputs may be arrays of data points; what is made smaller is then the mean over them.

        >>> import chainrule as cr
        >>> g = cr.parse("L = (w*x - y)^2", parameters="w")
        >>> print(g.descend({"x": 2, "y": 6, "w": 0}, rate=0.1, steps=2))
        Gradient descent on L, learning rate 0.1
        Step   Value  Parameter    At  Gradient  Update
        ────  ──────  ─────────  ────  ────────  ──────
           1      36  w             0       -24     2.4
           2    1.44  w           2.4      -4.8    0.48
         end  0.0576  w          2.88         –       –
        Update: −0.1 · gradient, added to the parameter.

        Args:
            values: A value for each argument; those of the parameters are where to start.
            rate: The learning rate.
            steps: How many steps to take.
            of: What is made smaller; None: the only output.

        Raises:
            EvaluationError: E301 to E305 for values that do not fit, E308 when the graph has no
                parameters, E309 for a rate or a number of steps that makes no sense.
            DerivativeError: E331 to E333 for an output without a gradient.
        """
        arguments, _ = bind(self.dag, (), by_name(values, "values"))
        output = None if of is None else find(self.dag, of)
        return Descent(descend(self.dag, arguments, rate, steps, output))

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return notebook_forms(self, self.dag, self.draw, include, exclude)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Graph, (self.dag,))
