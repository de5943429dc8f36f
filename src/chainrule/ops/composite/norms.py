"""Norms of vectors and matrices: NumPy's ``linalg.norm`` and its two kin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.arithmetic import square
from chainrule.ops.composite.shaping import Axis
from chainrule.ops.composite.statistics import floating, max, min, root, sum
from chainrule.ops.composite.table import (
    axes_in_order,
    axes_of,
    covers,
    in_dtype,
    kept,
    term,
)
from chainrule.ops.decompose import singular_values
from chainrule.ops.rearrange import part, permuted
from chainrule.ops.select import where

Order = float | str | None


@covers(np.linalg.norm)
def norm(x: Any, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of a vector or a matrix, or of many along one axis or two.

    Where the 2-norm or the Frobenius norm is 0, its derivative is 0, the subgradient of smallest
    length; so is that of a singular value that is 0. The largest elements share the derivative of
    the ∞-norm.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> record = cr.graph(norm(x), [x]).at([0.0, 2.0])
    >>> record.value, record.gradient["x"].tolist()
    (2.0, [0.0, 1.0])

    Args:
        x: The vector or matrix.
        ord: For vectors 2 (the default), 1, ∞, −∞, 0 (the number of elements other than 0) or
            another p; for matrices ``"fro"`` (the default), ``"nuc"``, 1, −1, 2, −2, ∞ or −∞.
        axis: The axis of the vectors, or the two axes of the matrices; None: ``x`` is one.
        keepdims: Keep the axes that go away, with size 1.

    Raises:
        GraphError: E212 for an order that there is not; E203 when ``x`` is no vector or matrix.
    """
    x = floating(term(x))
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    match axes_in_order(axis, x.ndim):
        case (at,):
            return vector_norm(x, axis=at, keepdims=keepdims, ord=2 if ord is None else ord)
        case (row, column):
            found = _of_matrices(x, "fro" if ord is None else ord, row, column)
            return kept(found, x.shape, (row, column), keepdims)
        case axes:
            raise GraphError("E203", f"a norm is along one axis or two, not {len(axes)}")


@covers(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Axis = None, keepdims: bool = False, ord: float | str = 2) -> Any:
    """The norm of vectors: of all elements together, or of those along some axes.

    Where the 2-norm is 0, its derivative is 0. For 0 < p < 1 an element that is 0 has derivative 0.
    """
    x = floating(term(x))
    axes = axes_of(axis, x.ndim)
    return kept(_of_vectors(x, ord, axes), x.shape, axes, keepdims)


@covers(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: float | str = "fro") -> Any:
    """The norm of each matrix, which the last two axes are; orders as for `norm`."""
    x = floating(term(x))
    if x.ndim < 2:
        raise GraphError("E203", f"{list(x.shape)} is not a matrix")
    return norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def _of_vectors(x: Any, ord: float | str, axes: tuple[int, ...]) -> Any:
    if isinstance(ord, str) or math.isnan(ord):
        raise GraphError("E212", f"there is no norm of order {shown(ord)} for vectors")
    if ord == 2:
        return root(sum(square(x), axes))
    if ord == 0:
        return in_dtype(sum(x != 0, axes), x.dtype)
    sizes = abs(x)
    if ord == 1:
        return sum(sizes, axes)
    if abs(ord) == math.inf:
        return (max if ord > 0 else min)(sizes, axes)
    powers = sizes ** float(ord)
    if 0 < ord < 1:
        powers = where(x == 0, 0.0, powers)
    total = sum(powers, axes)
    found = total ** (1 / float(ord))
    return where(total == 0, 0.0, found) if ord > 0 else found


def _of_matrices(x: Any, ord: float | str, row: int, column: int) -> Any:
    if ord in ("fro", "f"):
        return _of_vectors(x, 2, tuple(sorted((row, column))))
    if ord in ("nuc", 2, -2):
        return _of_singular_values(x, ord, row, column)
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise GraphError("E212", f"there is no norm of order {shown(ord)} for matrices")
    inner, outer = (row, column) if abs(ord) == 1 else (column, row)
    sums = sum(abs(x), inner)
    return (max if ord > 0 else min)(sums, outer - (outer > inner))


def _of_singular_values(x: Any, ord: float | str, row: int, column: int) -> Any:
    """The largest, the smallest or the sum; one that is exactly 0 has derivative 0."""
    others = [at for at in range(x.ndim) if at not in (row, column)]
    s = singular_values(permuted(x, [*others, row, column]))
    s = where(s == 0, 0.0, s)
    if ord == "nuc" or s.shape[-1] == 0:
        return sum(s, -1)
    return sum(part(s, s.ndim - 1, 0 if ord == 2 else s.shape[-1] - 1, 1), -1)
