"""Named intermediates and the computations that only they need, which can share a frame."""

from __future__ import annotations

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


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
