"""A computation graph as users hold it: a Dag with verbs. Nodes go by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.api.arguments import bind
from chainrule.api.array import LONGEST_SHOWN, Array
from chainrule.api.explain import Cost, Descent, SavedReport
from chainrule.api.record import Record
from chainrule.api.selection import differentiated, find, held, leaves
from chainrule.check.graphs import check_graph
from chainrule.check.report import Report
from chainrule.diff.cost import cost
from chainrule.diff.forward import jvp
from chainrule.diff.jacobian import Mode, hessian, jacobian
from chainrule.diff.reverse import gradient, vjp
from chainrule.diff.saved import saved_values
from chainrule.errors import FileError
from chainrule.fit.descend import descend
from chainrule.formula.printer import formula
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag, Order
from chainrule.graph.node import Node, constant_node
from chainrule.graph.tree import tree
from chainrule.show.chain_rule import ChainRule
from chainrule.show.derivation import Derivation, Direction
from chainrule.show.derivative_graph import DerivativeGraph, symbolic_derivative_graph
from chainrule.show.syntax_tree import SyntaxTree
from chainrule.show.table import Table
from chainrule.show.tables import forward_table
from chainrule.simplify.light import simplify


class Edge(NamedTuple):
    """One edge from ``operand`` to ``user``, whose operand number ``position`` it is, from 0."""

    operand: str
    user: str
    position: int


class Graph:
    """A computation graph: inputs, parameters and constants, computations, outputs.

    Made by `parse` from text and by `graph` from symbolic arrays. Graphs are equal when their
    arguments and outputs are; names of intermediate nodes do not count.

    >>> import chainrule as cr
    >>> g = cr.parse("(x + y) * (x + 1)")
    >>> g
    <Graph of (x, y): (x + y)*(x + 1)>
    >>> g(2, 1)
    9.0

    Attributes:
        dag: The structure itself, with nodes in place of names.
    """

    __slots__ = ("__weakref__", "dag")

    def __init__(self, dag: Dag) -> None:
        self.dag = dag

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

    # --- structure ----------------------------------------------------------------------------

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of inputs and parameters, in the order that calls take them."""
        return tuple(node.name for node in self.dag.inputs)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the given data."""
        learnable = set(self.dag.parameters)
        return tuple(node.name for node in self.dag.inputs if node not in learnable)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the learnable numbers."""
        return tuple(node.name for node in self.dag.parameters)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels of the outputs."""
        return tuple(self.dag.labels[node] for node in self.dag.outputs)

    def topological_order(self, method: Order = "depth-first") -> tuple[str, ...]:
        """The labels of all nodes, operands before users.

        >>> import chainrule as cr
        >>> g = cr.parse("a = sin(x); b = a + y; b * a")
        >>> g.topological_order("depth-first"), g.topological_order("kahn")
        (('x', 'y', 'a', 'b', 'f'), ('x', 'y', 'a', 'b', 'f'))

        Args:
            method: ``"depth-first"`` (post-order) or ``"kahn"`` (repeatedly take a node whose
                operands are all taken).
        """
        labels = self.dag.labels
        return tuple(labels[node] for node in self.dag.topological_order(method))

    def operands(self, name: str) -> tuple[str, ...]:
        """What a node is computed from (its parents), in order; ``x*x`` has ``x`` twice."""
        return tuple(self.dag.labels[node] for node in self.dag.operands(find(self.dag, name)))

    def users(self, name: str) -> tuple[str, ...]:
        """What is computed from a node (its children), each once."""
        return tuple(self.dag.labels[node] for node in self.dag.users(find(self.dag, name)))

    def edges(self) -> tuple[Edge, ...]:
        """Every edge; ``x*x`` has two."""
        labels = self.dag.labels
        return tuple(Edge(labels[e.operand], labels[e.user], e.position) for e in self.dag.edges())

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The cone below a node, itself included, in topological order."""
        return self._listed(self.dag.ancestors(find(self.dag, name)))

    def descendants(self, name: str) -> tuple[str, ...]:
        """The cone above a node, itself included, in topological order."""
        return self._listed(self.dag.descendants(find(self.dag, name)))

    def _listed(self, cone: frozenset[Any]) -> tuple[str, ...]:
        return tuple(self.dag.labels[node] for node in self.dag.order if node in cone)

    def count_paths(self, source: str, target: str | None = None) -> int:
        """How many directed paths lead from one node to another (None: the output), exactly.

        >>> import chainrule as cr
        >>> cr.parse("(x + y) * (x + 1)").count_paths("x")
        2
        """
        end = None if target is None else find(self.dag, target)
        return self.dag.count_paths(find(self.dag, source), end)

    def derivatives(self) -> dict[str, tuple[str, ...]]:
        """In a graph made by differentiation: which derivatives a node is, by its label.

        >>> import chainrule as cr
        >>> cr.parse("a = x + y; f = a * x").gradient().derivatives()["d_x"]
        ('∂f/∂x',)
        """
        labels = self.dag.labels
        found: dict[str, tuple[str, ...]] = {}
        for node in self.dag.order:
            meanings = tuple(meaning.label for meaning in self.dag.meanings.get(node, ()))
            if meanings:
                found[labels[node]] = found.get(labels[node], ()) + meanings
        return found

    def table(self) -> Table:
        """The steps of the forward pass without numbers: node and operation."""
        return forward_table(self.dag, {})

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

    def derive(self, wrt: str, *, of: str | None = None, mode: Direction = "forward") -> Derivation:
        """The derivative as a formula, lightly simplified, and step by step with the rules used.

        >>> import chainrule as cr
        >>> d = cr.parse("exp(-x^2)").derive("x")
        >>> d.text()
        '-2*x*exp(-x^2)'
        >>> print(d)
        Derivative of f by x, step by step
        Step  Derivative  Operation  Rule                           Result
        ────  ──────────  ─────────  ─────────────────────────────  ──────────
           1  dx/dx       input      start                          1
           2  dv1/dx      x^2        power rule                     2*x
           3  dv2/dx      -v1        constant factor                -(dv1/dx)
           4  df/dx       exp(v2)    derivative of exp, chain rule  (dv2/dx)*f
        df/dx = -2*x*exp(-x^2)

        Args:
            wrt: By which node.
            of: What is differentiated; None: the only output.
            mode: ``"forward"``: steps from ``wrt`` on; ``"reverse"``: steps back from the output.

        Raises:
            GraphError: E225 for an unknown name.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        return Derivation(self.dag, differentiated(self.dag, of), find(self.dag, wrt), mode)

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
            DerivativeError: E334 for an abstract function.
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
        return SyntaxTree(self.dag, tree(output, limit))

    def simplify(self) -> Graph:
        """The graph lightly simplified for reading: constants folded, simple identities applied.

        >>> import chainrule as cr
        >>> cr.parse("1*x + 0*y + x").simplify()
        <Graph of (x, y): 2*x>
        """
        return Graph(simplify(self.dag).dag)

    def check(self, points: int | Sequence[Mapping[str, Any]] = 3) -> Report:
        """Values and derivatives against differences in high precision and the complex step.

        >>> import chainrule as cr
        >>> cr.parse("sin(x)*y").check().ok
        True

        Args:
            points: Where: values by name, or how many points to choose.

        Raises:
            EvaluationError: E301 to E304 for points that do not fit, E307 for an abstract function.
        """
        return check_graph(self.dag, points)

    def descend(
        self, values: Mapping[str, Any], rate: float, steps: int, *, of: str | None = None
    ) -> Descent:
        """Gradient descent by hand: move the parameters downhill, a table row for each step.

        Inputs may be arrays of data points; what is made smaller is then the mean over them.

        >>> import chainrule as cr
        >>> g = cr.parse("L = (w*x - y)^2", parameters="w")
        >>> print(g.descend({"x": 2, "y": 6, "w": 0}, rate=0.1, steps=2))
        Gradient descent on L, learning rate 0.1
        Step       L     w  ∂L/∂w    Δw
        ────  ──────  ────  ─────  ────
           1      36     0    -24   2.4
           2    1.44   2.4   -4.8  0.48
         end  0.0576  2.88      –     –
        Δ = −0.1 · gradient is added to the parameter.

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
        arguments, _ = bind(self.dag, (), values)
        output = None if of is None else find(self.dag, of)
        return Descent(descend(self.dag, arguments, rate, steps, output))

    # --- text and files -----------------------------------------------------------------------

    def formula(self) -> str:
        """The graph as a formula; shared and named nodes come first.

        `parse` reads it back, given the arguments and their dtypes (constant arrays have no text).

        >>> import chainrule as cr
        >>> cr.parse("x^2 + sin(x^2)").formula()
        'v1 = x^2; v1 + sin(v1)'
        """
        return formula(self.dag)

    def text(self) -> str:
        """The canonical text: one line for each node, with all types; `load` reads it back."""
        return text.write(self.dag)

    def json(self) -> str:
        """The graph as JSON, with names, source and places in it; `load` reads it back."""
        return flat.to_json(self.dag)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the graph to a file: JSON for ``.json``, canonical text for ``.txt``.

        Raises:
            FileError: E406 for another suffix, E407 for text that UTF-8 cannot hold.
        """
        target = Path(path)
        writers = {".json": self.json, ".txt": self.text}
        if target.suffix not in writers:
            raise FileError("E406", f"cannot save as {target.suffix!r}; use .json or .txt")
        try:
            target.write_text(writers[target.suffix](), encoding="utf-8")
        except UnicodeEncodeError as error:
            raise FileError("E407", f"a name or the source cannot be written: {error}") from None

    # --- comparison and pickling --------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self.dag == other.dag if isinstance(other, Graph) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dag)

    def __str__(self) -> str:
        return self.formula()

    def __repr__(self) -> str:
        body = f"{len(self.dag)} nodes"
        if len(self.dag) <= LONGEST_SHOWN:
            body = self.formula()
            body = body if len(body) <= 200 else body[:199] + "…"
        return f"<Graph of ({', '.join(self.arguments)}): {body}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Graph, (self.dag,))
