"""Sorting and searching. What is sorted is taken along the axis by the indices that sort it, so
that derivatives follow the permutation.

Sorting is always stable, whatever ``kind`` and ``stable`` say. NaN come last, also from the largest
to the smallest.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops import index as primitive
from chainrule.ops.composite.indexing import take, take_along_axis
from chainrule.ops.composite.selection import depends
from chainrule.ops.composite.shaping import in_a_line, ravel
from chainrule.ops.composite.table import as_term, covers, in_dtype, kind_of, term, terms
from chainrule.ops.rearrange import part, reshaped
from chainrule.ops.reduce import any_of
from chainrule.ops.term import Term


def _order(x: Any, axis: int, descending: bool) -> Any:
    """The indices that sort x; equal elements keep their order either way."""
    if descending:
        # −1 − x turns the order of whole numbers round without overflow.
        kind = x.dtype.kind
        x = ~x if kind == "b" else -1 - x if kind == "i" else -x
    return primitive.argsort(x, axis)


@covers(np.sort)
def sort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    stable: bool | None = None,
    descending: bool = False,
) -> Any:
    """The elements in ascending order along an axis, or in descending order; None: all in a row.

    >>> import chainrule as cr
    >>> x = cr.input("x", 3)
    >>> cr.graph(sort(x), [x]).at([3, 1, 2]).value
    array([1., 2., 3.])
    """
    x, at = in_a_line(a, axis)
    return take_along_axis(x, _order(x, at, descending), at)


@covers(np.argsort)
def argsort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    stable: bool | None = None,
    descending: bool = False,
) -> Any:
    """The indices that sort an array along an axis; None: all elements in a row."""
    return _order(*in_a_line(a, axis), descending)


@covers(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """The elements with the ``kth`` in its place, smaller ones before it: all are sorted."""
    x, at = in_a_line(a, axis)
    _check_kth(kth, x.shape[at])
    return sort(x, at)


@covers(np.argpartition)
def argpartition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """The indices that `partition` takes: all that sort."""
    x, at = in_a_line(a, axis)
    _check_kth(kth, x.shape[at])
    return argsort(x, at)


def _check_kth(kth: Any, size: int) -> None:
    for place in np.ravel(kth):
        if not -size <= place < size:
            raise GraphError("E203", f"there is no element {place} among {size}")


@covers()
def top_k(x: Any, k: int) -> tuple[Any, Any]:
    """The ``k`` largest elements along the last axis, largest first, and their indices."""
    x = term(x)
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise GraphError(
            "E203", f"there are no {k} elements along the last axis of {list(x.shape)}"
        )
    indices = part(_order(x, x.ndim - 1, True), x.ndim - 1, 0, k)
    return take_along_axis(x, indices, -1), indices


@covers(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Where values belong in an ascending list: before equal elements, or behind them."""
    ordered, values = (x if isinstance(x, (Term, int, float)) else np.asarray(x) for x in (a, v))
    if sorter is not None:
        ordered = take(as_term(a, kind_of((a, v, sorter))), sorter)
    return primitive.searchsorted(ordered, values, side)


@covers(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The number of the bin that each value is in; bins are known or ascending."""
    if isinstance(bins, Term):
        return searchsorted(bins, x, "left" if right else "right")
    edges = np.asarray(bins)
    steps = np.diff(edges)
    if edges.ndim != 1 or not ((steps >= 0).all() or (steps <= 0).all()):
        raise GraphError("E203", "digitize: bins are a list, all ascending or all descending")
    if edges.size and edges[0] > edges[-1]:
        return len(edges) - searchsorted(edges[::-1], x, "left" if right else "right")
    return searchsorted(edges, x, "left" if right else "right")


@covers(np.isin)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: str | None = None,
) -> Any:
    """Whether each element is among others; every pair is compared."""
    x, others = terms([element, test_elements])
    x = reshaped(x, (*x.shape, 1))
    found = any_of(x == ravel(others), (x.ndim - 1,))
    return ~found if invert else found


@covers(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each whole number from 0 comes in ``x``, which is known, or the sum of weights.

    Raises:
        GraphError: E235 for symbolic numbers, the largest of which is not known.
    """
    if isinstance(x, Term):
        raise depends("the largest of symbolic numbers", "use zeros.at[x].add(weights) instead")
    numbers, w = np.asarray(x), term(weights)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers < 0).any():
        raise GraphError("E203", f"bincount: a list of whole numbers from 0, got {shown(x)}")
    if w.shape != numbers.shape:
        raise GraphError("E203", f"bincount: {list(w.shape)} weights of {list(numbers.shape)}")
    count = max(int(numbers.max(initial=-1)) + 1, minlength)
    places = numbers.astype(np.int64)
    return primitive.scatter_add(in_dtype(w, np.dtype(np.float64)), places, shape=(count,))


@covers(np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values)
def unique(ar: Any) -> NoReturn:
    """Refused: how many different elements there are depends on the data."""
    raise depends("the different elements of an array", "sort() keeps all of them")
