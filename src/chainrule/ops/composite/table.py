"""Which NumPy functions have a counterpart here, and what all counterparts share."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.graph.node import CONSTANT, constant_node, constant_value
from chainrule.graph.types import Type
from chainrule.ops.rearrange import concatenate, reshaped
from chainrule.ops.select import convert
from chainrule.ops.term import Term

F = TypeVar("F", bound=Callable[..., Any])

COVERED: Final[dict[Any, Callable[..., Any]]] = {}
"""NumPy or SciPy function → its counterpart over terms."""
NAMED: Final[dict[str, Callable[..., Any]]] = {}
"""The functions by name, those of NumPy and others."""
LINALG: Final[dict[str, Callable[..., Any]]] = {}
"""Name of a function of ``scipy.linalg`` → its counterpart, which takes arguments as that does."""


def covers(*functions: Any) -> Callable[[F], F]:
    """Say which NumPy functions a function is the counterpart of, and offer it by its own name.

    It takes their arguments by the same names and order; those it leaves out are refused by name.
    """

    def enter(counterpart: F) -> F:
        NAMED[counterpart.__name__] = counterpart
        for function in functions:
            if COVERED.setdefault(function, counterpart) is not counterpart:
                raise ValueError(f"{function} has a counterpart already")
        return counterpart

    return enter


def kind_of(values: Sequence[Any]) -> type[Term]:
    """The class of the results: that of the terms among the values.

    Raises:
        GraphError: E215 when there is none.
    """
    found: type[Term] | None = None
    for value in values:
        if isinstance(value, Term) and (found is None or issubclass(type(value), found)):
            found = type(value)
    if found is None:
        raise GraphError(
            "E215", "given only numbers; make one of them symbolic with chainrule.constant()"
        )
    return found


def as_term(value: Any, kind: type[Term]) -> Any:
    """A term as it is; a number or an array as a constant of its own dtype.

    Lists, tuples and arrays of objects that hold terms are stacked.

    Raises:
        GraphError: E214 for anything else, E203 for parts of different shapes.
    """
    if isinstance(value, Term):
        return value
    if isinstance(value, (list, tuple)) and _holds_terms(value):
        return _stacked([as_term(part, kind) for part in value])
    try:
        array = value if isinstance(value, np.ndarray) else np.asarray(value)
        if array.dtype == object:
            parts = [as_term(part, kind) for part in array.flat]
            return reshaped(_stacked(parts), array.shape) if array.ndim else parts[0]
        return kind(constant_node(array, Type.of(array.dtype, array.shape)))
    except (TypeError, ValueError) as error:
        if isinstance(error, GraphError) and error.code == "E203":
            raise
        raise GraphError("E214", f"{shown(value)} is not an array of numbers") from None


def _holds_terms(value: Sequence[Any]) -> bool:
    """Whether there is a term somewhere in nested lists."""
    return any(
        isinstance(part, Term) or (isinstance(part, (list, tuple)) and _holds_terms(part))
        for part in value
    )


def _stacked(parts: Sequence[Any]) -> Any:
    """Terms of one shape along a new first axis."""
    shapes = {part.shape for part in parts}
    if len(shapes) != 1:
        raise GraphError("E203", f"parts of shapes {sorted(map(list, shapes))} cannot be stacked")
    return concatenate(*(reshaped(part, (1, *part.shape)) for part in parts), axis=0)


def term(value: Any) -> Any:
    """The one array argument of a function, as a term."""
    return value if isinstance(value, Term) else as_term(value, kind_of([value]))


def terms(values: Sequence[Any]) -> list[Any]:
    """Several array arguments as terms of one class."""
    kind = kind_of(values)
    return [as_term(value, kind) for value in values]


def in_dtype(x: Any, dtype: Any) -> Any:
    """``x`` in a dtype; a constant is made in it, where anything else is converted."""
    if x.dtype == dtype:
        return x
    if x.node.op is CONSTANT:
        value = constant_value(x.node).astype(dtype)
        return x.__class__(constant_node(value, Type.of(value.dtype, x.shape)))
    return convert(x, dtype)


def truth(x: Any) -> Any:
    """Whether each element is not 0."""
    return x if x.dtype.kind == "b" else x != 0


def neutral(number: float, dtype: np.dtype[Any]) -> float:
    """The number, or the bound of the dtype in place of an infinite one."""
    if dtype.kind == "i" and math.isinf(number):
        bounds = np.iinfo(dtype)
        return int(bounds.max if number > 0 else bounds.min)
    return number


def kept(x: Any, shape: Sequence[int], axes: Collection[int], keepdims: bool) -> Any:
    """What a reduction of this shape along these axes gave; they stay with size 1 if wanted."""
    if not keepdims:
        return x
    return reshaped(x, tuple([1 if at in axes else size for at, size in enumerate(shape)]))


def axis_of(axis: Any, ndim: int) -> int:
    """One axis counted from 0; negative ones count from the end.

    Raises:
        GraphError: E203 for one that is not there.
    """
    try:
        at = operator.index(axis)
    except TypeError:
        raise GraphError("E203", f"an axis is a whole number, got {shown(axis)}") from None
    if not -ndim <= at < ndim:
        raise GraphError("E203", f"there is no axis {at} among {ndim}")
    return at % ndim


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from 0, ascending; None means all of them; errors as for `axes_in_order`."""
    return tuple(sorted(axes_in_order(axis, ndim)))


def axes_in_order(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from 0, in the order named; None means all of them.

    Raises:
        GraphError: E203 for one that is not there, or is named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple([axis_of(at, ndim) for at in given])
    if len(set(found)) < len(found):
        raise GraphError("E203", f"an axis is named twice in {shown(axis)}")
    return found


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple; a whole number is the shape of a vector.

    Raises:
        GraphError: E203 for anything else.
    """
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        return tuple([operator.index(size) for size in given])
    except TypeError:
        raise GraphError("E203", f"a shape is made of whole numbers, got {shown(shape)}") from None
