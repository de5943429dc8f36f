"""Windows that slide along axes, as one view, and the way back, where overlaps add up."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.op import Example, Op, Param, Params, Symbol
from chainrule.graph.types import Type
from chainrule.ops.families import fail, linear
from chainrule.ops.literals import places, sizes, steps
from chainrule.ops.term import Function


def _counts(op: Op, shape: Sequence[int], params: Params) -> list[int]:
    """How many windows fit along each windowed axis."""
    axes, lengths, strides, spacings = params
    if not len(axes) == len(lengths) == len(strides) == len(spacings):
        raise fail(op, "one size, step and spacing for each axis")
    counts = []
    for at, length, stride, spacing in zip(axes, lengths, strides, spacings, strict=True):
        reach = (length - 1) * spacing + 1
        if at >= len(shape) or length < 1 or stride < 1 or spacing < 1:
            raise fail(op, f"windows of {length} along axis {at} of {list(shape)}")
        if reach > shape[at]:
            raise fail(op, f"a window that reaches over {reach} is larger than {list(shape)}")
        counts.append((shape[at] - reach) // stride + 1)
    return counts


def _windows_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    shape = list(type.shape)
    for at, count in zip(params[0], _counts(op, shape, params), strict=True):
        shape[at] = count
    return Type.of(type.dtype, (*shape, *params[1]))


def _behind_front(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(at + 1 for at in axes)


_WINDOW_PARAMS = [
    Param("axes", places),
    Param("sizes", sizes),
    Param("steps", steps),
    Param("spacings", steps),
]

windows: Function = linear(
    "windows",
    "all windows of x along some axes: their sizes are the last axes of the result",
    kernel="chainrule.ops.array_kernels.windows",
    params=_WINDOW_PARAMS,
    infer=_windows_type,
    symbol=Symbol("windows", r"\operatorname{windows}"),
    pull=lambda adjoint, out, x, axes, lengths, strides, spacings: overlap_add(
        adjoint, x.shape, axes, strides, spacings
    ),
    batch=lambda op, operands, batched, params: windows(
        operands[0], _behind_front(params[0]), *params[1:]
    ),
    rule="overlaps add up",
    examples=[
        Example(((6,),), ((0,), (3,), (1,), (1,))),
        Example(((2, 7, 5),), ((1, 2), (2, 3), (2, 1), (3, 1))),
    ],
)


def _overlap_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    shape, axes, strides, spacings = params
    lengths = type.shape[len(shape) :]
    counts = _counts(op, shape, (axes, lengths, strides, spacings))
    wanted = list(shape)
    for at, count in zip(axes, counts, strict=True):
        wanted[at] = count
    if (*wanted, *lengths) != type.shape:
        raise fail(op, f"{list(type.shape)} are not windows of {list(shape)}")
    return Type.of(type.dtype, shape)


overlap_add: Function = linear(
    "overlap_add",
    "windows put back where they came from; where they overlap they add up",
    kernel="chainrule.ops.array_kernels.overlap_add",
    params=[
        Param("shape", sizes),
        Param("axes", places),
        Param("steps", steps),
        Param("spacings", steps),
    ],
    infer=_overlap_type,
    symbol=Symbol("overlap_add", r"\operatorname{overlap\_add}"),
    pull=lambda adjoint, out, x, shape, axes, strides, spacings: windows(
        adjoint, axes, x.shape[len(shape) :], strides, spacings
    ),
    batch=lambda op, operands, batched, params: overlap_add(
        operands[0],
        (operands[0].shape[0], *params[0]),
        _behind_front(params[1]),
        *params[2:],
    ),
    rule="each window gets its part",
    examples=[Example(((4, 3),), ((6,), (0,), (1,), (1,)))],
)
