"""Elements by index: ``x[key]``, ``at(x)[key].set(...)``, and NumPy's functions that choose.

Everything is a slice, a `gather` or a scatter. Indices that are known are checked at once; those
that are symbolic, when the graph is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.graph.node import constant_node
from chainrule.graph.types import Type
from chainrule.ops import select as primitive
from chainrule.ops.composite.selection import Selection, depends, selection
from chainrule.ops.composite.shaping import in_a_line, ravel
from chainrule.ops.composite.table import as_term, axis_of, covers, kind_of, neutral
from chainrule.ops.copies import broadcast_along, trailing
from chainrule.ops.index import gather, scatter_add, scatter_set
from chainrule.ops.rearrange import reshaped
from chainrule.ops.reduce import largest, product, smallest
from chainrule.ops.term import Term


def get(x: Any, key: Any) -> Any:
    """``x[key]`` with all of NumPy's keys whose result has a shape that is known.

    Whole numbers, slices, None, an ellipsis, arrays of indices (known or symbolic) and masks that
    are known.

    >>> import chainrule as cr
    >>> x = cr.input("x", (4, 3))
    >>> get(x, (slice(None, None, -2), None, 1)).shape, get(x, [0, 0, 2]).shape
    ((2, 1), (3, 3))
    """
    x = as_term(x, kind_of((x, *(key if isinstance(key, tuple) else (key,)))))
    chosen = selection(key, x.shape)
    return chosen.chosen(chosen.sliced(x))


# --- writing --------------------------------------------------------------------------------------


class At:
    """``at(x)[key]``: places of x, to be given other values."""

    def __init__(self, x: Any) -> None:
        self._x = x

    def __getitem__(self, key: Any) -> Place:
        return Place(self._x, key)


class Place:
    """Chosen places of x; each method gives a new array, x stays as it is.

    Values are broadcast to the shape of ``x[key]`` and take the dtype of x. Where a place is chosen
    twice, all values count; for `set`, the last.
    """

    def __init__(self, x: Any, key: Any) -> None:
        self._given = x
        self._key = key

    def set(self, values: Any) -> Any:
        """``x`` with these values there."""
        x, chosen, values = self._read("set", values)
        return _written(x, chosen, chosen.spread(values))

    def add(self, values: Any) -> Any:
        """``x`` with these values added there."""
        x, chosen, values = self._read("add", values)
        return x + _placed(x, chosen, chosen.spread(values))

    def multiply(self, values: Any) -> Any:
        """``x`` multiplied by these values there."""
        return self._combined("multiply", values, lambda a, b: a * b, product, 1)

    def min(self, values: Any) -> Any:
        """The smaller of x and these values there."""
        return self._combined("min", values, primitive.minimum, smallest, math.inf)

    def max(self, values: Any) -> Any:
        """The larger of x and these values there."""
        return self._combined("max", values, primitive.maximum, largest, -math.inf)

    def _read(self, name: str, values: Any) -> tuple[Any, Selection, Any]:
        key = self._key if isinstance(self._key, tuple) else (self._key,)
        x = as_term(self._given, kind_of((self._given, values, *key)))
        if name != "set" and x.node.type.is_bool:
            raise GraphError("E202", f"{name} needs numbers, got {x.node.type}")
        chosen = selection(self._key, x.shape)
        return x, chosen, _fitting(name, values, chosen.shape, x)

    def _combined(
        self, name: str, values: Any, pair: Callable[..., Any], many: Any, start: float
    ) -> Any:
        x, chosen, values = self._read(name, values)
        if 0 in chosen.shape:
            return x
        spread, part = chosen.spread(values), chosen.sliced(x)
        if chosen.is_static and not _repeats(chosen):
            old = gather(part, *chosen.indices) if chosen.axes else part
            return _written(x, chosen, pair(old, spread))
        joined = _joined(chosen, spread, part.shape, many, neutral(start, x.dtype))
        return _overwritten(x, chosen, pair(part, joined))


@covers()
def at(x: Any) -> At:
    """Places of x to write to: ``at(x)[key].set(v)``, ``add``, ``multiply``, ``min``, ``max``.

    >>> import chainrule as cr
    >>> x = cr.input("x", 4)
    >>> cr.graph(at(x)[[0, 0, 2]].add(10), [x]).at([1, 2, 3, 4]).value
    array([21.,  2., 13.,  4.])
    """
    return At(x)


def _fitting(name: str, values: Any, shape: tuple[int, ...], x: Any) -> Any:
    """Values as a term of this shape and of the dtype of x."""
    if not isinstance(values, Term):
        try:
            array = np.asarray(values)
        except ValueError:
            raise GraphError("E214", f"{shown(values)} is not an array of numbers") from None
        _check_fit(name, array, shape, x)
        array = np.broadcast_to(
            array.reshape(array.shape[max(0, array.ndim - len(shape)) :]), shape
        )
        return x.__class__(constant_node(array, Type.of(x.dtype, shape)))
    _check_fit(name, values, shape, x)
    if values.dtype != x.dtype:
        values = primitive.convert(values, x.dtype.name)
    thin = reshaped(values, values.shape[max(0, values.ndim - len(shape)) :])
    return broadcast_along(thin, shape, trailing(thin.ndim, len(shape)))


def _check_fit(name: str, values: Any, shape: tuple[int, ...], x: Any) -> None:
    if not np.can_cast(values.dtype, x.dtype, "same_kind"):
        raise GraphError("E202", f"{name}: values of dtype {values.dtype} into {x.node.type}")
    surplus = max(0, values.ndim - len(shape))
    sizes = zip(values.shape[::-1], shape[::-1], strict=False)
    if {*values.shape[:surplus]} - {1} or any(size not in (1, wanted) for size, wanted in sizes):
        problem = f"{list(values.shape)} cannot become {list(shape)}"
        raise GraphError("E203", f"shapes do not match in {name}: {problem}")


def _written(x: Any, chosen: Selection, values: Any) -> Any:
    """``x`` with values where the key chooses, as they lie behind `gather`."""
    if chosen.axes:
        values = scatter_set(chosen.sliced(x), values, *chosen.indices)
    return _overwritten(x, chosen, values)


def _overwritten(x: Any, chosen: Selection, part: Any) -> Any:
    """``x`` with another array where the slice is."""
    placed = reshaped(chosen.unsliced(part), x.shape)
    if chosen.takes_all:
        return placed
    return primitive.where(chosen.mask().reshape(x.shape), placed, x)


def _placed(x: Any, chosen: Selection, values: Any) -> Any:
    """Values added into zeros of the shape of x."""
    if chosen.axes:
        rest = values.shape[len(chosen.common) :]
        lengths = tuple([chosen.base[at] for at in chosen.axes])
        values = scatter_add(values, *chosen.indices, shape=(*lengths, *rest))
    return reshaped(chosen.unsliced(values), x.shape)


def _repeats(chosen: Selection) -> bool:
    """Whether a place is chosen twice."""
    if not chosen.axes:
        return False
    places = np.stack([index.ravel() for index in chosen.indices])
    return len(np.unique(places, axis=1).T) < len(places.T)


def _joined(chosen: Selection, values: Any, shape: tuple[int, ...], many: Any, neutral: Any) -> Any:
    """For each place the product (or extreme) of all values that go there: every pair is tried."""
    sizes = shape[: len(chosen.axes)]
    count, places = math.prod(chosen.common), math.prod(sizes)
    whole = (places, count, *shape[len(sizes) :])
    here: Any = 0
    for index, size in zip(chosen.indices, sizes, strict=True):
        if isinstance(index, Term):
            index = primitive.where(index < 0, index + size, index)
        here = here * size + index
    if isinstance(here, Term):
        here = broadcast_along(reshaped(here, (count,)), (places, count), (1,))
    else:
        here = here.reshape(count)
    goes = as_term(here == np.arange(places)[:, None], values.__class__)
    goes = broadcast_along(goes, whole, (0, 1))
    given = reshaped(values, (count, *whole[2:]))
    given = broadcast_along(given, whole, (1, *range(2, len(whole))))
    return reshaped(many(primitive.where(goes, given, neutral), (1,)), shape)


# --- NumPy's functions ----------------------------------------------------------------------------


def _along(x: Any, axis: Any, key: Any) -> Any:
    """``x[key]`` along an axis; along all elements in order for None."""
    x, at = in_a_line(x, axis)
    return get(x, (*(slice(None),) * at, key))


@covers(np.take)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at indices along an axis; of all elements in order for None."""
    x = as_term(a, kind_of((a, indices)))
    if not isinstance(indices, Term) and np.asarray(indices).dtype.kind == "b":
        indices = np.asarray(indices).astype(np.int64)
    return _along(x, axis, indices)


