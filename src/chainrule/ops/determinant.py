"""Determinants. The gradient is the matrix of cofactors, right at singular matrices too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph.op import Example, Form, Kind, Level, Linear, Op, Params
from chainrule.graph.types import Type
from chainrule.ops.families import structural
from chainrule.ops.matrices import (
    along_front,
    each,
    only_diagonal,
    reach_all,
    require_matrices,
    same_as_first,
    summed,
    times,
    trace,
    transposed,
)
from chainrule.ops.systems import solve
from chainrule.ops.term import Function


def _number_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types)
    return Type.of(type.dtype, type.shape[:-2])


det: Function = structural(
    "det",
    "the determinant of a",
    operands=("a",),
    kinds=Kind.FLOAT,
    kernel="numpy.linalg.det",
    infer=_number_type,
    partials=[
        Linear(
            lambda tangent, out, a: summed(cofactors(a) * tangent),
            lambda adjoint, out, a: cofactors(a) * each(adjoint, a.shape),
        )
    ],
    batch=along_front,
    rule="cofactors",
    latex=Form(r"\det {0}", Level.PRODUCT, (Level.POWER,)),
    examples=[
        Example(((3, 3),)),
        Example(((2, 2, 2),)),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)


def _by_cofactors_along(given: Any, out: Any, a: Any) -> Any:
    """Both ways: the second derivative of a number is symmetric."""
    return cofactors_along(a, given)


cofactors: Function = structural(
    "cofactors",
    "the matrix of cofactors of a, which is the gradient of its determinant",
    operands=("a",),
    kinds=Kind.FLOAT,
    # From singular values: G. W. Stewart, On the adjugate matrix, Linear Algebra Appl. 283 (1998).
    kernel="chainrule.ops.linalg_kernels.cofactors",
    infer=same_as_first,
    partials=[Linear(_by_cofactors_along, _by_cofactors_along)],
    batch=along_front,
    reach=reach_all,
    examples=[
        Example(((3, 3),)),
        Example(((2, 2, 2),)),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)


def _third(given: Any, out: Any, a: Any, e: Any) -> Any:
    """The third derivative of the determinant along e and another matrix, as a matrix.

    With X = a⁻¹e and Y = a⁻¹g it is
    det a · [(tr X tr Y − tr XY − tr Y X − tr X Y + XY + YX) a⁻¹]ᵀ.
    """
    x, y = solve(a, e), solve(a, given)
    xy, yx = times(x, y), times(y, x)
    first, second = trace(x), trace(y)
    inner = xy + yx - each(first, a.shape) * y - each(second, a.shape) * x
    numbers = each(first * second - trace(xy), a.shape)
    whole = inner + only_diagonal(numbers)
    return each(det(a), a.shape) * solve(transposed(a), transposed(whole))


def _again(given: Any, out: Any, a: Any, e: Any) -> Any:
    return cofactors_along(a, given)


cofactors_along: Function = structural(
    "cofactors_along",
    "how the cofactors of a change along e; its own derivative by a is NaN where a is singular",
    operands=("a", "e"),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.cofactors_along",
    infer=same_as_first,
    partials=[Linear(_third, _third), Linear(_again, _again)],
    batch=along_front,
    reach=reach_all,
    examples=[
        Example(((3, 3), (3, 3))),
        Example(((2, 2, 2), (2, 2, 2))),
        Example(((4, 4), (4, 4))),
        Example(((1, 1), (1, 1))),
        Example(((0, 0), (0, 0))),
    ],
)
