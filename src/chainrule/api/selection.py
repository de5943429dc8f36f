"""Nodes by name, in any spelling that a formula could have, and what derivatives are asked of."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.errors import DerivativeError, GraphError, listed
from chainrule.formula.names import canonical, names_of
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


def find(dag: Dag, name: object) -> Node:
    """The node of this name or label; raises GraphError E225 when there is none."""
    node = dag.lookup(name) if isinstance(name, str) else None
    return dag.find(canonical(name)) if node is None else node


def leaves(dag: Dag, wrt: str | Sequence[str] | None) -> list[Node]:
    """The nodes by which to differentiate; None: the floating-point arguments.

    Raises:
        GraphError: E225 for an unknown name.
        DerivativeError: E337 when there is nothing to differentiate by.
    """
    if wrt is None:
        found = [node for node in dag.inputs if node.type.is_float]
    else:
        found = [find(dag, name) for name in names_of(wrt)]
    if not found:
        raise DerivativeError("E337", "there is nothing to differentiate by; name a node, wrt=…")
    return found


def differentiated(dag: Dag, of: str | None) -> Node:
    """The node to differentiate; None: the only output.

    Raises:
        GraphError: E225 for an unknown name.
        DerivativeError: E332 when there are several outputs.
    """
    if of is not None:
        return find(dag, of)
    if len(dag.outputs) != 1:
        names = [repr(dag.labels[node]) for node in dag.outputs]
        raise DerivativeError(
            "E332", f"the graph has several outputs ({listed(names)}); say which one, of=…"
        )
    return dag.outputs[0]


def only_number(dag: Dag) -> Node | None:
    """The only output, if it is one floating-point number; None: there is no such output."""
    if len(dag.outputs) == 1 and dag.output.type.is_float and not dag.output.type.shape:
        return dag.output
    return None


def scalars_only(dag: Dag, what: str) -> Dag:
    """The graph itself; raises GraphError E229 when it has arrays, loops or branches."""
    for node in dag.order:
        if node.op.joint is not None:
            raise GraphError(
                "E229",
                f"{what} is for graphs of scalars, and {dag.labels[node]} has several "
                "results; expand() writes a short scan out, inside() shows its graph",
            )
    if any(node.type.shape for node in dag.order):
        raise GraphError(
            "E229", f"{what} is for graphs of scalars; expand() makes one of a small graph"
        )
    return dag


def held(dag: Dag, holding: str | Collection[str], changing: Collection[Node]) -> set[Node]:
    """The nodes held fixed.

    Raises:
        GraphError: E225 for an unknown name, E228 for a node that changes.
    """
    fixed = {find(dag, name) for name in names_of(holding)}
    for node in changing:
        if node in fixed:
            raise GraphError(
                "E228", f"{dag.labels[node]!r} cannot change and be held fixed at once"
            )
    return fixed
