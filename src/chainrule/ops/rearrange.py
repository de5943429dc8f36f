"""Elements in other places: reshape, transpose, slices, joining.

Each is linear, and its transpose is another of them: what was left out gets zeros.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.op import (
    Example,
    Form,
    Level,
    Linear,
    Op,
    Param,
    Params,
    Symbol,
    Writing,
)
from chainrule.graph.types import Type
from chainrule.ops.families import below, bracketed, fail, linear, structural, with_params
from chainrule.ops.literals import place, places, sizes, steps
from chainrule.ops.term import Function, spread

# --- reshape and transpose ------------------------------------------------------------------------


def _reshape_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    (shape,) = params
    if math.prod(shape) != math.prod(type.shape):
        raise fail(op, f"{list(type.shape)} does not have as many elements as {list(shape)}")
    return Type.of(type.dtype, shape)


reshape: Function = linear(
    "reshape",
    "the elements of x, in row-major order, in another shape",
    kernel="chainrule.ops.array_kernels.reshape",
    write=lambda types, params: with_params("reshape", bracketed(params[0]), ""),
    params=[Param("shape", sizes)],
    infer=_reshape_type,
    pull=lambda adjoint, out, x, shape: reshape(adjoint, x.shape),
    batch=lambda op, operands, batched, params: reshape(
        operands[0], (operands[0].shape[0], *params[0])
    ),
    rule="no change",
    examples=[
        Example(((2, 3),), ((3, 2),)),
        Example(((6,),), ((1, 6, 1),)),
        Example(((),), ((1,),)),
        Example(((0, 2),), ((0,),)),
    ],
)


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` in another shape; ``x`` itself where it has that already."""
    return x if x.shape == shape else reshape(x, shape)


def _transpose_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    (axes,) = params
    if sorted(axes) != list(range(len(type.shape))):
        raise fail(op, f"{list(axes)} are not the axes of {list(type.shape)}")
    return type.with_shape(tuple([type.shape[at] for at in axes]))


def _transpose_written(types: Sequence[Type], params: Params) -> Writing:
    (axes,) = params
    if axes == (1, 0):
        return Writing(
            Form("{0}.T", Level.ATOM, (Level.ATOM,)),
            Form(r"{0}^{{\top}}", Level.POWER, (Level.ATOM,)),
            Symbol("ᵀ", r"\top"),
        )
    return with_params("transpose", bracketed(axes), below(axes))


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes this one."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


transpose: Function = linear(
    "transpose",
    "x with its axes in another order",
    kernel="numpy.transpose",
    params=[Param("axes", places)],
    infer=_transpose_type,
    pull=lambda adjoint, out, x, axes: transpose(adjoint, inverse(axes)),
    batch=lambda op, operands, batched, params: transpose(
        operands[0], (0, *(at + 1 for at in params[0]))
    ),
    rule="no change",
    write=_transpose_written,
    examples=[Example(((2, 3),), ((1, 0),)), Example(((2, 3, 4),), ((1, 2, 0),))],
)


def permuted(x: Any, axes: Sequence[int]) -> Any:
    """``x`` with its axes in this order; ``x`` itself where they are."""
    return x if tuple(axes) == tuple(range(x.ndim)) else transpose(x, tuple(axes))


# --- slices ---------------------------------------------------------------------------------------


def _slice_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    _inside(op, type.shape, *params)
    return Type.of(type.dtype, params[1])


def _inside(
    op: Op,
    shape: Sequence[int],
    starts: Sequence[int],
    counts: Sequence[int],
    strides: Sequence[int],
) -> None:
    """Raise E203 unless these elements of an array of this shape exist."""
    if not len(shape) == len(starts) == len(counts) == len(strides):
        raise fail(op, f"{list(shape)} has {len(shape)} axes")
    for size, start, count, stride in zip(shape, starts, counts, strides, strict=True):
        last = start + (count - 1) * stride
        if count and not (0 <= start < size and 0 <= last < size):
            raise fail(op, f"{count} elements from {start} by {stride} are not in {list(shape)}")


def subscript(size: int, start: int, count: int, step: int) -> str:
    """What Python writes for so many elements from a start by a step: ``1:3``, ``::-1``.

    >>> subscript(5, 1, 2, 1), subscript(5, 4, 5, -1), subscript(5, 0, 5, 1), subscript(5, 4, 2, -4)
    ('1:3', '::-1', ':', '::-4')
    """
    if not count:
        return f"{start}:{start}" if step == 1 else f"{start}:{start}:{step}"
    end = start + (count - 1) * step + (1 if step > 0 else -1)
    past = range(start, size if step > 0 else -1, step)
    first = "" if start == (0 if step > 0 else size - 1) else str(start)
    last = "" if len(past) == count else str(end)
    return f"{first}:{last}" if step == 1 else f"{first}:{last}:{step}"


def _slice_written(types: Sequence[Type], params: Params) -> Writing:
    shape = types[0].shape
    parts = [subscript(*numbers) for numbers in zip(shape, *params, strict=True)]
    while len(parts) > 1 and parts[-1] == ":":
        del parts[-1]
    key = ", ".join(parts)
    exact = all(
        (count or not start) and (count > 1 or step == 1)
        for start, count, step in zip(*params, strict=True)
    )
    symbol = Symbol(f"[{key}]", f"[{key.replace(':', '{:}')}]")
    if not (exact and shape):
        text = with_params("slice", ", ".join(map(bracketed, params)), "").text
    else:
        text = Form(f"{{0}}[{key}]", Level.ATOM, (Level.ATOM,))
    latex = f"{{0}}_{{{{[{key}]}}}}".replace(":", "{{:}}")
    return Writing(text, Form(latex, Level.POWER, (Level.ATOM,)), symbol)


