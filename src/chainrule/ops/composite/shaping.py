"""Other shapes of the same elements: NumPy's functions of shape, axes and dtype.

What changes nothing builds nothing: ``reshape(x, x.shape)`` is ``x``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError, listed, shown
from chainrule.graph.types import Type
from chainrule.ops.composite.table import (
    as_term,
    axes_in_order,
    axes_of,
    axis_of,
    covers,
    in_dtype,
    kept,
    shape_of,
    term,
    terms,
    truth,
)
from chainrule.ops.copies import broadcast_along
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.term import spread

Axis = int | Sequence[int] | None

# --- shapes ---------------------------------------------------------------------------------------


@covers(np.reshape)
def reshape(a: Any, shape: Any = None, *, newshape: Any = None) -> Any:
    """The elements of ``a``, in row-major order, in another shape; one size may be −1.

    >>> import chainrule as cr
    >>> reshape(cr.input("x", (2, 3)), (-1, 2)).shape
    (3, 2)

    Raises:
        GraphError: E203 when the shape has not as many elements.
    """
    x = term(a)
    wanted = list(shape_of(shape if newshape is None else newshape))
    if any(size < -1 for size in wanted) or wanted.count(-1) > 1:
        raise GraphError("E203", f"a shape has no negative sizes except one −1, got {wanted}")
    if -1 in wanted:
        at = wanted.index(-1)
        others = math.prod(wanted[:at] + wanted[at + 1 :])
        if others < 1 or math.prod(x.shape) % others:
            raise GraphError("E203", f"{list(x.shape)} cannot be reshaped to {wanted}")
        wanted[at] = math.prod(x.shape) // others
    return reshaped(x, tuple(wanted))


@covers(np.ravel)
def ravel(a: Any) -> Any:
    """The elements of ``a``, in row-major order, as a vector."""
    x = term(a)
    return reshaped(x, (math.prod(x.shape),))


def in_a_line(a: Any, axis: int | None) -> tuple[Any, int]:
    """An array and the axis to go along, counted from 0; for None all elements in a row."""
    x = term(a)
    return (ravel(x), 0) if axis is None else (x, axis_of(axis, x.ndim))


@covers(np.expand_dims)
def expand_dims(a: Any, axis: int | Sequence[int]) -> Any:
    """``a`` with new axes of size 1, at these places of the result."""
    x = term(a)
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    new = axes_of(given, x.ndim + len(given))
    rest = iter(x.shape)
    return reshaped(x, tuple([1 if at in new else next(rest) for at in range(x.ndim + len(new))]))


@covers(np.squeeze)
def squeeze(a: Any, axis: Axis = None) -> Any:
    """``a`` without its axes of size 1, or without those named.

    Raises:
        GraphError: E203 when an axis that is named has another size.
    """
    x = term(a)
    ones = [at for at, size in enumerate(x.shape) if size == 1]
    going = ones if axis is None else axes_of(axis, x.ndim)
    for at in going:
        if at not in ones:
            raise GraphError("E203", f"squeeze: axis {at} of {list(x.shape)} has not size 1")
    return reshaped(x, tuple([size for at, size in enumerate(x.shape) if at not in going]))


@covers(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Arrays with at least one axis; one argument gives an array, several a tuple."""
    return _each(arys, lambda x: reshaped(x, x.shape or (1,)))


