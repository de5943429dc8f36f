"""Elements in other places, copied and left out: pad, flip, roll, repeat, triangles, diagonals.

Places that follow a pattern are slices, whose views cost nothing and whose derivatives are slices
too; only irregular ones are gathered.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.composite.joining import joined
from chainrule.ops.composite.shaping import (
    Axis,
    broadcast_to,
    full_like,
    in_a_line,
    moveaxis,
    ravel,
    zeros_like,
)
from chainrule.ops.composite.table import axes_of, axis_of, covers, in_dtype, shape_of, term, terms
from chainrule.ops.copies import broadcast_along
from chainrule.ops.index import gather
from chainrule.ops.rearrange import embed, part, permuted, reshaped, slice_of, whole
from chainrule.ops.select import where

_MODES = ("edge", "reflect", "symmetric", "wrap")
_MOST_SLICES = 8
"""Beyond this many slices, one gather costs less than they do."""


# --- padding --------------------------------------------------------------------------------------


@covers(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """``array`` with more elements before and behind, along each axis.

    Args:
        array: What is padded.
        pad_width: How many: a number, a pair (before, behind), or a pair for each axis; or a
            mapping from axes to those.
        mode: ``"constant"``, or copies of the array's own elements: ``"edge"``, ``"reflect"``,
            ``"symmetric"`` or ``"wrap"``.
        constant_values: The constants, in the forms of ``pad_width``.

    >>> import chainrule as cr
    >>> x = cr.input("x", (3,))
    >>> cr.graph(pad(x, 2, "reflect"), [x]).at([1.0, 2.0, 3.0]).value.tolist()
    [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    x = term(array)
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        return _surrounded(x, widths, _pairs(constant_values, x.ndim))
    if mode not in _MODES:
        names = ", ".join(map(repr, ("constant", *_MODES)))
        raise GraphError("E212", f"pad: mode must be one of {names}, got {shown(mode)}")
    for axis, (before, behind) in enumerate(widths):
        if before == behind == 0:
            continue
        size = x.shape[axis]
        if size == 0:
            raise GraphError("E203", f"pad: axis {axis} is empty and can be padded with constants")
        # NumPy itself says which element stands where.
        places = np.pad(np.arange(size), (before, behind), mode).tolist()  # type: ignore[call-overload]
        pieces = [
            *_taken(x, axis, places[:before]),
            x,
            *_taken(x, axis, places[before + size :]),
        ]
        x = joined(pieces, axis)
    return x


def _surrounded(x: Any, widths: Sequence[tuple[int, int]], values: Any) -> Any:
    """``x`` with constants around it; zeros come for nothing."""
    if not any(map(any, widths)):
        return x
    if not values.any():
        shape = [sum((size, *width)) for size, width in zip(x.shape, widths, strict=True)]
        return embed(x, tuple(shape), tuple([before for before, _ in widths]), (1,) * x.ndim)
    for axis, (counts, fills) in enumerate(zip(widths, values, strict=True)):
        before, behind = [
            full_like(x, fill, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))
            for count, fill in zip(counts, fills, strict=True)
        ]
        x = joined(
            [piece for piece in (before, x, behind) if piece is x or piece.shape[axis]], axis
        )
    return x


