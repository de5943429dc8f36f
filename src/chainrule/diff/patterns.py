"""Patterns: for each element of an array the set of columns that it depends on.

A pattern is a sparse matrix of truth values with a row for each element.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt

from chainrule.errors import LimitError
from chainrule.graph.types import UNKNOWN, Type

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    Pattern = csr_array[np.bool_, tuple[int, int]]

Numbers = npt.NDArray[np.int64]

MOST: Final = 200_000_000
"""Entries that a pattern may have."""


@functools.cache
def sparse() -> Any:
    """The module ``scipy.sparse``, loaded on first use: it takes longer than all of ours."""
    return importlib.import_module("scipy.sparse")


def size(type: Type) -> int:
    """The number of elements; of what has a length that is not known, those of one step."""
    return math.prod([length for length in type.shape if length != UNKNOWN])


def identity(count: int, columns: int, first: int = 0) -> Pattern:
    """So many elements, each depending on one column, from a first one on."""
    starts = np.arange(count + 1)
    return _pattern(np.arange(first, first + count), starts, columns)


def nothing(count: int, columns: int) -> Pattern:
    """So many elements that depend on nothing."""
    return _pattern(np.zeros(0, np.int64), np.zeros(count + 1, np.int64), columns)


def stacked(patterns: Sequence[Pattern]) -> Pattern:
    """The rows of several patterns, one below the other."""
    if len(patterns) == 1:
        return patterns[0]
    return cast("Pattern", sparse().vstack(patterns, format="csr"))


def united(a: Pattern, b: Pattern) -> Pattern:
    """What is in one or in the other; one of them itself where it has all."""
    if a is b or not b.nnz:
        return a
    if not a.nnz:
        return b
    _check(a.nnz + b.nnz)
    made = a + b
    if made.nnz == a.nnz:
        return a
    return b if made.nnz == b.nnz else made


def taken(pattern: Pattern, rows: Numbers) -> Pattern:
    """Rows by their numbers, nothing for −1."""
    if len(rows) == pattern.shape[0] and np.array_equal(rows, np.arange(len(rows))):
        return pattern
    _check(int(np.diff(pattern.indptr)[rows[rows >= 0]].sum(dtype=np.int64)))
    if (rows < 0).any():
        pattern = _pattern(
            pattern.indices, np.append(pattern.indptr, pattern.indptr[-1]), pattern.shape[1]
        )
    return pattern[rows]


def gathered(pattern: Pattern, places: Numbers, count: int) -> Pattern:
    """So many rows: each unites the given rows that go to its place; −1: they go nowhere."""
    here = np.flatnonzero(places >= 0)
    shape = (count, pattern.shape[0])
    there = sparse().csr_array((np.ones(len(here), np.bool_), (places[here], here)), shape=shape)
    made = there @ pattern
    made.sort_indices()
    return cast("Pattern", made)


def dense(pattern: Pattern, count: int) -> Pattern:
    """So many rows that all depend on everything any row of the pattern depends on."""
    whole = gathered(pattern, np.zeros(pattern.shape[0], np.int64), 1)
    return taken(whole, np.zeros(count, np.int64))


def tiled(pattern: Pattern, count: int) -> Pattern:
    """So many copies, one below the other."""
    return taken(pattern, np.tile(np.arange(pattern.shape[0]), count))


def symmetric(pattern: Pattern) -> Pattern:
    """What a matrix that is symmetric can have of a pattern: entries whose mirror is there, too."""
    made = pattern.multiply(pattern.T.tocsr()).tocsr()
    made.sort_indices()
    return made


def _pattern(indices: Any, starts: Any, columns: int) -> Pattern:
    shape = (len(starts) - 1, columns)
    data = np.ones(len(indices), np.bool_)
    return cast("Pattern", sparse().csr_array((data, indices, starts), shape=shape))


def _check(entries: int) -> None:
    if entries > MOST:
        raise LimitError(
            "E159",
            f"the derivatives have {entries:,} entries that may not be zero, more than {MOST:,}: "
            "they are not sparse",
        )
