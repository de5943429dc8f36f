"""A Dag is a computation graph with its arguments, outputs, names and places in the source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, final

from chainrule.errors import GraphError, Span, listed, nearest, shown
from chainrule.graph import walk
from chainrule.graph.collector import collector_paused
from chainrule.graph.facts import Arrangement, Edge, Meaning, Origin
from chainrule.graph.labels import labels
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    PARAMETER,
    Node,
    check_name,
    input_node,
    parameter_node,
)

Order = Literal["depth-first", "kahn"]

_LISTED: Final = 12
"""Names are listed in a message where there are no more than this."""


@final
class Dag:
    """A directed acyclic graph of nodes, seen from its outputs.

    Attributes:
        inputs: The arguments in order: inputs and parameters, also those that no output reaches.
        outputs: The roots, one or more.
        names: Node → the names somebody gave it, in order; leaves need no entry.
        spans: Node → the places in ``source`` it was read from.
        source: The text the graph was read from, or an empty string.
        meanings: Node → the derivatives it is, in a graph made by differentiation.
        arrangement: How the outputs are handed out; None: one alone, several as a tuple.
        origins: Node → where in a Python function it was made, in a graph that was traced.

    Two Dags are equal when their arguments and outputs are the same nodes; since nodes are
    interned this compares whole graphs. What else there is does not count.
    """

    def __init__(
        self,
        outputs: Sequence[Node],
        inputs: Sequence[Node] | None = None,
        names: Mapping[Node, Sequence[str]] | None = None,
        spans: Mapping[Node, Sequence[Span]] | None = None,
        source: str = "",
        meanings: Mapping[Node, Sequence[Meaning]] | None = None,
        arrangement: Arrangement | None = None,
        origins: Mapping[Node, Origin] | None = None,
    ) -> None:
        """Raise GraphError E220 (outputs, arguments), E213 (bad names), E221 (names that clash)."""
        if not outputs:
            raise GraphError("E220", "a graph needs at least one output")
        self._is_inner = False
        self.outputs: tuple[Node, ...] = tuple(outputs)
        reached = walk.depth_first(self.outputs)
        arguments = [node for node in reached if node.op in (INPUT, PARAMETER)]
        self.inputs: tuple[Node, ...] = tuple(arguments if inputs is None else inputs)
        self.source = source
        self._check_inputs(arguments)
        given = frozenset(self.inputs)
        self.order: tuple[Node, ...] = (*self.inputs, *(n for n in reached if n not in given))
        """All nodes in topological order: the arguments, then depth-first post-order."""
        own = {node: node.name for node in self.inputs}
        self.names: Mapping[Node, tuple[str, ...]] = MappingProxyType(
            {
                node: kept
                for node, given in (names or {}).items()
                if node in self._members
                and (kept := tuple(n for n in dict.fromkeys(given) if n != own.get(node)))
            }
        )
        self.spans: Mapping[Node, tuple[Span, ...]] = MappingProxyType(
            {
                node: tuple(given)
                for node, given in (spans or {}).items()
                if node in self._members and given
            }
        )
        self._check_names()
        self.meanings: Mapping[Node, tuple[Meaning, ...]] = MappingProxyType(
            {
                node: tuple(dict.fromkeys(given))
                for node, given in (meanings or {}).items()
                if node in self._members and given
            }
        )
        self.arrangement = arrangement
        self.origins: Mapping[Node, Origin] = MappingProxyType(
            {node: origin for node, origin in (origins or {}).items() if node in self._members}
        )

    def _check_inputs(self, reached: Iterable[Node]) -> None:
        given = set(self.inputs)
        if len(given) != len(self.inputs):
            raise GraphError("E220", "an argument is listed twice")
        for node in self.inputs:
            if node.op not in (INPUT, PARAMETER):
                raise GraphError("E220", f"{node!r} is not an input or a parameter")
        for node in reached:
            if node not in given:
                raise GraphError("E220", f"{node.name!r} is used but not among the arguments")

    def _check_names(self) -> None:
        owners: dict[str, Node] = {}
        for node in self.inputs:
            if owners.setdefault(node.name, node) is not node:
                raise GraphError("E221", f"two different arguments are named {node.name!r}")
        for node, given in self.names.items():
            for name in given:
                if owners.setdefault(check_name(name), node) is not node:
                    raise GraphError("E221", f"two different nodes are named {name!r}")
        self._owners = owners

    # --- structure ----------------------------------------------------------------------------

    @cached_property
    def _members(self) -> frozenset[Node]:
        return frozenset(self.order)

    @cached_property
    def _uses(self) -> dict[Node, list[tuple[Node, int]]]:
        return walk.uses_of(self.order)

    def __contains__(self, node: Node) -> bool:
        return node in self._members

    def __len__(self) -> int:
        """The number of nodes, leaves included."""
        return len(self.order)

    @cached_property
    def parameters(self) -> tuple[Node, ...]:
        """The learnable arguments."""
        return tuple(node for node in self.inputs if node.op is PARAMETER)

    @cached_property
    def computations(self) -> tuple[Node, ...]:
        """The nodes that are computed, in depth-first order."""
        return tuple(node for node in self.order if not node.is_leaf)

    def topological_order(self, method: Order = "depth-first") -> tuple[Node, ...]:
        """All nodes, operands before users, by depth-first post-order or by Kahn's algorithm."""
        if method == "depth-first":
            return self.order
        if method == "kahn":
            return tuple(walk.kahn(self.order, self._uses))
        raise GraphError("E222", f"unknown order {method!r}; use 'depth-first' or 'kahn'")

    def operands(self, node: Node) -> tuple[Node, ...]:
        """The nodes that ``node`` is computed from, in order; the same node may stand twice."""
        return self._own(node).operands

    def uses(self, node: Node) -> tuple[Edge, ...]:
        """The edges that leave ``node``, in topological order of the users."""
        return tuple(Edge(node, user, at) for user, at in self._uses[self._own(node)])

    def users(self, node: Node) -> tuple[Node, ...]:
        """The nodes computed from ``node``, each once, in topological order."""
        return tuple(dict.fromkeys(user for user, _ in self._uses[self._own(node)]))

    def edges(self) -> tuple[Edge, ...]:
        """Every edge, by user in topological order, then by position; ``x*x`` has two."""
        return tuple(
            Edge(operand, node, at)
            for node in self.order
            for at, operand in enumerate(node.operands)
        )

    def ancestors(self, node: Node) -> frozenset[Node]:
        """The cone below ``node``: what it is computed from, itself included."""
        return frozenset(walk.ancestors(self._own(node)))

    def descendants(self, node: Node) -> frozenset[Node]:
        """The cone above ``node``: what is computed from it, itself included."""
        return frozenset(walk.descendants(self.order, [self._own(node)]))

    def count_paths(self, source: Node, target: Node | None = None) -> int:
        """The number of directed paths from ``source`` to ``target`` (the output), exactly."""
        return self.path_counts([source], target)[source]

    def path_counts(self, sources: Collection[Node], target: Node | None = None) -> dict[Node, int]:
        """The number of directed paths to ``target`` (the output) from each source, in one walk."""
        goal = self.output if target is None else self._own(target)
        return walk.path_counts(self.order, goal, [self._own(source) for source in sources])

    @property
    def output(self) -> Node:
        """The only output.

        Raises:
            GraphError: E223 when there are several.
        """
        if len(self.outputs) != 1:
            raise GraphError("E223", f"the graph has {len(self.outputs)} outputs; name one of them")
        return self.outputs[0]

    @property
    def taken_names(self) -> Collection[str]:
        """The names of arguments and of nodes with names; other labels are not taken."""
        return self._owners.keys()

    def _own(self, node: Node) -> Node:
        if node not in self._members:
            raise GraphError("E224", f"{node!r} is not in this graph")
        return node

    # --- names --------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> Mapping[Node, str]:
        """One short name for every node, as `chainrule.graph.labels` chooses them."""
        return labels(self.order, self.outputs, self.names, self._owners, bool(self.meanings))

    @cached_property
    def _by_label(self) -> dict[str, Node]:
        found = dict(self._owners)
        for node, label in self.labels.items():
            if node.op is not CONSTANT:
                found.setdefault(label, node)
        for node, meanings in self.meanings.items():
            for meaning in meanings:
                found.setdefault(meaning.label, node)
        return found

    def lookup(self, name: str) -> Node | None:
        """The node with this name or label, or with this meaning (``"∂f/∂x"``), or None."""
        return self._by_label.get(name)

    def find(self, name: str) -> Node:
        """The node with this name or label.

        Raises:
            GraphError: E225 when there is none; the message offers the nearest name.
        """
        node = self.lookup(name)
        if node is None:
            guess = nearest(name, self._by_label)
            hint = f"; did you mean {guess!r}?" if guess else ""
            known = [label for node, label in self.labels.items() if node.op is not CONSTANT]
            if not guess and 0 < len(known) <= _LISTED:
                hint = f"; it has {listed(known)}"
            raise GraphError("E225", f"the graph has no node named {shown(name)}{hint}")
        return node

    # --- new graphs ---------------------------------------------------------------------------

    @collector_paused()
    def substitute(
        self,
        replacements: Mapping[Node, Node],
        names: Mapping[Node, Sequence[str]] | None = None,
    ) -> Dag:
        """The graph with some nodes replaced by others (of the same type) wherever they are used.

        Arguments keep their places as long as an output reaches them (or none ever did), new ones
        come last. Names stay with what took the place of their nodes; further ``names`` join them.
        A name that something else bears already is dropped.
        """
        for old, new in replacements.items():
            if old.type is not new.type:
                raise GraphError(
                    "E202", f"{self.labels[self._own(old)]} is {old.type}, not {new.type}"
                )
        new_of = walk.rebuild(self.order, replacements)
        outputs = [new_of[node] for node in self.outputs]
        reached = dict.fromkeys(
            node for node in walk.depth_first(outputs) if node.op in (INPUT, PARAMETER)
        )
        needed = walk.ancestors(*self.outputs)
        kept = [node for node in self.inputs if node in reached or node not in needed]
        inputs = list(dict.fromkeys([*kept, *reached]))
        owners = {node.name: node for node in inputs}
        new_names: dict[Node, list[str]] = {}
        wanted = [(new_of[node], given) for node, given in self.names.items()]
        for node, given in [*wanted, *(names or {}).items()]:
            free = [name for name in given if owners.setdefault(name, node) is node]
            new_names.setdefault(node, []).extend(free)
        spans: dict[Node, list[Span]] = {}
        for node, places in self.spans.items():
            if node not in replacements:
                spans.setdefault(new_of[node], []).extend(places)
        return Dag(
            outputs,
            inputs,
            new_names,
            spans,
            self.source,
            arrangement=self.arrangement,
            origins={new_of[node]: origin for node, origin in self.origins.items()},
        )

    def with_parameters(self, learned: Collection[Node]) -> Dag:
        """The graph in which exactly these arguments are parameters, all others inputs.

        Raises:
            GraphError: E220 for a node that is no argument.
        """
        arguments = frozenset(self.inputs)
        for node in learned:
            if node not in arguments:
                raise GraphError("E220", f"{self.labels[self._own(node)]!r} is not an argument")
        replacements = {
            node: (parameter_node if node in learned else input_node)(node.name, node.type)
            for node in self.inputs
        }
        new_of = walk.rebuild(self.order, replacements)
        return Dag(
            [new_of[node] for node in self.outputs],
            [new_of[node] for node in self.inputs],
            {new_of[node]: names for node, names in self.names.items()},
            {new_of[node]: spans for node, spans in self.spans.items()},
            self.source,
            arrangement=self.arrangement,
            origins={new_of[node]: origin for node, origin in self.origins.items()},
        )

    # --- comparison ---------------------------------------------------------------------------

    def as_inner(self) -> Dag:
        """The graph as one that an operation holds: those with other names or places are others.

        Were they the same, what one loop is called would depend on what loops there were before.
        """
        if self._is_inner:
            return self
        inner = object.__new__(Dag)
        vars(inner).update(vars(self), _is_inner=True)
        return inner

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dag):
            return NotImplemented
        if self.inputs != other.inputs or self.outputs != other.outputs:
            return False
        if not (self._is_inner and other._is_inner):
            return True
        return self.names == other.names and self.origins == other.origins

    def __hash__(self) -> int:
        return hash((self.inputs, self.outputs))

    def __repr__(self) -> str:
        arguments = ", ".join(node.name for node in self.inputs)
        return f"<Dag of ({arguments}) with {len(self.computations)} computations>"
