"""NumPy kernels of the operations on whole arrays. Views where NumPy has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.errors import EvaluationError

Array = Any
Axes = tuple[int, ...]


def broadcast(x: Array, shape: Axes, axes: Axes) -> Array:
    if axes:
        expanded = [1] * len(shape)
        for at, size in zip(axes, np.shape(x), strict=True):
            expanded[at] = size
        x = x.reshape(expanded)
    return np.broadcast_to(x, shape)


def expanded(x: Array, shape: Axes) -> Array:
    """``x`` with axes of size 1, which NumPy broadcasts by itself."""
    return x if x.shape == shape else x.reshape(shape)


def reshape(x: Array, shape: Axes) -> Array:
    return x.reshape(shape) if shape else x.reshape(())[()]


@lru_cache(maxsize=4096)
def _slices(starts: Axes, sizes: Axes, steps: Axes) -> tuple[slice, ...]:
    found = []
    for start, size, step in zip(starts, sizes, steps, strict=True):
        stop = start + size * step
        found.append(slice(start, stop if stop >= 0 else None, step) if size else slice(0, 0))
    return tuple(found)


def slice_of(x: Array, starts: Axes, sizes: Axes, steps: Axes) -> Array:
    return x[_slices(starts, sizes, steps)]


def embed(x: Array, shape: Axes, starts: Axes, steps: Axes) -> Array:
    result = np.zeros(shape, x.dtype)
    place(result, x, starts, steps)
    return result


def place(result: Array, x: Array, starts: Axes, steps: Axes) -> None:
    """Write ``x`` into an array, along each axis from a start by a step."""
    result[_slices(starts, np.shape(x), steps)] = x


def concatenate(*operands_and_axis: Any) -> Array:
    *operands, axis = operands_and_axis
    return np.concatenate(operands, axis)


def windows(x: Array, axes: Axes, sizes: Axes, steps: Axes, spacings: Axes) -> Array:
    """A view: each window axis strides over ``x`` with the spacing."""
    shape, strides = list(x.shape), list(x.strides)
    inner = [x.strides[at] * spacing for at, spacing in zip(axes, spacings, strict=True)]
    for at, size, step, spacing in zip(axes, sizes, steps, spacings, strict=True):
        shape[at] = (shape[at] - (size - 1) * spacing - 1) // step + 1
        strides[at] *= step
    return np.lib.stride_tricks.as_strided(x, (*shape, *sizes), (*strides, *inner), writeable=False)


def overlap_add(x: Array, shape: Axes, axes: Axes, steps: Axes, spacings: Axes) -> Array:
    result = np.zeros(shape, x.dtype)
    sizes = x.shape[len(shape) :]
    for offsets in np.ndindex(*sizes):
        places: list[slice] = [slice(None)] * len(shape)
        for at, offset, step, spacing in zip(axes, offsets, steps, spacings, strict=True):
            start = offset * spacing
            places[at] = slice(start, start + (x.shape[at] - 1) * step + 1, step)
        result[tuple(places)] += x[(..., *offsets)]
    return result


# --- reductions -----------------------------------------------------------------------------------


def total(x: Array, axes: Axes) -> Array:
    return np.add.reduce(x, axis=axes, dtype=x.dtype)


def product(x: Array, axes: Axes) -> Array:
    return np.multiply.reduce(x, axis=axes, dtype=x.dtype)


def largest(x: Array, axes: Axes) -> Array:
    return np.maximum.reduce(x, axis=axes)


def smallest(x: Array, axes: Axes) -> Array:
    return np.minimum.reduce(x, axis=axes)


def any_of(x: Array, axes: Axes) -> Array:
    return np.logical_or.reduce(x, axis=axes)


def all_of(x: Array, axes: Axes) -> Array:
    return np.logical_and.reduce(x, axis=axes)


def argmax(x: Array, axis: int) -> Array:
    return np.argmax(x, axis)


def argmin(x: Array, axis: int) -> Array:
    return np.argmin(x, axis)


def cumsum(x: Array, axis: int, reverse: bool) -> Array:
    return _along(np.add, x, axis, reverse)


def cumprod(x: Array, axis: int, reverse: bool) -> Array:
    return _along(np.multiply, x, axis, reverse)


def _along(function: np.ufunc, x: Array, axis: int, reverse: bool) -> Array:
    if reverse:
        return np.flip(function.accumulate(np.flip(x, axis), axis, dtype=x.dtype), axis)
    return function.accumulate(x, axis, dtype=x.dtype)


# --- products -------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """How a contraction becomes one matrix product, or one product element by element.

    Attributes:
        left: The order of the left axes; None where they are in order already.
        right: That of the right axes.
        both: How many axes both have and the result too.
        inner: How many are summed over.
        matrices: Whether one axis is left of each operand, and one is summed over.
        result: The order of the axes of the result; None where they are in order.
    """

    left: Axes | None
    right: Axes | None
    both: int
    inner: int
    matrices: bool
    result: Axes | None


@lru_cache(maxsize=4096)
def _plan(left: Axes, right: Axes, out: Axes) -> _Plan:
    both = [label for label in left if label in right and label in out]
    inner = [label for label in left if label in right and label not in out]
    first = [label for label in left if label not in right]
    second = [label for label in right if label not in left]
    made = [*both, *first, *second]
    return _Plan(
        _order([left.index(label) for label in (*both, *first, *inner)]),
        _order([right.index(label) for label in (*both, *inner, *second)]),
        len(both),
        len(inner),
        len(inner) == len(first) == len(second) == 1,
        _order(list(map(made.index, out))),
    )


def _order(axes: list[int]) -> Axes | None:
    """An order of axes; None for the one they have."""
    return None if axes == sorted(axes) else tuple(axes)


def contract(a: Array, b: Array, left: Axes, right: Axes, out: Axes) -> Array:
    """By one call of BLAS where something is summed over."""
    plan = _plan(left, right, out)
    a = a if plan.left is None else a.transpose(plan.left)
    b = b if plan.right is None else b.transpose(plan.right)
    made = a @ b if plan.matrices else _general(a, b, plan.both, plan.inner)
    return made if plan.result is None else made.transpose(plan.result)


def _general(a: Array, b: Array, both: int, inner: int) -> Array:
    """A contraction of operands whose axes are in order: of both, own, summed over."""
    split = a.ndim - inner
    batch, rows, columns = a.shape[:both], a.shape[both:split], b.shape[both + inner :]
    if not inner:
        first = a.reshape((*batch, *rows, *(1,) * len(columns)))
        return first * b.reshape((*batch, *(1,) * len(rows), *columns))
    middle = math.prod(a.shape[split:])
    first = a.reshape((*batch, math.prod(rows), middle))
    second = b.reshape((*batch, middle, math.prod(columns)))
    return (first @ second).reshape((*batch, *rows, *columns))[()]


# --- indexing -------------------------------------------------------------------------------------


@contextmanager
def _in_range() -> Iterator[None]:
    """An index that is outside, as an error of ours."""
    try:
        yield
    except IndexError as error:
        raise EvaluationError("E311", f"{error}") from None


def gather(x: Array, *indices: Array) -> Array:
    with _in_range():
        return np.asarray(x)[indices]


def scatter_add(x: Array, *rest: Any) -> Array:
    *indices, shape = rest
    result = np.zeros(shape, x.dtype)
    with _in_range():
        np.add.at(result, tuple(indices), x)
    return result


def scatter_set(x: Array, values: Array, *indices: Array) -> Array:
    result = np.array(x)
    with _in_range():
        result[tuple(indices)] = values
    return result


_LONG: Final = 512
_MANY: Final = 2048
"""From so many elements in a row and in all, two quick sorts take less time than a stable one."""


def argsort(x: Array, axis: int) -> Array:
    """Stable. Long ones are sorted in any order first, then the indices of equal elements."""
    count = x.shape[axis]
    if x.size < _MANY or not _LONG <= count < 2**31:
        return np.argsort(x, axis, kind="stable")
    x = np.moveaxis(x, axis, -1)
    order = np.argsort(x)
    ordered = np.take_along_axis(x, order, -1)
    before, behind = ordered[..., :-1], ordered[..., 1:]
    differs = before != behind
    if np.isnan(before[..., -1]).any():
        differs &= ~np.isnan(before)  # all NaN are equal here
    if not differs.all():
        groups = np.zeros(x.shape, np.int64)
        np.cumsum(differs, -1, out=groups[..., 1:])
        groups <<= 32
        groups |= order
        groups.sort(-1)
        order = groups & 0xFFFFFFFF
    return np.moveaxis(order, -1, axis)


def searchsorted(sorted: Array, values: Array, side: str) -> Array:
    return np.searchsorted(sorted, values, side=side)  # type: ignore[call-overload]  # any str
