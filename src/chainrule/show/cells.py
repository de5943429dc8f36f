"""Cells that tables have in common: names of nodes, operations, counts, numbers, words."""

from __future__ import annotations

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

    def derivative(self, of: Node | str, wrt: Node, *, total: bool) -> Cell:
        """The derivative of one node (or of what is called so) by another, with round or upright
        d.
        """
        text, latex = ("d", r"\mathrm{d}") if total else ("∂", r"\partial ")
        name_of = of if isinstance(of, str) else self.text[of]
        latex_of = latex_name(of) if isinstance(of, str) else self.latex[of]
        name = f"{text}{name_of}/{text}{self.text[wrt]}"
        return Cell(name, f"${latex}{latex_of} / {latex}{self.latex[wrt]}$", name)


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
