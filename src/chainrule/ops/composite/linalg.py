"""NumPy's linear algebra: what is made of operations on matrices.

Stacks of matrices broadcast as in NumPy. A matrix that NumPy refuses with ``LinAlgError``, such as
a singular one to invert, gives NaN here, as the numbers are known only when the graph runs.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.graph.node import constant_node
from chainrule.graph.types import Type
from chainrule.ops import determinant, matrix_functions, systems
from chainrule.ops.composite.products import matmul, together
from chainrule.ops.composite.statistics import floating
from chainrule.ops.composite.table import covers, in_dtype, term
from chainrule.ops.matrices import transposed
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.term import spread

# --- arguments ------------------------------------------------------------------------------------


def floats(*values: Any) -> list[Any]:
    """The values as terms of one floating dtype."""
    terms = together(*values)
    dtype = np.result_type(*[x.dtype for x in terms])
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    return [in_dtype(x, dtype) for x in terms]


def matrices(name: str, x: Any) -> Any:
    """A floating term whose last two axes are matrices; raises GraphError E203 for fewer axes."""
    x = floating(term(x))
    _require(name, x)
    return x


def squares(name: str, x: Any) -> Any:
    """The same for square ones."""
    x = floating(term(x))
    _require(name, x, square=True)
    return x


def _require(name: str, x: Any, *, square: bool = False) -> None:
    if x.ndim < 2:
        raise GraphError("E203", f"{name} needs a matrix, got {list(x.shape)}")
    if square and x.shape[-1] != x.shape[-2]:
        raise GraphError("E203", f"{name} needs a square matrix, got {list(x.shape)}")


def stacked(x: Any, front: tuple[int, ...], core: int) -> Any:
    """A term whose axes before its last ``core`` ones are broadcast to ``front``."""
    return x.__class__(spread(x.node, (*front, *x.shape[x.ndim - core :])))


def identity_like(x: Any) -> Any:
    """Identity matrices, as many and as large as those of ``x``."""
    size = x.shape[-1]
    one = x.__class__(constant_node(np.eye(size, dtype=x.dtype), Type.of(x.dtype, (size, size))))
    return stacked(one, x.shape[:-2], 2)


def by_columns(name: str, a: Any, b: Any, function: Any) -> Any:
    """``function(a, b)`` with stacks broadcast; a ``b`` with one axis is a vector.

    Raises:
        GraphError: E203 when shapes do not fit.
    """
    a, b = floats(a, b)
    _require(name, a, square=True)
    vectors = b.ndim == 1
    core = 1 if vectors else 2
    problem = f"shapes do not match in {name}: {list(a.shape)} and {list(b.shape)}"
    if b.ndim == 0 or b.shape[-core] != a.shape[-1]:
        raise GraphError("E203", problem)
    if a.ndim == 2 and b.ndim > core:
        return systems.with_columns(function, a, b, vectors=False)
    try:
        front = np.broadcast_shapes(a.shape[:-2], b.shape[: b.ndim - core])
    except ValueError:
        raise GraphError("E203", problem) from None
    return function(stacked(a, front, 2), stacked(b, front, core))


# --- solving --------------------------------------------------------------------------------------


@covers(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """``x`` with a x = b, for a vector or for matrices ``b``; NaN where ``a`` is singular.

    >>> import chainrule as cr
    >>> a, b = cr.input("a", (2, 2)), cr.input("b", 2)
    >>> record = cr.graph(cr.sum(solve(a, b)), [a, b]).at([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0])
    >>> record.value, record.gradient["b"].tolist()
    (2.0, [0.5, 0.25])
    """
    return by_columns("solve", a, b, systems.solve)


@covers()
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """``x`` with a x = b for a triangular ``a``; infinite or NaN where ``a`` is singular.

    Args:
        a: Triangular matrices; nothing but one triangle is read.
        b: A vector, or matrices.
        trans: 0 or ``"N"``; 1, 2, ``"T"`` or ``"C"`` for aᵀ x = b.
        lower: Read the lower triangle, not the upper one.
        unit_diagonal: Take the diagonal to be ones, and do not read it.
    """
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise GraphError("E212", f"solve_triangular: trans is 0, 1 or 2, got {shown(trans)}")
    params = (bool(lower), trans not in (0, "N"), bool(unit_diagonal))
    return by_columns(
        "solve_triangular", a, b, lambda a, b: systems.solve_triangular(a, b, *params)
    )


@covers(np.linalg.inv)
def inv(a: Any) -> Any:
    """The inverse; NaN where ``a`` is singular."""
    x = squares("inv", a)
    return systems.solve(x, identity_like(x))


@covers(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = 1e-15) -> Any:
    """The pseudo-inverse of Moore and Penrose.

    The derivative is that along matrices of the same rank; where the rank of ``a`` is not full
    there are matrices of higher rank next to it, and the pseudo-inverse jumps.

    Args:
        a: The matrices, of any shape.
        rcond: Singular values up to this times the largest one count as 0.
        hermitian: ``a`` is symmetric; changes nothing.
        rtol: The same as ``rcond``; None for the larger size times the rounding unit.

    Raises:
        GraphError: E212 for a cutoff that is not one number from 0 to 1.
    """
    x = matrices("pinv", a)
    cutoff = rtol if rcond is None else rcond
    if cutoff is None:
        cutoff = float(max(x.shape[-2:]) * np.finfo(x.dtype).eps)
    return matrix_functions.pinv(x, float(cutoff) if isinstance(cutoff, np.generic) else cutoff)


@covers(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """``x`` with ``np.tensordot(a, x, x.ndim) == b``.

    Args:
        a: As many elements along its first ``b.ndim`` axes as along the others.
        b: The right side.
        axes: Axes of ``a`` that are moved to its end before.
    """
    a, b = floats(a, b)
    if axes is not None:
        last = [int(at) % a.ndim for at in axes]
        a = permuted(a, [*(at for at in range(a.ndim) if at not in last), *last])
    shape = a.shape[b.ndim :]
    count = prod(shape)
    if prod(a.shape[: b.ndim]) != count or prod(b.shape) != count:
        raise GraphError(
            "E203", f"shapes do not match in tensorsolve: {list(a.shape)} and {list(b.shape)}"
        )
    return reshaped(solve(reshaped(a, (count, count)), reshaped(b, (count,))), shape)


@covers(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of ``a`` as a map from its last axes, from ``ind`` on, to its first ones."""
    x = floating(term(a))
    if not 0 < ind < max(x.ndim, 1) or prod(x.shape[:ind]) != prod(x.shape[ind:]):
        raise GraphError("E203", f"tensorinv: {list(x.shape)} is not square at axis {ind}")
    count = prod(x.shape[:ind])
    return reshaped(inv(reshaped(x, (count, count))), (*x.shape[ind:], *x.shape[:ind]))


