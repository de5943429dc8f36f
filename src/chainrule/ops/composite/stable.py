"""Exponentials that neither overflow nor lose all digits: SciPy's logsumexp and softmax.

All subtract the largest element first. It cancels out, so derivatives take it for a constant.
SciPy's functions do not ask their arguments for a
counterpart as NumPy's do, so these are called by themselves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.ops.composite.shaping import Axis
from chainrule.ops.composite.statistics import floating, max, sum
from chainrule.ops.composite.table import axes_of, covers, in_dtype, kept, term, terms
from chainrule.ops.copies import copied_along
from chainrule.ops.elementary import exp, log
from chainrule.ops.select import minimum, stop_gradient, where


@covers()
def logsumexp(a: Any, axis: Axis = None, b: Any = None, *, keepdims: bool = False) -> Any:
    """The logarithm of Σ b exp(a), without overflow; its derivative is the softmax.

    Where the sum is 0, as for elements that are all −∞ or for none, the value is −∞ and the
    derivative 0. NaN where the sum is negative.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> cr.graph(logsumexp(x), [x]).at([1000.0, 1000.0]).gradient["x"].tolist()
    [0.5, 0.5]

    Args:
        a: The exponents.
        axis: Along which axes; None for all.
        b: Factors, 1 where none are given; where one is 0 its exponent does not matter.
        keepdims: Keep the axes that go away, with size 1.
    """
    if b is None:
        x = floating(term(a))
        counting = x
    else:
        x, factors = [floating(given) for given in terms([a, b])]
        dtype = np.result_type(x.dtype, factors.dtype)
        x, factors = in_dtype(x, dtype), in_dtype(factors, dtype)
        counting = where(factors == 0, -math.inf, x)
    axes = axes_of(axis, counting.ndim)
    shift: Any = 0.0
    if 0 not in [counting.shape[at] for at in axes]:
        largest = stop_gradient(max(counting, axes))
        shift = where(abs(largest) < math.inf, largest, 0.0)
        x = x - copied_along(shift, counting.shape, axes)
    if b is None:
        terms_of_sum = exp(x)
    else:
        # Only where b is 0 can the exponent be positive; its derivative by b needs a finite factor.
        most = float(np.log(np.finfo(x.dtype).max)) - 1
        terms_of_sum = factors * exp(minimum(x, most))
    total = sum(terms_of_sum, axes)
    found = where(total == 0, -math.inf, log(total) + shift)
    return kept(found, counting.shape, axes, keepdims)


@covers()
def softmax(x: Any, axis: Axis = None) -> Any:
    """exp(x) divided by its sum along some axes, or over all elements, without overflow."""
    shifted, axes = _shifted(x, axis)
    exponentials = exp(shifted)
    return exponentials / copied_along(sum(exponentials, axes), shifted.shape, axes)


@covers()
def log_softmax(x: Any, axis: Axis = None) -> Any:
    """The logarithm of the softmax; it keeps its digits where that is tiny."""
    shifted, axes = _shifted(x, axis)
    return shifted - copied_along(log(sum(exp(shifted), axes)), shifted.shape, axes)


def _shifted(x: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """``x`` minus its largest element; where that is infinite, the result is NaN as in SciPy."""
    x = floating(term(x))
    axes = axes_of(axis, x.ndim)
    largest = stop_gradient(max(x, axes))
    return x - copied_along(largest, x.shape, axes), axes
