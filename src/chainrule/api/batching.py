"""A function of one item becomes a function of many: its graph runs once, for all of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.fingerprint import Key
from chainrule.api.plans import Plan, Pure, Transformed, plan_of, planned
from chainrule.api.tracing import Arguments, Trace
from chainrule.api.tree import Structure, covered, flatten
from chainrule.diff.batch import batch
from chainrule.errors import GraphError, listed, shown
from chainrule.graph import walk
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import DTYPES, Type
from chainrule.ops.rearrange import along_front, permuted
from chainrule.ops.term import Term

_LEAVE: Final = "in_axes=None leaves it as it is"


def vmap(function: Pure, in_axes: Any = 0, out_axes: Any = 0) -> Pure:
    """A function of one item as a function of many, which stand along an axis of its arguments.

    There is no loop: every operation works on all items at once, and what does not depend on an
    item is computed once.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> rows, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0])
    >>> cr.vmap(lambda x, w: x @ w, in_axes=(0, None))(rows, w)
    array([-1., -1.])

    With `grad` it gives the gradient of every item:

    >>> cr.vmap(cr.grad(lambda w, x: (x @ w) ** 2), (None, 0))(w, rows)
    array([[-2., -4.],
           [-6., -8.]])

    Args:
        function: Of arrays, floats, and structures of them; what it reads besides, and arguments
            that are mapped along None, are the same for all items.
        in_axes: Along which axis the items of each positional argument stand; negative ones count
            from the end, None: it is the same for all. One number for all arguments, or a tuple
            with one for each; a part of it may be structured like its argument, as far as needed.
            Keyword arguments are mapped along axis 0.
        out_axes: Where the axis of items goes in each result. None is for results that do not
            depend on an item: they are given once.

    Raises:
        GraphError: E243 for axes that do not fit the arguments or results, E244 for arguments with
            different numbers of items, E245 for results that ``out_axes`` cannot be right for.
        TracingError: E230 to E238, at the line that cannot be traced.
    """
    taken = _read(tuple(in_axes) if isinstance(in_axes, list) else in_axes, "in_axes")
    given = _read(out_axes, "out_axes")
    return _Mapped(function, taken, given)


class _Mapped(Transformed):
    """A function of one item as a function of many."""

    __slots__ = ("_given", "_taken")

    def __init__(self, function: Pure, taken: _Axes, given: _Axes) -> None:
        super().__init__(function, ("vmap", taken, given))
        self._taken = taken
        self._given = given

    def _planned(self, arguments: Arguments, state: Key | None) -> Plan:
        items = _items(arguments, self._taken)
        one = arguments._replace(types=items.types)

        def build(trace: Trace, _: Arguments) -> Plan:
            return _together(trace, items, self._given)

        request = ("vmap", items.axes, items.size, self._given)
        return planned(self.function, state, request, one, build)


# --- axes -----------------------------------------------------------------------------------------


class _Axes(NamedTuple):
    """Axes as they were given, taken apart."""

    numbers: tuple[int, ...]
    structure: Structure

    def over(self, structure: Structure) -> list[int | None] | None:
        """For each leaf its axis; None where these axes are no prefix of the structure."""
        return covered(self.structure.build(self.numbers), structure)


def _read(axes: Any, what: str) -> _Axes:
    numbers, structure = flatten(axes)
    try:
        return _Axes(tuple(map(operator.index, numbers)), structure)
    except TypeError:
        problem = f"{what} is made of whole numbers and None, got {shown(axes)}"
        raise GraphError("E243", problem) from None


class _Items(NamedTuple):
    """How the items stand in the arguments.

    Attributes:
        axes: For each leaf the axis of items, counted from 0; None where it is the same for all.
        types: For each leaf the type of one item.
        size: The number of items.
    """

    axes: tuple[int | None, ...]
    types: tuple[Type | None, ...]
    size: int


def _items(arguments: Arguments, given: _Axes) -> _Items:
    """Raises GraphError E243 or E244 unless every mapped leaf has the same number of items."""
    axes = list(_leaf_axes(arguments.structure, given))
    types = list(arguments.types)
    sizes: dict[int, int] = {}
    for at, axis in enumerate(axes):
        if axis is None:
            continue
        type = types[at]
        shape = () if type is None else type.shape
        if type is None or not -len(shape) <= axis < len(shape):
            raise _no_axis(arguments, at, axis)
        axes[at] = axis = axis % len(shape)
        sizes[at] = shape[axis]
        types[at] = Type.of(type.dtype, (*shape[:axis], *shape[axis + 1 :]))
    if len(set(sizes.values())) != 1:
        raise _no_count(arguments, axes, sizes)
    return _Items(tuple(axes), tuple(types), next(iter(sizes.values())))


@functools.lru_cache(maxsize=1024)
def _leaf_axes(structure: Structure, given: _Axes) -> tuple[int | None, ...]:
    """For each leaf of (positional, keywords) its axis as it was given."""
    positional, keywords = structure.parts
    found = given.over(positional)
    if found is None:
        if given.structure.kind is tuple and len(given.structure.parts) != len(positional.parts):
            raise GraphError(
                "E243",
                f"in_axes is for {len(given.structure.parts)} arguments by position, "
                f"there are {len(positional.parts)}",
            )
        raise GraphError(
            "E243", "in_axes must be one axis, or structured like the arguments as far as it goes"
        )
    return (*found, *(0,) * keywords.leaves)


def _no_axis(arguments: Arguments, at: int, axis: int) -> GraphError:
    """E243 for an argument without this axis."""
    name, type = arguments.names[at], arguments.types[at]
    if type is None:
        return GraphError(
            "E243", f"{name!r} is {shown(arguments.values[at])}, which has no items; {_LEAVE}"
        )
    if not type.shape:
        return GraphError("E243", f"{name!r} is a single number, which has no items; {_LEAVE}")
    return GraphError("E243", f"{name!r} has shape {list(type.shape)}, and so no axis {axis}")


def _no_count(
    arguments: Arguments, axes: Sequence[int | None], sizes: Mapping[int, int]
) -> GraphError:
    """E243 where nothing is mapped, E244 where sizes differ."""
    if not sizes:
        return GraphError("E243", "no argument has an axis of items")
    names = arguments.names
    known = [f"{names[at]!r} has {size} along axis {axes[at]}" for at, size in sizes.items()]
    return GraphError("E244", f"different numbers of items: {listed(known)}")


# --- graphs ---------------------------------------------------------------------------------------


def _together(trace: Trace, items: _Items, given: _Axes) -> Plan:
    """The plan for all items, from the trace of one."""
    traced = [axis for axis, type in zip(items.axes, items.types, strict=True) if type is not None]
    inputs: list[Node] = []
    front: dict[Node, Node] = {}
    for node, axis in zip(trace.inputs, traced, strict=True):
        if axis is None:
            inputs.append(node)
            continue
        shape = node.type.shape
        whole = Type.of(node.type.dtype, (*shape[:axis], items.size, *shape[axis:]))
        many = input_node(f"{node.name}_items", whole)
        inputs.append(many)
        front[node] = permuted(Term(many), _to_front(axis, len(whole.shape))).node
    places = given.over(trace.structure)
    if places is None:
        raise GraphError(
            "E243", "out_axes must be one axis, or structured like the result as far as it goes"
        )
    results = [_one(result, place) for result, place in zip(trace.results, places, strict=True)]
    nodes = [result.node for result in results if isinstance(result, Term)]
    found = batch(walk.depth_first(nodes), front, items.size)
    every = [
        _every(result, place, found, items.size)
        for result, place in zip(results, places, strict=True)
    ]
    return plan_of(inputs, every, trace.structure)


def _one(result: Any, place: int | None) -> Any:
    """The result for one item as a term, unless it is given as it is; raises GraphError E245."""
    if isinstance(result, Term) or place is None:
        return result
    array = np.asarray(result)
    if array.dtype.name not in DTYPES:
        raise GraphError(
            "E245",
            f"a result is {shown(result)}, which is no array; out_axes=None leaves it as it is",
        )
    return Term(constant_node(array, Type.of(array.dtype, array.shape)))


def _every(result: Any, place: int | None, found: Mapping[Node, Node], count: int) -> Any:
    """The result for all items; raises GraphError E245, E243."""
    if place is None:
        if isinstance(result, Term) and result.node in found:
            raise GraphError(
                "E245", "out_axes is None for a result that is different for every item"
            )
        return result
    if not -result.ndim - 1 <= place <= result.ndim:
        raise GraphError(
            "E243", f"out_axes is {place} for a result of shape {list(result.shape)} for each item"
        )
    has = result.node in found
    whole = along_front(Term(found[result.node]) if has else result, has, count)
    return permuted(whole, _from_front(place % whole.ndim, whole.ndim))


def _to_front(axis: int, ndim: int) -> list[int]:
    """The order of axes that has this one first."""
    return [axis, *(at for at in range(ndim) if at != axis)]


def _from_front(axis: int, ndim: int) -> list[int]:
    """The order of axes that has the first one here."""
    return [*range(1, axis + 1), 0, *range(axis + 1, ndim)]
