"""A derivative as a formula, and step by step how it comes about.

Each step is one node: its derivative by the rule of its operation, in terms of the derivatives of
its neighbours that earlier steps have found.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from chainrule.diff.build import dependent, partial_label, require_float
from chainrule.diff.edges import Edges
from chainrule.diff.flow import Flow, is_constant, one
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError, LimitError, shown
from chainrule.formula.names import latex_name
from chainrule.formula.printer import Style, expression, formula, latex
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Meaning
from chainrule.graph.node import CONSTANT, Node, constant_node, constant_value, input_node
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Op
from chainrule.graph.tree import tree_size
from chainrule.graph.types import BOOL
from chainrule.show.cells import Names, count_cell, word_cell
from chainrule.show.numbers import count, latex_of
from chainrule.show.table import Cell, Table, columns
from chainrule.simplify.light import simplify, simplify_node

Direction = Literal["forward", "reverse"]

WRITTEN_OUT: Final = 10_000
"""A derivative with more nodes than this, nothing shared, is not written out."""


_SHORT: Final = 80
"""A derivative that takes no more characters than this is not taken apart."""

_EQUALITIES: Final = (OPS["equal"], OPS["not_equal"])

_SHOWN: Final = 4
"""Of the users of a node, this many are shown."""


@dataclass(frozen=True, slots=True)
class Step:
    """The derivative of one node.

    Attributes:
        node: Forward: the node that is differentiated. Reverse: the node by which.
        rules: The names of the rules used, such as "product rule".
        operations: The nodes whose rules they are. Forward: the node. Reverse: its users.
        result: The derivative over nodes of the graph and over ``symbols``; simplified.
        symbols: Placeholders in the result → the node whose derivative each stands for.
    """

    node: Node
    rules: tuple[str, ...]
    operations: tuple[Node, ...]
    result: Node
    symbols: Mapping[Node, Node]


class Derivation:
    """The derivative of ``of`` by ``wrt`` in a graph, total, or partial with some nodes held fixed.

    Attributes:
        dag: The graph.
        of: What is differentiated.
        wrt: By what.
        direction: Whether the steps follow the change of ``wrt`` forward, or the adjoints back.
        holding: The nodes held fixed.
        derivative: The graph of the derivative, lightly simplified.
        generic: Whether single points are left out: those where an equality holds that a rule asks
            for, such as x = y in the rule of max. There the operations have conventions.
    """

    def __init__(
        self,
        dag: Dag,
        of: Node,
        wrt: Node,
        direction: Direction = "forward",
        holding: Collection[Node] = (),
    ) -> None:
        """Raise DerivativeError E331 for a node that is not a floating-point number, E336 for an
        unknown direction.
        """
        if direction not in get_args(Direction):
            raise DerivativeError(
                "E336", f"unknown mode {shown(direction)}; use 'forward' or 'reverse'"
            )
        require_float(dag, [of, wrt])
        self.dag = dag
        self.of = of
        self.wrt = wrt
        self.direction = direction
        self.holding = frozenset(holding)
        self._total = direction == "forward" and not holding
        self._active = dependent(dag.order, [wrt], holding)
        self.names = Names(dag)
        self._edges = Edges()
        order = walk.depth_first([of])
        if direction == "forward":
            free = (node for node in order if node not in self.holding)
            flow = tangents(free, {wrt: one(wrt.type)})
            result = flow.of(of)
        else:
            flow = adjoints(order, [(of, one(of.type))], self._active, holding)
            result = flow.of(wrt)
        self._order = order
        self._own = {node for node in order if node.op is not CONSTANT or node in dag.names}
        self.generic = False
        result = self._almost_everywhere(result)
        meaning = Meaning(partial_label(dag, of, wrt), of, wrt)
        raw = Dag([result], dag.inputs, dag.names, meanings={result: [meaning]})
        simple = simplify(raw).dag
        self.derivative = self._with_labels(simple)
        self._short = self._if_short(simple)

    def _almost_everywhere(self, root: Node) -> Node:
        """A derivative without the equalities that rules ask for; those of the graph stay."""
        order = walk.depth_first([root], self._own)
        replacements = {node: node for node in order if node in self._own}
        for node in order:
            if node.op in _EQUALITIES and node not in self._own:
                replacements[node] = constant_node(node.op is not OPS["equal"], BOOL)
                self.generic = True
        return walk.rebuild(order, replacements)[root]

    def _if_short(self, simple: Dag) -> str:
        """The derivative on one short line, if it has no named parts; else an empty string."""
        root = simple.output
        if any(not node.is_leaf for node in simple.names) or tree_size(root) > _SHORT:
            return ""
        text = self.written_out()
        return text if len(text) <= _SHORT else ""

    def _with_labels(self, derivative: Dag) -> Dag:
        """What is shared goes by its label in the graph, as in the steps; what the graph does not
        have is u1, u2, ….
        """
        uses = Counter(operand for node in derivative.order for operand in node.operands)
        taken = {*derivative.taken_names, *self.names.text.values()}
        names = dict(derivative.names)
        fresh = (name for name in map("u{}".format, itertools.count(1)) if name not in taken)
        for node in derivative.computations:
            if node not in names and uses[node] > 1:
                names[node] = (self.names.text.get(node) or next(fresh),)
        return Dag(derivative.outputs, derivative.inputs, names, meanings=derivative.meanings)

    # --- as a formula -------------------------------------------------------------------------

    def text(self) -> str:
        """The derivative as a formula that reads back; shared and named parts come first, unless
        it is short.
        """
        return self._short or formula(self.derivative)

    def latex(self) -> str:
        """The derivative in LaTeX that reads back; shared and named parts come first."""
        if self._short:
            return self.written_out("latex")
        text = latex(self.derivative)
        return text if "&=" not in text else latex(self._called(f"d_{self.names.text[self.wrt]}"))

    def latex_equation(self, *, written_out: bool = False) -> str:
        """``df/dx = …`` in LaTeX, for people; shared and named parts come first.

        Raises:
            LimitError: E157 as `written_out`.
        """
        head = self._fraction(self.of, self.wrt)
        if written_out or self._short:
            return f"{head} = {self.written_out('latex')}"
        result = self._called("derivative")
        name = latex_name(result.names[result.output][-1])
        return head.join(latex(result).rsplit(name, 1))

    def _called(self, name: str) -> Dag:
        """The derivative with a name of its own, as the last of its names."""
        while name in self.derivative.taken_names:
            name += "_"
        root = self.derivative.output
        names = {**self.derivative.names, root: (*self.derivative.names.get(root, ()), name)}
        return Dag([root], self.derivative.inputs, names)

    def written_out(self, style: Style = "text") -> str:
        """The derivative with nothing shared and nothing named.

        Raises:
            LimitError: E157 when that has more than `WRITTEN_OUT` nodes.
        """
        root = self.derivative.output
        size = tree_size(root)
        if size > WRITTEN_OUT:
            raise LimitError(
                "E157", f"written out it has {count(size)} nodes, more than {WRITTEN_OUT}"
            )
        return self._written(root, style, {}, ())

    # --- step by step -------------------------------------------------------------------------

    def steps(self) -> Iterable[Step]:
        """One step for each node between ``wrt`` and ``of``, in the order of the pass."""
        edges = self._edges
        if self.of not in self._active:
            return
        near = walk.depth_first([self.of], self.holding)
        between = [node for node in near if node in self._active]
        uses = walk.uses_of(self._order)
        start, forward = (self.wrt, True) if self.direction == "forward" else (self.of, False)
        known = {start: one(start.type)}
        for node in between if forward else reversed(between):
            if node is start:
                yield Step(node, ("start",), (), known[node], {})
            elif forward:
                yield self._forward_step(node, known, edges)
            else:
                known_uses = [use for use in uses[node] if use[0] in known]
                yield self._reverse_step(node, known_uses, known, edges)

    def _forward_step(self, node: Node, known: dict[Node, Node], edges: Edges) -> Step:
        """The tangent of a node from those of its operands."""
        flow = Flow()
        symbols: dict[Node, Node] = {}
        for position, operand in enumerate(node.operands):
            partial = edges.into(node, position) if operand in known else None
            if partial is not None:
                flow.setdefault(operand, self._known_or_symbol(operand, known, symbols))
                flow.carry(operand, partial, node)
        moving = {operand for operand in node.operands if operand in flow}
        rules = [_rule(node.op, len(moving) < len(set(node.operands)))]
        if moving - {self.wrt} and rules[0] not in _LINEAR:
            rules.append("chain rule")
        return self._step(node, rules, [node], flow, known, symbols)

    def _reverse_step(
        self, node: Node, uses: Iterable[tuple[Node, int]], known: dict[Node, Node], edges: Edges
    ) -> Step:
        """The adjoint of a node from those of its users."""
        flow = Flow()
        symbols: dict[Node, Node] = {}
        rules: dict[str, None] = {}
        users = []
        for user, position in uses:
            partial = edges.into(user, position)
            if partial is not None:
                flow.setdefault(user, self._known_or_symbol(user, known, symbols))
                flow.carry(user, partial, node)
                others = set(user.operands) - {node}
                rules[_rule(user.op, any(other.op is CONSTANT for other in others))] = None
                users.append(user)
        if len(users) > 1:
            rules["sum over users"] = None
        return self._step(node, rules, users, flow, known, symbols)

    def _known_or_symbol(
        self, node: Node, known: Mapping[Node, Node], symbols: dict[Node, Node]
    ) -> Node:
        """The derivative of a neighbour: 1 or 0 if it is that, else a symbol for it."""
        derivative = known[node]
        if is_constant(derivative, 1) or is_constant(derivative, 0):
            return derivative
        symbol = input_node(f"derivative_{len(symbols)}_", derivative.type)
        symbols[symbol] = node
        return symbol

    def _step(
        self,
        node: Node,
        rules: Iterable[str],
        operations: Iterable[Node],
        flow: Flow,
        known: dict[Node, Node],
        symbols: Mapping[Node, Node],
    ) -> Step:
        result = simplify_node(self._almost_everywhere(flow.of(node)), self._own)
        known[node] = result
        return Step(node, tuple(rules), tuple(dict.fromkeys(operations)), result, symbols)

    def table(self) -> Table:
        """The steps: derivative, operation, rule, result."""
        rows = [
            (
                count_cell(number),
                self.symbol(step.node),
                self._operation(step),
                word_cell(", ".join(step.rules)),
                self.result(step),
            )
            for number, step in enumerate(self.steps(), start=1)
        ]
        of, wrt = self.names.text[self.of], self.names.text[self.wrt]
        held = self.names.held_fixed(self.holding)
        notes = [f"{of} does not depend on {wrt}{held}."] * (not rows)
        if self.generic:
            notes.append("Left out: single points, where an operation has a convention of its own.")
        return Table(
            "derivation",
            f"Derivative of {of} with respect to {wrt}{held}, step by step",
            columns(
                ("step", "Step", True, "dim"),
                ("derivative", "Derivative", False, "bold"),
                ("operation", "Operation" if self.direction == "forward" else "Used in"),
                ("rule", "Rule"),
                ("result", "Result", False, "red"),
            ),
            tuple(rows),
            "\n".join(notes),
        )

    def _operation(self, step: Step) -> Cell:
        """What the rules are applied to: the operation of the node, or those of its users."""
        if self.direction == "forward":
            return self.names.operation(step.node)
        if not step.operations:
            return word_cell("" if step.node is not self.of else "output")
        cells = [self.names.operation(user) for user in step.operations[:_SHOWN]]
        names = [self.names.cell(user) for user in step.operations[:_SHOWN]]
        pairs = list(zip(names, cells, strict=True))
        text = [f"{name.text} = {cell.text}" for name, cell in pairs]
        latex = [f"{name.latex[:-1]} = {cell.latex[1:]}" for name, cell in pairs]
        more = len(step.operations) - _SHOWN
        dots = [f"… {more} more"] if more > 0 else []
        return Cell(", ".join(text + dots), ", ".join(latex + dots), ", ".join(text + dots))

    def symbol(self, node: Node) -> Cell:
        """How the derivative that belongs to a node is written: ``da/dx`` or ``∂f/∂a``."""
        return self.names.derivative(*self._ends(node), total=self._total, held=self.holding)

    def result(self, step: Step) -> Cell:
        """The derivative of a step in terms of those before it."""
        return self._cell(step.result, step.symbols, step.operations)

    def local_derivative(self, user: Node, position: int) -> Cell | None:
        """∂user/∂operand on one edge as a formula; None where it is structurally zero."""
        partial = self._edges.into(user, position)
        if partial is None:
            return None
        operand = user.operands[position]
        flow = Flow({user: one(user.type)})
        flow.carry(user, partial, operand)
        root = self._almost_everywhere(flow.of(operand))
        return self._cell(simplify_node(root, self._own), {}, [user])

    def _cell(self, root: Node, symbols: Mapping[Node, Node], operations: Iterable[Node]) -> Cell:
        """An expression over the operations whose rules it comes from, and their operands."""
        near = {node for operation in operations for node in (operation, *operation.operands)}
        near &= self._own
        # Brackets keep a symbol together in a product; alone it needs none.
        text_labels = {symbol: self.symbol(node).text for symbol, node in symbols.items()}
        if root not in symbols and not self.holding:
            text_labels = {symbol: f"({name})" for symbol, name in text_labels.items()}
        text = self._written(root, "text", text_labels, near)
        latex_labels = {
            symbol: self._fraction(*self._ends(node)) for symbol, node in symbols.items()
        }
        return Cell(text, f"${self._written(root, 'latex', latex_labels, near)}$", text)

    def _ends(self, node: Node) -> tuple[Node, Node]:
        """What is differentiated by what in the derivative that belongs to a node."""
        return (node, self.wrt) if self.direction == "forward" else (self.of, node)

    def _fraction(self, of: Node, wrt: Node) -> str:
        d = r"\mathrm{d}" if self._total else r"\partial"
        fraction = rf"\frac{{{d} {self.names.latex[of]}}}{{{d} {self.names.latex[wrt]}}}"
        return self.names.at_fixed(fraction, self.holding)

    def _written(
        self, root: Node, style: Style, labels: Mapping[Node, str], named: Container[Node]
    ) -> str:
        """An expression over leaves and other nodes that stand as their labels; the rest is
        written out.
        """
        own = self.names.text if style == "text" else self.names.latex
        known: dict[Node, str] = {}
        for node in walk.depth_first([root], named):
            if node in labels or node in named or (node.is_leaf and node in self._own):
                known[node] = labels[node] if node in labels else own[node]
            elif node.op is CONSTANT:
                text = numeral(constant_value(node))
                known[node] = text if style == "text" else latex_of(text)
        if root in known:
            return known[root]
        return expression(root, known, style, self.names.taken)

    def equation(self, formula: str) -> str:
        """``df/dx = …``, for the derivative as a formula, definitions after it."""
        head = self.symbol(self.of if self.direction == "forward" else self.wrt).text
        *parts, result = formula.split("; ")
        where = f"   where {', '.join(parts)}" if parts else ""
        return f"{head} = {result}{where}"

    def __str__(self) -> str:
        """The steps, then the formula."""
        return f"{self.table()}\n{self.equation(self.text())}"

    def __repr__(self) -> str:
        return f"<Derivation of {partial_label(self.dag, self.of, self.wrt)}: {self.text()}>"


_LINEAR: Final = frozenset({"sum rule", "constant factor", "no change", "the branch taken"})
"""Rules that need no chain rule to be applied to more than the variable."""


def _rule(op: Op, some_fixed: bool) -> str:
    """The name of the rule; a product with a constant is the constant factor rule."""
    return "constant factor" if some_fixed and op.name == "multiply" else op.rule
