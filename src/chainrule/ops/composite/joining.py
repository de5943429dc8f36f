"""Arrays put together and taken apart: NumPy's concatenate, stack, split and their kin."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops import rearrange
from chainrule.ops.composite.shaping import atleast_1d, atleast_2d, atleast_3d, expand_dims, ravel
from chainrule.ops.composite.table import axis_of, covers, in_dtype, term, terms
from chainrule.ops.rearrange import part, reshaped
from chainrule.ops.term import Term

# --- together -------------------------------------------------------------------------------------


@covers(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None) -> Any:
    """The arrays one after the other along an axis; along None all their elements as one vector.

    Dtypes meet by NumPy's promotion.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2,))
    >>> cr.graph(concatenate([x, [7, 8], x]), [x]).at([1.0, 2.0]).value.tolist()
    [1.0, 2.0, 7.0, 8.0, 1.0, 2.0]

    Raises:
        GraphError: E203 when the shapes do not fit.
    """
    given = _several(arrays)
    if axis is None:
        return joined([ravel(x) for x in given], 0, dtype)
    if any(x.ndim == 0 for x in given):
        raise GraphError("E203", "concatenate: a scalar has no axis; stack() gives it one")
    return joined(given, axis_of(axis, given[0].ndim), dtype)


concat = concatenate


@covers(np.stack)
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None) -> Any:
    """Arrays of one shape along a new axis.

    Raises:
        GraphError: E203 when the shapes differ.
    """
    given = _several(arrays)
    at = axis_of(axis, given[0].ndim + 1)
    return joined([expand_dims(x, min(at, x.ndim)) for x in given], at, dtype)


@covers(np.vstack)
def vstack(tup: Any, *, dtype: Any = None) -> Any:
    """Matrices below one another; vectors are rows."""
    return joined([atleast_2d(x) for x in _several(tup)], 0, dtype)


@covers(np.hstack)
def hstack(tup: Any, *, dtype: Any = None) -> Any:
    """Matrices side by side; vectors one after the other."""
    given = [atleast_1d(x) for x in _several(tup)]
    return joined(given, 0 if given[0].ndim == 1 else 1, dtype)


@covers(np.dstack)
def dstack(tup: Any) -> Any:
    """Arrays one behind the other, along the third axis."""
    return joined([atleast_3d(x) for x in _several(tup)], 2)


@covers(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Matrices side by side; vectors are columns."""
    given = [reshaped(x, (*x.shape, 1, 1)[:2]) if x.ndim < 2 else x for x in _several(tup)]
    return joined(given, 1)


@covers(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values behind an array along an axis; along None all elements as one vector."""
    return concatenate([arr, values], axis)


@covers(np.block)
def block(arrays: Any) -> Any:
    """A matrix of blocks: the innermost lists are joined along the last axis, and so on outwards.

    >>> import chainrule as cr
    >>> x = cr.input("x", (2, 2))
    >>> block([[x, 0 * x], [0 * x, x]]).shape
    (4, 4)
    """
    depth, inner = 0, arrays
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    given = terms(_leaves(arrays, depth))
    ndim = max(depth, *[x.ndim for x in given])
    parts = iter([reshaped(x, (1,) * (ndim - x.ndim) + x.shape) for x in given])

    def made(level: Any, left: int) -> Any:
        if not left:
            return next(parts)
        return joined([made(inner, left - 1) for inner in level], ndim - left)

    return made(arrays, depth)


def _leaves(level: Any, depth: int) -> list[Any]:
    """The arrays in nested lists, all as deep."""
    if isinstance(level, list) != (depth > 0):
        raise GraphError("E203", "block: all lists are nested as deep as the first")
    if not depth:
        return [level]
    if not level:
        raise GraphError("E203", "block: a list is empty")
    return [leaf for inner in level for leaf in _leaves(inner, depth - 1)]


def joined(given: Sequence[Any], axis: int, dtype: Any = None) -> Any:
    """Terms one after the other along an axis, in the dtype in which they meet."""
    if dtype is None:
        dtype = np.result_type(*[x.dtype for x in given])
    same = [in_dtype(x, dtype) for x in given]
    return same[0] if len(same) == 1 else rearrange.concatenate(*same, axis=axis)


def _several(arrays: Any) -> list[Any]:
    """The arrays of a sequence; those along the first axis of a single array."""
    if isinstance(arrays, Term):
        return list(unstack(arrays))
    try:
        found = list(arrays)
    except TypeError:
        raise GraphError("E214", f"{shown(arrays)} is not a list of arrays") from None
    return terms(found)


# --- apart ----------------------------------------------------------------------------------------


@covers(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``ary`` in parts along an axis: so many, as equal as they can be, or cut at these places."""
    x = term(ary)
    at = axis_of(axis, x.ndim)
    size = x.shape[at]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        cuts = [0, *map(operator.index, indices_or_sections), size]
    else:
        quotient, rest = divmod(size, _sections(indices_or_sections))
        cuts = [k * quotient + min(k, rest) for k in range(indices_or_sections + 1)]
    spans = [range(size)[first:end] for first, end in pairwise(cuts)]
    return [part(x, at, span.start if span else 0, len(span)) for span in spans]


@covers(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``ary`` in parts along an axis: so many equal ones, or cut at these places.

    >>> import chainrule as cr
    >>> [part.shape for part in split(cr.input("x", (6, 2)), [1, 3])]
    [(1, 2), (2, 2), (3, 2)]

    Raises:
        GraphError: E203 when the parts would not be equal; array_split allows that.
    """
    x = term(ary)
    if not isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        size = x.shape[axis_of(axis, x.ndim)]
        if size % _sections(indices_or_sections):
            raise GraphError(
                "E203", f"split: {size} cannot be in {indices_or_sections} equal parts"
            )
    return array_split(x, indices_or_sections, axis)


@covers(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``ary`` in parts along its second axis; a vector along its only one."""
    x = term(ary)
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@covers(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """A matrix in parts along its first axis."""
    return _split_among(2, ary, indices_or_sections, 0)


@covers(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``ary`` in parts along its third axis."""
    return _split_among(3, ary, indices_or_sections, 2)


def unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    """The arrays along an axis, one for each place."""
    whole = term(x)
    at = axis_of(axis, whole.ndim)
    shape = whole.shape[:at] + whole.shape[at + 1 :]
    return tuple([reshaped(part(whole, at, k, 1), shape) for k in range(whole.shape[at])])


if hasattr(np, "unstack"):  # NumPy 2.1
    covers(np.unstack)(unstack)


def _sections(value: Any) -> int:
    try:
        sections = operator.index(value)
    except TypeError:
        raise GraphError("E203", f"a number of parts, or places, got {shown(value)}") from None
    if sections < 1:
        raise GraphError("E203", f"there must be at least 1 part, got {sections}")
    return sections


def _split_among(ndim: int, ary: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    x = term(ary)
    if x.ndim < ndim:
        raise GraphError("E203", f"{list(x.shape)} has fewer than {ndim} axes")
    return split(x, indices_or_sections, axis)
