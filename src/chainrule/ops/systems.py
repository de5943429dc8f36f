"""Solving systems of linear equations, with any matrix and with a triangular one.

Derivatives are those of M. B. Giles, Collected matrix derivative results for forward and reverse
mode algorithmic differentiation (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.families import fail, structural
from chainrule.ops.literals import truth
from chainrule.ops.matrices import (
    above_diagonal,
    along_front,
    below_diagonal,
    dominant,
    outer,
    require_matrices,
    times,
    transposed,
)
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.term import Function, full_like

# --- what both share ------------------------------------------------------------------------------


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


# --- with any matrix ------------------------------------------------------------------------------


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


# --- with a triangular one ------------------------------------------------------------------------


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
