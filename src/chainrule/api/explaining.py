"""A graph that explains itself: derivations, trees, costs, checks, roles, descents by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from chainrule.api.arguments import bind, by_name, whole_number
from chainrule.api.selection import differentiated, find, held, leaves, scalars_only
from chainrule.api.structure import Structure
from chainrule.formula.names import names_of
from chainrule.graph.tree import tree
from chainrule.late import Late

if TYPE_CHECKING:
    from chainrule.api import explain
    from chainrule.api.explain import Cost, Descent, Roles, SavedReport
    from chainrule.check import graphs as checks
    from chainrule.check.report import Report
    from chainrule.diff import cost as costs
    from chainrule.diff import saved
    from chainrule.fit import descend as descending
    from chainrule.fit import roles as role_rules
    from chainrule.show import chain_rule as chain_rules
    from chainrule.show import derivation as derivations
    from chainrule.show import derivative_graph as derivative_graphs
    from chainrule.show import syntax_tree as syntax_trees
    from chainrule.show.chain_rule import ChainRule
    from chainrule.show.derivation import Derivation, Direction
    from chainrule.show.derivative_graph import DerivativeGraph
    from chainrule.show.syntax_tree import SyntaxTree
else:
    explain = Late("chainrule.api.explain")
    checks = Late("chainrule.check.graphs")
    costs = Late("chainrule.diff.cost")
    saved = Late("chainrule.diff.saved")
    descending = Late("chainrule.fit.descend")
    role_rules = Late("chainrule.fit.roles")
    chain_rules = Late("chainrule.show.chain_rule")
    derivations = Late("chainrule.show.derivation")
    derivative_graphs = Late("chainrule.show.derivative_graph")
    syntax_trees = Late("chainrule.show.syntax_tree")

_MOST_POINTS: Final = 1000
"""Of a check."""
_LARGEST_TREE: Final = 10**7
"""Nodes of a syntax tree; more would fill the memory."""


class Explaining(Structure):
    """The part of a `Graph` that tells about it, and makes no other graph."""

    __slots__ = ()

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
            GraphError: E225 for an unknown name, E228 for a node that changes and is held fixed,
                E229 for a graph of arrays.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        scalars_only(self.dag, "a derivation")
        output, node = differentiated(self.dag, of), find(self.dag, wrt)
        return derivations.Derivation(
            self.dag, output, node, mode, held(self.dag, holding, [output, node])
        )

    def chain_rule(
        self, wrt: str, *, of: str | None = None, holding: str | Collection[str] = ()
    ) -> ChainRule:
        """The chain rule with symbols, also for abstract functions.

        >>> import chainrule as cr
        >>> print(cr.parse("f(g1(x), g2(x))", abstract="f g1 g2").chain_rule("x"))
        df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x
        >>> print(cr.parse("f(x, g(x))", abstract="f g").chain_rule("x", holding="g"))
        (∂f/∂x)_g = ∂f/∂x

        Args:
            wrt: By which node.
            of: What is differentiated; None: the only output.
            holding: Nodes held fixed: only paths that avoid them count (partial derivatives).

        Raises:
            GraphError: E225 for an unknown name, E228 for a node that changes and is held fixed,
                E229 for a graph of arrays.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        scalars_only(self.dag, "the chain rule with symbols")
        output, node = differentiated(self.dag, of), find(self.dag, wrt)
        return chain_rules.ChainRule(
            self.dag, output, node, held(self.dag, holding, [output, node])
        )

    def derivative_graph(
        self, wrt: str, *, of: str | None = None, holding: str | Collection[str] = ()
    ) -> DerivativeGraph:
        """The derivative graph of forward mode, with formulas; with numbers on a `Record`.

        Args:
            wrt: By which node.
            of: What is differentiated; None: the only output.
            holding: Nodes held fixed: only paths that avoid them count (partial derivatives).

        Raises:
            GraphError: E225 for an unknown name, E228 for a node that changes and is held fixed,
                E229 for a graph of arrays.
            DerivativeError: E331 for integers and conditions, E332 when there are several outputs.
        """
        scalars_only(self.dag, "a derivative graph")
        output, node = differentiated(self.dag, of), find(self.dag, wrt)
        return derivative_graphs.symbolic_derivative_graph(
            self.dag, output, node, held(self.dag, holding, [output, node])
        )

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
        return explain.SavedReport(saved.saved_values(self.dag, starts, ends))

    def cost(self, wrt: str | Sequence[str] | None = None, *, of: str | None = None) -> Cost:
        """What the value and its gradient cost in operations, by every way to get them.

        >>> import chainrule as cr
        >>> print(cr.parse("x1*x2*x3*x4").cost())
        Cost in operations, with 4 derivatives
        ...

        Raises:
            GraphError: E225 for an unknown name, E229 for a graph of arrays.
            DerivativeError: as for `gradient`.
        """
        scalars_only(self.dag, "the count of operations")
        return explain.Cost(
            costs.cost(self.dag, differentiated(self.dag, of), leaves(self.dag, wrt))
        )

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
        return syntax_trees.SyntaxTree(
            self.dag, tree(output, whole_number(limit, "limit", 1, _LARGEST_TREE))
        )

    def check(self, points: int | Mapping[str, Any] | Sequence[Mapping[str, Any]] = 3) -> Report:
        """Values and derivatives against differences in high precision and the complex step.

        >>> import chainrule as cr
        >>> cr.parse("sin(x)*y").check().ok
        True

        Args:
            points: Where: values by name, several of those, or how many points to choose.

        Raises:
            GraphError: E226 for a number of points that makes no sense, E229 for arrays.
            EvaluationError: E301 to E304 and E342 for points that do not fit, E307 for an abstract
                function.
        """
        scalars_only(self.dag, "a check in high precision")
        if isinstance(points, (Mapping, str)) or not isinstance(points, Iterable):
            if not isinstance(points, Mapping):
                return checks.check_graph(self.dag, whole_number(points, "points", 1, _MOST_POINTS))
            points = [points]
        return checks.check_graph(self.dag, [by_name(point, "a point") for point in points])

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
        return explain.Roles(
            role_rules.roles(
                self.dag,
                None if label is None else find(self.dag, label),
                [find(self.dag, name) for name in names_of(inputs)],
                [find(self.dag, name) for name in names_of(parameters)],
            )
        )

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
        scalars_only(self.dag, "a descent by hand")
        arguments, _ = bind(self.dag, (), by_name(values, "values"))
        output = None if of is None else find(self.dag, of)
        return explain.Descent(descending.descend(self.dag, arguments, rate, steps, output))
