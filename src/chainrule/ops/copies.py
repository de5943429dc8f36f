"""Copies of elements, and sums over axes: each is the transpose of the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from chainrule.graph.op import Example, Kind, Level, Op, Param, Params, Writing
from chainrule.graph.types import Type
from chainrule.ops.families import along_axes, bracketed, fail, linear, with_params
from chainrule.ops.literals import places, sizes, sorted_places
from chainrule.ops.rearrange import reshaped
from chainrule.ops.term import Function


def trailing(count: int, among: int) -> tuple[int, ...]:
    """The last ``count`` of ``among`` axes."""
    return tuple(range(among - count, among))


def _broadcast_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    shape, axes = params
    axes = axes or trailing(len(type.shape), len(shape))
    fits = len(axes) == len(type.shape) and all(
        0 <= at < len(shape) and size in (1, shape[at])
        for at, size in zip(axes, type.shape, strict=False)
    )
    if not fits or any(a >= b for a, b in pairwise(axes)):
        raise fail(op, f"{list(type.shape)} cannot become {list(shape)}")
    return Type.of(type.dtype, shape)


def _broadcast_written(types: Sequence[Type], params: Params) -> Writing:
    shape, axes = params
    given = f"{bracketed(shape)}, {bracketed(axes)}" if axes else bracketed(shape)
    return with_params("broadcast", given, "")


def _gathered_up(adjoint: Any, out: Any, x: Any, shape: Any, axes: Any) -> Any:
    """The sum over all copies of each element."""
    axes = axes or trailing(x.ndim, len(shape))
    kept = {at for at, size in zip(axes, x.shape, strict=True) if size == shape[at]}
    summed = total(adjoint, tuple(at for at in range(len(shape)) if at not in kept))
    return reshaped(summed, x.shape)


def _broadcast_batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    (x,) = operands
    shape, axes = params
    axes = axes or trailing(x.ndim - 1, len(shape))
    return broadcast_along(x, (x.shape[0], *shape), (0, *(at + 1 for at in axes)))


broadcast: Function = linear(
    "broadcast",
    "x repeated along new axes and along those of size 1; ``axes`` says where its own axes go",
    kernel="chainrule.ops.array_kernels.broadcast",
    write=_broadcast_written,
    params=[Param("shape", sizes), Param("axes", places, ())],
    infer=_broadcast_type,
    pull=_gathered_up,
    batch=_broadcast_batch,
    rule="copies add up",
    examples=[
        Example(((3,),), ((2, 3), ())),
        Example(((),), ((2, 2), ())),
        Example(((2, 1),), ((3, 2, 4), (1, 2))),
        Example(((2,),), ((2, 3), (0,))),
        Example(((1,),), ((0,), ())),
    ],
)


def broadcast_along(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """``x`` broadcast, its axes at the given places; nothing where it has the shape already."""
    if axes == trailing(len(axes), len(shape)):
        axes = ()
    return x if x.shape == shape else broadcast(x, shape, axes)


def reduced_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    """The type without the axes that go away."""
    (type,) = types
    (axes,) = params
    if any(at >= len(type.shape) for at in axes):
        raise fail(op, f"{list(type.shape)} has no axis {max(axes)}")
    kept = [size for at, size in enumerate(type.shape) if at not in axes]
    return Type.of(type.dtype, tuple(kept))


def copied_along(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """What a reduction along ``axes`` gave, copied to the shape of what it was made of."""
    return broadcast_along(x, shape, tuple(at for at in range(len(shape)) if at not in axes))


def reduced_batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    """A reduction of many operands at once."""
    (axes,) = params
    return Function(op)(operands[0], tuple(at + 1 for at in axes))


total: Function = linear(
    "sum",
    "the sum of x along axes, which go away",
    kernel="chainrule.ops.array_kernels.total",
    kinds=Kind.NUMBER,
    params=[Param("axes", sorted_places)],
    infer=reduced_type,
    pull=lambda adjoint, out, x, axes: copied_along(adjoint, x.shape, axes),
    batch=reduced_batch,
    rule="sum rule",
    write=along_axes("sum", r"\sum", "Σ", Level.SUM),
    examples=[
        Example(((3,),), ((0,),)),
        Example(((2, 3, 2),), ((0, 2),)),
        Example(((2, 0),), ((1,),)),
        Example(((2,),), ((),)),
        Example(((),), ((),)),
    ],
)
