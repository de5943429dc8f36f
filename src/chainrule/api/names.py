"""Nodes by name, in any spelling that a formula could have."""

from __future__ import annotations

from chainrule.formula.names import canonical
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


def find(dag: Dag, name: object) -> Node:
    """The node of this name or label; raises GraphError E225 when there is none."""
    node = dag.lookup(name) if isinstance(name, str) else None
    return dag.find(canonical(name)) if node is None else node
