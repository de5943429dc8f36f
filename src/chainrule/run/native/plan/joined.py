"""Arrays joined of many pieces: those of single elements are numbers, stored one by one.

A loop over such an array has a box for each piece. So it is stored, by a loop of its own, and the
loops that read it need no more boxes for it. Where all pieces are single elements no loop is
needed: they are made by the kernel that makes the numbers of the graph.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from itertools import product
from typing import Final

from chainrule.graph.node import Node
from chainrule.run.native.plan.views import (
    CONCATENATE,
    RESHAPE,
    Along,
    Site,
    Where,
    is_flat,
    is_view,
    read,
)

MANY: Final = 16
"""Arrays of more pieces have a loop of their own."""


def joined(order: Iterable[Node]) -> dict[Node, int]:
    """The arrays that are joined of others, those that are pieces of others left out.

    Args:
        order: Nodes, operands before users.

    Returns:
        For each of them the number of its pieces.
    """
    pieces: dict[Node, int] = {}
    inner: set[Node] = set()
    for node in order:
        if node.op is CONCATENATE:
            pieces[node] = sum([pieces.get(operand, 1) for operand in node.operands])
            for operand in node.operands:
                inner.add(operand)
                if operand.op is RESHAPE:
                    inner.add(operand.operands[0])
        elif node.op is RESHAPE and node.operands[0] in pieces and not is_flat(node):
            pieces[node] = pieces[node.operands[0]]
    return {
        node: count
        for node, count in pieces.items()
        if node.op is CONCATENATE and node not in inner
    }


def is_numbers(node: Node, pieces: int) -> bool:
    """Whether an array of so many pieces consists of single elements."""
    return 0 < math.prod(node.type.shape) == pieces


def elements(node: Node, kept: Container[Node]) -> list[Site]:
    """The elements of an array of joined numbers in order: what is computed, and where of it.

    Args:
        node: The array.
        kept: What is read from memory.
    """
    indices = product(*map(range, node.type.shape))
    return [_source(node, tuple([Along(-1, 0, at) for at in index]), kept) for index in indices]


def _source(node: Node, where: Where, kept: Container[Node]) -> Site:
    """What is read in place of an element of an array."""
    site = read(node, where, ())
    assert site is not None
    while is_view(site[0]) and not is_flat(site[0]) and site[0] not in kept:
        operand = read(*site, ())
        if operand is None:
            break
        site = operand
    return site
