"""Reductions along axes: products, extremes, logic, and running sums and products.

``axes`` are the axes that go away; an empty tuple takes away none. The sum is in
`chainrule.ops.copies`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.op import Example, Kind, Level, Linear, Op, Param, Params, Writing
from chainrule.graph.types import Type
from chainrule.ops.copies import copied_along, reduced_batch, reduced_type, total
from chainrule.ops.families import along_axes, below, fail, linear, structural, with_params
from chainrule.ops.literals import place, sorted_places, truth
from chainrule.ops.rearrange import concatenate, part, permuted, reshaped
from chainrule.ops.select import where
from chainrule.ops.term import Function, full_like

_EXAMPLES = [
    Example(((3,),), ((0,),)),
    Example(((2, 3, 2),), ((0, 2),)),
    Example(((2,),), ((),)),
    Example(((),), ((),)),
]


# --- running sums and products --------------------------------------------------------------------


def _along_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    if params[0] >= len(type.shape):
        raise fail(op, f"{list(type.shape)} has no axis {params[0]}")
    return type


def _along_batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    return Function(op)(operands[0], params[0] + 1, *params[1:])


def _running_written(name: str) -> Callable[[Sequence[Type], Params], Writing]:
    def write(types: Sequence[Type], params: Params) -> Writing:
        axis, reverse = params
        turned = "←" if reverse else ""
        return with_params(name, f"{axis}{', true' * reverse}", f"{below((axis,))}{turned}")

    return write


_RUNNING = [Param("axis", place), Param("reverse", truth, False)]
_RUNNING_EXAMPLES = [
    Example(((4,),), (0, False)),
    Example(((2, 3),), (1, True)),
    Example(((0,),), (0, False)),
]


def flipped(x: Any, axis: int) -> Any:
    """``x`` in reverse order along an axis."""
    count = x.shape[axis]
    return part(x, axis, count - 1, count, -1) if count > 1 else x


def _shifted(x: Any, axis: int, first: float) -> Any:
    """``x`` moved on by one along an axis; ``first`` comes in, the last goes out."""
    count = x.shape[axis]
    return concatenate(
        full_like(part(x, axis, 0, 1), first), part(x, axis, 0, count - 1), axis=axis
    )


def recurrence(a: Any, b: Any, axis: int) -> Any:
    """S with s_k = a_k s_{k−1} + b_k along an axis, in log₂ n rounds that divide by nothing.

    W. D. Hillis and G. L. Steele, Data parallel algorithms, CACM 29 (1986).
    """
    count = a.shape[axis]
    step = 1
    while step < count:
        rest = count - step
        early, late = part(a, axis, 0, rest), part(a, axis, step, rest)
        sums = late * part(b, axis, 0, rest) + part(b, axis, step, rest)
        b = concatenate(part(b, axis, 0, step), sums, axis=axis)
        if 2 * step < count:
            a = concatenate(part(a, axis, 0, step), late * early, axis=axis)
        step *= 2
    return b


def _cumsum_reach(
    position: int, values: Any, tangent: Any, out: Any, x: Any, axis: int, reverse: bool
) -> Any:
    """Each running sum is reached by what was added up so far."""
    if x.shape[axis] <= 1:
        return tangent
    turned = flipped(tangent, axis) if reverse else tangent
    sums = recurrence(full_like(x, 1), turned, axis)
    return flipped(sums, axis) if reverse else sums


cumsum: Function = linear(
    "cumsum",
    "the running sums of x along an axis, from its start or, in reverse, from its end",
    kernel="chainrule.ops.array_kernels.cumsum",
    write=_running_written("cumsum"),
    kinds=Kind.NUMBER,
    params=_RUNNING,
    infer=_along_type,
    pull=lambda adjoint, out, x, axis, reverse: cumsum(adjoint, axis, not reverse),
    batch=_along_batch,
    rule="sum rule",
    moves=False,
    reach=_cumsum_reach,
    examples=_RUNNING_EXAMPLES,
)


def _cumprod_push(tangent: Any, out: Any, x: Any, axis: int, reverse: bool) -> Any:
    if reverse:
        pushed = _cumprod_push(
            flipped(tangent, axis), flipped(out, axis), flipped(x, axis), axis, False
        )
        return flipped(pushed, axis)
    if x.shape[axis] <= 1:
        return tangent
    return recurrence(x, _shifted(out, axis, 1.0) * tangent, axis)


def _cumprod_pull(adjoint: Any, out: Any, x: Any, axis: int, reverse: bool) -> Any:
    if reverse:
        pulled = _cumprod_pull(
            flipped(adjoint, axis), flipped(out, axis), flipped(x, axis), axis, False
        )
        return flipped(pulled, axis)
    if x.shape[axis] <= 1:
        return adjoint
    factors = _shifted(flipped(x, axis), axis, 1.0)
    sums = flipped(recurrence(factors, flipped(adjoint, axis), axis), axis)
    return _shifted(out, axis, 1.0) * sums


cumprod: Function = structural(
    "cumprod",
    "the running products of x along an axis; derivatives are right where factors are 0",
    kernel="chainrule.ops.array_kernels.cumprod",
    write=_running_written("cumprod"),
    kinds=Kind.NUMBER,
    params=_RUNNING,
    infer=_along_type,
    partials=[Linear(_cumprod_push, _cumprod_pull)],
    batch=_along_batch,
    rule="product rule",
    examples=_RUNNING_EXAMPLES,
)


# --- products and extremes ------------------------------------------------------------------------


def _others(x: Any, axes: Sequence[int]) -> Any:
    """For each element the product of all others along the axes; nothing is divided by."""
    kept = [at for at in range(x.ndim) if at not in axes]
    order = [*kept, *axes]
    moved = permuted(x, order)
    shape = moved.shape
    flat = reshaped(moved, (*shape[: len(kept)], math.prod(shape[len(kept) :])))
    last = flat.ndim - 1
    if flat.shape[last] <= 1:
        return full_like(x, 1)
    before = _shifted(cumprod(flat, last), last, 1.0)
    after = flipped(_shifted(flipped(cumprod(flat, last, True), last), last, 1.0), last)
    others = reshaped(before * after, shape)
    return permuted(others, [order.index(at) for at in range(x.ndim)])


product: Function = structural(
    "prod",
    "the product of x along axes, which go away; derivatives are right where factors are 0",
    kernel="chainrule.ops.array_kernels.product",
    kinds=Kind.NUMBER,
    params=[Param("axes", sorted_places)],
    infer=reduced_type,
    partials=[
        Linear(
            lambda tangent, out, x, axes: total(tangent * _others(x, axes), axes),
            lambda adjoint, out, x, axes: copied_along(adjoint, x.shape, axes) * _others(x, axes),
        )
    ],
    batch=reduced_batch,
    rule="product rule",
    write=along_axes("prod", r"\prod", "Π", Level.PRODUCT),
    examples=[*_EXAMPLES, Example(((2, 0),), ((1,),))],
)


def _extreme_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    found = reduced_type(op, types, params)
    if any(type.shape[at] == 0 for at in params[0]):
        raise GraphError("E203", f"{op.name} of nothing: {list(type.shape)} along {params[0]}")
    return found


def _share(x: Any, out: Any, axes: tuple[int, ...]) -> Any:
    """Which elements are the extreme one, and what part of the derivative each gets."""
    chosen = x == copied_along(out, x.shape, axes)
    ties = total(where(chosen, full_like(x, 1), full_like(x, 0)), axes)
    return chosen, copied_along(ties, x.shape, axes)


def _extreme_push(tangent: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    chosen, ties = _share(x, out, axes)
    return total(where(chosen, tangent / ties, 0.0), axes)


def _extreme_pull(adjoint: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    chosen, ties = _share(x, out, axes)
    return where(chosen, copied_along(adjoint, x.shape, axes) / ties, 0.0)


def _extreme(name: str, about: str, kernel: str, latex: str) -> Function:
    return structural(
        name,
        f"{about} along axes, which go away; equal ones share the derivative",
        kernel=kernel,
        kinds=Kind.NUMBER,
        params=[Param("axes", sorted_places)],
        infer=_extreme_type,
        partials=[Linear(_extreme_push, _extreme_pull)],
        batch=reduced_batch,
        rule="the element chosen",
        write=along_axes(latex[1:], latex, latex[1:], listed=True),
        examples=_EXAMPLES,
    )


largest = _extreme(
    "reduce_max", "the largest element of x", "chainrule.ops.array_kernels.largest", r"\max"
)
smallest = _extreme(
    "reduce_min", "the smallest element of x", "chainrule.ops.array_kernels.smallest", r"\min"
)


# --- logic and places -----------------------------------------------------------------------------


def _logic(name: str, about: str, kernel: str) -> Function:
    return structural(
        name,
        about,
        kernel=kernel,
        kinds=Kind.BOOL,
        write=along_axes(name, rf"\operatorname{{{name}}}", name),
        params=[Param("axes", sorted_places)],
        infer=reduced_type,
        partials=[None],
        batch=reduced_batch,
        examples=[
            Example(((2, 3),), ((1,),), ("bool",)),
            Example(((2, 0),), ((1,),), ("bool",)),
        ],
    )


any_of = _logic(
    "any",
    "whether x holds anywhere along axes, which go away",
    "chainrule.ops.array_kernels.any_of",
)
all_of = _logic(
    "all",
    "whether x holds everywhere along axes, which go away",
    "chainrule.ops.array_kernels.all_of",
)


def _place_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    return _extreme_type(op, types, ((params[0],),)).with_dtype("int64")


def _where_extreme(name: str, about: str, kernel: str) -> Function:
    return structural(
        name,
        about,
        kernel=kernel,
        kinds=Kind.NUMBER,
        params=[Param("axis", place)],
        infer=_place_type,
        partials=[None],
        batch=_along_batch,
        examples=[Example(((3,),), (0,)), Example(((2, 3),), (1,))],
    )


argmax = _where_extreme(
    "argmax",
    "the place of the first largest element of x along an axis, which goes away",
    "chainrule.ops.array_kernels.argmax",
)
argmin = _where_extreme(
    "argmin",
    "the place of the first smallest element of x along an axis, which goes away",
    "chainrule.ops.array_kernels.argmin",
)
