"""Polynomials given by their coefficients, the highest power first."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.ops.composite.joining import joined
from chainrule.ops.composite.products import together
from chainrule.ops.composite.shaping import broadcast_to, full_like, ravel, zeros_like
from chainrule.ops.composite.table import covers, in_dtype, term, terms
from chainrule.ops.rearrange import part, reshaped


@covers(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with these coefficients, the highest power first, at ``x``.

    >>> import chainrule as cr
    >>> x = cr.input("x")
    >>> cr.graph(polyval([1, 0, -2], x), [x]).at(3.0).value
    7.0
    """
    p, x = terms([p, x])
    if p.ndim != 1:
        raise GraphError("E203", f"coefficients are a vector, got {list(p.shape)}")
    dtype = np.result_type(p.dtype, x.dtype)
    if not p.shape[0]:
        return zeros_like(x)
    coefficients = [reshaped(part(p, 0, at, 1), ()) for at in range(p.shape[0])]
    made = broadcast_to(in_dtype(coefficients[0], dtype), x.shape)
    for coefficient in coefficients[1:]:
        made = made * x + coefficient
    return made


@covers(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    """The powers of each element in a row of a matrix, the highest first, or the lowest."""
    v = term(x)
    if v.ndim != 1:
        raise GraphError("E203", f"vander takes a vector, got {list(v.shape)}")
    v = in_dtype(v, np.promote_types(v.dtype, np.int64))
    count = v.shape[0] if N is None else operator.index(N)
    if count < 0:
        raise GraphError("E203", f"vander: columns count from 0, got {count}")
    column = reshaped(v, (v.shape[0], 1))
    powers = [full_like(column, 1) if k == 0 else column**k for k in range(count)]
    if not powers:
        return full_like(column, 0, shape=(v.shape[0], 0))
    return joined(powers if increasing else powers[::-1], 1)


@covers(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """The coefficients of the sum of two polynomials."""
    first, second = _of_one_length(a1, a2)
    return first + second


@covers(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """The coefficients of the difference of two polynomials."""
    first, second = _of_one_length(a1, a2)
    return first - second


def _of_one_length(a1: Any, a2: Any) -> list[Any]:
    given = [ravel(x) for x in together(a1, a2)]
    most = max(x.shape[0] for x in given)
    return [
        x if x.shape[0] == most else joined([zeros_like(x, shape=most - x.shape[0]), x], 0)
        for x in given
    ]


@covers(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """The coefficients of the ``m``-th derivative."""
    x = term(p)
    times = _order(m, x)
    count = max(x.shape[0] - times, 0)
    if not times:
        return x
    powers = np.arange(count)[::-1]
    factors = [math.perm(int(k) + times, times) for k in powers]
    return part(x, 0, 0, count) * np.array(factors, np.int64)


@covers(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The coefficients of an ``m``-fold integral, with constants ``k`` of integration, 0 if None.

    The first constant is that of the first integral.
    """
    x = term(p)
    times = _order(m, x)
    constants = _constants(k, x, times)
    for at in range(times):
        size = x.shape[0]
        x = joined([x / np.arange(size, 0, -1), constants[at]], 0)
    return x


def _constants(k: Any, x: Any, times: int) -> list[Any]:
    """The constants of integration, each a vector of one element."""
    if k is None:
        return [zeros_like(x, shape=1)] * times
    _, given = terms([x, k])
    flat = ravel(given)
    if flat.shape[0] not in (1, times):
        raise GraphError("E203", f"polyint: {flat.shape[0]} constants for {times} integrals")
    return [part(flat, 0, at if flat.shape[0] > 1 else 0, 1) for at in range(times)]


def _order(m: Any, x: Any) -> int:
    times = operator.index(m)
    if times < 0 or x.ndim != 1:
        raise GraphError("E203", "a whole number from 0, and a vector of coefficients")
    return times
