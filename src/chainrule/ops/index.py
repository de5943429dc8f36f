"""Indexing by arrays of whole numbers: gather, scatter, sorting, searching.

Indices count from 0, negative ones from the end, as in NumPy; one outside is an error when the
graph is evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import Example, Form, Kind, Level, Linear, Op, Param, Params, Symbol
from chainrule.graph.types import Type
from chainrule.ops.copies import broadcast_along, total, trailing
from chainrule.ops.families import fail, structural
from chainrule.ops.literals import place, sizes
from chainrule.ops.rearrange import all_along_front, items, permuted, reshaped
from chainrule.ops.select import convert
from chainrule.ops.term import Function, full_like


def _indices(op: Op, types: Sequence[Type], shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that the indices have in common; checks that the array has an axis for each."""
    if not types:
        raise GraphError("E211", f"{op.name} needs indices")
    if len(types) > len(shape):
        raise fail(op, f"{len(types)} indices into {list(shape)}")
    common = types[0].shape
    for type in types:
        if not Kind.INTEGER.accepts(type):
            raise GraphError("E202", f"{op.name} needs whole numbers as indices, got {type}")
        if type.shape != common:
            raise fail(op, f"indices of shapes {list(common)} and {list(type.shape)}")
    return common


def _gather_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    x, *indices = types
    common = _indices(op, indices, x.shape)
    if 0 in x.shape[: len(indices)] and 0 not in common:
        raise fail(op, f"there is no element in {list(x.shape)} to take")
    return Type.of(x.dtype, (*common, *x.shape[len(indices) :]))


def _front_moved(x: Any, count: int) -> Any:
    """``x`` with its first axis behind the next ``count``."""
    return permuted(x, [*range(1, count + 1), 0, *range(count + 1, x.ndim)])


def _front_back(x: Any, at: int) -> Any:
    """``x`` with axis ``at`` in front."""
    return permuted(x, [at, *(axis for axis in range(x.ndim) if axis != at)])


def _numbers(count: int, shape: Sequence[int]) -> Any:
    """The number of the item, for every place of arrays of this shape with items in front."""
    column = np.arange(count).reshape(count, *(1,) * (len(shape) - 1))
    return np.broadcast_to(column, shape)


