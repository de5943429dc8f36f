"""A computation graph by the names of its nodes: what it is made of, and how it is written."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.api.array import LONGEST_SHOWN
from chainrule.api.selection import find
from chainrule.errors import FileError
from chainrule.formula.printer import formula, latex
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag, Order
from chainrule.late import Late

if TYPE_CHECKING:
    from chainrule.show import tables
    from chainrule.show.table import Table
else:
    tables = Late("chainrule.show.tables")


class Edge(NamedTuple):
    """One edge from ``operand`` to ``user``, whose operand number ``position`` it is, from 0."""

    operand: str
    user: str
    position: int


class Structure:
    """The part of a `Graph` that neither evaluates nor differentiates.

    Attributes:
        dag: The structure itself, with nodes in place of names.
    """

    __slots__ = ("__weakref__", "dag")

    def __init__(self, dag: Dag) -> None:
        self.dag = dag

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
        return tables.forward_table(self.dag, {})

    # --- text and files -----------------------------------------------------------------------

    def formula(self) -> str:
        """The graph as a formula; shared and named nodes come first.

        `parse` reads it back, given the arguments and their dtypes (constant arrays have no text).

        >>> import chainrule as cr
        >>> cr.parse("x^2 + sin(x^2)").formula()
        'v1 = x^2; v1 + sin(v1)'
        """
        return formula(self.dag)

    def latex(self) -> str:
        r"""The graph in LaTeX; shared and named nodes come first, on lines of their own.

        >>> import chainrule as cr
        >>> print(cr.parse("sqrt(x^2 + y_1^2)/theta").latex())
        \frac{\sqrt{x^{2} + y_{1}^{2}}}{\theta}
        """
        return latex(self.dag)

    def text(self) -> str:
        """The canonical text: one line for each node, with all types; `load` reads it back."""
        return text.write(self.dag)

    def json(self) -> str:
        """The graph as JSON, with names, source and places in it; `load` reads it back."""
        return flat.to_json(self.dag)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the graph to a file: JSON for ``.json``, canonical text for ``.txt``.

        Raises:
            FileError: E406 for another suffix, E407 for text that UTF-8 cannot hold, E408 for a
                graph that calls a Python function.
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
        return self.dag == other.dag if isinstance(other, Structure) else NotImplemented

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
