"""Cells that tables have in common: names of nodes, operations, counts, numbers, words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chainrule.formula.labels import latex_spellings
from chainrule.formula.names import latex_name
from chainrule.formula.printer import expression
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.ops.several import ITEM, name_of
from chainrule.show.numbers import latex_of, number, plain
from chainrule.show.table import Cell


class Names:
    """How the nodes of one graph are called, in text and in LaTeX."""

    def __init__(self, dag: Dag) -> None:
        self.text = dag.labels
        self.taken = frozenset(
            [label for node, label in dag.labels.items() if node.op is not CONSTANT]
        )
        numbers = {node for node in dag.labels if node.op is CONSTANT and node not in dag.names}
        spelled = latex_spellings(
            [label for node, label in dag.labels.items() if node not in numbers]
        )
        self.latex = {
            node: latex_of(label) if node in numbers else spelled[label]
            for node, label in dag.labels.items()
        }

    def cell(self, node: Node) -> Cell:
        """The label of a node."""
        return Cell(self.text[node], f"${self.latex[node]}$", self.text[node])

    def operation(self, node: Node) -> Cell:
        """The operation of a node on its operands; the kind of a leaf."""
        if node.is_leaf:
            return word_cell(node.op.name)
        text = expression(node, self.text, style="text")
        latex = f"${expression(node, self.latex, 'latex', self.taken)}$"
        if node.op is ITEM:
            words = word_cell(f" ({name_of(node)})")
            text, latex = text + words.text, latex + words.latex
        return Cell(text, latex, text)

    def derivative(
        self, of: Node | str, wrt: Node, *, total: bool, held: Collection[Node] = ()
    ) -> Cell:
        """The derivative of one node (or of what is called so) by another, with round or upright
        d; with nodes held fixed ``(∂f/∂x)_a``.
        """
        text, latex = ("d", r"\mathrm{d}") if total else ("∂", r"\partial ")
        name_of = of if isinstance(of, str) else self.text[of]
        latex_of = latex_name(of) if isinstance(of, str) else self.latex[of]
        name = f"{text}{name_of}/{text}{self.text[wrt]}"
        if held:
            name = f"({name})_{self.list(held).text}"
        fraction = f"{latex}{latex_of} / {latex}{self.latex[wrt]}"
        return Cell(name, f"${self.at_fixed(fraction, held)}$", name)

    def at_fixed(self, derivative: str, held: Collection[Node]) -> str:
        """A derivative in LaTeX, with the nodes held fixed as its subscript."""
        return rf"\left({derivative}\right)_{{{self.list(held).latex}}}" if held else derivative

    def held_fixed(self, held: Collection[Node]) -> str:
        """``, a, b held fixed``, or nothing."""
        return f", {self.list(held).text.replace(',', ', ')} held fixed" if held else ""

    def list(self, nodes: Collection[Node]) -> Cell:
        """The labels of some nodes, in the order of the graph, as ``a,b``."""
        order = [node for node in self.text if node in nodes]
        text = ",".join([self.text[node] for node in order])
        return Cell(text, ", ".join([self.latex[node] for node in order]), text)


def count_cell(count: int) -> Cell:
    """A whole number."""
    return Cell(str(count), str(count), count)


def number_cell(value: Any, digits: int) -> Cell:
    """A number with this many significant digits, in full as data."""
    text = number(value, digits)
    return Cell(text, f"${latex_of(text)}$", plain(value))


def word_cell(text: str) -> Cell:
    """Words, the same in every form; names in them may have a ``_``, which LaTeX needs escaped."""
    return Cell(text, text.replace("_", r"\_"), text)
