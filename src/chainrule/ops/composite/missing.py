"""Sums, means, extremes and places that leave out NaN, whose derivatives are then 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.ops.composite import running, statistics
from chainrule.ops.composite.elementwise import isnan
from chainrule.ops.composite.shaping import Axis
from chainrule.ops.composite.statistics import root
from chainrule.ops.composite.table import as_term, covers, term, truth
from chainrule.ops.select import where as either


def _present(x: Any, where: Any) -> Any:
    """Which elements are there: those chosen that are not NaN."""
    if x.dtype.kind != "f":
        return where
    there = ~isnan(x)
    return there if where is True else truth(as_term(where, x.__class__)) & there


@covers(np.nansum)
def nansum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum of what is not NaN; NaN elements have derivative 0."""
    x = term(a)
    there = _present(x, where)
    return statistics.sum(x, axis, dtype, keepdims=keepdims, initial=initial, where=there)


@covers(np.nanprod)
def nanprod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The product of what is not NaN; NaN elements have derivative 0."""
    x = term(a)
    there = _present(x, where)
    return statistics.prod(x, axis, dtype, keepdims=keepdims, initial=initial, where=there)


@covers(np.nanmean)
def nanmean(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    """The mean of what is not NaN; NaN elements have derivative 0."""
    x = term(a)
    return statistics.mean(x, axis, dtype, keepdims=keepdims, where=_present(x, where))


@covers(np.nanvar)
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The variance of what is not NaN; arguments as for `var`."""
    x = term(a)
    there = _present(x, where)
    return statistics.var(
        x, axis, dtype, ddof=ddof, keepdims=keepdims, correction=correction, where=there
    )


@covers(np.nanstd)
def nanstd(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The standard deviation of what is not NaN; where it is 0 its derivative is 0."""
    return root(
        nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction)
    )


@covers(np.nanmax)
def nanmax(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest element that is not NaN; NaN where there is none."""
    return _extreme(statistics.max, -math.inf, a, axis, keepdims, initial, where)


@covers(np.nanmin)
def nanmin(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest element that is not NaN; NaN where there is none."""
    return _extreme(statistics.min, math.inf, a, axis, keepdims, initial, where)


def _extreme(
    function: Any, last: float, a: Any, axis: Axis, keepdims: bool, initial: Any, where: Any
) -> Any:
    x = term(a)
    if x.dtype.kind != "f":
        return function(x, axis, keepdims=keepdims, initial=initial, where=where)
    present = either(isnan(x), last, x)
    found = function(present, axis, keepdims=keepdims, initial=initial, where=where)
    if initial is not None:
        return found
    nothing = statistics.all(isnan(x), axis, keepdims=keepdims, where=where)
    return either(nothing, math.nan, found)


@covers(np.nanargmax)
def nanargmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the first largest element that is not NaN; 0 where there is none."""
    return statistics.argmax(_filled(a, -math.inf), axis, keepdims=keepdims)


@covers(np.nanargmin)
def nanargmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the first smallest element that is not NaN; 0 where there is none."""
    return statistics.argmin(_filled(a, math.inf), axis, keepdims=keepdims)


@covers(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sums of what is not NaN."""
    return running.cumsum(_filled(a, 0), axis, dtype)


@covers(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running products of what is not NaN."""
    return running.cumprod(_filled(a, 1), axis, dtype)


def _filled(a: Any, number: float) -> Any:
    """A number in place of NaN."""
    x = term(a)
    return either(isnan(x), number, x) if x.dtype.kind == "f" else x
