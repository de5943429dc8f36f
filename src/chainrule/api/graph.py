"""A computation graph as users hold it: a Dag with verbs. Nodes go by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.api.array import LONGEST_SHOWN, Array, dag_of
from chainrule.api.names import find
from chainrule.api.record import Record
from chainrule.errors import FileError
from chainrule.formula.infix import read
from chainrule.formula.limits import Limits
from chainrule.formula.printer import formula
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag, Order
from chainrule.graph.node import Node, constant_node
from chainrule.show.table import Table
from chainrule.show.tables import forward_table


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


def parse(
    source: str,
    *,
    inputs: str | Sequence[str] | None = None,
    parameters: str | Sequence[str] = (),
    abstract: str | Sequence[str] = (),
    single_letters: bool = False,
    dtype: str | Mapping[str, str] = "float64",
    limits: Limits | None = None,
) -> Graph:
    """A formula in text as a graph.

    >>> import chainrule as cr
    >>> g = cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")
    >>> g.arguments, g.parameters
    (('y', 'w', 'x', 'b'), ('w', 'b'))

    Args:
        source: The formula; statements may come first: ``"a = x + y; f = a * x"``.
        inputs: Names of given data, in order; by default every free name that is not a parameter,
            by first appearance.
        parameters: Names of learnable numbers.
        abstract: Names of functions without a definition.
        single_letters: Read ``awx`` as ``a*w*x``.
        dtype: Of all leaves, or a mapping from names to dtypes.
        limits: How large a formula may be.

    Raises:
        FormulaError: The text cannot be read; the message points at the place.
        LimitError: It is larger than the limits allow.
    """
    return Graph(
        read(
            source,
            inputs=inputs,
            parameters=parameters,
            abstract=abstract,
            single_letters=single_letters,
            dtype=dtype,
            limits=limits or Limits(),
        )
    )


def graph(
    outputs: Array | Sequence[Array],
    inputs: Array | Sequence[Array] | None = None,
    *,
    names: Mapping[str, Array] | None = None,
) -> Graph:
    """Symbolic arrays as a graph.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    >>> a = x + y
    >>> cr.graph(a * x, [y, x], names={"a": a})
    <Graph of (y, x): a = x + y; a*x>

    Args:
        outputs: One array, or several.
        inputs: The arguments in order; by default by first appearance.
        names: Names for intermediate nodes.

    Raises:
        GraphError: E220 for a missing argument, E221 for names that clash, E233 for an output that
            is not symbolic.
    """
    return Graph(dag_of(outputs, inputs, names))


def load(path: str | PathLike[str]) -> Graph:
    """The graph that `Graph.save` wrote; a broken file is refused with a clear error.

    Raises:
        FileError: E401 to E406; the message says what is wrong and where.
        OSError: The file cannot be opened.
    """
    source = Path(path)
    readers = {".json": flat.from_json, ".txt": text.read}
    if source.suffix not in readers:
        raise FileError("E406", f"cannot load {source.suffix!r}; use .json or .txt")
    try:
        content = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("E401", f"not a text file: {error}") from None
    return Graph(readers[source.suffix](content))