def _gather_batch(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    x, *indices = operands
    if not any(batched[1:]):
        gathered = gather(_front_moved(x, len(indices)), *indices)
        return _front_back(gathered, indices[0].ndim)
    if not batched[0]:
        return gather(x, *all_along_front(indices, batched[1:]))
    x, *indices = all_along_front(operands, batched)
    return gather(x, _numbers(x.shape[0], indices[0].shape), *indices)


def _pointed(values: Sequence[Any], indices: Sequence[Any]) -> tuple[tuple[int, ...], list[Any]]:
    """The axes whose indices are not known before they are computed, and indices that say 0 there.

    Where an index may point anywhere, everything along its axis is taken for one element.
    """
    unknown = tuple([at for at, value in enumerate(values) if value is None])
    return unknown, [full_like(x, 0) if at in unknown else x for at, x in enumerate(indices)]


def _shrunk(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """The shape with one element along some axes."""
    return tuple([1 if at in axes else size for at, size in enumerate(shape)])


def _gather_reach(
    position: int, values: Sequence[Any], tangent: Any, out: Any, x: Any, *indices: Any
) -> Any:
    unknown, places = _pointed(values[1:], indices)
    joined = reshaped(total(tangent, unknown), _shrunk(x.shape, unknown)) if unknown else tangent
    return gather(joined, *places)


gather: Function = structural(
    "gather",
    "the elements of x at indices into its first axes, one array of indices for each",
    operands=("x", "index"),
    kinds=(Kind.ANY, Kind.INTEGER),
    variadic=True,
    kernel="chainrule.ops.array_kernels.gather",
    infer=_gather_type,
    partials=[
        Linear(
            lambda tangent, out, x, *indices: gather(tangent, *indices),
            lambda adjoint, out, x, *indices: scatter_add(adjoint, *indices, shape=x.shape),
        ),
        None,
    ],
    batch=_gather_batch,
    reach=_gather_reach,
    moves=True,
    rule="what is not taken gets 0",
    text=Form("gather({operands})", Level.ATOM, (Level.LIST,)),
    latex=Form(r"\operatorname{{gather}}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
    symbol=Symbol("[i]", "[i]"),
    examples=[
        Example(((4,), (3,)), (), ("float64", "int64"), 4),
        Example(((4, 2), ()), (), ("float64", "int64"), 4),
        Example(((3, 3, 2), (2, 2), (2, 2)), (), ("float64", "int64", "int64"), 3),
        Example(((4,), (0,)), (), ("float64", "int64"), 4),
    ],
)


def _scatter_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    x, *indices = types
    (shape,) = params
    common = _indices(op, indices, shape)
    if x.shape != (*common, *shape[len(indices) :]):
        raise fail(op, f"{list(x.shape)} at indices {list(common)} into {list(shape)}")
    return Type.of(x.dtype, shape)


def _scatter_batch(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    x, *indices = operands
    (shape,) = params
    count = items(operands, batched)
    if not any(batched[1:]):
        axes, places = len(indices), indices[0].ndim
        moved = _front_moved(x, places)
        made = scatter_add(moved, *indices, shape=(*shape[:axes], count, *shape[axes:]))
        return _front_back(made, axes)
    x, *indices = all_along_front(operands, batched)
    numbers = _numbers(count, indices[0].shape)
    return scatter_add(x, numbers, *indices, shape=(count, *shape))


def _scatter_reach(
    position: int, values: Sequence[Any], tangent: Any, out: Any, x: Any, *rest: Any
) -> Any:
    *indices, shape = rest
    unknown, places = _pointed(values[1:], indices)
    made = scatter_add(tangent, *places, shape=_shrunk(shape, unknown))
    return broadcast_along(made, shape, tuple(range(len(shape))))


scatter_add: Function = structural(
    "scatter_add",
    "the elements of x added into zeros of a shape, at indices into its first axes",
    operands=("x", "index"),
    kinds=(Kind.NUMBER, Kind.INTEGER),
    variadic=True,
    params=[Param("shape", sizes)],
    kernel="chainrule.ops.array_kernels.scatter_add",
    infer=_scatter_type,
    partials=[
        Linear(
            lambda tangent, out, x, *rest: scatter_add(tangent, *rest[:-1], shape=rest[-1]),
            lambda adjoint, out, x, *rest: gather(adjoint, *rest[:-1]),
        ),
        None,
    ],
    batch=_scatter_batch,
    reach=_scatter_reach,
    moves=True,
    rule="each gets what is at its place",
    text=Form("scatter_add({operands}, {shape})", Level.ATOM, (Level.LIST,)),
    latex=Form(r"\operatorname{{scatter}}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
    examples=[
        Example(((3,), (3,)), ((4,),), ("float64", "int64"), 4),
        Example(((2, 2, 2), (2, 2), (2, 2)), ((3, 3, 2),), ("float64", "int64", "int64"), 3),
    ],
)


def _set_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    x, values, *indices = types
    common = _indices(op, indices, x.shape)
    if values.dtype != x.dtype:
        raise GraphError("E202", f"{op.name} needs one dtype, got {x} and {values}")
    if values.shape != (*common, *x.shape[len(indices) :]):
        raise fail(op, f"{list(values.shape)} at indices {list(common)} into {list(x.shape)}")
    return x


def _last(indices: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Whether each element is the last that is written to its place: that one stays."""
    axes = len(indices)
    common = indices[0].shape
    numbers = np.arange(int(np.prod(common))).reshape(common)
    written = scatter_set(np.zeros(shape[:axes], np.int64), numbers, *indices)
    stays = gather(written, *indices) == numbers
    whole = (*common, *shape[axes:])
    return broadcast_along(stays, whole, tuple(range(len(common))))


def _set_batch(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    x, values, *indices = all_along_front(operands, batched)
    return scatter_set(x, values, _numbers(x.shape[0], indices[0].shape), *indices)


def _set_reach(
    position: int, known: Sequence[Any], tangent: Any, out: Any, x: Any, values: Any, *indices: Any
) -> Any:
    unknown, _ = _pointed(known[2:], indices)
    if not unknown:
        zeros = full_like(values if position == 0 else x, 0)
        given = (tangent, zeros) if position == 0 else (zeros, tangent)
        return scatter_set(*given, *indices)
    if position == 0:
        return tangent
    return _scatter_reach(0, known[1:], tangent, out, values, *indices, x.shape)


scatter_set: Function = structural(
    "scatter_set",
    "x with values at indices into its first axes; where an index comes twice, the last one stays",
    operands=("x", "values", "index"),
    kinds=(Kind.ANY, Kind.ANY, Kind.INTEGER),
    variadic=True,
    kernel="chainrule.ops.array_kernels.scatter_set",
    infer=_set_type,
    partials=[
        Linear(
            lambda tangent, out, x, values, *indices: scatter_set(
                tangent, full_like(values, 0), *indices
            ),
            lambda adjoint, out, x, values, *indices: scatter_set(
                adjoint, full_like(values, 0), *indices
            ),
        ),
        Linear(
            lambda tangent, out, x, values, *indices: scatter_set(
                full_like(x, 0), tangent, *indices
            ),
            lambda adjoint, out, x, values, *indices: (
                gather(adjoint, *indices) * convert(_last(indices, x.shape), adjoint.dtype)
            ),
        ),
        None,
    ],
    batch=_set_batch,
    reach=_set_reach,
    rule="what is overwritten gets 0",
    text=Form("scatter_set({operands})", Level.ATOM, (Level.LIST,)),
    latex=Form(r"\operatorname{{set}}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
    examples=[
        Example(((4,), (2,), (2,)), (), ("float64", "float64", "int64"), 4),
        Example(((3, 2), (4, 2), (4,)), (), ("float64", "float64", "int64"), 3),
    ],
)


# --- order ----------------------------------------------------------------------------------------


def _order_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    if params[0] >= len(type.shape):
        raise fail(op, f"{list(type.shape)} has no axis {params[0]}")
    return type.with_dtype("int64")


argsort: Function = structural(
    "argsort",
    "the indices that sort x along an axis; equal elements keep their order, NaN come last",
    kernel="chainrule.ops.array_kernels.argsort",
    params=[Param("axis", place)],
    infer=_order_type,
    partials=[None],
    batch=lambda op, operands, batched, params: argsort(operands[0], params[0] + 1),
    examples=[Example(((4,),), (0,)), Example(((2, 3),), (1,)), Example(((0,),), (0,))],
)


def _side(value: Any) -> str:
    if value not in ("left", "right"):
        raise ValueError(f"must be 'left' or 'right', got {value!r}")
    return str(value)


def _search_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    if len(types) != 2:
        raise GraphError("E211", f"searchsorted takes {op.arity}, got {len(types)}")
    ordered, values = types
    if len(ordered.shape) != 1:
        raise fail(op, f"{list(ordered.shape)} is not a list in order")
    return values.with_dtype("int64")


def _search_batch(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    ordered, values = operands
    if not batched[0]:
        return searchsorted(ordered, values, *params)
    ordered, values = all_along_front(operands, batched)
    shape = (*values.shape, ordered.shape[1])
    there = broadcast_along(ordered, shape, (0, len(shape) - 1))
    here = broadcast_along(values, shape, tuple(range(values.ndim)))
    before = there < here if params[0] == "left" else there <= here
    return total(convert(before, "int64"), trailing(1, len(shape)))


def _in_order(operands: list[Any]) -> list[Any]:
    return [np.sort(operands[0]), operands[1]]


searchsorted: Function = structural(
    "searchsorted",
    "where values belong in a list in ascending order: before equal ones or behind them",
    operands=("sorted", "values"),
    kinds=Kind.NUMBER,
    params=[Param("side", _side, "left")],
    kernel="chainrule.ops.array_kernels.searchsorted",
    infer=_search_type,
    partials=[None, None],
    batch=_search_batch,
    examples=[
        Example(((4,), (3,)), ("left",), fit=_in_order),
        Example(((4,), (2, 2)), ("right",), fit=_in_order),
    ],
)