def _line_key(x: Any, indices: Any, axis: int) -> tuple[Any, ...]:
    """The key that takes indices along an axis, for each place along the others."""
    if not isinstance(indices, Term):
        indices = np.asarray(indices)
    if indices.ndim != x.ndim:
        problem = f"indices of {list(indices.shape)} along one axis of {list(x.shape)}"
        raise GraphError("E203", f"{problem}: the number of axes must be the same")
    return tuple(
        indices if at == axis else np.arange(size).reshape(-1, *(1,) * (x.ndim - at - 1))
        for at, size in enumerate(x.shape)
    )


@covers(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Elements at indices along an axis, chosen for each place along the others: what sorts."""
    x = as_term(arr, kind_of((arr, indices)))
    if axis is None:
        return get(ravel(x), indices)
    return get(x, _line_key(x, indices, axis_of(axis, x.ndim)))


@covers()
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> Any:
    """A new array with values at indices along an axis; NumPy's function writes into its own."""
    x = as_term(arr, kind_of((arr, indices, values)))
    if axis is None:
        flat = ravel(x)
        return reshaped(at(flat)[indices].set(values), x.shape)
    return at(x)[_line_key(x, indices, axis_of(axis, x.ndim))].set(values)


@covers(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The parts of an array along an axis where a known list of conditions holds."""
    return _along(as_term(a, kind_of((a, condition))), axis, _known_places(condition))


@covers(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements where a known condition holds, in one row."""
    return _along(as_term(arr, kind_of((arr, condition))), None, _known_places(condition))


def _known_places(condition: Any) -> Any:
    if isinstance(condition, Term):
        nonzero(condition)
    return np.flatnonzero(np.asarray(condition))


@covers(np.nonzero, np.flatnonzero, np.argwhere)
def nonzero(a: Any) -> NoReturn:
    """Refused: how many elements are not 0 depends on the data."""
    raise depends("the places where a condition holds", "use where(condition, x, 0) instead")
