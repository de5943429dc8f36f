"""NumPy's decompositions, and what is told from them: rank, condition, least squares.

Results have NumPy's own classes of named tuples. Vectors have the signs that LAPACK gives them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops import decompose
from chainrule.ops.arithmetic import square
from chainrule.ops.composite.elementwise import isnan
from chainrule.ops.composite.linalg import floats, inv, matrices, pinv, squares
from chainrule.ops.composite.norms import matrix_norm
from chainrule.ops.composite.products import matmul
from chainrule.ops.composite.shaping import zeros_like
from chainrule.ops.composite.statistics import any as any_of
from chainrule.ops.composite.statistics import sum
from chainrule.ops.composite.table import covers, in_dtype, term
from chainrule.ops.matrices import transposed
from chainrule.ops.rearrange import concatenate, part
from chainrule.ops.select import where
from chainrule.ops.several import results

_Eigh: Any = type(np.linalg.eigh(np.eye(1)))
_Svd: Any = type(np.linalg.svd(np.eye(1)))
_Qr: Any = type(np.linalg.qr(np.eye(1)))
_Slogdet: Any = type(np.linalg.slogdet(np.eye(1)))


@covers(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """The sign of the determinant and the logarithm of its size, as (sign, logabsdet).

    Where ``a`` is singular they are 0 and −∞, and the derivative is NaN.

    >>> import chainrule as cr
    >>> a = cr.input("a", (2, 2))
    >>> cr.graph(slogdet(a).logabsdet, [a]).at([[2.0, 1.0], [1.0, 1.0]]).gradient["a"].tolist()
    [[1.0, -1.0], [-1.0, 2.0]]
    """
    x = squares("slogdet", a)
    return _Slogdet(*results(decompose.slogdet, [x], (), type(x)))


# --- eigenvalues ----------------------------------------------------------------------------------


@covers(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - as NumPy calls it
    """Eigenvalues in ascending order and eigenvectors of symmetric matrices.

    In the derivative, elements of ``a`` that are equal to their mirror image share with it; where
    they differ it goes to the triangle that is read. Functions of the eigenvalues alone have right
    first derivatives where some are equal, if they treat those alike, as a sum does. Eigenvectors
    of equal eigenvalues have none: what depends on them, second derivatives among it, is NaN or
    infinite there.

    >>> import chainrule as cr
    >>> a = cr.input("a", (2, 2))
    >>> graph = cr.graph(cr.sum(cr.exp(eigh(a).eigenvalues)), [a])
    >>> graph.at([[1.0, 0.0], [0.0, 1.0]]).gradient["a"].round(12).tolist()
    [[2.718281828459, 0.0], [0.0, 2.718281828459]]

    Args:
        a: The matrices.
        UPLO: Which triangle is read, ``"L"`` or ``"U"``.
    """
    which = str(UPLO).upper()
    if which not in ("L", "U"):
        raise GraphError("E212", f"eigh: UPLO is 'L' or 'U', got {shown(UPLO)}")
    x = squares("eigh", a)
    read = transposed(x) if which == "U" else x
    return _Eigh(*results(decompose.eigh, [read], (), type(x)))


@covers(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - as NumPy calls it
    """The eigenvalues of symmetric matrices, in ascending order; derivatives as for `eigh`."""
    return eigh(a, UPLO).eigenvalues


# --- singular values ------------------------------------------------------------------------------


@covers(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular vectors and values: (U, S, Vh), or the values alone, in descending order.

    Singular values have derivatives everywhere; where one is 0, or some are equal, that of the
    vectors LAPACK chose. Singular vectors have none where their values are equal, nor those of the
    longer side where the value is 0: what depends on them is NaN or infinite there. Vectors past
    the last singular value turn no more than they must, which is right for what depends on the
    space they span.

    Args:
        a: The matrices, of any shape.
        full_matrices: Give all vectors of both sides, not as many as there are singular values.
        compute_uv: Give vectors too.
    """
    x = matrices("svd", a)
    if not compute_uv:
        return decompose.singular_values(x)
    full = bool(full_matrices) and x.shape[-1] != x.shape[-2]
    return _Svd(*results(decompose.svd, [x], (full,), type(x)))


