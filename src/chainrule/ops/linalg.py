"""Linear algebra: solving, Cholesky factors, pseudo-inverses, the exponential of a matrix.

Every operation works on stacks: the last two axes are matrices, those before count them. Where
nothing else is said, derivatives are those of M. B. Giles, Collected matrix derivative results for
forward and reverse mode algorithmic differentiation (2008). What LAPACK refuses, such as a singular
system, has the value NaN, so that it spoils nothing else of a stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import (
    Example,
    Form,
    Kind,
    Level,
    Linear,
    Op,
    Param,
    Params,
    Symbol,
    Writing,
)
from chainrule.graph.types import Type
from chainrule.ops.contract import contracted
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.families import fail, structural
from chainrule.ops.literals import truth
from chainrule.ops.rearrange import (
    all_along_front,
    concatenate,
    part,
    permuted,
    reshaped,
)
from chainrule.ops.select import where
from chainrule.ops.term import Function, full_like

# --- matrices in terms ----------------------------------------------------------------------------


def transposed(x: Any) -> Any:
    """The last two axes exchanged."""
    return permuted(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


def times(a: Any, b: Any) -> Any:
    """The products of matrices with as many matrices, or with as many vectors."""
    *front, row, inner, column = range(a.ndim + 1)
    behind = [column] * (b.ndim == a.ndim)
    return contracted(a, b, [*front, row, inner], [*front, inner, *behind], [*front, row, *behind])


def outer(u: Any, v: Any, *, vectors: bool) -> Any:
    """U vᵀ for each pair of matrices, or of vectors."""
    if not vectors:
        return times(u, transposed(v))
    *front, row, column = range(u.ndim + 1)
    return contracted(u, v, [*front, row], [*front, column], [*front, row, column])


def _lower(x: Any, offset: int = 0) -> Any:
    """Where the lower triangle is."""
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, offset, dtype=bool)


def below_diagonal(x: Any, offset: int = 0) -> Any:
    """What stands on the diagonal and below it, zeros elsewhere; ``offset`` −1: only below it."""
    return where(_lower(x, offset), x, 0.0)


def above_diagonal(x: Any, offset: int = 0) -> Any:
    """What stands on the diagonal and above it, zeros elsewhere; ``offset`` 1: only above it."""
    return where(_lower(x, offset - 1), 0.0, x)


def read_symmetric(tangent: Any, a: Any) -> Any:
    """The tangent of the symmetric matrix that the lower triangle of ``a`` stands for.

    Where an element and its mirror image are equal, as they are in a symmetric matrix, they share
    the derivative, so that the gradient of a symmetric matrix is symmetric. Where they differ, it
    goes to the one below the diagonal, which is the one that is read.
    """
    mirrored = transposed(tangent)
    read = where(_lower(a), tangent, mirrored)
    return where(a == transposed(a), (tangent + mirrored) / 2, read)


def shared_symmetric(adjoint: Any, a: Any) -> Any:
    """The transpose of `read_symmetric`: the adjoint of ``a``."""
    both = adjoint + transposed(adjoint)
    return where(a == transposed(a), both / 2, below_diagonal(both))


# --- what the blocks share ------------------------------------------------------------------------


def require_matrices(op: Op, types: Sequence[Type], *, square: bool = True) -> Type:
    """The type of the first operand; raises unless it is a stack of matrices, and all have a dtype.

    Raises:
        GraphError: E211 for their number, E202 for dtypes, E203 for what is no (square) matrix.
    """
    if len(types) != len(op.operands):
        raise GraphError("E211", f"{op.name} takes {op.arity}, got {len(types)}")
    for type in types:
        if not type.is_float:
            raise GraphError("E202", f"{op.name} needs {Kind.FLOAT.value}, got {type}")
        if type.dtype != types[0].dtype:
            raise GraphError("E202", f"{op.name} needs one dtype, got {types[0]} and {type}")
    shape = types[0].shape
    if len(shape) < 2:
        raise fail(op, f"{list(shape)} is no matrix")
    if square and shape[-1] != shape[-2]:
        raise fail(op, f"{list(shape)} is no square matrix")
    return types[0]


def same_as_first(op: Op, types: Sequence[Type], params: Params) -> Type:
    """The rule of operations whose operands are square matrices of one type, as is the result."""
    first = require_matrices(op, types)
    for type in types:
        if type is not first:
            raise fail(op, f"{list(first.shape)} and {list(type.shape)}")
    return first


def along_front(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    """Many items are a longer stack."""
    return Function(op)(*all_along_front(operands, batched), *params)


def reach_all(position: int, values: Sequence[Any], tangent: Any, out: Any, *rest: Any) -> Any:
    """Every element of a result depends on every element of the matrix."""
    front = tuple(range(out.ndim - 2))
    return broadcast_along(total(tangent, (out.ndim - 2, out.ndim - 1)), out.shape, front)


def dominant(operands: list[Any]) -> list[Any]:
    """The first one with so much on its diagonal that it is far from singular."""
    a = operands[0]
    shift = 3 * a.shape[-1] * np.eye(*a.shape[-2:], dtype=a.dtype)
    return [a + shift, *operands[1:]]


# --- solving --------------------------------------------------------------------------------------


def _solved_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    first = require_matrices(op, types)
    b = types[1]
    *front, size = first.shape[:-1]
    if b.shape[: len(front)] != tuple(front) or len(b.shape) not in (
        len(front) + 1,
        len(front) + 2,
    ):
        raise fail(op, f"{list(first.shape)} and {list(b.shape)}")
    if b.shape[len(front)] != size:
        raise fail(op, f"{list(first.shape)} and {list(b.shape)}: {size} and {b.shape[-2:]}")
    return b


def with_columns(function: Callable[[Any, Any], Any], a: Any, b: Any, *, vectors: bool) -> Any:
    """Solve for one matrix and a stack of right sides by taking those as columns of one."""
    front = b.ndim - (1 if vectors else 2)
    order = [front, *range(front), *range(front + 1, b.ndim)]
    moved = permuted(b, order)
    columns = reshaped(moved, (a.shape[0], int(np.prod(moved.shape[1:]))))
    found = reshaped(function(a, columns), moved.shape)
    return permuted(found, [*range(1, front + 1), 0, *range(front + 1, b.ndim)])


def _solving_batch(op: Op, operands: Any, batched: Sequence[bool], params: Params) -> Any:
    a, b = operands
    if batched[0] or a.ndim > 2:
        return along_front(op, operands, batched, params)
    return with_columns(lambda a, b: Function(op)(a, b, *params), a, b, vectors=b.ndim == a.ndim)


def _solve_reach(
    position: int, values: Sequence[Any], tangent: Any, out: Any, a: Any, b: Any
) -> Any:
    """Every element of a solution depends on the whole matrix, and on a whole right side."""
    front = a.ndim - 2
    going = (front, front + 1) if position == 0 else (front,)
    kept = [at for at in range(tangent.ndim) if at not in going]
    return broadcast_along(total(tangent, going), out.shape, tuple(kept))


def _solve_pull(adjoint: Any, out: Any, a: Any, b: Any) -> Any:
    return -outer(solve(transposed(a), adjoint), out, vectors=b.ndim < a.ndim)


solve: Function = structural(
    "solve",
    "x with a x = b, for vectors or matrices b; NaN where a is singular",
    operands=("a", "b"),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.solve",
    infer=_solved_type,
    partials=[
        Linear(lambda tangent, out, a, b: -solve(a, times(tangent, out)), _solve_pull),
        Linear(
            lambda tangent, out, a, b: solve(a, tangent),
            lambda adjoint, out, a, b: solve(transposed(a), adjoint),
        ),
    ],
    batch=_solving_batch,
    reach=_solve_reach,
    rule="derivative of the inverse",
    latex=Form(r"{0}^{{-1}} \, {1}", Level.PRODUCT, (Level.ATOM, Level.SIGN)),
    symbol=Symbol("solve", r"\operatorname{solve}"),
    examples=[
        Example(((3, 3), (3, 2)), fit=dominant),
        Example(((3, 3), (3,)), fit=dominant),
        Example(((2, 3, 3), (2, 3, 1)), fit=dominant),
        Example(((2, 2, 2), (2, 2)), fit=dominant),
        Example(((1, 1), (1,)), fit=dominant),
        Example(((0, 0), (0, 2))),
    ],
)


def _triangle(x: Any, lower: bool, unit: bool) -> Any:
    """What is read of a triangular matrix."""
    return below_diagonal(x, -unit) if lower else above_diagonal(x, int(unit))


def _triangular_push(
    tangent: Any, out: Any, a: Any, b: Any, lower: bool, turned: bool, unit: bool
) -> Any:
    read = _triangle(tangent, lower, unit)
    change = times(transposed(read) if turned else read, out)
    return -solve_triangular(a, change, lower, turned, unit)


def _triangular_pull(
    adjoint: Any, out: Any, a: Any, b: Any, lower: bool, turned: bool, unit: bool
) -> Any:
    side = solve_triangular(a, adjoint, lower, not turned, unit)
    pair = (out, side) if turned else (side, out)
    return -_triangle(outer(*pair, vectors=b.ndim < a.ndim), lower, unit)


def _triangular_reach(
    position: int,
    values: Sequence[Any],
    tangent: Any,
    out: Any,
    a: Any,
    b: Any,
    lower: bool,
    turned: bool,
    unit: bool,
) -> Any:
    """What is computed later depends on what was computed before, from one end to the other."""
    ones = _triangle(full_like(a, 1), lower, False)
    if position == 0:
        read = _triangle(tangent, lower, unit)
        tangent = times(transposed(read) if turned else read, out)
    return times(transposed(ones) if turned else ones, tangent)


def _triangular_written(types: Sequence[Type], params: Params) -> Writing:
    words = ", ".join([str(param).lower() for param in params])
    name, (lower, turned, unit) = "solve_triangular", params
    letter = ("L" if lower else "U") + ("₁" if unit else "")
    above, power = ("⁻ᵀ", r"-\top") if turned else ("⁻¹", "-1")
    latex = ("L" if lower else "U") + ("_1" if unit else "") + f"^{{{power}}}"
    return Writing(
        Form(f"{name}({{0}}, {{1}}, {words})", Level.ATOM, (Level.LIST, Level.LIST)),
        Form(rf"{{0}}^{{{{{power}}}}} \, {{1}}", Level.PRODUCT, (Level.ATOM, Level.SIGN)),
        Symbol(letter + above, latex),
    )


solve_triangular: Function = structural(
    "solve_triangular",
    "x with a x = b, or aᵀ x = b where transposed, for a triangular a: the lower triangle or the "
    "upper one is read, with ones on the diagonal where unit; infinite or NaN where a is singular",
    operands=("a", "b"),
    kinds=Kind.FLOAT,
    params=[Param("lower", truth), Param("transposed", truth, False), Param("unit", truth, False)],
    kernel="chainrule.ops.linalg_kernels.solve_triangular",
    infer=_solved_type,
    partials=[
        Linear(_triangular_push, _triangular_pull),
        Linear(
            lambda tangent, out, a, b, *params: solve_triangular(a, tangent, *params),
            lambda adjoint, out, a, b, lower, turned, unit: solve_triangular(
                a, adjoint, lower, not turned, unit
            ),
        ),
    ],
    batch=_solving_batch,
    reach=_triangular_reach,
    rule="derivative of the inverse",
    write=_triangular_written,
    examples=[
        Example(((3, 3), (3, 2)), (True,), fit=dominant),
        Example(((3, 3), (3,)), (False, True, False), fit=dominant),
        Example(((3, 3), (3, 2)), (True, True, True)),
        Example(((2, 3, 3), (2, 3)), (False, False, True)),
        Example(((2, 3, 3), (2, 3, 2)), (False,), fit=dominant),
        Example(((1, 1), (1, 1)), (True,)),
        Example(((0, 0), (0, 2)), (True,)),
        Example(((2, 2), (2, 0)), (True,)),
    ],
)


# --- Cholesky -------------------------------------------------------------------------------------


def _halved_triangle(x: Any) -> Any:
    """The lower triangle, its diagonal halved; what makes x of x + xᵀ."""
    lower = below_diagonal(x)
    return where(np.eye(x.shape[-1], dtype=bool), lower / 2, lower)


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