def _slice_batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    (x,) = operands
    starts, counts, strides = params
    return slice_of(x, (0, *starts), (x.shape[0], *counts), (1, *strides))


slice_of: Function = linear(
    "slice",
    "some elements of x: along each axis so many from a start, by a step of either direction",
    kernel="chainrule.ops.array_kernels.slice_of",
    params=[Param("starts", sizes), Param("sizes", sizes), Param("steps", steps)],
    infer=_slice_type,
    pull=lambda adjoint, out, x, starts, counts, strides: embed(adjoint, x.shape, starts, strides),
    batch=_slice_batch,
    rule="what is left out gets 0",
    write=_slice_written,
    examples=[
        Example(((5,),), ((1,), (3,), (1,))),
        Example(((5, 4),), ((4, 1), (3, 2), (-2, 2))),
        Example(((3,),), ((0,), (0,), (1,))),
    ],
)


def _embed_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    shape, starts, strides = params
    _inside(op, shape, starts, type.shape, strides)
    return Type.of(type.dtype, shape)


def _embed_batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    (x,) = operands
    shape, starts, strides = params
    return embed(x, (x.shape[0], *shape), (0, *starts), (1, *strides))


embed: Function = linear(
    "embed",
    "x placed into zeros: along each axis from a start, by a step",
    kernel="chainrule.ops.array_kernels.embed",
    params=[Param("shape", sizes), Param("starts", sizes), Param("steps", steps)],
    infer=_embed_type,
    symbol=Symbol("embed", r"\operatorname{embed}"),
    pull=lambda adjoint, out, x, shape, starts, strides: slice_of(
        adjoint, starts, x.shape, strides
    ),
    batch=_embed_batch,
    rule="zeros get nothing",
    examples=[
        Example(((2,),), ((5,), (1,), (2,))),
        Example(((2, 3),), ((4, 3), (3, 0), (-2, 1))),
    ],
)


def whole(x: Any) -> tuple[list[int], list[int], list[int]]:
    """Starts, sizes and steps of a slice that takes everything, to be narrowed."""
    return [0] * x.ndim, list(x.shape), [1] * x.ndim


def part(x: Any, axis: int, start: int, count: int, step: int = 1) -> Any:
    """A slice along one axis; ``x`` itself where that takes everything."""
    starts, counts, strides = whole(x)
    starts[axis], counts[axis], strides[axis] = start, count, step
    if count == x.shape[axis] and (step == 1 or count <= 1):
        return x
    return slice_of(x, tuple(starts), tuple(counts), tuple(strides))


# --- joining --------------------------------------------------------------------------------------


def _concatenate_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (axis,) = params
    if not types:
        raise GraphError("E211", "concatenate takes one or more operands, got 0")
    first = types[0]
    rest = [type.shape[:axis] + type.shape[axis + 1 :] for type in types]
    if axis >= len(first.shape) or any(
        other != rest[0] or len(type.shape) != len(first.shape)
        for other, type in zip(rest, types, strict=True)
    ):
        joined = ", ".join(str(list(type.shape)) for type in types[:8])
        raise fail(op, f"{joined} along axis {axis}")
    for type in types:
        if type.dtype != first.dtype:
            raise GraphError("E202", f"{op.name} needs one dtype, got {first} and {type}")
    shape = list(first.shape)
    shape[axis] = sum(type.shape[axis] for type in types)
    return Type.of(first.dtype, tuple(shape))


def _offset(at: int, operands: Sequence[Any], axis: int) -> int:
    return sum(operand.shape[axis] for operand in operands[:at])


def _into_place(at: int, tangent: Any, out: Any, *rest: Any) -> Any:
    *operands, axis = rest
    starts, _, strides = whole(out)
    starts[axis] = _offset(at, operands, axis)
    return embed(tangent, out.shape, tuple(starts), tuple(strides))


def _out_of_place(at: int, adjoint: Any, out: Any, *rest: Any) -> Any:
    *operands, axis = rest
    return part(adjoint, axis, _offset(at, operands, axis), operands[at].shape[axis])


def along_front(x: Any, has: bool, count: int) -> Any:
    """``x`` with an axis of items in front: copied along it where it has none."""
    return x if has else x.__class__(spread(x.node, (count, *x.shape)))


def items(operands: Sequence[Any], batched: Sequence[bool]) -> int:
    """How many items there are along the front axis."""
    found: int = next(
        operand.shape[0] for operand, has in zip(operands, batched, strict=True) if has
    )
    return found


def all_along_front(operands: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Every operand with an axis of items in front."""
    count = items(operands, batched)
    return [along_front(x, has, count) for x, has in zip(operands, batched, strict=True)]


concatenate: Function = structural(
    "concatenate",
    "the operands one after the other along an axis",
    operands=("x",),
    variadic=True,
    kernel="chainrule.ops.array_kernels.concatenate",
    params=[Param("axis", place, 0)],
    infer=_concatenate_type,
    symbol=Symbol("concatenate", r"\operatorname{concatenate}"),
    partials=[Linear(_into_place, _out_of_place)],
    batch=lambda op, operands, batched, params: concatenate(
        *all_along_front(operands, batched), axis=params[0] + 1
    ),
    moves=True,
    rule="to each its part",
    text=Form("concatenate({operands}, {axis})", Level.ATOM, (Level.LIST,)),
    latex=Form(r"\operatorname{{concatenate}}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
    examples=[
        Example(((2,), (3,)), (0,)),
        Example(((2, 1), (2, 3), (2, 0)), (1,)),
        Example(((4,),), (0,)),
    ],
)
