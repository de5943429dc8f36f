"""Sums, means, extremes and counts along axes, by NumPy's names, dtypes and defaults.

Sums and products of whole numbers and conditions are int64, their means float64.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.types import Type
from chainrule.ops import reduce, select
from chainrule.ops.arithmetic import sqrt, square
from chainrule.ops.composite.elementwise import isnan
from chainrule.ops.composite.shaping import Axis, broadcast_to, full_like, ravel
from chainrule.ops.composite.table import (
    as_term,
    axes_of,
    axis_of,
    covers,
    in_dtype,
    kept,
    kind_of,
    term,
    terms,
    truth,
)
from chainrule.ops.copies import copied_along, total
from chainrule.ops.index import argsort, gather
from chainrule.ops.rearrange import part, permuted, reshaped
from chainrule.ops.select import maximum, minimum, where
from chainrule.ops.term import Term

# --- sums and products ----------------------------------------------------------------------------


@covers(np.sum)
def sum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum along some axes, or of all elements; 0 of none.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2, 2))
    >>> cr.graph(sum(x, axis=0), [x]).at([[1.0, 2.0], [3.0, 4.0]]).value.tolist()
    [4.0, 6.0]
    """
    return _accumulated(total, a, axis, dtype, keepdims)


@covers(np.prod)
def prod(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The product along some axes, or of all elements; 1 of none.

    Derivatives are right where factors are 0.
    """
    return _accumulated(reduce.product, a, axis, dtype, keepdims)


def accumulating(x: Any, dtype: Any) -> Any:
    """``x`` in the dtype in which it is added up: that wanted, else at least int64."""
    if dtype is not None:
        return in_dtype(x, Type.of(dtype).dtype)
    return x if x.dtype.kind == "f" else in_dtype(x, np.dtype(np.int64))


def _accumulated(function: Any, a: Any, axis: Axis, dtype: Any, keepdims: bool) -> Any:
    x = accumulating(term(a), dtype)
    axes = axes_of(axis, x.ndim)
    found = in_dtype(function(x, axes), x.dtype) if axes else x
    return kept(found, x.shape, axes, keepdims)


@covers(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum of what is not NaN; NaN elements have derivative 0."""
    x = term(a)
    present = where(isnan(x), 0, x) if x.dtype.kind == "f" else x
    return sum(present, axis, dtype, keepdims=keepdims)


@covers(np.count_nonzero)
def count_nonzero(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """How many elements are not 0; NaN is not 0."""
    return sum(truth(term(a)), axis, keepdims=keepdims)


# --- means ----------------------------------------------------------------------------------------


@covers(np.mean)
def mean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The mean along some axes, or of all elements; NaN of none."""
    x = term(a)
    wanted = floating(x).dtype if dtype is None else Type.of(dtype).dtype
    x = in_dtype(x, wanted)
    axes = axes_of(axis, x.ndim)
    found = sum(x, axes, keepdims=keepdims)
    count = _count(x, axes)
    return found if count == 1 else in_dtype(found / count, wanted)


def floating(x: Any) -> Any:
    """``x`` itself if it is floating, else in float64."""
    return x if x.dtype.kind == "f" else in_dtype(x, np.dtype(np.float64))


def _count(x: Any, axes: Sequence[int]) -> int:
    return math.prod([x.shape[at] for at in axes])


@covers(np.nanmean)
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The mean of what is not NaN; NaN elements have derivative 0."""
    x = term(a)
    if x.dtype.kind != "f":
        return mean(x, axis, dtype, keepdims=keepdims)
    found = nansum(x, axis, dtype, keepdims=keepdims)
    return found / in_dtype(sum(~isnan(x), axis, keepdims=keepdims), found.dtype)


@covers(np.average)
def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The weighted mean: Σ weights a / Σ weights.

    Args:
        a: What is averaged.
        axis: Along which axes; None for all.
        weights: An array of the shape of ``a``, or of its sizes along ``axis``; None for the mean.
        returned: Give the sum of the weights too.
        keepdims: Keep the axes that go away, with size 1.

    Raises:
        GraphError: E203 when the weights do not fit.
    """
    if weights is None:
        x = term(a)
        found = mean(x, axis, keepdims=keepdims)
        sums = full_like(found, _count(x, axes_of(axis, x.ndim)))
        return (found, sums) if returned else found
    x, w = terms([a, weights])
    common = np.result_type(x.dtype, w.dtype)
    dtype = common if x.dtype.kind == "f" else np.result_type(common, np.float64)
    x, w = in_dtype(x, dtype), in_dtype(w, dtype)
    w = _along_axes(w, x.shape, axis)
    sums = sum(w, axis, keepdims=keepdims)
    found = sum(x * w, axis, keepdims=keepdims) / sums
    return (found, broadcast_to(sums, found.shape)) if returned else found


def _along_axes(w: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """Weights whose axes are those averaged over, in the order named; the others have size 1."""
    if w.shape == shape:
        return w
    named = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes_of(axis, len(shape))
    places = [] if axis is None else [axis_of(at, len(shape)) for at in named]
    if w.shape != tuple([shape[at] for at in places]):
        raise GraphError("E203", f"average: weights {list(w.shape)} for {list(shape)}, axis {axis}")
    ordered = permuted(w, sorted(range(len(places)), key=places.__getitem__))
    return reshaped(ordered, tuple([n if at in places else 1 for at, n in enumerate(shape)]))


@covers(np.var)
def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """The variance: the mean of squared distances from the mean.

    Args:
        a: What varies.
        axis: Along which axes; None for all.
        dtype: The dtype to compute in.
        ddof: What is taken off the number of elements before the sum of squares is divided by it.
        keepdims: Keep the axes that go away, with size 1.
        correction: The same as ``ddof``, by its name in the Array API.
    """
    x = floating(term(a)) if dtype is None else in_dtype(term(a), Type.of(dtype).dtype)
    axes = axes_of(axis, x.ndim)
    squares = sum(square(x - copied_along(mean(x, axes), x.shape, axes)), axes, keepdims=keepdims)
    count = _count(x, axes) - (ddof if correction is None else correction)
    return squares if count == 1 else squares / builtins.max(count, 0)


@covers(np.std)
def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """The standard deviation: the square root of the variance; arguments as for `var`.

    Where it is exactly 0 its derivative is 0, the subgradient of smallest length.
    """
    return root(var(a, axis, dtype, ddof=ddof, keepdims=keepdims, correction=correction))


def root(x: Any) -> Any:
    """The square root, with derivative 0 at 0: the guard keeps out the infinite one."""
    return where(x == 0, 0.0, sqrt(x))


@covers(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle element in ascending order, or the mean of both in the middle; NaN if one is NaN.

    The derivative goes to the elements in the middle; of equal ones to those that stand first in
    a stable sort.
    """
    x = floating(term(a))
    axes = axes_of(axis, x.ndim)
    count = _count(x, axes)
    if count <= 1:
        return mean(x, axes, keepdims=keepdims)
    others = [at for at in range(x.ndim) if at not in axes]
    rows = math.prod([x.shape[at] for at in others])
    flat = reshaped(permuted(x, [*others, *axes]), (rows, count))
    first, wide = (count - 1) // 2, 2 - count % 2
    places = part(argsort(flat, 1), 1, first, wide)
    numbers = np.broadcast_to(np.arange(rows)[:, np.newaxis], (rows, wide))
    middle = mean(gather(flat, numbers, places), 1)
    found = where(reduce.any_of(isnan(flat), (1,)), math.nan, middle)
    return kept(reshaped(found, tuple([x.shape[at] for at in others])), x.shape, axes, keepdims)


# --- extremes -------------------------------------------------------------------------------------


@covers(np.max, np.amax)
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest element along some axes, or of all; equal ones share the derivative.

    Raises:
        GraphError: E203 for the largest of nothing.
    """
    return _extreme(reduce.largest, a, axis, keepdims)


@covers(np.min, np.amin)
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest element along some axes, or of all; equal ones share the derivative.

    Raises:
        GraphError: E203 for the smallest of nothing.
    """
    return _extreme(reduce.smallest, a, axis, keepdims)


def _extreme(function: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    x = term(a)
    axes = axes_of(axis, x.ndim)
    found = in_dtype(function(x, axes), x.dtype) if axes else x
    return kept(found, x.shape, axes, keepdims)


amax, amin = max, min


@covers(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The distance from the smallest element to the largest."""
    x = term(a)
    return max(x, axis, keepdims=keepdims) - min(x, axis, keepdims=keepdims)


@covers(np.argmax)
def argmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the first largest element along an axis, or among all elements in order."""
    return _place(reduce.argmax, a, axis, keepdims)


@covers(np.argmin)
def argmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the first smallest element along an axis, or among all elements in order."""
    return _place(reduce.argmin, a, axis, keepdims)


def _place(function: Any, a: Any, axis: int | None, keepdims: bool) -> Any:
    x = term(a)
    if axis is None:
        return kept(function(ravel(x), 0), x.shape, range(x.ndim), keepdims)
    at = axis_of(axis, x.ndim)
    return kept(function(x, at), x.shape, (at,), keepdims)


@covers(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """``a`` brought between two bounds; None is no bound, and the upper one wins.

    On a bound the derivative goes to ``a``.
    """
    low = a_min if min is None else min
    high = a_max if max is None else max
    x, low, high = _given([a, low, high])
    if low is None and high is None:
        return x
    if low is None or high is None:
        one_sided = minimum(x, high) if low is None else maximum(x, low)
        if one_sided.dtype.kind != "f":
            return one_sided
        # The operation with two bounds, so that the derivative on a bound is the same.
        low, high = -math.inf if low is None else low, math.inf if high is None else high
    return select.clip(x, low, high)


def _given(values: Sequence[Any]) -> list[Any]:
    """The operands as terms; None and Python's numbers stay, which do not decide on the dtype."""
    kind = kind_of(values)
    plain = (Term, int, float, type(None))
    return [value if isinstance(value, plain) else as_term(value, kind) for value in values]


# --- conditions -----------------------------------------------------------------------------------


@covers(np.any)
def any(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Whether an element along some axes, or any of all, is not 0."""
    return _logic(reduce.any_of, a, axis, keepdims)


@covers(np.all)
def all(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Whether no element along some axes, or none of all, is 0."""
    return _logic(reduce.all_of, a, axis, keepdims)


def _logic(function: Callable[..., Any], a: Any, axis: Axis, keepdims: bool) -> Any:
    x = truth(term(a))
    axes = axes_of(axis, x.ndim)
    return kept(function(x, axes) if axes else x, x.shape, axes, keepdims)
