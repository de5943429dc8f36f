"""Graphs held by operations: loops, branches, calls. What their rules share.

Such a graph is closed: it reads nothing but its arguments, and what a function read from outside is
among the operands of the node that holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from chainrule.errors import FileError, GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Origin
from chainrule.graph.flat import from_data
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import Type
from chainrule.ops.rearrange import along_front
from chainrule.ops.term import Term


def graph(value: Any) -> Dag:
    """A graph as a parameter; files hold it as data."""
    if isinstance(value, Dag):
        return value.as_inner()
    try:
        return from_data(value).as_inner()
    except FileError:
        raise ValueError(f"must be a graph, got {shown(value)}") from None


def graphs(value: Any) -> tuple[Dag, ...]:
    """Graphs as a parameter."""
    if not isinstance(value, (tuple, list)) or not value:
        raise ValueError(f"must be graphs, got {shown(value)}")
    return tuple(map(graph, value))


def check_arguments(name: str, dag: Dag, types: Sequence[Type]) -> None:
    """Raise GraphError E203 unless the graph takes operands of these types."""
    wanted = [node.type for node in dag.inputs]
    if wanted != list(types):
        raise GraphError(
            "E203",
            f"{name}: the graph takes ({', '.join(map(str, wanted))}), "
            f"it is given ({', '.join(map(str, types))})",
        )


class Known(NamedTuple):
    """What is known of the nodes of a graph that an operation holds, besides what they are.

    Attributes:
        names: Node → its names.
        origins: Node → where it was made.
    """

    names: Mapping[Node, Sequence[str]] = MappingProxyType({})
    origins: Mapping[Node, Origin] = MappingProxyType({})

    @classmethod
    def of(cls, *dags: Dag) -> Known:
        """What graphs know; of two that know a node, the last one counts."""
        names = {node: given for dag in dags for node, given in dag.names.items()}
        return cls(names, {node: place for dag in dags for node, place in dag.origins.items()})

    def dag(self, outputs: Sequence[Node], inputs: Sequence[Node]) -> Dag:
        """A graph with what is known of its nodes; a name that an argument has is left out."""
        taken = {node.name for node in inputs}
        names: dict[Node, list[str]] = {}
        for node, given in self.names.items():
            names[node] = [name for name in given if name not in taken]
            taken.update(names[node])
        return Dag(outputs, inputs, names, origins=self.origins)

    def joined(self, other: Known) -> Known:
        """What both know; where both know a node, the first counts."""
        return Known({**other.names, **self.names}, {**other.origins, **self.origins})

    def moved(self, new: Mapping[Node, Node]) -> Known:
        """The same of other nodes that stand for these."""
        names = {new[node]: given for node, given in self.names.items() if node in new}
        return Known(names, {new[n]: place for n, place in self.origins.items() if n in new})


def words_for(node: Node, dag: Dag) -> str:
    """What a node of a graph goes by in words; empty where nobody gave it a name."""
    if node.is_leaf and isinstance(node.params[0], str):
        return node.name
    return dag.names[node][0] if node in dag.names else ""


class Namer:
    """New arguments for a graph, named after what they belong to."""

    def __init__(self, dag: Dag) -> None:
        self._taken = set(dag.taken_names)

    def new(self, name: str, type: Type) -> Node:
        """A new argument; its name may get underscores."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return input_node(name, type)

    def after(self, node: Node, suffix: str, type: Type | None = None) -> Node:
        """A new argument that belongs to an argument or another node."""
        stem = node.name if node.is_leaf and isinstance(node.params[0], str) else "v"
        return self.new(f"{stem}_{suffix}", type or node.type)


def term_or_zero(given: Term | None, type: Type) -> Term:
    return Term(constant_node(0, type)) if given is None else given


def inlined(dag: Dag, arguments: Sequence[Node]) -> list[Node]:
    """The outputs of a graph over other nodes in place of its arguments."""
    made = walk.rebuild(dag.order, dict(zip(dag.inputs, arguments, strict=True)))
    return [made[node] for node in dag.outputs]


def over(dag: Dag, arguments: Sequence[Term]) -> list[Term]:
    """The outputs of a graph over these terms in place of its arguments."""
    return list(map(Term, inlined(dag, [x.node for x in arguments])))