# --- determinants and powers ----------------------------------------------------------------------


@covers(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant. Its first two derivatives are right where ``a`` is singular, too.

    >>> import chainrule as cr
    >>> a = cr.input("a", (2, 2))
    >>> cr.graph(det(a), [a]).at([[1.0, 2.0], [2.0, 4.0]]).gradient["a"].round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    return determinant.det(squares("det", a))


@covers(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """``a`` multiplied by itself n times, by repeated squaring; its inverse for negative ``n``."""
    x = term(a)
    _require("matrix_power", x, square=True)
    try:
        count = operator.index(n)
    except TypeError:
        raise GraphError("E212", f"an exponent is a whole number, got {shown(n)}") from None
    if count == 0:
        return identity_like(x)
    square = inv(x) if count < 0 else x
    count, result = abs(count), None
    while True:
        if count % 2:
            result = square if result is None else matmul(result, square)
        count //= 2
        if not count:
            return result
        square = matmul(square, square)


@covers()
def expm(A: Any) -> Any:  # noqa: N803 - as SciPy calls it
    """The exponential of a square matrix, the sum of Aᵏ/k!.

    >>> import chainrule as cr
    >>> A = cr.input("A", (2, 2))
    >>> cr.graph(expm(A), [A]).at([[0.0, 1.0], [0.0, 0.0]]).value.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    return matrix_functions.expm(squares("expm", A))


# --- Cholesky -------------------------------------------------------------------------------------


@covers(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor of symmetric positive definite matrices; NaN for others.

    One triangle of ``a`` is read. In the derivative, elements that are equal to their mirror image
    share with it, so that the gradient of a symmetric matrix is symmetric; where they differ it
    goes to the one that is read.

    Args:
        a: The matrices.
        upper: Give u with a = uᵀ u, from the upper triangle, in place of l with a = l lᵀ from the
            lower one.
    """
    x = squares("cholesky", a)
    if upper:
        return transposed(matrix_functions.cholesky(transposed(x)))
    return matrix_functions.cholesky(x)


@covers()
def cho_factor(a: Any, lower: bool = False) -> tuple[Any, bool]:
    """What `cho_solve` takes: a factor of symmetric positive definite matrices, and which it is.

    Unlike SciPy's, the factor has zeros in its other triangle.
    """
    return cholesky(a, upper=not lower), bool(lower)


@covers()
def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """``x`` with a x = b, from what `cho_factor` gave for ``a``."""
    c, lower = c_and_lower
    inner = solve_triangular(c, b, 0 if lower else 1, lower)
    return solve_triangular(c, inner, 1 if lower else 0, lower)
