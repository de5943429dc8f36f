"""Decompositions: sign and logarithm of determinants, eigenvalues, singular values, QR.

Vectors turn as little as they must: not at all among those that only fill up a space, or where no
turn is asked for. A turn that is asked for among vectors of equal eigenvalues or singular values is
undefined, and infinite or NaN here. Where two of them are nearly equal, errors are larger than the
rounding unit by one over the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph.op import Call, Example, Joint, Kind, Op, Param, Params, Writing
from chainrule.graph.types import TupleType, Type
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.families import fail, with_params
from chainrule.ops.literals import truth
from chainrule.ops.matrices import (
    below_diagonal,
    dominant,
    each,
    off_diagonal,
    only_diagonal,
    read_symmetric,
    require_matrices,
    shared_symmetric,
    times,
    trace,
    transposed,
)
from chainrule.ops.rearrange import (
    all_along_front,
    concatenate,
    embed,
    part,
)
from chainrule.ops.select import where
from chainrule.ops.several import named, results, several
from chainrule.ops.systems import solve, solve_triangular

Adjoints = Sequence[Any]


def _longer_stack(passes: Any, call: Call, has: Sequence[bool], count: int) -> Sequence[Any]:
    """Many items are a longer stack."""
    return results(call.op, all_along_front(call.operands, has), call.params)


def _sum(*terms: Any) -> Any:
    """The sum of those that are not None; None where there is none."""
    found = None
    for term in terms:
        if term is not None:
            found = term if found is None else found + term
    return found


def _diagonal(x: Any) -> Any:
    """The diagonals of square matrices."""
    return total(only_diagonal(x), (x.ndim - 1,))


def _on_diagonal(v: Any) -> Any:
    """Square matrices with these diagonals."""
    return only_diagonal(_columns(v, v.shape[-1]))


def _rows(v: Any, count: int) -> Any:
    """Each vector as the columns of a matrix: element ij is v_i."""
    shape = (*v.shape, count)
    return broadcast_along(v, shape, tuple(range(v.ndim)))


def _columns(v: Any, count: int) -> Any:
    """Each vector as the rows of a matrix: element ij is v_j."""
    shape = (*v.shape[:-1], count, v.shape[-1])
    return broadcast_along(v, shape, (*range(v.ndim - 1), v.ndim))


def _quotient(x: Any, y: Any) -> Any:
    """The quotient, where 0 / 0 is 0: a turn that nothing asks for needs no gap."""
    return where((x == 0) & (y == 0), 0.0, x / y)


def _turns(x: Any, y: Any) -> Any:
    """The quotients off the diagonal, zeros on it."""
    return off_diagonal(_quotient(off_diagonal(x), off_diagonal(y, 1.0)))


# --- sign and logarithm of the determinant --------------------------------------------------------


def _slogdet_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types)
    return TupleType.of_parts([Type.of(type.dtype, type.shape[:-2])] * 2)


def _slogdet_push(passes: Any, call: Call, tangents: Adjoints) -> Adjoints:
    return [None, trace(solve(call.operands[0], tangents[0]))]


def _slogdet_pull(passes: Any, call: Call, adjoints: Adjoints, wanted: Sequence[bool]) -> Adjoints:
    (a,) = call.operands
    adjoint = adjoints[1]
    if adjoint is None:
        return [None]
    return [solve(transposed(a), only_diagonal(each(adjoint, a.shape)))]


slogdet = several(
    "slogdet",
    "the sign of the determinant of a, and the logarithm of its size: 0 and −∞ where a is "
    "singular, with derivative NaN",
    operands=("a",),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.slogdet",
    infer=_slogdet_type,
    result_names=named("sign", "logarithm"),
    joint=Joint(_slogdet_push, _slogdet_pull, _longer_stack),
    examples=[
        Example(((3, 3),), fit=dominant),
        Example(((2, 2, 2),)),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)


# --- eigenvalues ----------------------------------------------------------------------------------


def _eigh_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types)
    return TupleType.of_parts([Type.of(type.dtype, type.shape[:-1]), type])


def _gaps(w: Any) -> Any:
    """w_j − w_i."""
    size = w.shape[-1]
    return _columns(w, size) - _rows(w, size)


def _eigh_push(passes: Any, call: Call, tangents: Adjoints) -> Adjoints:
    (a,), (w, v) = call.operands, call.results
    inner = times(transposed(v), times(read_symmetric(tangents[0], a), v))
    return [_diagonal(inner), times(v, _turns(inner, _gaps(w)))]


def _eigh_pull(passes: Any, call: Call, adjoints: Adjoints, wanted: Sequence[bool]) -> Adjoints:
    (a,), (w, v) = call.operands, call.results
    values, vectors = adjoints
    inner = _sum(
        None if values is None else _on_diagonal(values),
        None if vectors is None else _turns(times(transposed(v), vectors), _gaps(w)),
    )
    return [None if inner is None else shared_symmetric(times(v, times(inner, transposed(v))), a)]


def _symmetric_apart(operands: list[Any]) -> list[Any]:
    """A symmetric matrix with eigenvalues far apart, its upper triangle spoilt."""
    a = operands[0]
    return [a + np.diag(4 * np.arange(a.shape[-1])).astype(a.dtype)]


eigh = several(
    "eigh",
    "the eigenvalues of a symmetric matrix in ascending order, and its eigenvectors as columns; "
    "the lower triangle of a is read",
    operands=("a",),
    kinds=Kind.FLOAT,
    kernel="chainrule.ops.linalg_kernels.eigh",
    infer=_eigh_type,
    result_names=named("eigenvalues", "eigenvectors"),
    joint=Joint(_eigh_push, _eigh_pull, _longer_stack),
    examples=[
        Example(((3, 3),), fit=_symmetric_apart),
        Example(((2, 2, 2),), fit=_symmetric_apart),
        Example(((1, 1),)),
        Example(((0, 0),)),
    ],
)


# --- singular values ------------------------------------------------------------------------------


def _svd_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types, square=False)
    *front, rows, columns = type.shape
    less = min(rows, columns)
    shapes = [
        (rows, rows if params[0] else less),
        (less,),
        (columns if params[0] else less, columns),
    ]
    return TupleType.of_parts([Type.of(type.dtype, (*front, *shape)) for shape in shapes])


def _first_columns(x: Any, count: int) -> Any:
    return part(x, x.ndim - 1, 0, count)


def _other_columns(x: Any, count: int) -> Any:
    return part(x, x.ndim - 1, count, x.shape[-1] - count)


def _projected_out(u: Any, x: Any) -> Any:
    """What of ``x`` the columns of ``u`` do not span."""
    return x - times(u, times(transposed(u), x))


def _vectors_push(u: Any, s: Any, turn: Any, moved: Any) -> Any:
    """The tangent of singular vectors of one side.

    Args:
        u: All of them; those past the number of singular values span the rest.
        s: The singular values.
        turn: How the first ones turn among themselves.
        moved: The tangent of the matrix times the vectors of the other side.
    """
    count = s.shape[-1]
    first = _first_columns(u, count)
    tangent = times(first, turn)
    if u.shape[-2] == count:
        return tangent
    outside = _quotient(_projected_out(first, moved), _columns(s, u.shape[-2]))
    tangent = tangent + outside
    if u.shape[-1] == count:
        return tangent
    rest = _other_columns(u, count)
    back = times(first, times(transposed(outside), rest))
    return concatenate(tangent, -back, axis=u.ndim - 1)


def _outside_pull(u: Any, s: Any, adjoint: Any) -> Any:
    """The adjoint of ``moved`` above; None where it has no part."""
    count = s.shape[-1]
    if u.shape[-2] == count:
        return None
    first, given = _first_columns(u, count), _first_columns(adjoint, count)
    if u.shape[-1] > count:
        rest, back = _other_columns(u, count), _other_columns(adjoint, count)
        given = given - times(rest, times(transposed(back), first))
    return _projected_out(first, _quotient(given, _columns(s, u.shape[-2])))


def _svd_push(passes: Any, call: Call, tangents: Adjoints) -> Adjoints:
    u, s, vt = call.results
    v, tangent, count = transposed(vt), tangents[0], s.shape[-1]
    right = times(tangent, _first_columns(v, count))
    left = times(transposed(tangent), _first_columns(u, count))
    inner = times(transposed(_first_columns(u, count)), right)
    mirrored = transposed(inner)
    # From U̇ = U (P + Q), V̇ = V (P − Q), where nothing cancels that s_j² − s_i² would bring about.
    both = _turns((inner + mirrored) / 2, _gaps(s))
    apart = _turns((inner - mirrored) / 2, _columns(s, count) + _rows(s, count))
    return [
        _vectors_push(u, s, both + apart, right),
        _diagonal(inner),
        transposed(_vectors_push(v, s, both - apart, left)),
    ]


def _svd_pull(passes: Any, call: Call, adjoints: Adjoints, wanted: Sequence[bool]) -> Adjoints:
    u, s, vt = call.results
    v, count = transposed(vt), s.shape[-1]
    of_u, of_s, of_vt = adjoints
    of_v = None if of_vt is None else transposed(of_vt)
    first_u, first_v = _first_columns(u, count), _first_columns(v, count)
    inner = None if of_s is None else _on_diagonal(of_s)
    turn_u, turn_v = (
        None if adjoint is None else times(transposed(first), _first_columns(adjoint, count))
        for first, adjoint in ((first_u, of_u), (first_v, of_v))
    )
    both = _sum(turn_u, turn_v)
    if both is not None:
        apart = _sum(turn_u, None if turn_v is None else -turn_v)
        plus = _turns(both / 2, _gaps(s))
        minus = _turns(apart / 2, _columns(s, count) + _rows(s, count))
        inner = _sum(inner, plus + transposed(plus) + minus - transposed(minus))
    outside_u = None if of_u is None else _outside_pull(u, s, of_u)
    outside_v = None if of_v is None else _outside_pull(v, s, of_v)
    return [
        _sum(
            None if inner is None else times(first_u, times(inner, transposed(first_v))),
            None if outside_u is None else times(outside_u, transposed(first_v)),
            None if outside_v is None else times(first_u, transposed(outside_v)),
        )
    ]


def _written(name: str) -> Callable[[Sequence[Type], Params], Writing]:
    def write(types: Sequence[Type], params: Params) -> Writing:
        return with_params(name, str(params[0]).lower(), "")

    return write


svd = several(
    "svd",
    "u, s, vᵀ with a = u diag(s) vᵀ: singular vectors and singular values in descending order; "
    "with all vectors that span the space where full",
    operands=("a",),
    kinds=Kind.FLOAT,
    params=[Param("full", truth)],
    write=_written("svd"),
    kernel="chainrule.ops.linalg_kernels.svd",
    infer=_svd_type,
    result_names=named("left vectors", "singular values", "right vectors"),
    # J. Townsend, Differentiating the singular value decomposition (2016).
    joint=Joint(_svd_push, _svd_pull, _longer_stack),
    examples=[
        Example(((3, 3),), (False,), fit=_symmetric_apart),
        Example(((4, 2),), (False,)),
        Example(((2, 2, 3),), (False,)),
        Example(((1, 1),), (True,)),
        Example(((2, 0),), (False,)),
    ],
)


def singular_values(x: Any) -> Any:
    """The singular values of a term alone, in descending order."""
    return results(svd, [x], (False,), type(x))[1]


# --- QR -------------------------------------------------------------------------------------------


def _qr_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    type = require_matrices(op, types, square=False)
    *front, rows, columns = type.shape
    if rows < columns:
        raise fail(op, f"{list(type.shape)} has more columns than rows")
    size = rows if params[0] else columns
    shapes = [(rows, size), (size, columns)]
    return TupleType.of_parts([Type.of(type.dtype, (*front, *shape)) for shape in shapes])


def _over_r(x: Any, r: Any) -> Any:
    """X r⁻¹."""
    return transposed(solve_triangular(r, transposed(x), False, True))


def _whole(r: Any) -> Any:
    """The square part of r, without the rows of zeros that it may have below."""
    return part(r, r.ndim - 2, 0, r.shape[-1])


def _widened(x: Any, count: int) -> Any:
    """``x`` with zeros as further columns, so many in all."""
    if x.shape[-1] == count:
        return x
    return embed(x, (*x.shape[:-1], count), (0,) * x.ndim, (1,) * x.ndim)


def _qr_push(passes: Any, call: Call, tangents: Adjoints) -> Adjoints:
    q, r = call.results
    change = _over_r(tangents[0], _whole(r))
    inner = times(transposed(q), change)
    low = below_diagonal(_widened(inner, q.shape[-1]), -1)
    turn = low - transposed(low)
    tangent = times(q, turn)
    if q.shape[-2] > q.shape[-1]:
        tangent = tangent + change - times(q, inner)
    return [tangent, times(inner - _first_columns(turn, r.shape[-1]), _whole(r))]


def _qr_pull(passes: Any, call: Call, adjoints: Adjoints, wanted: Sequence[bool]) -> Adjoints:
    q, r = call.results
    of_q, of_r = adjoints
    inner = None if of_r is None else times(of_r, transposed(_whole(r)))
    turn = _sum(
        None if of_q is None else times(transposed(q), of_q),
        None if inner is None else -_widened(inner, q.shape[-1]),
    )
    if turn is None:
        return [None]
    low = below_diagonal(turn - transposed(turn), -1)
    change = times(q, _sum(inner, _first_columns(low, r.shape[-1])))
    if of_q is not None and q.shape[-2] > q.shape[-1]:
        change = change + _projected_out(q, of_q)
    return [transposed(solve_triangular(_whole(r), transposed(change), False))]


qr = several(
    "qr",
    "q, r with a = q r: orthonormal columns and an upper triangle; q is square where full",
    operands=("a",),
    kinds=Kind.FLOAT,
    params=[Param("full", truth)],
    write=_written("qr"),
    kernel="chainrule.ops.linalg_kernels.qr",
    infer=_qr_type,
    result_names=named("Q", "R"),
    # S. F. Walter and L. Lehmann, Algorithmic differentiation of linear algebra functions (2010).
    joint=Joint(_qr_push, _qr_pull, _longer_stack),
    examples=[
        Example(((3, 3),), (False,), fit=dominant),
        Example(((4, 2),), (False,), fit=dominant),
        Example(((2, 3, 2),), (False,), fit=dominant),
        Example(((1, 1),), (True,)),
        Example(((2, 0),), (False,)),
    ],
)
