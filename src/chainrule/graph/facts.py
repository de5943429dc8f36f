"""What is known of a graph besides its nodes: edges, meanings, origins, forms of outputs."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from chainrule.graph.node import Node


class Edge(NamedTuple):
    """One edge, from an operand to the node that uses it; ``position`` counts operands from 0."""

    operand: Node
    user: Node
    position: int


class Meaning(NamedTuple):
    """What a node of a derivative graph is: ∂of/∂wrt in the graph that was differentiated.

    Attributes:
        label: The derivative by the labels of that graph, such as ``"∂f/∂x"``.
        of: What is differentiated; None: whatever the adjoints given from outside belong to.
        wrt: By what; None: along the direction given from outside.
    """

    label: str
    of: Node | None
    wrt: Node | None


class Origin(NamedTuple):
    """Where in a Python function a node was made.

    Attributes:
        file: The path of the file.
        line: Counted from 1.
        calls: The calls of other functions it was made in, outermost first: ``("layer", "norm_2")``
            for the second call of ``norm`` in a call of ``layer``.
    """

    file: str
    line: int
    calls: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The name of the file, and the line; what was typed in somewhere has no file.

        >>> Origin("lib/model.py", 12).place, Origin("<stdin>", 3).place
        ('model.py:12', 'line 3')
        """
        if self.file.startswith("<"):
            return f"line {self.line}"
        return f"{PurePath(self.file).name}:{self.line}"

    @property
    def words(self) -> str:
        """Where a node was made: file and line, and the calls it was made in.

        >>> Origin("lib/model.py", 12, ("net", "layer_2")).words
        'model.py:12 in net, layer_2'
        """
        return f"{self.place} in {', '.join(self.calls)}" if self.calls else self.place


class Matrix(NamedTuple):
    """Outputs that stand in rows and columns, the first of them at position ``first``."""

    first: int
    rows: int
    columns: int


Arrangement = int | Matrix | tuple["Arrangement", ...]
"""How outputs are handed out: one by its position, several in a tuple, or as a matrix."""
