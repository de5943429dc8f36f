"""Reverse mode, graph to graph: from the outputs back to every node they depend on.

A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.2.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence

from chainrule.diff.build import (
    dependent,
    derivative_dag,
    meanings_of,
    new_inputs,
    partial_label,
    require_float,
    require_scalar,
)
from chainrule.diff.edges import Edges
from chainrule.diff.flow import Flow, one
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Meaning
from chainrule.graph.node import Node
from chainrule.ops.several import ITEM, call_of
from chainrule.ops.term import Term


@collector_paused()
def adjoints(
    order: Sequence[Node],
    starts: Iterable[tuple[Node, Node]],
    active: Container[Node],
    holding: Collection[Node] = (),
    edges: Edges | None = None,
) -> Flow:
    """The adjoints of the active nodes below the outputs, each summed over all users of its node.

    Args:
        order: Nodes in topological order: at least those on the way to the active ones.
        starts: Outputs with their adjoints.
        active: Only edges that leave these nodes are followed.
        holding: Nodes held fixed: what they depend on gets nothing through them.
        edges: The local derivatives, where several passes share them.
    """
    edges = edges or Edges()
    fixed = frozenset(holding)
    flow = Flow(backward=True)
    for output, seed in starts:
        flow.add(output, seed)
    read: dict[Node, list[Node]] = {}
    for node in order:
        if node.op is ITEM:
            read.setdefault(node.operands[0], []).append(node)
    for node in reversed(order):
        if node.op.joint is not None and node not in fixed:
            _pull(flow, node, read.get(node, ()), active, fixed)
            continue
        if node not in flow or node in fixed:
            continue
        for position, operand in enumerate(node.operands):
            if operand in active:
                partial = edges.into(node, position)
                if partial is not None:
                    flow.carry(node, partial, operand)
    return flow


def _pull(
    flow: Flow, node: Node, items: Sequence[Node], active: Container[Node], fixed: Container[Node]
) -> None:
    """From the adjoints of the results of an operation that has several to its operands."""
    given: list[Term | None] = [None] * len(node.type.parts)
    for item in items:
        if item in flow and item not in fixed:
            given[item.params[0]] = Term(flow.of(item))
    wanted = [operand in active and operand.type.is_float for operand in node.operands]
    if not any(wanted) or not any(adjoint is not None for adjoint in given):
        return
    assert node.op.joint is not None
    shares = node.op.joint.pull(adjoints, call_of(node), given, wanted)
    for operand, share in zip(node.operands, shares, strict=True):
        if share is not None:
            flow.add(operand, share.node)


def gradient(dag: Dag, output: Node, wrt: Sequence[Node], holding: Collection[Node] = ()) -> Dag:
    """(a → b) becomes (a → (b, ∂b/∂a)): the value, then its derivative by each node of ``wrt``.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number, E333 when the output
            is not a scalar.
    """
    require_float(dag, [output, *wrt])
    require_scalar(dag, output)
    flow = adjoints(dag.order, [(output, one(output.type))], dependent(dag.order, wrt), holding)
    return derivative_dag(
        dag,
        [output, *map(flow.of, wrt)],
        [dag.labels[output], *(f"d_{dag.labels[node]}" for node in wrt)],
        meanings_of(
            flow, wrt, lambda node: Meaning(partial_label(dag, output, node), output, node)
        ),
        (0, tuple(range(1, len(wrt) + 1))),
    )


def vjp(dag: Dag, wrt: Sequence[Node]) -> Dag:
    """(a → b) becomes (a, b̄ → (b, ā)): adjoints of ``wrt``, given those of the outputs.

    The adjoints of the outputs are inputs after the others: ``f_bar`` for the output ``f``.

    Raises:
        DerivativeError: as for `gradient`.
    """
    require_float(dag, [*dag.outputs, *wrt])
    seeds = new_inputs(dag, dag.outputs, "bar")
    flow = adjoints(dag.order, zip(dag.outputs, seeds, strict=True), dependent(dag.order, wrt))
    count = len(dag.outputs)
    values = tuple(range(count))
    return derivative_dag(
        dag,
        [*dag.outputs, *map(flow.of, wrt)],
        [*map(dag.labels.__getitem__, dag.outputs), *(f"{dag.labels[node]}_bar" for node in wrt)],
        meanings_of(flow, wrt, lambda node: Meaning(f"{dag.labels[node]}_bar", None, node)),
        (values if count > 1 else 0, tuple(range(count, count + len(wrt)))),
        seeds,
    )