def _widths(given: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(given, Mapping):
        named = {axis_of(axis, ndim): width for axis, width in given.items()}
        return [_widths(named.get(axis, 0), 1)[0] for axis in range(ndim)]
    pairs = _pairs(given, ndim)
    if pairs.dtype.kind not in "iu" or (pairs < 0).any():
        raise GraphError("E203", f"pad: widths are whole numbers from 0, got {shown(given)}")
    return [(int(before), int(behind)) for before, behind in pairs]


def _pairs(given: Any, ndim: int) -> Any:
    """(before, behind) for each axis."""
    try:
        return np.broadcast_to(np.asarray(given), (ndim, 2))
    except ValueError:
        raise GraphError("E203", f"pad: {shown(given)} is not a pair for each axis") from None


def _taken(x: Any, axis: int, places: Sequence[int]) -> list[Any]:
    """The elements at known places along an axis: slices where they run evenly."""
    runs = list(_runs(places))
    if len(runs) > _MOST_SLICES:
        return [gathered(x, axis, places)]
    shape = x.shape
    found = []
    for start, count, step in runs:
        copied = (*shape[:axis], count, *shape[axis + 1 :])
        found.append(
            part(x, axis, start, count, step)
            if step
            else broadcast_along(part(x, axis, start, 1), copied, tuple(range(x.ndim)))
        )
    return found


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(start, count, step) of the stretches of even steps."""
    start = 0
    while start < len(places):
        end = start + 1
        step = places[end] - places[start] if end < len(places) else 1
        while end < len(places) and places[end] - places[end - 1] == step:
            end += 1
        yield places[start], end - start, step
        start = end


def gathered(x: Any, axis: int, places: Any) -> Any:
    """The elements at places along an axis, which may be any term or array of whole numbers."""
    rest = [at for at in range(x.ndim) if at != axis]
    found = gather(permuted(x, [axis, *rest]), np.asarray(places, np.int64))
    return permuted(found, [*range(1, axis + 1), 0, *range(axis + 1, x.ndim)])


def _whole_numbers(name: str, given: Any) -> tuple[int, ...]:
    try:
        return shape_of(given)
    except GraphError:
        raise GraphError("E203", f"{name} needs whole numbers, got {shown(given)}") from None


# --- elements left out and put in -----------------------------------------------------------------


@covers(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """``arr`` without the places along an axis that a number, a slice or a list says.

    >>> import chainrule as cr
    >>> x = cr.input("x", (4,))
    >>> cr.graph(delete(x, [0, 2]), [x]).at([1.0, 2.0, 3.0, 4.0]).value.tolist()
    [2.0, 4.0]
    """
    x, at = in_a_line(arr, axis)
    size = x.shape[at]
    left = _numbered("delete", lambda: np.delete(np.arange(size), obj))
    return joined(_taken(x, at, left) or [part(x, at, 0, 0)], at)


@covers(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """``arr`` with values before the places along an axis that a number, a slice or a list says.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> cr.graph(insert(x, 1, [7, 8]), [x]).at([1.0, 2.0]).value.tolist()
    [1.0, 7.0, 8.0, 2.0]
    """
    x, new = terms([arr, values])
    x, at = in_a_line(x, axis)
    size = x.shape[at]
    places = _numbered("insert", lambda: np.arange(size + 1)[obj])
    new = reshaped(in_dtype(new, x.dtype), (1,) * (x.ndim - new.ndim) + new.shape)
    if np.ndim(places) == 0:
        new = moveaxis(new, 0, at)
    count = np.size(places) if np.size(places) != 1 else new.shape[at]
    new = broadcast_to(new, (*x.shape[:at], count, *x.shape[at + 1 :]))
    # NumPy itself says which element stands where.
    order = _numbered("insert", lambda: np.insert(np.arange(size), obj, size + np.arange(count)))
    runs = [(own, list(run)) for own, run in groupby(order, lambda place: place < size)]
    if len(runs) > _MOST_SLICES:
        return gathered(joined([x, new], at), at, order)
    pieces: list[Any] = []
    for own, run in runs:
        pieces += _taken(x, at, run) if own else _taken(new, at, [place - size for place in run])
    return joined(pieces, at) if pieces else x


def _numbered(name: str, read: Any) -> Any:
    """Known places as whole numbers."""
    try:
        return read().tolist()
    except (IndexError, TypeError, ValueError) as error:
        raise GraphError("E203", f"{name}: {error}") from None


# --- flips and turns ------------------------------------------------------------------------------


@covers(np.flip)
def flip(m: Any, axis: Axis = None) -> Any:
    """``m`` in reverse order along some axes; along all where none is given."""
    x = term(m)
    starts, counts, strides = whole(x)
    for at in axes_of(axis, x.ndim):
        if counts[at] > 1:
            starts[at], strides[at] = counts[at] - 1, -1
    return slice_of(x, tuple(starts), tuple(counts), tuple(strides)) if any(starts) else x


@covers(np.fliplr)
def fliplr(m: Any) -> Any:
    """``m`` in reverse order along its second axis."""
    return flip(m, 1)


@covers(np.flipud)
def flipud(m: Any) -> Any:
    """``m`` in reverse order along its first axis."""
    return flip(m, 0)


@covers(np.roll)
def roll(a: Any, shift: int | Sequence[int], axis: Axis = None) -> Any:
    """``a`` moved on along axes; what goes out at one end comes in at the other."""
    x = term(a)
    if axis is None:
        return reshaped(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = _whole_numbers("roll", shift)
    if 1 not in (len(shifts), len(axes)) and len(shifts) != len(axes):
        raise GraphError("E203", f"roll: {len(shifts)} distances along {len(axes)} axes")
    distances: dict[int, int] = {}
    for at, by in np.broadcast(np.array([axis_of(at, x.ndim) for at in axes]), np.array(shifts)):
        distances[int(at)] = distances.get(int(at), 0) + int(by)
    for at, by in distances.items():
        size = x.shape[at]
        by %= size or 1
        if by:
            x = joined([part(x, at, size - by, by), part(x, at, 0, size - by)], at)
    return x


@covers(np.rot90)
def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """``m`` turned by ``k`` right angles, from the first of two axes towards the second."""
    x = term(m)
    first, second = [axis_of(at, x.ndim) for at in _pair(axes)]
    if first == second:
        raise GraphError("E203", f"rot90 needs two different axes, got {shown(axes)}")
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    match k % 4:
        case 0:
            return x
        case 1:
            return permuted(flip(x, second), order)
        case 2:
            return flip(x, (first, second))
        case _:
            return flip(permuted(x, order), second)


def _pair(axes: Any) -> Any:
    """Two axes as they are; E203 for anything else."""
    if not isinstance(axes, (tuple, list)) or len(axes) != 2:
        raise GraphError("E203", f"two axes are needed, got {shown(axes)}")
    return axes


# --- copies ---------------------------------------------------------------------------------------


@covers(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element several times: so often for all, or a number for each along an axis.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> cr.graph(repeat(x, 2), [x]).at([1.0, 2.0]).value.tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    x, at = in_a_line(a, axis)
    size = x.shape[at]
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts < 0).any():
        raise GraphError("E203", f"repeat: whole numbers from 0, got {shown(repeats)}")
    if counts.size not in (1, size):
        raise GraphError("E203", f"repeat: {counts.size} numbers for {size} elements")
    if counts.size != 1:
        return gathered(x, at, np.repeat(np.arange(size), counts))
    count = int(counts.reshape(())[()])
    front, rest = x.shape[:at], x.shape[at + 1 :]
    copied = broadcast_along(
        x,
        (*front, size, count, *rest),
        tuple(k for k in range(x.ndim + 1) if k != at + 1),
    )
    return x if count == 1 else reshaped(copied, (*front, size * count, *rest))


@covers(np.tile)
def tile(A: Any, reps: Any) -> Any:  # noqa: N803  (NumPy's name)
    """``A`` laid side by side, so often along each axis."""
    x = term(A)
    counts = _whole_numbers("tile", reps)
    if any(count < 0 for count in counts):
        raise GraphError("E203", f"tile: numbers from 0, got {shown(reps)}")
    ndim = max(x.ndim, len(counts))
    sizes = (1,) * (ndim - x.ndim) + x.shape
    counts = (1,) * (ndim - len(counts)) + counts
    shape: list[int] = []
    own = []
    for at, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        if count != 1:
            shape.append(count)
        if at >= ndim - x.ndim:
            own.append(len(shape))
            shape.append(size)
    copied = broadcast_along(x, tuple(shape), tuple(own))
    return reshaped(copied, tuple([n * m for n, m in zip(counts, sizes, strict=True)]))


# --- triangles and diagonals ----------------------------------------------------------------------


@covers(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle of each matrix, zeros above its ``k``-th diagonal."""
    x, below = _triangle(m, k)
    return where(below, x, zeros_like(x))


@covers(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle of each matrix, zeros below its ``k``-th diagonal."""
    x, below = _triangle(m, k - 1)
    return where(~below, x, zeros_like(x))


def _triangle(m: Any, k: int) -> tuple[Any, Any]:
    x = term(m)
    if x.ndim == 0:
        raise GraphError("E203", "a scalar has no triangle")
    rows, columns = x.shape[-2:] if x.ndim > 1 else x.shape * 2
    return x, np.tri(rows, columns, k, dtype=bool)


def diagonal_slice(x: Any, offset: int) -> Any:
    """The ``offset``-th diagonal of each matrix, which the last two axes are: one slice."""
    *front, rows, columns = x.shape
    row, column = max(0, -offset), max(0, offset)
    count = max(0, min(rows - row, columns - column))
    flat = reshaped(x, (*front, rows * columns))
    start = row * columns + column if count else 0
    return part(flat, flat.ndim - 1, start, count, columns + 1)


@covers(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The ``k``-th diagonal of a matrix; or, of a vector, the matrix that has it there.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> cr.graph(diag(x), [x]).at([1.0, 2.0]).value.tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    x = term(v)
    k = operator.index(k)
    if x.ndim == 2:
        return diagonal_slice(x, k)
    if x.ndim != 1:
        raise GraphError("E203", f"diag takes a vector or a matrix, got {list(x.shape)}")
    size = x.shape[0] + abs(k)
    start = (max(k, -k * size) if x.shape[0] else 0,)
    return reshaped(embed(x, (size * size,), start, (size + 1,)), (size, size))


@covers(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix that has all elements of ``v`` on its ``k``-th diagonal, zeros elsewhere."""
    return diag(ravel(v), k)
