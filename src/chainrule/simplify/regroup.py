"""Sums and products from the left, and signs before products: what needs no brackets.

``x + (y - z)`` becomes ``(x + y) - z``, ``x*(y*z)`` becomes ``(x*y)*z``, ``-(x*y)`` becomes
``(-x)*y``. A whole chain is taken apart at once, so that the work is linear in its length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Final, NamedTuple

from chainrule.graph.node import CONSTANT, Node, make
from chainrule.graph.op import OPS, Op
from chainrule.simplify.collect import product_of, quotient_of, sum_of

_ADD: Final = OPS["add"]
_SUBTRACT: Final = OPS["subtract"]
_MULTIPLY: Final = OPS["multiply"]
_DIVIDE: Final = OPS["divide"]
_NEGATE: Final = OPS["negate"]

_ABSORBED: Final[dict[Op, tuple[frozenset[Op], ...]]] = {
    _ADD: (frozenset({_ADD, _SUBTRACT}),) * 2,
    _SUBTRACT: (frozenset({_ADD, _SUBTRACT}), frozenset()),
    _MULTIPLY: (frozenset({_MULTIPLY}),) * 2,
    _NEGATE: (frozenset({_MULTIPLY}),),
}
"""For each operand of an operation: which operations there belong to the same chain."""


class Regrouped(NamedTuple):
    """What became of nodes, and which chains were taken apart."""

    new_of: dict[Node, Node]
    chains: list[tuple[Node, Node]]


def regrouped(
    order: Sequence[Node],
    outputs: Container[Node],
    kept: Container[Node],
    names: Container[Node],
    settled: set[Node],
) -> Regrouped:
    """Old node → new node, for all but those inside of a chain.

    Shared nodes, outputs and nodes with names are not taken apart, nor is what is ``kept``. Nodes
    with nothing to do, as long as their operands stay, are entered into ``settled``: the next time
    they are passed over.
    """
    inner = _inside(order, outputs, kept, names)
    closed = Either(kept, names)
    new_of: dict[Node, Node] = {}
    chains = []
    for node in order:
        if not node.operands or node in kept:
            new_of[node] = node
            continue
        if node in inner:
            continue
        alone = inner.isdisjoint(node.operands)
        operands = tuple([new_of[operand] for operand in node.operands]) if alone else ()
        if operands == node.operands and node in settled:
            new_of[node] = node
            continue
        terms, bent = _terms(node, inner)
        joined = [(op, new_of[term]) for op, term in terms]
        collected = _collected(node, joined, closed)
        new_of[node] = _joined(node, joined) if collected is None else collected
        if bent or collected is not None:
            chains.append((node, new_of[node]))
        elif alone:
            settled.add(new_of[node])
    return Regrouped(new_of, chains)


class Either:
    """Nodes that are in one of two collections."""

    def __init__(self, first: Container[Node], second: Container[Node]) -> None:
        self.first = first
        self.second = second

    def __contains__(self, node: object) -> bool:
        return node in self.first or node in self.second


def _collected(
    root: Node, terms: Sequence[tuple[Op, Node]], closed: Container[Node]
) -> Node | None:
    """The chain with like terms or equal factors put together, if it has any."""
    if not root.type.is_float:
        return None
    if root.op is _ADD or root.op is _SUBTRACT:
        (_, first), *others = terms
        signed = [(1, first), *((1 if op is _ADD else -1, term) for op, term in others)]
        return sum_of(signed, closed)
    if root.op is _MULTIPLY:
        return product_of([term for _, term in terms], closed)
    if root.op is _DIVIDE:
        (_, above), (_, below) = terms
        return quotient_of(above, below, closed)
    return None


def _inside(
    order: Sequence[Node], outputs: Container[Node], kept: Container[Node], names: Container[Node]
) -> set[Node]:
    """The nodes that belong to the chain of their only user."""
    uses = Counter([operand for node in order if node not in kept for operand in node.operands])
    inner = set()
    numbered = {
        node
        for node in order
        if node.op is _MULTIPLY
        and any(
            operand.op is CONSTANT and operand not in names and operand not in kept
            for operand in node.operands
        )
    }
    for node in order:
        if node in kept or not node.type.is_float:
            continue
        for operand, absorbed in zip(node.operands, _ABSORBED.get(node.op, ()), strict=False):
            own = uses[operand] > 1 or operand in outputs or operand in names or operand in kept
            # Two numbers that were not folded would overflow or vanish side by side.
            crowded = node in numbered and operand in numbered
            if operand.op in absorbed and not own and not crowded:
                inner.add(operand)
                if operand in numbered:
                    numbered.add(node)
    return inner


def _terms(root: Node, inner: Container[Node]) -> tuple[list[tuple[Op, Node]], bool]:
    """The terms of a chain from left to right, each with the operation that joins it to those
    before (the first one with that of the root), and whether it stood in another order.
    """
    terms = []
    bent = root.op is _NEGATE and root.operands[0] in inner
    stack: list[tuple[Op, Node]] = [(root.op, root)]
    while stack:
        op, node = stack.pop()
        if node is root or node in inner:
            first, *others = node.operands
            stack += [(node.op, other) for other in reversed(others)]
            stack.append((op, first))
            bent = bent or any(other in inner for other in others)
        else:
            terms.append((op, node))
    return terms, bent


def _joined(root: Node, terms: Sequence[tuple[Op, Node]]) -> Node:
    if root.op not in _ABSORBED:
        return make(root.op, tuple([term for _, term in terms]), root.params)
    (op, result), *others = terms
    if op is _NEGATE:
        result = make(_NEGATE, (result,))
    for op, term in others:
        result = make(op, (result, term))
    return result
