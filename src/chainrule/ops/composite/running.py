"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.ops import reduce
from chainrule.ops.composite.joining import joined
from chainrule.ops.composite.shaping import full_like, in_a_line
from chainrule.ops.composite.statistics import accumulating
from chainrule.ops.composite.table import axis_of, covers, in_dtype, term


@covers(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sums along an axis, or of all elements in order.

    >>> import chainrule as cr
    >>> x = cr.input("x", (3,))
    >>> cr.graph(cumsum(x), [x]).at([1.0, 2.0, 3.0]).value.tolist()
    [1.0, 3.0, 6.0]
    """
    return _running(reduce.cumsum, a, axis, dtype)


@covers(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running products along an axis, or of all elements in order."""
    return _running(reduce.cumprod, a, axis, dtype)


def _running(function: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    x, at = in_a_line(accumulating(term(a), dtype), axis)
    return in_dtype(function(x, at), x.dtype)


def cumulative_sum(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The running sums along an axis; with the initial 0 in front, if wanted.

    Raises:
        GraphError: E203 when no axis is named and there are several.
    """
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The running products along an axis; with the initial 1 in front, if wanted.

    Raises:
        GraphError: E203 when no axis is named and there are several.
    """
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    function: Any, initial: int, x: Any, axis: int | None, dtype: Any, include_initial: bool
) -> Any:
    x = term(x)
    if axis is None and x.ndim != 1:
        raise GraphError("E203", f"name the axis along which {list(x.shape)} is accumulated")
    at = axis_of(axis or 0, x.ndim)
    found = function(x, at, dtype)
    if not include_initial:
        return found
    shape = (*x.shape[:at], 1, *x.shape[at + 1 :])
    return joined([full_like(found, initial, shape=shape), found], at)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    covers(np.cumulative_sum)(cumulative_sum)
    covers(np.cumulative_prod)(cumulative_prod)