@covers(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Arrays with at least two axes; a vector becomes a row."""
    return _each(arys, lambda x: reshaped(x, (1,) * (2 - x.ndim) + x.shape))


@covers(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Arrays with at least three axes; of a vector the second, of a matrix the first two."""

    def shape_in_three(shape: tuple[int, ...]) -> tuple[int, ...]:
        front = (1,) if len(shape) < 2 else ()
        return (*front, *shape) + (1,) * (3 - len(front) - len(shape))

    return _each(arys, lambda x: reshaped(x, shape_in_three(x.shape)))


def _each(arys: Sequence[Any], change: Any) -> Any:
    changed = tuple([change(x) for x in terms(arys)])
    return changed[0] if len(changed) == 1 else changed


# --- axes -----------------------------------------------------------------------------------------


@covers(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """``a`` with its axes in another order; reversed where none is given.

    >>> import chainrule as cr
    >>> transpose(cr.input("x", (2, 3, 4)), (1, 2, 0)).shape
    (3, 4, 2)
    """
    x = term(a)
    if axes is None:
        return permuted(x, range(x.ndim)[::-1])
    order = [axis_of(at, x.ndim) for at in axes]
    if sorted(order) != list(range(x.ndim)):
        raise GraphError("E203", f"{shown(axes)} are not the {x.ndim} axes of {list(x.shape)}")
    return permuted(x, order)


permute_dims = transpose


@covers(np.moveaxis)
def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """``a`` with some axes in other places; the others stay in order."""
    x = term(a)
    places = [axes_in_order(given, x.ndim) for given in (source, destination)]
    if len(places[0]) != len(places[1]):
        raise GraphError("E203", f"moveaxis: {shown(source)} to {shown(destination)}")
    order = [at for at in range(x.ndim) if at not in places[0]]
    for to, at in sorted(zip(places[1], places[0], strict=True)):
        order.insert(to, at)
    return permuted(x, order)


@covers(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``a`` with one axis moved before another."""
    x = term(a)
    at, before = axis_of(axis, x.ndim), axis_of(start, x.ndim + 1) if start >= 0 else start + x.ndim
    return moveaxis(x, at, before - (at < before))


@covers(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """``a`` with two axes exchanged."""
    x = term(a)
    first, second = axis_of(axis1, x.ndim), axis_of(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return permuted(x, order)


# --- copies ---------------------------------------------------------------------------------------


@covers(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """``array`` repeated along new axes in front, and along those of size 1, up to a shape.

    Raises:
        GraphError: E203 when it does not fit.
    """
    x = term(array)
    wanted = shape_of(shape)
    fits = len(wanted) >= x.ndim and all(
        have in (1, want) for have, want in zip(x.shape[::-1], wanted[::-1], strict=False)
    )
    if not fits or any(size < 0 for size in wanted):
        raise GraphError("E203", f"{list(x.shape)} cannot be broadcast to {list(wanted)}")
    return x.__class__(spread(x.node, wanted))


@covers(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """The arrays, broadcast to the shape they have in common."""
    given = terms(args)
    try:
        shape = np.broadcast_shapes(*[x.shape for x in given])
    except ValueError:
        sizes = listed([str(list(x.shape)) for x in given])
        raise GraphError("E203", f"shapes do not match: {sizes}") from None
    return tuple([broadcast_to(x, shape) for x in given])


@covers(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """The coordinates of a grid: for each vector an array that varies along its own axis only.

    Args:
        *xi: The coordinates along each axis.
        copy: Of no effect: values never change.
        sparse: Leave the other axes at size 1.
        indexing: ``"xy"`` puts the second vector along the first axis; ``"ij"`` keeps the order.
    """
    if indexing not in ("xy", "ij"):
        raise GraphError("E212", f"meshgrid: indexing must be 'xy' or 'ij', got {shown(indexing)}")
    vectors = [ravel(x) for x in terms(xi)] if xi else []
    places = list(range(len(vectors)))
    if indexing == "xy":
        places[:2] = places[:2][::-1]
    shape = [0] * len(vectors)
    for at, vector in zip(places, vectors, strict=True):
        shape[at] = vector.shape[0]
    if sparse:
        return tuple(
            [kept(v, shape, {*places} - {at}, True) for at, v in zip(places, vectors, strict=True)]
        )
    return tuple(
        [broadcast_along(v, tuple(shape), (at,)) for at, v in zip(places, vectors, strict=True)]
    )


# --- like another ---------------------------------------------------------------------------------


@covers(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of the shape and dtype of ``a``, filled with a value."""
    x = term(a)
    type = Type.of(
        x.dtype if dtype is None else dtype, x.shape if shape is None else shape_of(shape)
    )
    value = in_dtype(as_term(fill_value, x.__class__), type.dtype)
    return broadcast_to(value, type.shape)


@covers(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Zeros in the shape and dtype of ``a``."""
    return full_like(a, 0, dtype, shape=shape)


@covers(np.ones_like)
def ones_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Ones in the shape and dtype of ``a``."""
    return full_like(a, 1, dtype, shape=shape)


@covers(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of the shape and dtype of another, of which nothing is promised: zeros."""
    return full_like(prototype, 0, dtype, shape=shape)


@covers(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """``x`` in another dtype; from numbers to conditions it asks whether they are not 0."""
    wanted = Type.of(dtype).dtype
    return truth(term(x)) if wanted.kind == "b" else in_dtype(term(x), wanted)


@covers(np.copy)
def copy(a: Any) -> Any:
    """``a`` itself: values never change, so there is nothing to keep apart."""
    return term(a)
