"""Batching, graph to graph: the same computation for many items at once.

Each operation's block says how it works on operands with an axis of items in front; pointwise ones
need no rule. What does not depend on an item is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.graph.collector import collector_paused
from chainrule.graph.node import Node, make
from chainrule.graph.op import Call
from chainrule.graph.types import Type
from chainrule.ops.rearrange import along_front
from chainrule.ops.several import ITEM
from chainrule.ops.term import Term


@collector_paused()
def batch(order: Sequence[Node], items: Mapping[Node, Node], count: int) -> dict[Node, Node]:
    """The nodes that depend on an item, each with an axis of items in front.

    Args:
        order: Nodes in topological order.
        items: Some of them → the nodes that hold all their items, along the first axis.
        count: The number of items.
    """
    found = dict(items)
    several: dict[Node, Sequence[Term]] = {}
    for node in order:
        operands = node.operands
        if node.op is ITEM and operands[0] in several:
            found[node] = several[operands[0]][node.params[0]].node
            continue
        has = [operand in found for operand in operands]
        if node in items or not any(has):
            continue
        values = [found.get(operand, operand) for operand in operands]
        if node.op.joint is not None:
            call = Call(node.op, list(map(Term, values)), node.params)
            several[node] = node.op.joint.batch(batch, call, has, count)
            continue
        if node.op.pointwise:
            whole = [
                along_front(Term(value), there, count).node
                for value, there in zip(values, has, strict=True)
            ]
            found[node] = make(node.op, tuple(whole), node.params)
            continue
        assert node.op.batch is not None
        made = node.op.batch(node.op, [Term(value) for value in values], has, node.params)
        assert made.node.type is Type.of(node.type.dtype, (count, *node.type.shape)), node
        found[node] = made.node
    return found
