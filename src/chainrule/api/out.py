"""Results that go into memory of the caller's: ``out=``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.api.outputs import arranged
from chainrule.errors import EvaluationError, shown
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Arrangement, Matrix
from chainrule.graph.types import Type


class Into(NamedTuple):
    """An array of the caller's, and what goes into it.

    Attributes:
        array: The array.
        part: The result that goes there: one output, or several as a matrix.
        whole: Whether the result can be computed right there.
    """

    array: np.ndarray[Any, Any]
    part: int | Matrix
    whole: bool


def arrays_for(
    arrangement: Arrangement,
    types: Sequence[Type],
    out: Any,
    shape: tuple[int, ...],
    values: Sequence[Any],
) -> tuple[Into, ...]:
    """The arrays that results go into.

    Args:
        arrangement: The structure of the results.
        types: The types of the outputs.
        out: Arrays in the structure of the results; None for results that are to be new.
        shape: The shape of the points.
        values: The arguments. A result that shares memory with one of them is computed elsewhere
            and then copied.

    Raises:
        EvaluationError: E346 for another structure, for what is no array that can be written to,
            and for arrays that overlap; E304 for a wrong dtype; E305 for a wrong shape.
    """
    found: list[Into] = []
    for part, array in _pairs(arrangement, out, "out"):
        type = types[part.first if isinstance(part, Matrix) else part]
        size = (part.rows, part.columns) if isinstance(part, Matrix) else type.shape
        _check(array, (*shape, *size), type.dtype)
        if any(_overlap(array, other.array) for other in found):
            raise EvaluationError("E346", "two arrays of out share memory")
        flags = array.flags
        whole = isinstance(part, int) and flags.c_contiguous and flags.aligned
        shared = any(np.may_share_memory(array, v) for v in values if isinstance(v, np.ndarray))
        found.append(Into(array, part, whole and not shared))
    return tuple(found)


def _overlap(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Whether two arrays have an element in common, or might have; columns of one array have none.

    It may take very long to find out for sure.
    """
    try:
        return np.shares_memory(a, b, max_work=1000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _pairs(arrangement: Arrangement, out: Any, name: str) -> Iterator[tuple[int | Matrix, Any]]:
    """Each part of the results with its array (arrangements are never deep)."""
    if out is None:
        return
    if isinstance(arrangement, int | Matrix):
        if not isinstance(out, np.ndarray) or not out.shape or not out.flags.writeable:
            problem = "no array that can be written to; numbers are results, not memory"
            raise EvaluationError("E346", f"{name} is {problem}, got {shown(out)}")
        yield arrangement, out
        return
    if not isinstance(out, tuple | list) or len(out) != len(arrangement):
        count = len(arrangement)
        raise EvaluationError("E346", f"{name} must be {count} arrays or None, got {shown(out)}")
    for at, (part, given) in enumerate(zip(arrangement, out, strict=True)):
        yield from _pairs(part, given, f"{name}[{at}]")


def _check(array: np.ndarray[Any, Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if array.dtype != dtype:
        raise EvaluationError("E304", f"the result is {dtype}, out has {array.dtype}")
    if array.shape != shape:
        raise EvaluationError(
            "E305", f"the result has shape {list(shape)}, out has {list(array.shape)}"
        )


def copied(into: Sequence[Into], results: Sequence[Any], shape: tuple[int, ...]) -> None:
    """Put the results where they go, those that are not there already."""
    for array, part, _ in into:
        made = arranged(part, results, shape)
        if made is not array:
            array[...] = made


def handed_out(
    arrangement: Arrangement, into: Sequence[Into], results: Sequence[Any], shape: tuple[int, ...]
) -> Any:
    """The results in their structure: the caller's arrays where they were given."""
    of = {part: array for array, part, _ in into}

    def build(arrangement: Arrangement) -> Any:
        if isinstance(arrangement, int | Matrix):
            found = of.get(arrangement)
            return arranged(arrangement, results, shape) if found is None else found
        return tuple([build(part) for part in arrangement])

    return build(arrangement)


def arrangement_of(dag: Dag) -> Arrangement:
    """The structure of the results of a graph."""
    if dag.arrangement is not None:
        return dag.arrangement
    return 0 if len(dag.outputs) == 1 else tuple(range(len(dag.outputs)))
