"""A derivative as a formula, and step by step how it comes about.

Each step is one node: its derivative by the rule of its operation, in terms of the derivatives of
its neighbours that earlier steps have found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chainrule.diff.build import dependent, partial_label, require_float
from chainrule.diff.edges import Edges
from chainrule.diff.flow import Flow, one
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.errors import LimitError
from chainrule.formula.printer import Style, expression, formula, latex
from chainrule.graph import walk
from chainrule.graph.dag import Dag, Meaning
from chainrule.graph.node import CONSTANT, Node, constant_value, input_node
from chainrule.graph.numerals import numeral
from chainrule.graph.op import Op
from chainrule.graph.tree import tree_size
from chainrule.show.cells import Names, count_cell, word_cell
from chainrule.show.numbers import latex_of
from chainrule.show.table import Cell, Table, columns
from chainrule.simplify.light import simplify, simplify_node

Direction = Literal["forward", "reverse"]

WRITTEN_OUT: Final = 10_000
"""A derivative with more nodes than this, nothing shared, is not written out."""


@dataclass(frozen=True, slots=True)
class Step:
    """The derivative of one node.

    Attributes:
        node: Forward: the node that is differentiated. Reverse: the node by which.
        rules: The names of the rules used, such as "product rule".
        result: The derivative over nodes of the graph and over ``symbols``; simplified.
        symbols: Placeholders in the result → the node whose derivative each stands for.
    """

    node: Node
    rules: tuple[str, ...]
    result: Node
    symbols: Mapping[Node, Node]


class Derivation:
    """The derivative of ``of`` by ``wrt`` in a graph.

    Attributes:
        dag: The graph.
        of: What is differentiated.
        wrt: By what.
        direction: Whether the steps follow the change of ``wrt`` forward, or the adjoints back.
        derivative: The graph of the derivative, lightly simplified.
    """

    def __init__(self, dag: Dag, of: Node, wrt: Node, direction: Direction = "forward") -> None:
        """Raise DerivativeError E331 for a node that is not a floating-point number."""
        require_float(dag, [of, wrt])
        self.dag = dag
        self.of = of
        self.wrt = wrt
        self.direction = direction
        self.names = Names(dag)
        order = walk.depth_first([of])
        if direction == "forward":
            flow = tangents(order, {wrt: one(wrt.type)})
            result = flow.of(of)
        else:
            flow = adjoints(order, [(of, one(of.type))], dependent(dag, [wrt]))
            result = flow.of(wrt)
        self._order = order
        self._own = {node for node in order if node.op is not CONSTANT or node in dag.names}
        meaning = Meaning(partial_label(dag, of, wrt), of, wrt)
        raw = Dag([result], dag.inputs, dag.names, meanings={result: [meaning]})
        self.derivative = self._with_labels(simplify(raw).dag)

    def _with_labels(self, derivative: Dag) -> Dag:
        """What is shared with the graph goes by its label there, as in the steps."""
        uses = Counter(operand for node in derivative.order for operand in node.operands)
        taken = set(derivative.taken_names)
        names = {node: list(given) for node, given in derivative.names.items()}
        for node in derivative.computations:
            label = self.names.text.get(node)
            if label is not None and node not in names and uses[node] > 1 and label not in taken:
                names[node] = [label]
                taken.add(label)
        return Dag(derivative.outputs, derivative.inputs, names, meanings=derivative.meanings)

    # --- as a formula -------------------------------------------------------------------------

    def text(self) -> str:
        """The derivative as a formula that reads back; shared and named parts come first."""
        return formula(self.derivative)

    def latex(self) -> str:
        """The derivative in LaTeX; shared and named parts come first."""
        return latex(self.derivative)

    def written_out(self, style: Style = "text") -> str:
        """The derivative with nothing shared and nothing named.

        Raises:
            LimitError: E157 when that has more than `WRITTEN_OUT` nodes.
        """
        root = self.derivative.output
        size = tree_size(root)
        if size > WRITTEN_OUT:
            raise LimitError("E157", f"written out it has {size:.3g} nodes, over {WRITTEN_OUT}")
        leaves = {node for node in self._own if node.is_leaf}
        return self._written(root, style, {}, leaves)

    # --- step by step -------------------------------------------------------------------------

    def steps(self) -> Iterable[Step]:
        """One step for each node between ``wrt`` and ``of``, in the order of the pass."""
        edges = Edges()
        active = dependent(self.dag, [self.wrt])
        between = [node for node in self._order if node in active]
        uses = walk.uses_of(self._order)
        start, forward = (self.wrt, True) if self.direction == "forward" else (self.of, False)
        known = {start: one(start.type)}
        for node in between if forward else reversed(between):
            if node is start:
                yield Step(node, ("start",), known[node], {})
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
        return self._step(node, rules, flow, known, symbols)

    def _reverse_step(
        self, node: Node, uses: Iterable[tuple[Node, int]], known: dict[Node, Node], edges: Edges
    ) -> Step:
        """The adjoint of a node from those of its users."""
        flow = Flow()
        symbols: dict[Node, Node] = {}
        rules: dict[str, None] = {}
        count = 0
        for user, position in uses:
            partial = edges.into(user, position)
            if partial is not None:
                flow.setdefault(user, self._known_or_symbol(user, known, symbols))
                flow.carry(user, partial, node)
                others = set(user.operands) - {node}
                rules[_rule(user.op, any(other.op is CONSTANT for other in others))] = None
                count += 1
        if count > 1:
            rules["sum over users"] = None
        return self._step(node, list(rules), flow, known, symbols)

    def _known_or_symbol(
        self, node: Node, known: Mapping[Node, Node], symbols: dict[Node, Node]
    ) -> Node:
        """The derivative of a neighbour: a number if it is one, else a symbol for it."""
        derivative = known[node]
        if derivative.op is CONSTANT:
            return derivative
        symbol = input_node(f"derivative_{len(symbols)}_", derivative.type)
        symbols[symbol] = node
        return symbol

    def _step(
        self,
        node: Node,
        rules: Iterable[str],
        flow: Flow,
        known: dict[Node, Node],
        symbols: Mapping[Node, Node],
    ) -> Step:
        result = simplify_node(flow.of(node), self._own)
        known[node] = result
        return Step(node, tuple(rules), result, symbols)

    def table(self) -> Table:
        """The steps: derivative, operation, rule, result."""
        rows = [
            (
                count_cell(number),
                self.symbol(step.node),
                self.names.operation(step.node),
                word_cell(", ".join(step.rules)),
                self.result(step),
            )
            for number, step in enumerate(self.steps(), start=1)
        ]
        title = f"Derivative of {self.names.text[self.of]} by {self.names.text[self.wrt]}"
        return Table(
            "derivation",
            f"{title}, step by step",
            columns(
                ("step", "Step", True, "dim"),
                ("derivative", "Derivative", False, "bold"),
                ("operation", "Operation"),
                ("rule", "Rule"),
                ("result", "Result", False, "red"),
            ),
            tuple(rows),
        )

    def symbol(self, node: Node) -> Cell:
        """How the derivative that belongs to a node is written: ``da/dx`` or ``∂f/∂a``."""
        if self.direction == "forward":
            return self.names.derivative(node, self.wrt, total=True)
        return self.names.derivative(self.of, node, total=False)

    def result(self, step: Step) -> Cell:
        """The derivative of a step in terms of those before it."""
        return self._cell(step.result, step.symbols)

    def local_derivative(self, user: Node, position: int) -> Cell | None:
        """∂user/∂operand on one edge as a formula; None where it is structurally zero."""
        partial = Edges().into(user, position)
        if partial is None:
            return None
        operand = user.operands[position]
        flow = Flow({user: one(user.type)})
        flow.carry(user, partial, operand)
        return self._cell(simplify_node(flow.of(operand), self._own), {})

    def _cell(self, root: Node, symbols: Mapping[Node, Node]) -> Cell:
        # Brackets keep a symbol together in a product; alone it needs none.
        text_labels = {symbol: f"({self.symbol(node).text})" for symbol, node in symbols.items()}
        text = self._written(root, "text", text_labels, self._own)
        if root in symbols:
            text = text[1:-1]
        latex_labels = {symbol: self._fraction(node) for symbol, node in symbols.items()}
        return Cell(text, f"${self._written(root, 'latex', latex_labels, self._own)}$", text)

    def _fraction(self, node: Node) -> str:
        of, wrt = (node, self.wrt) if self.direction == "forward" else (self.of, node)
        d = r"\mathrm{d}" if self.direction == "forward" else r"\partial"
        return rf"\frac{{{d} {self.names.latex[of]}}}{{{d} {self.names.latex[wrt]}}}"

    def _written(
        self, root: Node, style: Style, labels: Mapping[Node, str], named: Container[Node]
    ) -> str:
        """An expression over nodes that stand as their labels; the rest is written out."""
        own = self.names.text if style == "text" else self.names.latex
        known: dict[Node, str] = {}
        for node in walk.depth_first([root], named):
            if node in labels or node in named:
                known[node] = labels[node] if node in labels else own[node]
            elif node.op is CONSTANT:
                text = numeral(constant_value(node))
                known[node] = text if style == "text" else latex_of(text)
        return known[root] if root in known else expression(root, known, style)

    def equation(self, formula: str) -> str:
        """``df/dx = …``, for the derivative as a formula, definitions after it."""
        head = f"d{self.names.text[self.of]}/d{self.names.text[self.wrt]}"
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
