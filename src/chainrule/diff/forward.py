"""Forward mode, graph to graph: from a change of some nodes to the change of all that follow.

A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chainrule.diff.build import derivative_dag, meanings_of, new_inputs, require_float
from chainrule.diff.edges import Edges
from chainrule.diff.flow import Flow
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Meaning
from chainrule.graph.node import Node
from chainrule.ops.several import ITEM, call_of
from chainrule.ops.term import Term


@collector_paused()
def tangents(order: Iterable[Node], seeds: Mapping[Node, Node], edges: Edges | None = None) -> Flow:
    """The tangents of the nodes in ``order``, summed over their operands.

    Args:
        order: Nodes in topological order: at least those whose tangents are wanted, and all on
            the way to them.
        seeds: Node → tangent: the change that all others follow. A node that follows others of
            them changes by both.
        edges: The local derivatives, where several passes share them.
    """
    edges = edges or Edges()
    flow = Flow(seeds)
    shared: dict[Node, Sequence[Term | None]] = {}
    for node in order:
        if not node.type.is_float:
            continue
        if node.op.joint is not None:
            if not flow.keys().isdisjoint(node.operands):
                given = [Term(flow.of(x)) if x in flow else None for x in node.operands]
                shared[node] = node.op.joint.push(tangents, call_of(node), given)
            continue
        if node.op is ITEM:
            (several,) = node.operands
            made = shared[several][node.params[0]] if several in shared else None
            if made is not None:
                flow[node] = made.node
            continue
        for position, operand in enumerate(node.operands):
            if operand in flow:
                partial = edges.into(node, position)
                if partial is not None:
                    flow.carry(operand, partial, node)
    return flow


def jvp(dag: Dag, wrt: Sequence[Node]) -> Dag:
    """(a → b) becomes (a, ȧ → (b, ḃ)): tangents of the outputs, given those of ``wrt``.

    The given tangents are inputs after the others: ``x_dot`` for ``x``.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number.
    """
    require_float(dag, [*dag.outputs, *wrt])
    seeds = new_inputs(dag, wrt, "dot")
    starts = Flow()
    for node, seed in zip(wrt, seeds, strict=True):
        starts.add(node, seed)
    flow = tangents(dag.order, starts)
    count = len(dag.outputs)
    first: int | tuple[int, ...] = tuple(range(count)) if count > 1 else 0
    second: int | tuple[int, ...] = tuple(range(count, 2 * count)) if count > 1 else 1
    return derivative_dag(
        dag,
        [*dag.outputs, *map(flow.of, dag.outputs)],
        [*map(dag.labels.__getitem__, dag.outputs), *(f"{dag.labels[f]}_dot" for f in dag.outputs)],
        meanings_of(flow, dag.outputs, lambda node: Meaning(f"{dag.labels[node]}_dot", node, None)),
        (first, second),
        seeds,
    )
