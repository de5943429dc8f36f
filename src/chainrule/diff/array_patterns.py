"""Patterns through operations on whole arrays: where elements are moved, added up, or all mixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.diff.known import computed
from chainrule.diff.patterns import Numbers, gathered, size, taken
from chainrule.diff.rules import Mapped, Transfer
from chainrule.errors import GraphError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, input_node
from chainrule.ops.term import Term

if TYPE_CHECKING:
    from chainrule.diff.patterns import Pattern


def reach(node: Node, position: int, transfer: Transfer, values: Sequence[Any]) -> Mapped:
    """The graph of the elements that an operand reaches, by the operation's own rule."""
    assert node.op.reach is not None
    start = input_node("tangent", transfer.operand)
    terms = [Term(start), Term(transfer.out), *map(Term, transfer.operands)]
    result = node.op.reach(position, values, *terms, *node.params)
    assert result.node.type is node.type, (node, result.node)
    return Mapped(start, result.node)


def moved(
    node: Node,
    position: int,
    transfer: Transfer,
    way: Mapped,
    given: Mapping[Node, Any],
    pattern: Pattern,
) -> Pattern | None:
    """Through a linear operation that moves elements or adds some up; None where that is unknown.

    It is run on the numbers of elements, in the direction in which none of them are added up.
    """
    source = node.operands[position].type
    rows = _numbers_through(way, source.shape, given)
    if rows is not None:
        return taken(pattern, rows)
    places = _numbers_through(transfer.pull, node.type.shape, given)
    if places is not None and len(places) == size(source):
        return gathered(pattern, places, size(node.type))
    return None


def _numbers_through(
    way: Mapped, shape: tuple[int, ...], given: Mapping[Node, Any]
) -> Numbers | None:
    """For each element of a result the number of the one that it is, −1 for zeros.

    None where some are sums of several, or depend on what is not known.
    """
    count = math.prod(shape)
    leaves = walk.depth_first([way.result], (way.given, *given))
    if any(
        node.is_leaf and node.op is not CONSTANT and node is not way.given and node not in given
        for node in leaves
    ):
        return None
    ones = np.asarray(computed(way.result, {**given, way.given: np.ones(shape)}))
    if ones.size and ones.max() > 1:
        return None
    numbers = np.arange(1.0, count + 1).reshape(shape)
    found = np.asarray(computed(way.result, {**given, way.given: numbers}))
    return found.ravel().astype(np.int64) - 1


def by_items(node: Node, pattern: Pattern) -> Pattern:
    """All elements of a result depend on all of an operand, but for items that are worked on apart.

    Whether the first axis is one of items is told by how the operation works on many at once: then
    it is the operation itself on operands with one more axis.
    """
    types = [operand.type for operand in node.operands]
    count = 1
    while all(type.shape for type in types):
        first = types[0].shape[0]
        if first < 1 or any(type.shape[0] != first for type in types) or node.op.batch is None:
            break
        inner = [type.with_shape(type.shape[1:]) for type in types]
        try:
            node.op.infer(node.op, inner, node.params)
            terms = [Term(input_node(f"x{at}", type)) for at, type in enumerate(types)]
            made = node.op.batch(node.op, terms, [True] * len(terms), node.params).node
        except (GraphError, IndexError, ValueError):
            break
        same = made.op is node.op and made.params == node.params
        if not same or list(made.operands) != [term.node for term in terms]:
            break
        count *= first
        types = inner
    whole = gathered(pattern, _items(pattern.shape[0], count), count)
    return taken(whole, _items(size(node.type), count))


def _items(elements: int, count: int) -> Numbers:
    """For each element the number of its item, of so many items."""
    return np.arange(elements) // max(elements // count, 1)
