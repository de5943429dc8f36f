"""Matrices in terms, and what blocks of operations on matrices share.

Every such operation works on stacks: the last two axes are matrices, those before count them. What
LAPACK refuses, such as a singular system, has the value NaN, so that it spoils nothing else of a
stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import Kind, Op, Params
from chainrule.graph.types import Type
from chainrule.ops.contract import contracted
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.families import fail
from chainrule.ops.rearrange import all_along_front, permuted
from chainrule.ops.select import where
from chainrule.ops.term import Function

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


def only_diagonal(x: Any) -> Any:
    """What stands on the diagonal, zeros elsewhere."""
    return where(_eye(x), x, 0.0)


def off_diagonal(x: Any, on: Any = 0.0) -> Any:
    """What stands off the diagonal, something else on it."""
    return where(_eye(x), on, x)


def _eye(x: Any) -> Any:
    """Where the diagonal is."""
    return np.eye(x.shape[-1], dtype=bool)


def summed(x: Any) -> Any:
    """The sum of the elements of each matrix."""
    return total(x, (x.ndim - 2, x.ndim - 1))


def trace(x: Any) -> Any:
    """The sum of each diagonal."""
    return summed(only_diagonal(x))


def each(x: Any, shape: tuple[int, ...]) -> Any:
    """A number for each matrix as matrices that it fills."""
    return broadcast_along(x, shape, tuple(range(x.ndim)))


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
    return each(summed(tangent), out.shape)


def dominant(operands: list[Any]) -> list[Any]:
    """The first one with so much on its diagonal that it is far from singular."""
    a = operands[0]
    shift = 3 * a.shape[-1] * np.eye(*a.shape[-2:], dtype=a.dtype)
    return [a + shift, *operands[1:]]