def batched(
    batch: Any, dag: Dag, has: Collection[Node], count: int, whole: Sequence[bool] = ()
) -> tuple[Dag, list[bool]]:
    """A graph for many items at once, and which of its outputs have an axis of items in front.

    Args:
        batch: The pass.
        dag: The graph.
        has: Its arguments that have such an axis.
        count: The number of items.
        whole: For each output whether it gets such an axis in any case.
    """
    new = {
        node: input_node(node.name, node.type.stacked(count)) if node in has else node
        for node in dag.inputs
    }
    found = batch(dag.order, {node: new[node] for node in dag.inputs if node in has}, count)
    outputs = []
    flags = []
    for at, node in enumerate(dag.outputs):
        there = node in found
        term = Term(found.get(node, node))
        if not there and whole and whole[at]:
            term, there = along_front(term, False, count), True
        outputs.append(term.node)
        flags.append(there)
    moved = {node: found.get(node, node) for node in dag.order}
    return Known.of(dag).moved(moved).dag(outputs, list(new.values())), flags


def pulled(
    adjoints: Any,
    dag: Dag,
    starts: Sequence[tuple[Node, Node]],
    active: Collection[Node],
) -> Any:
    """The adjoints in a graph that an operation holds: node → adjoint.

    Args:
        adjoints: The pass.
        dag: The graph.
        starts: Outputs with their adjoints.
        active: Arguments that want one.
    """
    return adjoints(dag.order, starts, walk.descendants(dag.order, active))


def tangents_of(tangents: Any, dags: Sequence[Dag], given: Sequence[Term | None]) -> Any:
    """Graphs of the tangents of graphs: their arguments, then the tangents that are given.

    Returns:
        The graphs, and which of the results have tangents: those that have one in some graph.
    """
    made = []
    for dag in dags:
        namer = Namer(dag)
        pairs = zip(dag.inputs, given, strict=True)
        seeds = {node: namer.after(node, "dot") for node, change in pairs if change is not None}
        made.append((dag, seeds, tangents(dag.order, seeds)))
    has = [any(dag.outputs[at] in flow for dag, _, flow in made) for at in _numbers(dags[0])]
    found = []
    for dag, seeds, flow in made:
        outputs = [flow.of(node) for node, there in zip(dag.outputs, has, strict=True) if there]
        found.append((Known.of(dag), outputs, [*dag.inputs, *seeds.values()]))
    return [known.dag(*parts) for known, *parts in found if parts[0]], has


def adjoints_of(
    adjoints: Any, dags: Sequence[Dag], given: Sequence[Term | None], wanted: Sequence[bool]
) -> Any:
    """Graphs of the adjoints of graphs: their arguments, then the adjoints that are given.

    Returns:
        The graphs, and which of the arguments have adjoints: those that have one in some graph.
    """
    made = []
    for dag in dags:
        namer = Namer(dag)
        active = [node for node, wants in zip(dag.inputs, wanted, strict=True) if wants]
        pairs = zip(dag.outputs, given, strict=True)
        starts = [
            (node, namer.after(node, "bar")) for node, adjoint in pairs if adjoint is not None
        ]
        made.append((dag, starts, pulled(adjoints, dag, starts, active)))
    has = [
        wants and any(dag.inputs[at] in flow for dag, _, flow in made)
        for at, wants in enumerate(wanted)
    ]
    found = []
    for dag, starts, flow in made:
        outputs = [flow.of(node) for node, there in zip(dag.inputs, has, strict=True) if there]
        found.append((Known.of(dag), outputs, [*dag.inputs, *(bar for _, bar in starts)]))
    return [known.dag(*parts) for known, *parts in found if parts[0]], has


def _numbers(dag: Dag) -> range:
    return range(len(dag.outputs))


def placed(made: Iterable[Any], has: Sequence[bool]) -> list[Any]:
    """What was made at the places that have some; None at the others."""
    rest = iter(made)
    return [next(rest) if there else None for there in has]


def present(given: Sequence[Term | None]) -> list[Term]:
    return [term for term in given if term is not None]