@covers(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order."""
    return decompose.singular_values(matrices("svdvals", x))


@covers(np.linalg.cond)
def condition_number(x: Any, p: Any = None) -> Any:
    """NumPy's ``linalg.cond``: the norm of a matrix times that of its inverse; ∞ where singular.

    Args:
        x: The matrices.
        p: The order of the norm; None for the 2-norm, which other than square matrices have too.
    """
    x = matrices("cond", x)
    if 0 in x.shape[-2:]:
        raise GraphError("E203", f"cond of an empty matrix, {list(x.shape)}")
    if p is None or p in (2, -2):
        s = decompose.singular_values(x)
        largest, smallest = _at(s, 0), _at(s, s.shape[-1] - 1)
        found = smallest / largest if p == -2 else largest / smallest
    else:
        found = matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
    unknown = any_of(isnan(x), (x.ndim - 2, x.ndim - 1))
    return where(isnan(found) & ~unknown, math.inf, found)


def _at(s: Any, place: int) -> Any:
    """One of the singular values of each matrix."""
    return sum(part(s, s.ndim - 1, place, 1), -1)


@covers(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:  # noqa: N803 - as NumPy calls it
    """How many singular values are not small, a whole number; it has no derivative.

    Args:
        A: The matrices.
        tol: Singular values up to this are small.
        hermitian: ``A`` is symmetric; changes nothing.
        rtol: The same as a part of the largest one; by default the larger size times the rounding
            unit.

    Raises:
        GraphError: E212 when both are given.
    """
    if tol is not None and rtol is not None:
        raise GraphError("E212", "matrix_rank takes tol or rtol, not both")
    x = term(A)
    if x.ndim < 2:
        return in_dtype(any_of(x != 0), np.dtype(np.int64))
    s = decompose.singular_values(matrices("matrix_rank", x))
    return _rank(s, _unit(x, s) if rtol is None else rtol, tol)


def _unit(x: Any, s: Any) -> float:
    """The larger size times the rounding unit."""
    return float(max(x.shape[-2:]) * np.finfo(s.dtype).eps)


def _rank(s: Any, rtol: Any, tol: Any = None) -> Any:
    """How many of the singular values are above a bound."""
    if s.shape[-1] == 0:
        return sum(zeros_like(s, dtype="int64"), -1)
    bound = part(s, s.ndim - 1, 0, 1) * rtol if tol is None else tol
    return sum(s > bound, -1)


# --- QR -------------------------------------------------------------------------------------------


@covers(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """(Q, R): orthonormal columns times an upper triangle; or R alone for mode ``"r"``.

    Where the first columns of ``a`` depend on each other the derivative is infinite or NaN. Columns
    of Q past those of ``a`` turn no more than they must.

    Args:
        a: The matrices, of any shape.
        mode: ``"reduced"``, ``"complete"`` for a square Q, or ``"r"``.
    """
    if mode not in ("reduced", "complete", "r"):
        raise GraphError("E212", f"qr: mode is 'reduced', 'complete' or 'r', got {shown(mode)}")
    x = matrices("qr", a)
    rows, columns = x.shape[-2:]
    less, last = min(rows, columns), x.ndim - 1
    first = part(x, last, 0, less)
    q, r = results(decompose.qr, [first], (mode == "complete" and rows > less,), type(x))
    if columns > less:
        r = concatenate(r, matmul(transposed(q), part(x, last, less, columns - less)), axis=last)
    return r if mode == "r" else _Qr(q, r)


# --- least squares --------------------------------------------------------------------------------


class LeastSquares(NamedTuple):
    """What `lstsq` gives.

    Attributes:
        x: The shortest of the vectors for which ‖b − a x‖ is smallest.
        residuals: The sums of squares that are left; empty where ``a`` has no more rows than
            columns.
        rank: The rank of ``a``.
        s: The singular values of ``a``.
    """

    x: Any
    residuals: Any
    rank: Any
    s: Any


@covers(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> LeastSquares:
    """The solution of a x = b by least squares: (x, residuals, rank, s).

    The derivative is that along matrices of the same rank. Unlike NumPy's, the residuals are there
    also where the rank is not full, as shapes cannot depend on numbers.

    Args:
        a: A matrix.
        b: A vector, or a matrix of columns.
        rcond: Singular values up to this times the largest one count as 0; None: the larger size
            of ``a`` times the rounding unit.

    Raises:
        GraphError: E203 when shapes do not fit.
    """
    a, b = floats(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        problem = f"shapes do not match in lstsq: {list(a.shape)} and {list(b.shape)}"
        raise GraphError("E203", problem)
    s = decompose.singular_values(a)
    cutoff = _unit(a, s) if rcond is None else max(float(rcond), 0.0)
    x = matmul(pinv(a, cutoff), b)
    left = b - matmul(a, x)
    residuals = sum(square(left), 0, keepdims=b.ndim == 1)
    if a.shape[0] <= a.shape[1]:
        residuals = part(residuals, 0, 0, 0)
    return LeastSquares(x, residuals, _rank(s, cutoff), s)
