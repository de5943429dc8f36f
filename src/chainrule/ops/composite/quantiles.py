"""Medians and other quantiles: elements in ascending order, or points between two of them.

The derivative goes to the one or two elements that the value is made of; of equal ones to those
that stand first in a stable sort. NaN come last in that order.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.arithmetic import ceil, floor, round
from chainrule.ops.composite.elementwise import isnan
from chainrule.ops.composite.shaping import Axis
from chainrule.ops.composite.statistics import floating, mean
from chainrule.ops.composite.table import axes_of, covers, in_dtype, kept, term, terms
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.index import argsort, gather
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.reduce import any_of
from chainrule.ops.select import convert, maximum, minimum, where
from chainrule.ops.term import Term

_ROUNDED: Final[dict[str, tuple[Any, Any]]] = {
    "lower": (floor, np.floor), "higher": (ceil, np.ceil), "nearest": (round, np.round),
}  # fmt: skip
_METHODS: Final = ("linear", "lower", "higher", "midpoint", "nearest")


@covers(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle element in ascending order, or the mean of both in the middle; NaN if one is NaN.

    The derivative goes to the elements in the middle; of equal ones to those that stand first in
    a stable sort.
    """
    x = term(a)
    if 0 in [x.shape[at] for at in axes_of(axis, x.ndim)]:
        return mean(x, axis, keepdims=keepdims)
    return quantile(x, 0.5, axis, keepdims=keepdims)


@covers(np.nanmedian)
def nanmedian(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The median of what is not NaN; NaN where there is nothing else."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


@covers(np.quantile)
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The value below which a share ``q`` of the elements lies; NaN if one is NaN.

    >>> import chainrule as cr
    >>> x = cr.input("x", (5,))
    >>> record = cr.graph(quantile(x, 0.375), [x]).at([3.0, 1.0, 2.0, 5.0, 4.0])
    >>> float(record.value), record.gradient["x"].tolist()
    (2.5, [0.5, 0.0, 0.5, 0.0, 0.0])

    Args:
        a: The elements.
        q: The share, from 0 to 1, or an array of shares: its axes come first in the result. It may
            be symbolic.
        axis: Along which axes; None for all.
        method: What stands between two elements: ``"linear"``, the point on the line that joins
            them; or ``"lower"``, ``"higher"``, ``"midpoint"``, ``"nearest"``.
        keepdims: Keep the axes that go away, with size 1.

    Raises:
        GraphError: E212 for a method or a share that there is not, E203 for no elements.
    """
    return _quantile(a, q, axis, method, keepdims, missing=False)


@covers(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The quantile of what is not NaN; arguments as for `quantile`."""
    return _quantile(a, q, axis, method, keepdims, missing=True)


@covers(np.percentile)
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The quantile for a share in percent; arguments as for `quantile`."""
    return quantile(a, _share(q), axis, method=method, keepdims=keepdims)


@covers(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The quantile of what is not NaN, for a share in percent."""
    return nanquantile(a, _share(q), axis, method=method, keepdims=keepdims)


def _share(q: Any) -> Any:
    return q / 100 if isinstance(q, (Term, int, float)) else np.asarray(q) / 100


def _quantile(a: Any, q: Any, axis: Axis, method: str, keepdims: bool, *, missing: bool) -> Any:
    if method not in _METHODS:
        names = ", ".join(map(repr, _METHODS))
        raise GraphError("E212", f"quantile: method must be one of {names}, got {shown(method)}")
    x, q = terms([a, q]) if isinstance(q, Term) else (term(a), q)
    x = x if method in _ROUNDED else floating(x)
    if not isinstance(q, Term):
        weak = isinstance(q, (int, float)) and not isinstance(q, np.generic)
        q = np.asarray(q, x.dtype if weak and x.dtype.kind == "f" else None)
        if q.dtype.kind not in "iuf" or not ((q >= 0) & (q <= 1)).all():
            raise GraphError("E212", f"quantile: shares are from 0 to 1, got {shown(q)}")
    dtype = x.dtype if method in _ROUNDED else np.result_type(x.dtype, q.dtype)
    axes = axes_of(axis, x.ndim)
    others = [at for at in range(x.ndim) if at not in axes]
    shape = tuple([x.shape[at] for at in others])
    count, rows = math.prod([x.shape[at] for at in axes]), math.prod(shape)
    flat = reshaped(permuted(x, [*others, *axes]), (rows, count))
    shares = q.shape
    if not count:
        raise GraphError("E203", f"quantile of nothing: {list(x.shape)} along {list(axes)}")
    q = reshaped(q, (1, math.prod(shares))) if isinstance(q, Term) else q.reshape(1, -1)
    if missing:
        there = total(convert(~isnan(flat), "int64"), (1,))
        last = reshaped(in_dtype(maximum(there - 1, 0), q.dtype), (rows, 1))
        found = _between(flat, q * last, last, method)
    else:
        found = _between(flat, q * (count - 1), count - 1, method)
        if x.dtype.kind == "f":
            found = where(reshaped(any_of(isnan(flat), (1,)), (rows, 1)), math.nan, found)
    found = reshaped(permuted(in_dtype(found, dtype), [1, 0]), (*shares, *shape))
    return _kept_behind(found, len(shares), x.shape, axes, keepdims)


def _kept_behind(x: Any, front: int, shape: Any, axes: Any, keepdims: bool) -> Any:
    """`kept` for a result with axes of its own in front."""
    own = x.shape[:front]
    return kept(x, (*own, *shape), [at + front for at in axes], keepdims)


def _between(flat: Any, position: Any, last: Any, method: str) -> Any:
    """The values at places between elements in ascending order, for each row."""
    if method in _ROUNDED:
        position = _whole(method, position)
    low = _whole("lower", position)
    share = position - low
    if method == "midpoint":
        share = where(share > 0, 0.5, 0.0) if isinstance(share, Term) else 0.5 * (share > 0)
    order = argsort(flat, 1)
    below = _taken(flat, order, low)
    if method in _ROUNDED or (not isinstance(share, Term) and not share.any()):
        return below
    high = minimum(low + 1, last) if isinstance(low, Term) else np.minimum(low + 1, last)
    above = _taken(flat, order, high)
    return below * (1 - share) + above * share


def _whole(method: str, position: Any) -> Any:
    ours, known = _ROUNDED[method]
    return ours(position) if isinstance(position, Term) else known(position)


def _taken(flat: Any, order: Any, places: Any) -> Any:
    """The elements that stand at places of the order, row by row."""
    rows = flat.shape[0]
    shape = (rows, places.shape[1])
    numbers = np.broadcast_to(np.arange(rows)[:, np.newaxis], shape)
    if isinstance(places, Term):
        wanted: Any = broadcast_along(convert(places, "int64"), shape, (0, 1))
    else:
        wanted = np.broadcast_to(places.astype(np.int64), shape)
    return gather(flat, numbers, gather(order, numbers, wanted))
