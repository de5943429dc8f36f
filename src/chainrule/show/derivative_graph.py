"""The derivative graph of forward mode: the graph again, with derivatives in place of values.

Its nodes are the derivatives with respect to one node, its edges the local derivatives; a node is
the sum, over the edges that enter it, of the edge times the node it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Sweep
from chainrule.show.cells import Names, number_cell
from chainrule.show.derivation import Derivation
from chainrule.show.table import Cell, Table, columns


@dataclass(frozen=True, slots=True)
class DerivativeNode:
    """A node of the derivative graph.

    Attributes:
        node: The node of the graph that is differentiated.
        name: Its derivative, ``dg/dx``.
        content: The number, or the formula in terms of the derivatives it comes from.
    """

    node: Node
    name: Cell
    content: Cell


@dataclass(frozen=True, slots=True)
class DerivativeEdge:
    """An edge of the derivative graph.

    Attributes:
        operand: Where it starts.
        user: Where it ends.
        position: Which operand of the user it is, from 0.
        name: The local derivative, ``∂f/∂g``; ``∂f/∂g[1]`` where several edges join both nodes.
        content: Its number, or its formula.
    """

    operand: Node
    user: Node
    position: int
    name: Cell
    content: Cell


@dataclass(frozen=True, slots=True)
class DerivativeGraph:
    """The derivatives of all nodes with respect to one, and how each comes from others.

    Attributes:
        dag: The graph that is differentiated.
        wrt: The node by which.
        nodes: The derivatives, in topological order; the first is 1.
        edges: The local derivatives, by the node they enter.
        holding: The nodes held fixed.
    """

    dag: Dag
    wrt: Node
    nodes: tuple[DerivativeNode, ...]
    edges: tuple[DerivativeEdge, ...]
    holding: frozenset[Node] = frozenset()

    def table(self) -> Table:
        """One row for each node: its derivative, the edges that enter it, its content."""
        entering: dict[Node, list[DerivativeEdge]] = {}
        for edge in self.edges:
            entering.setdefault(edge.user, []).append(edge)
        rows = []
        for node in self.nodes:
            edges = entering.get(node.node, [])
            text = ", ".join(f"{edge.name.text} = {edge.content.text}" for edge in edges)
            latex = ", ".join(
                f"{edge.name.latex[:-1]} = {edge.content.latex[1:]}" for edge in edges
            )
            data = [{"edge": edge.name.datum, "value": edge.content.datum} for edge in edges]
            rows.append((node.name, Cell(text, latex, data), node.content))
        return Table(
            "derivative-graph",
            f"Derivative graph with respect to {self.dag.labels[self.wrt]}"
            + Names(self.dag).held_fixed(self.holding),
            columns(
                ("derivative", "Node", False, "bold"),
                ("edges", "Edges into it"),
                ("content", "Value", False, "red"),
            ),
            tuple(rows),
            "A node is the sum of its edges, each times the node it comes from.",
        )

    def __repr__(self) -> str:
        return f"<DerivativeGraph of {len(self.nodes)} nodes>"

    def __str__(self) -> str:
        return self.table().text()


def symbolic_derivative_graph(
    dag: Dag, of: Node, wrt: Node, holding: Collection[Node] = ()
) -> DerivativeGraph:
    """The derivative graph with formulas.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number.
    """
    derivation = Derivation(dag, of, wrt, holding=holding)
    contents = {step.node: derivation.result(step) for step in derivation.steps()}
    return _built(dag, wrt, contents, derivation.local_derivative, holding)


def numeric_derivative_graph(
    sweep: Sweep,
    of: Node,
    wrt: Node,
    tangents: Mapping[Node, Any],
    digits: int = 6,
    holding: Collection[Node] = (),
) -> DerivativeGraph:
    """The derivative graph with the numbers of one evaluation, given the tangents of all nodes."""

    def local(user: Node, position: int) -> Cell:
        return number_cell(sweep.local_derivative(user, position), digits)

    between = [node for node in walk.depth_first([of], holding) if node in tangents]
    if of not in tangents:
        between = []
    contents = {node: number_cell(tangents[node], digits) for node in between}
    return _built(sweep.dag, wrt, contents, local, holding)


def _built(
    dag: Dag,
    wrt: Node,
    contents: Mapping[Node, Cell],
    local: Callable[[Node, int], Cell | None],
    holding: Collection[Node],
) -> DerivativeGraph:
    names = Names(dag)
    nodes = []
    edges = []
    for node, content in contents.items():
        name = names.derivative(node, wrt, total=not holding, held=holding)
        nodes.append(DerivativeNode(node, name, content))
        if node is wrt:
            continue
        for position, operand in enumerate(node.operands):
            value = local(node, position) if operand in contents else None
            if value is not None:
                name = names.derivative(node, operand, total=False)
                if node.operands.count(operand) > 1:
                    name = _numbered(name, position + 1)
                edges.append(DerivativeEdge(operand, node, position, name, value))
    return DerivativeGraph(dag, wrt, tuple(nodes), tuple(edges), frozenset(holding))


def _numbered(name: Cell, operand: int) -> Cell:
    """The name of one of several edges between two nodes, by the number of the operand."""
    text = f"{name.text}[{operand}]"
    return Cell(text, rf"$\left({name.latex[1:-1]}\right)_{{{operand}}}$", text)
