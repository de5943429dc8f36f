"""Cholesky factors, pseudo-inverses, the exponential of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph.op import Example, Form, Kind, Level, Linear, Op, Param, Params
from chainrule.graph.types import Type
from chainrule.ops.families import structural
from chainrule.ops.matrices import (
    along_front,
    below_diagonal,
    dominant,
    off_diagonal,
    reach_all,
    read_symmetric,
    require_matrices,
    same_as_first,
    shared_symmetric,
    times,
    transposed,
)
from chainrule.ops.rearrange import concatenate, part
from chainrule.ops.systems import solve_triangular
from chainrule.ops.term import Function, full_like

# --- Cholesky -------------------------------------------------------------------------------------


def _halved_triangle(x: Any) -> Any:
    """The lower triangle, its diagonal halved; what makes x of x + xᵀ."""
    lower = below_diagonal(x)
    return off_diagonal(lower, lower / 2)


def _cholesky_push(tangent: Any, out: Any, a: Any) -> Any:
    half = solve_triangular(out, read_symmetric(tangent, a), True)
    both = solve_triangular(out, transposed(half), True)
    return times(out, _halved_triangle(both))


def _cholesky_pull(adjoint: Any, out: Any, a: Any) -> Any:
    inner = _halved_triangle(times(transposed(out), adjoint))
    half = solve_triangular(out, inner, True, True)
    return shared_symmetric(solve_triangular(out, transposed(half), True, True), a)


cholesky: Function = structural(
    "cholesky",
    "the lower triangular matrix l with a = l lᵀ; the lower triangle of a is read; NaN where a is "
    "not positive definite",
    operands=("a",),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.cholesky",
    infer=same_as_first,
    # I. Murray, Differentiation of the Cholesky decomposition (2016), equations 8 and 10.
    partials=[Linear(_cholesky_push, _cholesky_pull)],
    batch=along_front,
    examples=[
        Example(((3, 3),), fit=dominant),
        Example(((2, 2, 2),), fit=dominant),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)


# --- the pseudo-inverse ---------------------------------------------------------------------------


def cutoff(value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"must be a number from 0 to 1, got {value!r}")
    return float(value)


def _pinv_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types, square=False)
    *front, rows, columns = type.shape
    return Type.of(type.dtype, (*front, columns, rows))


def _pinv_push(tangent: Any, out: Any, a: Any, rcond: float) -> Any:
    turned = transposed(tangent)
    right = times(transposed(out), turned)  # P ᵀ ȧᵀ
    left = times(turned, transposed(out))  # ȧᵀ Pᵀ
    return (
        times(out, right - times(times(right, a), out))
        + times(left - times(out, times(a, left)), out)
        - times(out, times(tangent, out))
    )


def _pinv_pull(adjoint: Any, out: Any, a: Any, rcond: float) -> Any:
    turned, back = transposed(out), transposed(adjoint)
    # The transposes of the three terms above, one after the other.
    first = times(times(back, out), turned)
    first = first - times(turned, times(transposed(a), first))
    second = times(times(turned, out), back)
    second = second - times(times(second, transposed(a)), turned)
    return first + second - times(times(turned, adjoint), turned)


pinv: Function = structural(
    "pinv",
    "the pseudo-inverse of a; singular values below rcond times the largest count as 0, and the "
    "derivative is that along matrices of the same rank",
    operands=("a",),
    kinds=Kind.FLOAT,
    params=[Param("rcond", cutoff, 1e-15)],
    kernel="chainrule.ops.linalg_kernels.pinv",
    infer=_pinv_type,
    # G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares
    # problems whose variables separate, SIAM J. Numer. Anal. 10 (1973), equation 4.12.
    partials=[Linear(_pinv_push, _pinv_pull)],
    batch=along_front,
    latex=Form(r"{0}^{{+}}", Level.POWER, (Level.ATOM,)),
    examples=[
        Example(((3, 3),), fit=dominant),
        Example(((4, 2),), fit=dominant),
        Example(((2, 2, 3),), fit=dominant),
        Example(((1, 1),)),
        Example(((0, 2),)),
    ],
)


# --- the exponential ------------------------------------------------------------------------------


def _exponential_along(a: Any, e: Any) -> Any:
    """The derivative of eᵃ along ``e``: the corner of the exponential of [[a, e], [0, a]].

    I. Najfeld and T. F. Havel, Derivatives of the matrix exponential and their computation (1995);
    A. H. Al-Mohy and N. J. Higham, Computing the Fréchet derivative of the matrix exponential
    (2009).
    """
    size, (row, column) = a.shape[-1], (a.ndim - 2, a.ndim - 1)
    above = concatenate(a, e, axis=column)
    under = concatenate(full_like(a, 0), a, axis=column)
    whole = expm(concatenate(above, under, axis=row))
    return part(part(whole, row, 0, size), column, size, size)


expm: Function = structural(
    "expm",
    "the exponential of the matrix a, the sum of aᵏ/k!",
    operands=("a",),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.expm",
    infer=same_as_first,
    partials=[
        Linear(
            lambda tangent, out, a: _exponential_along(a, tangent),
            lambda adjoint, out, a: _exponential_along(transposed(a), adjoint),
        )
    ],
    batch=along_front,
    reach=reach_all,
    latex=Form(r"e^{{{0}}}", Level.POWER, (Level.LIST,)),
    examples=[
        Example(((3, 3),)),
        Example(((2, 2, 2),)),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)
