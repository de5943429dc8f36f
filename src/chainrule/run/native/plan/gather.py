"""Long sums of embeddings as joined pieces, so that each element has the terms that reach it alone.

The adjoint of an array that is read piece by piece is a sum of embeddings, one for each read. Cut
where an embedding begins or ends, it is an array of which every piece has its own few terms; for
elements that were read singly the pieces are numbers. The terms are added in the order in which the
graph has them. Adding 0 changes no number but −0, and that only once: so all that is left out of a
piece is made good by one 0. Results are the same to the bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from chainrule.graph import walk
from chainrule.graph.node import Node, constant_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.plan.views import (
    CONCATENATE,
    EMBED,
    RESHAPE,
    SLICE,
    Placed,
    is_view,
    placed,
)

ADD: Final = OPS["add"]

_FEW: Final = 16
"""Sums of no more embeddings stay as they are: one loop reads them all, and is cut into few boxes.
"""

_OVERLAP: Final = 16
"""How many terms all pieces together may have for each term of the sum; more is too much code."""

_ROOM: Final = 4000
"""So many terms all pieces may have in any case."""


Index = tuple[int, ...]


def gathered(roots: Sequence[Node]) -> dict[Node, Node]:
    """What becomes of nodes below these; nodes that stay as they are are left out."""
    order = walk.depth_first(roots)
    uses = Counter([operand for node in order for operand in node.operands])
    uses.update(roots)
    new_of: dict[Node, Node] = {}
    inner: set[Node] = set()
    sums: dict[Node, list[Node]] = {}
    for node in reversed(order):
        if node.op is ADD and node not in inner:
            terms, passed = _summands(node, uses)
            inner.update(passed)
            if _is_long(terms):
                sums[node] = terms
    if not sums:
        return {}
    for node in order:
        operands = tuple([new_of.get(operand, operand) for operand in node.operands])
        new = node if operands == node.operands else make(node.op, operands, node.params)
        if node in sums:
            terms = [new_of.get(term, term) for term in sums[node]]
            parts = list(map(placed, terms))
            new = _joined(parts, node.type) or _running(terms, parts)
        if new is not node:
            new_of[node] = new
    return new_of


def _summands(top: Node, uses: Mapping[Node, int]) -> tuple[list[Node], list[Node]]:
    """The terms of a sum in the order in which they are added, and the sums on the way."""
    terms: list[Node] = []
    passed: list[Node] = []
    node = top
    while True:
        before, term = node.operands
        if not _goes_on(before, uses, top.type):
            before, term = term, before
        terms.append(term)
        node = before
        if not _goes_on(node, uses, top.type):
            return [node, *reversed(terms)], passed
        passed.append(node)


def _goes_on(node: Node, uses: Mapping[Node, int], type: Type) -> bool:
    return node.op is ADD and uses[node] == 1 and node.type is type


def _is_long(terms: Sequence[Node]) -> bool:
    type = terms[0].type
    if type.dtype.kind not in "fiu" or type.parts or not all(size > 0 for size in type.shape):
        return False
    if any(term.type is not type for term in terms):
        return False
    embedded = [term.operands[0] for term in terms if term.op is EMBED and is_view(term)]
    return len(embedded) > _FEW or (
        len(embedded) == len(terms) and all(math.prod(x.type.shape) == 1 for x in embedded)
    )


def _joined(terms: Sequence[Placed], type: Type) -> Node | None:
    """The sum of terms as joined pieces; None where that would be too much code."""
    room = [max(_ROOM, _OVERLAP * len(terms))]

    def piece(
        live: Sequence[Placed], starts: tuple[int, ...], ends: tuple[int, ...]
    ) -> Node | None:
        """The part from ``starts`` to ``ends``, settled along the first axes."""
        axis = len(starts)
        if axis == len(type.shape):
            room[0] -= 1 + len(live)
            return _added(live, starts, ends, type, len(live) == len(terms))
        parts = []
        for low, high, own in _segments(live, axis, type.shape[axis], room[0]):
            part = piece(own, (*starts, low), (*ends, high))
            if part is None:
                return None
            parts.append(part)
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else make(CONCATENATE, tuple(parts), (axis,))

    return piece(terms, (), ())


def _running(terms: Sequence[Node], parts: Sequence[Placed]) -> Node:
    """The sum begun with 0, and with −0 where all terms reach.

    So an element to which a term adds nothing is never −0 and stays what it is: each term can be
    added in place, to the part of the array that it has.
    """
    type = terms[0].type
    starts = tuple(map(max, zip(*[term.starts for term in parts], strict=True)))
    ends = tuple(map(min, zip(*[term.ends for term in parts], strict=True)))
    shape = tuple([high - low for low, high in zip(starts, ends, strict=True)])
    if type.dtype.kind == "f" and min(shape) > 0:
        common = constant_node(-0.0, type.with_shape(shape))
        total = make(EMBED, (common,), (type.shape, starts, (1,) * len(shape)))
    else:
        total = constant_node(0, type)
    for term in terms:
        total = make(ADD, (total, term))
    return total


def _segments(
    terms: Sequence[Placed], axis: int, size: int, most: int
) -> list[tuple[int, int, list[Placed]]]:
    """An axis cut where a term begins or ends: first index, the one behind the last, and terms.

    Nothing where more than ``most`` terms would stand in all of them together.
    """
    cuts = sorted({0, size, *(x.starts[axis] for x in terms), *(x.ends[axis] for x in terms)})
    place = {cut: at for at, cut in enumerate(cuts)}
    spans = [(place[x.starts[axis]], place[x.ends[axis]], x) for x in terms]
    if sum([last - first for first, last, _ in spans]) > most:
        return []
    live: list[list[Placed]] = [[] for _ in cuts]
    for first, last, term in spans:
        for own in live[first:last]:
            own.append(term)
    return [(*ends, own) for ends, own in zip(pairwise(cuts), live, strict=False)]


def _added(terms: Sequence[Placed], starts: Index, ends: Index, type: Type, all: bool) -> Node:
    """The sum of terms over a part of their arrays; ``all``: no term is missing."""
    shape = tuple([high - low for low, high in zip(starts, ends, strict=True)])
    is_number = math.prod(shape) == 1
    own = type.with_shape(() if is_number else shape)
    zero = constant_node(own.dtype.type(0), own)
    values = [_part(term, starts, shape) for term in terms]
    if is_number:
        values = [_number(value) for value in values]
    total = values[0] if values else zero
    for value in values[1:]:
        total = make(ADD, (total, value))
    if values and not all and type.dtype.kind == "f":
        total = make(ADD, (total, zero))
    return make(RESHAPE, (total,), (shape,)) if is_number else total


def _part(term: Placed, starts: Index, shape: Index) -> Node:
    if shape == term.node.type.shape:
        return term.node
    first = tuple([at - start for at, start in zip(starts, term.starts, strict=True)])
    return make(SLICE, (term.node,), (first, shape, (1,) * len(shape)))


def _number(value: Node) -> Node:
    """The only element of an array."""
    if value.op is RESHAPE and not value.operands[0].type.shape:
        return value.operands[0]
    return make(RESHAPE, (value,), ((),))
