"""Differences along an axis: of neighbours, slopes, areas under lines, angles without jumps."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.ops.arithmetic import ceil, floor
from chainrule.ops.composite.joining import joined
from chainrule.ops.composite.running import cumsum
from chainrule.ops.composite.shaping import Axis, broadcast_to, ravel
from chainrule.ops.composite.statistics import floating, sum
from chainrule.ops.composite.table import axes_in_order, axis_of, covers, in_dtype, term, terms
from chainrule.ops.rearrange import part, reshaped
from chainrule.ops.select import where
from chainrule.ops.term import Term


@covers(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Each element minus the one before it along an axis, ``n`` times over.

    Args:
        a: The elements.
        n: How many times.
        axis: Along which axis.
        prepend: What stands in front first: a number, or an array with the other sizes of ``a``.
        append: What stands behind first.
    """
    x = term(a)
    at = axis_of(axis, x.ndim)
    if operator.index(n) < 0:
        raise GraphError("E203", f"diff: n counts from 0, got {n}")
    if n and not (prepend is None and append is None):
        ends = [end for end in (prepend, x, append) if end is not None]
        one = (*x.shape[:at], 1, *x.shape[at + 1 :])
        x = joined([broadcast_to(end, one) if end.ndim == 0 else end for end in terms(ends)], at)
    for _ in range(n):
        rest = max(x.shape[at] - 1, 0)
        late, early = part(x, at, 1 if rest else 0, rest), part(x, at, 0, rest)
        x = late != early if x.dtype.kind == "b" else late - early
    return x


@covers(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Each element of all minus the one before it, with more elements before and behind."""
    found = diff(ravel(term(ary)))
    ends = [None if end is None else ravel(terms([found, end])[1]) for end in (to_begin, to_end)]
    several = [ends[0], found, ends[1]]
    return joined([x for x in several if x is not None], 0, found.dtype)


# --- slopes and areas -----------------------------------------------------------------------------


@covers(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """The slopes of values on a grid along axes, by differences: of second order but at the ends.

    Args:
        f: The values.
        *varargs: The distance of points, one for all axes or one for each; or their coordinates.
        axis: Along which axes; None for all, and then the result has an array for each.
        edge_order: The order of the differences at the ends, 1 or 2.

    Raises:
        GraphError: E203 when there are too few points, or coordinates do not fit.
    """
    x = floating(term(f))
    axes = axes_in_order(axis, x.ndim)
    if len(varargs) not in (0, 1, len(axes)):
        raise GraphError("E203", f"gradient: {len(varargs)} distances along {len(axes)} axes")
    gaps = varargs or (1.0,)
    gaps = gaps if len(gaps) == len(axes) else gaps * len(axes)
    if edge_order not in (1, 2):
        raise GraphError("E212", f"gradient: edge_order is 1 or 2, got {edge_order}")
    found = [_slopes(x, at, gap, edge_order) for at, gap in zip(axes, gaps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slopes(x: Any, at: int, gap: Any, order: int) -> Any:
    size = x.shape[at]
    if size < order + 1:
        raise GraphError("E203", f"gradient needs {order + 1} points along axis {at}, got {size}")
    widths, share = _widths(gap, size, x.ndim - at - 1)
    rises = diff(x, axis=at) / widths
    left, right = [part(rises, at, k, size - 2) if size > 2 else None for k in (0, 1)]
    first, last = [part(rises, at, k, 1) for k in (0, size - 2)]
    if left is None:
        return in_dtype(joined([first, last], at), x.dtype)
    # A parabola through three points: its slope at the middle one, and at the outer ones.
    turn = share * (right - left)
    if order == 2:
        first = first - part(turn, at, 0, 1)
        last = last + part(right - left - turn, at, size - 3, 1)
    return in_dtype(joined([first, left + turn, last], at), x.dtype)


def _widths(gap: Any, size: int, behind: int) -> tuple[Any, Any]:
    """The distances of neighbours, and for each inner point that before it as a share of both."""
    places = gap if isinstance(gap, Term) else np.asarray(gap)
    if not places.ndim:
        return gap, 0.5
    if places.shape != (size,):
        raise GraphError("E203", f"gradient: {list(places.shape)} coordinates of {size} points")
    column = (size - 1, *(1,) * behind)
    if isinstance(places, Term):
        widths = reshaped(diff(places), column)
        before, after = [part(widths, 0, k, size - 2) if size > 2 else widths for k in (0, 1)]
        return widths, before / (before + after)
    widths = np.diff(places).reshape(column)
    return widths, widths[:-1] / (widths[:-1] + widths[1:])


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under the line that joins points, along an axis.

    Args:
        y: The heights of the points.
        x: Their places, a vector or an array of the shape of ``y``; None: at even distances.
        dx: The distance.
        axis: Along which axis of ``y``.
    """
    heights, places = (term(y), None) if x is None else terms([y, x])
    at = axis_of(axis, heights.ndim)
    count = max(heights.shape[at] - 1, 0)
    sums = part(heights, at, 1 if count else 0, count) + part(heights, at, 0, count)
    if places is not None and places.ndim == 1:
        dx = reshaped(diff(places), (max(places.shape[0] - 1, 0), *(1,) * (heights.ndim - at - 1)))
    elif places is not None:
        dx = diff(places, axis=axis)
    return sum(dx * sums / 2.0, at)


if hasattr(np, "trapezoid"):  # NumPy 2.0
    covers(np.trapezoid)(trapezoid)


# --- angles ---------------------------------------------------------------------------------------


@covers(np.unwrap)
def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Any:
    """Angles without jumps: whole periods are added where neighbours differ by over half of one.

    The periods that are added have derivative 0.
    """
    x = term(p)
    x = in_dtype(x, np.result_type(x.dtype, 0.0))
    at = axis_of(axis, x.ndim)
    if x.shape[at] < 2:
        return x
    steps = diff(x, axis=at)
    turns = (steps + period / 2) / period
    # A step of half a period keeps its direction.
    periods = where(steps > 0, ceil(turns) - 1, floor(turns))
    if discont is not None and discont > period / 2:
        periods = where(abs(steps) < discont, 0.0, periods)
    added = cumsum(periods, at) * -period
    return joined([part(x, at, 0, 1), part(x, at, 1, x.shape[at] - 1) + added], at)
