"""What can share a frame: a named intermediate and the computations that only it needs, or what
one call of a function did while a graph was traced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule.formula.names import latex_name
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.show.cells import Names


def owners(dag: Dag) -> dict[Node, Node]:
    """Computation → the named computation that alone leads from it to the outputs.

    A named computation owns itself; what several of them need, or none, has no owner.

    >>> from chainrule.formula.infix import read
    >>> dag = read("h = sin(x)^2 + 1; f = exp(h)*x")
    >>> {dag.labels[node]: dag.labels[owner] for node, owner in owners(dag).items()}
    {'f': 'f', 'v3': 'f', 'h': 'h', 'v2': 'h', 'v1': 'h'}
    """
    found: dict[Node, Node] = {}
    for node in reversed(dag.order):
        if node.is_leaf:
            continue
        if node in dag.names:
            found[node] = node
            continue
        users = dag.users(node)
        theirs = {found.get(user) for user in users}
        if len(theirs) == 1 and node not in dag.outputs:
            (owner,) = theirs
            if owner is not None:
                found[node] = owner
    return found


def members(dag: Dag) -> dict[Node, list[Node]]:
    """Named computation → the computations it owns, in topological order; two of them or more."""
    found: dict[Node, list[Node]] = {}
    owned = owners(dag)
    for node in dag.order:
        if node in owned:
            found.setdefault(owned[node], []).append(node)
    return {owner: nodes for owner, nodes in found.items() if len(nodes) > 1}


class Group(NamedTuple):
    """Computations that belong together.

    Attributes:
        key: Its own among the groups of a graph.
        text: What it is called.
        latex: The same as mathematics.
        nodes: The computations, in topological order, with those of groups inside.
        exits: Those that others need, or that are outputs.
        parent: The key of the group around this one; empty: there is none.
        depth: How many groups it is in, itself counted.
        is_call: Whether these are what a call of a function did.
    """

    key: str
    text: str
    latex: str
    nodes: tuple[Node, ...]
    exits: tuple[Node, ...]
    parent: str = ""
    depth: int = 1
    is_call: bool = False


def groups_of(dag: Dag) -> list[Group]:
    """The groups of a graph, outer ones first: the calls of functions in a graph that was traced
    through some; else the named computations. A group has two computations or more.

    >>> from chainrule.formula.infix import read
    >>> [group.text for group in groups_of(read("h = sin(x)^2 + 1; f = exp(h)*x"))]
    ['h', 'f']
    """
    calls = calls_of(dag)
    if any(calls.values()):
        return _call_groups(dag, calls)
    keys = {node: f"gn{at}" for at, node in enumerate(dag.order)}
    latex = Names(dag).latex
    return [
        Group(keys[owner], dag.labels[owner], latex[owner], tuple(nodes), (owner,))
        for owner, nodes in members(dag).items()
    ]


def calls_of(dag: Dag) -> dict[Node, tuple[str, ...]]:
    """Computation → the calls that it was made in, outermost first. Derivatives belong to none."""
    origins = dag.origins
    return {node: origins[node].calls if node in origins else () for node in dag.computations}


def _call_groups(dag: Dag, calls: Mapping[Node, tuple[str, ...]]) -> list[Group]:
    inside: dict[tuple[str, ...], list[Node]] = {}
    for node, path in calls.items():
        for depth in range(1, len(path) + 1):
            inside.setdefault(path[:depth], []).append(node)
    found: dict[tuple[str, ...], Group] = {}
    outputs = set(dag.outputs)
    for path in sorted(inside, key=len):
        nodes = inside[path]
        parent = next(
            (found[path[:at]] for at in range(len(path) - 1, 0, -1) if path[:at] in found), None
        )
        if len(nodes) < 2 or (parent is not None and len(parent.nodes) == len(nodes)):
            continue
        own = set(nodes)
        exits = [node for node in nodes if node in outputs or not own.issuperset(dag.users(node))]
        found[path] = Group(
            f"gc{len(found)}",
            path[-1],
            latex_name(path[-1]),
            tuple(nodes),
            tuple(exits),
            "" if parent is None else parent.key,
            1 if parent is None else parent.depth + 1,
            is_call=True,
        )
    return list(found.values())


def closable(dag: Dag, groups: Sequence[Group]) -> list[Group]:
    """The groups that can each become one box, with no way from the boxes back to themselves.

    Where a function gives a value out and later goes on with what was made of it, its box would
    be among its own operands; such a group is left out.
    """
    if _is_ordered(dag, groups):
        return list(groups)
    kept: list[Group] = []
    for group in groups:
        if _is_ordered(dag, [*kept, group]):
            kept.append(group)
    return kept


def _is_ordered(dag: Dag, groups: Sequence[Group]) -> bool:
    """Whether the graph has no cycle when each of these groups is one node."""
    box: dict[Node, Node] = {node: group.nodes[-1] for group in groups for node in group.nodes}
    users: dict[Node, set[Node]] = {}
    waiting: dict[Node, int] = {}
    for node in dag.order:
        own = box.get(node, node)
        waiting.setdefault(own, 0)
        for operand in node.operands:
            other = box.get(operand, operand)
            if other is not own and own not in users.setdefault(other, set()):
                users[other].add(own)
                waiting[own] += 1
    ready = [node for node, count in waiting.items() if not count]
    for node in ready:
        for user in users.get(node, ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return len(ready) == len(waiting)
