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
from chainrule.ops.composite.shaping import Axis, broadcast_to, full_like, ravel
from chainrule.ops.composite.table import (
    as_term,
    axes_of,
    axis_of,
    covers,
    in_dtype,
    kept,
    kind_of,
    neutral,
    term,
    terms,
    truth,
)
from chainrule.ops.copies import copied_along, total
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.select import maximum, minimum, where
from chainrule.ops.term import Term

# --- sums and products ----------------------------------------------------------------------------


@covers(np.sum)
def sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum along some axes, or of all elements; 0 of none.

    Args:
        a: The elements.
        axis: Along which axes; None for all.
        dtype: The dtype to add up in.
        keepdims: Keep the axes that go away, with size 1.
        initial: What the sum begins with; None for 0.
        where: Which elements count; the others have derivative 0.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2, 2))
    >>> cr.graph(sum(x, axis=0), [x]).at([[1.0, 2.0], [3.0, 4.0]]).value.tolist()
    [4.0, 6.0]
    """
    x = chosen(accumulating(term(a), dtype), where, 0)
    found = _reduced(total, x, axis, keepdims)
    return found if initial is None else in_dtype(found + initial, x.dtype)


@covers(np.prod)
def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The product along some axes, or of all elements; 1 of none; arguments as for `sum`.

    Derivatives are right where factors are 0.
    """
    x = chosen(accumulating(term(a), dtype), where, 1)
    found = _reduced(reduce.product, x, axis, keepdims)
    return found if initial is None else in_dtype(found * initial, x.dtype)


def accumulating(x: Any, dtype: Any) -> Any:
    """``x`` in the dtype in which it is added up: that wanted, else at least int64."""
    if dtype is not None:
        return in_dtype(x, Type.of(dtype).dtype)
    return x if x.dtype.kind == "f" else in_dtype(x, np.dtype(np.int64))


def chosen(x: Any, where: Any, neutral: float) -> Any:
    """``x`` with a number that changes nothing in place of elements that do not count."""
    if where is True:
        return x
    condition = truth(as_term(where, x.__class__))
    return select.where(condition, x, x.dtype.type(neutral))


def _reduced(function: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    axes = axes_of(axis, x.ndim)
    found = in_dtype(function(x, axes), x.dtype) if axes else x
    return kept(found, x.shape, axes, keepdims)


@covers(np.count_nonzero)
def count_nonzero(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """How many elements are not 0; NaN is not 0."""
    return sum(truth(term(a)), axis, keepdims=keepdims)


# --- means ----------------------------------------------------------------------------------------


@covers(np.mean)
def mean(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    """The mean along some axes, or of all elements, or of those where a condition holds.

    NaN of none.
    """
    x = term(a)
    wanted = floating(x).dtype if dtype is None else Type.of(dtype).dtype
    x = in_dtype(x, wanted)
    axes = axes_of(axis, x.ndim)
    found = sum(x, axes, keepdims=keepdims, where=where)
    count = _count_where(x, axes, keepdims, where)
    return found if isinstance(count, int) and count == 1 else in_dtype(found / count, wanted)


def floating(x: Any) -> Any:
    """``x`` itself if it is floating, else in float64."""
    return x if x.dtype.kind == "f" else in_dtype(x, np.dtype(np.float64))


def _count(x: Any, axes: Sequence[int]) -> int:
    return math.prod([x.shape[at] for at in axes])


def _count_where(x: Any, axes: Sequence[int], keepdims: bool, where: Any) -> Any:
    """How many elements count, in the dtype of ``x`` where that depends on the condition."""
    if where is True:
        return _count(x, axes)
    condition = broadcast_to(truth(as_term(where, x.__class__)), x.shape)
    return in_dtype(sum(condition, axes, keepdims=keepdims), x.dtype)


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
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The variance: the mean of squared distances from the mean.

    Args:
        a: What varies.
        axis: Along which axes; None for all.
        dtype: The dtype to compute in.
        ddof: What is taken off the number of elements before the sum of squares is divided by it.
        keepdims: Keep the axes that go away, with size 1.
        where: Which elements count; the others have derivative 0.
        correction: The same as ``ddof``, by its name in the Array API.
    """
    x = floating(term(a)) if dtype is None else in_dtype(term(a), Type.of(dtype).dtype)
    axes = axes_of(axis, x.ndim)
    distances = x - copied_along(mean(x, axes, where=where), x.shape, axes)
    squares = sum(square(chosen(distances, where, 0)), axes, keepdims=keepdims)
    off = ddof if correction is None else correction
    count = _count_where(x, axes, keepdims, where) - off
    if isinstance(count, Term):
        return squares / maximum(count, 0.0)
    return squares if count == 1 else squares / builtins.max(count, 0)


@covers(np.std)
def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The standard deviation: the square root of the variance; arguments as for `var`.

    Where it is exactly 0 its derivative is 0, the subgradient of smallest length.
    """
    found = var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction)
    return root(found)


def root(x: Any) -> Any:
    """The square root, with derivative 0 at 0: the guard keeps out the infinite one."""
    return where(x == 0, 0.0, sqrt(x))


# --- extremes -------------------------------------------------------------------------------------


@covers(np.max, np.amax)
def max(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest element along some axes, or of all; equal ones share the derivative.

    Args:
        a: The elements.
        axis: Along which axes; None for all.
        keepdims: Keep the axes that go away, with size 1.
        initial: What the result is at least; needed with ``where`` and for no elements.
        where: Which elements count.

    Raises:
        GraphError: E203 for the largest of nothing.
    """
    return _extreme(reduce.largest, maximum, -math.inf, a, axis, keepdims, initial, where)


@covers(np.min, np.amin)
def min(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest element along some axes, or of all; equal ones share the derivative.

    ``initial`` is what the result is at most; arguments as for `max`.

    Raises:
        GraphError: E203 for the smallest of nothing.
    """
    return _extreme(reduce.smallest, minimum, math.inf, a, axis, keepdims, initial, where)


def _extreme(
    function: Any,
    pair: Any,
    last: float,
    a: Any,
    axis: Axis,
    keepdims: bool,
    initial: Any,
    where: Any,
) -> Any:
    x = term(a)
    if initial is None:
        if where is not True:
            raise GraphError("E212", "extremes where a condition holds need initial=")
        return _reduced(function, x, axis, keepdims)
    x = chosen(x, where, neutral(last, x.dtype))
    axes = axes_of(axis, x.ndim)
    if not _count(x, axes):
        rest = [size for at, size in enumerate(x.shape) if at not in axes]
        found = full_like(x, initial, shape=rest)
        return kept(found, x.shape, axes, keepdims)
    return in_dtype(pair(_reduced(function, x, axes, keepdims), initial), x.dtype)


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
def any(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Whether an element along some axes, or any of all, is not 0; ``where`` says which count."""
    return _logic(reduce.any_of, False, a, axis, keepdims, where)


@covers(np.all)
def all(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Whether no element along some axes, or none of all, is 0; ``where`` says which count."""
    return _logic(reduce.all_of, True, a, axis, keepdims, where)


def _logic(
    function: Callable[..., Any], neutral: bool, a: Any, axis: Axis, keepdims: bool, where: Any
) -> Any:
    return _reduced(function, chosen(truth(term(a)), where, neutral), axis, keepdims)
