"""Where elements are read: slices, transposes, copies, embeddings and joined arrays as index maps.

None of these operations is ever computed. Reading one of them at some index is reading its operand
at another one, or reading 0 outside of what is embedded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from chainrule.graph.node import Node
from chainrule.graph.op import OPS

SLICE: Final = OPS["slice"]
EMBED: Final = OPS["embed"]
BROADCAST: Final = OPS["broadcast"]
RESHAPE: Final = OPS["reshape"]
TRANSPOSE: Final = OPS["transpose"]
CONCATENATE: Final = OPS["concatenate"]

_VIEWS: Final = frozenset({SLICE, EMBED, BROADCAST, RESHAPE, TRANSPOSE, CONCATENATE})


class Along(NamedTuple):
    """Where one dimension is read: ``offset + stride · index`` of an axis of the loop.

    ``axis`` −1: at ``offset`` always.
    """

    axis: int
    stride: int
    offset: int


Where = tuple[Along, ...]
"""Where a node is read, an entry for each of its dimensions."""

Site = tuple[Node, Where]
"""A node and where it is read."""

Ranges = Sequence[tuple[int, int]]
"""First index and the one after the last, for each axis of a loop."""


class Cut(NamedTuple):
    """From this index of an axis on, a read is of another kind."""

    axis: int
    at: int


_FIRST: Final = Along(-1, 0, 0)


def identity(rank: int) -> Where:
    """Each dimension along the axis of the same number."""
    return tuple([Along(axis, 1, 0) for axis in range(rank)])


def is_view(node: Node) -> bool:
    """Whether reading the node is reading an operand, or 0."""
    if node.op is EMBED:
        # Gaps between the embedded elements are not boxes.
        steps, sizes = node.params[2], node.operands[0].type.shape
        return all(step == 1 or size <= 1 for step, size in zip(steps, sizes, strict=True))
    return node.op in _VIEWS


def is_flat(node: Node) -> bool:
    """Whether this is a reshape that moves elements between axes, so that memory must be read."""
    return node.op is RESHAPE and _wide(node.operands[0]) != _wide(node)


def _wide(node: Node) -> list[int]:
    return [size for size in node.type.shape if size != 1]


class Placed(NamedTuple):
    """What an array is from ``starts`` to ``ends``; it is 0 elsewhere."""

    node: Node
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def placed(node: Node) -> Placed:
    """What is embedded, and where; what is no embedding is everywhere."""
    shape = node.type.shape
    if node.op is not EMBED or not is_view(node):
        return Placed(node, (0,) * len(shape), shape)
    (inner,), (_, starts, _) = node.operands, node.params
    ends = [start + size for start, size in zip(starts, inner.type.shape, strict=True)]
    return Placed(inner, starts, tuple(ends))


def borders(node: Node, where: Where) -> Iterator[Cut]:
    """Where along the axes of the loop a read of this node changes its operand, or begins or ends.

    Args:
        node: A view.
        where: Where it is read.
    """
    if node.op is EMBED:
        _, starts, _ = node.params
        for along, start, size in zip(where, starts, node.operands[0].type.shape, strict=True):
            yield from _crossings(along, (start, start + size))
    elif node.op is CONCATENATE:
        (axis,) = node.params
        yield from _crossings(where[axis], _starts(node)[1:])


_known_starts: Final[WeakKeyDictionary[Node, list[int]]] = WeakKeyDictionary()


def _starts(node: Node) -> list[int]:
    """Where each of the joined arrays begins."""
    found = _known_starts.get(node)
    if found is None:
        (axis,) = node.params
        sizes = [operand.type.shape[axis] for operand in node.operands]
        found = _known_starts[node] = list(accumulate(sizes[:-1], initial=0))
    return found


def _crossings(along: Along, indices: Sequence[int]) -> Iterator[Cut]:
    axis, stride, offset = along
    if axis < 0 or not stride:
        return
    for index in indices:
        if stride > 0:
            yield Cut(axis, -((offset - index) // stride))
        else:
            yield Cut(axis, (offset - index) // -stride + 1)


def operands_read(node: Node, where: Where) -> Iterator[Site]:
    """All operands of a view that are read somewhere, each with where."""
    if node.op is EMBED:
        _, starts, _ = node.params
        yield (
            node.operands[0],
            tuple([a._replace(offset=a.offset - s) for a, s in zip(where, starts, strict=True)]),
        )
    elif node.op is CONCATENATE:
        (axis,) = node.params
        for operand, start in zip(node.operands, _starts(node), strict=True):
            yield operand, _moved(where, axis, start)
    else:
        yield node.operands[0], _single(node, where)


def _moved(where: Where, axis: int, start: int) -> Where:
    """Where the array is read that begins at ``start`` of an axis."""
    along = where[axis]
    return (*where[:axis], along._replace(offset=along.offset - start), *where[axis + 1 :])


def read(node: Node, where: Where, ranges: Ranges) -> Site | None:
    """The operand of a view that is read within a box, and where; None: 0 is read.

    Args:
        node: A view, not `is_flat`.
        where: Where it is read.
        ranges: A box without `borders` inside.
    """
    if node.op is EMBED:
        _, starts, _ = node.params
        for along, start, size in zip(where, starts, node.operands[0].type.shape, strict=True):
            if not start <= _index(along, ranges) < start + size:
                return None
        return next(operands_read(node, where))
    if node.op is CONCATENATE:
        (axis,) = node.params
        starts = _starts(node)
        # Empty arrays begin where the next one does: the last that begins there is read.
        at = max(0, bisect_right(starts, _index(where[axis], ranges)) - 1)
        return node.operands[at], _moved(where, axis, starts[at])
    return node.operands[0], _single(node, where)


def _index(along: Along, ranges: Ranges) -> int:
    """Where the first element of a box is read."""
    axis, stride, offset = along
    return offset if axis < 0 else offset + stride * ranges[axis][0]


def _single(node: Node, where: Where) -> Where:
    """Where the operand of a view with one is read."""
    operand = node.operands[0]
    if node.op is SLICE:
        starts, _, steps = node.params
        return tuple(
            [
                Along(axis, step * stride, start + step * offset)
                for (axis, stride, offset), start, step in zip(where, starts, steps, strict=True)
            ]
        )
    if node.op is TRANSPOSE:
        found = [_FIRST] * len(where)
        for along, axis in zip(where, node.params[0], strict=True):
            found[axis] = along
        return tuple(found)
    if node.op is BROADCAST:
        shape, axes = node.params
        own = operand.type.shape
        axes = axes or range(len(shape) - len(own), len(shape))
        return tuple(
            [_FIRST if size == 1 else where[axis] for size, axis in zip(own, axes, strict=True)]
        )
    wide = iter([a for a, size in zip(where, node.type.shape, strict=True) if size != 1])
    return tuple([_FIRST if size == 1 else next(wide) for size in operand.type.shape])


def flat(shape: Sequence[int], where: Where, axes: int) -> tuple[int, tuple[int, ...]]:
    """Offset and strides along the axes of a loop, in an array of this shape in row-major order."""
    offset, strides, step = 0, [0] * axes, 1
    for size, (axis, stride, start) in zip(reversed(shape), reversed(where), strict=True):
        if size == 1:
            continue  # only element 0 is ever read, wherever on the axis that is
        offset += step * start
        if axis >= 0:
            strides[axis] += step * stride
        step *= size
    return offset, tuple(strides)
