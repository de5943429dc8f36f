"""The functions of ``scipy.linalg``, with its arguments and defaults.

What only says how SciPy is to compute, such as ``overwrite_a``, is left out before they are called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.composite import decompositions, linalg, norms
from chainrule.ops.composite.shaping import Axis, atleast_2d
from chainrule.ops.composite.table import LINALG, F, covers, terms
from chainrule.ops.matrices import read_symmetric
from chainrule.ops.matrices import transposed as turned
from chainrule.ops.rearrange import concatenate, embed, part, reshaped

LINALG.update(
    det=linalg.det,
    expm=linalg.expm,
    solve_triangular=linalg.solve_triangular,
    cho_solve=linalg.cho_solve,
    cho_factor=linalg.cho_factor,
)


def _enter(function: F) -> F:
    LINALG[function.__name__] = function
    return function


@_enter
def norm(a: Any, ord: norms.Order = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of a vector or a matrix, as NumPy's."""
    return norms.norm(a, ord, axis, keepdims)


_STRUCTURES = {
    None: "general", "gen": "general", "general": "general",
    "sym": "symmetric", "symmetric": "symmetric", "her": "symmetric", "hermitian": "symmetric",
    "pos": "positive", "positive definite": "positive",
    "upper triangular": "upper", "lower triangular": "lower",
    "diagonal": "general", "tridiagonal": "general", "banded": "general",
}  # fmt: skip


def _structure(name: str, given: Any) -> str:
    if given not in _STRUCTURES:
        known = ", ".join(repr(key) for key in _STRUCTURES if key)
        raise GraphError("E212", f"{name}: assume_a is one of {known}; got {shown(given)}")
    return _STRUCTURES[given]


@_enter
def solve(
    a: Any, b: Any, lower: bool = False, *, assume_a: Any = None, transposed: bool = False
) -> Any:
    """``x`` with a x = b.

    Args:
        a: The matrices.
        b: A vector, or matrices.
        lower: Which triangle of a symmetric matrix is read.
        assume_a: What is known of ``a``; a positive definite one is solved by its Cholesky factor.
        transposed: Solve aᵀ x = b.
    """
    a, b = linalg.floats(a, b)
    a, trans = linalg.squares("solve", a), int(transposed)
    match _structure("solve", assume_a):
        case "upper" | "lower" as which:
            return linalg.solve_triangular(a, b, trans, which == "lower")
        case "positive":
            return linalg.cho_solve(linalg.cho_factor(a, lower), b)
        case "symmetric":
            return linalg.solve(_symmetric(a, lower), b)
    return linalg.solve(turned(a) if transposed else a, b)


def _symmetric(a: Any, lower: bool) -> Any:
    """The symmetric matrix that one triangle stands for."""
    read = a if lower else turned(a)
    return read_symmetric(read, read)


@_enter
def inv(a: Any, *, assume_a: Any = None, lower: bool = False) -> Any:
    """The inverse; NaN where ``a`` is singular."""
    x = linalg.squares("inv", a)
    if _structure("inv", assume_a) == "general":
        return linalg.inv(x)
    return solve(x, linalg.identity_like(x), lower, assume_a=assume_a)


@_enter
def cholesky(a: Any, lower: bool = False) -> Any:
    """The triangular factor of symmetric positive definite matrices: the upper or the lower one."""
    return linalg.cholesky(a, upper=not lower)


@_enter
def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False) -> Any:
    """The pseudo-inverse; singular values up to ``rtol`` times the largest one count as 0."""
    if return_rank or atol is not None:
        raise GraphError("E212", "pinv takes no atol= and no return_rank= here")
    return linalg.pinv(a, rtol=rtol)


@_enter
@covers()
def pinvh(a: Any, *, rtol: Any = None, lower: bool = True) -> Any:
    """The pseudo-inverse of symmetric matrices, of which one triangle is read."""
    return linalg.pinv(_symmetric(linalg.squares("pinvh", a), lower), rtol=rtol)


@_enter
def lstsq(a: Any, b: Any, cond: float | None = None) -> Any:
    """The solution by least squares: (x, residues, rank, s)."""
    a, b = linalg.floats(a, b)
    cutoff = float(np.finfo(a.dtype).eps) if cond is None else cond
    x, residuals, rank, s = decompositions.lstsq(a, b, cutoff)
    return x, reshaped(residuals, b.shape[1:]) if residuals.shape == (1,) else residuals, rank, s


@_enter
def svdvals(a: Any) -> Any:
    """The singular values, in descending order."""
    return decompositions.svdvals(a)


@_enter
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular vectors and values, (U, s, Vh), or the values alone."""
    found = decompositions.svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@_enter
def qr(a: Any, *, mode: str = "full") -> Any:
    """(Q, R), or (R,) for mode ``"r"``; for mode ``"economic"`` no more columns and rows than
    either.
    """
    modes = {"full": "complete", "r": "complete", "economic": "reduced"}
    if mode not in modes:
        raise GraphError("E212", f"qr: mode is 'full', 'r' or 'economic', got {shown(mode)}")
    q, r = decompositions.qr(a, modes[mode])
    return (r,) if mode == "r" else (q, r)


@_enter
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    subset_by_index: Sequence[int] | None = None,
) -> Any:
    """Eigenvalues and eigenvectors: a v = w v, or a v = w b v with a positive definite ``b``.

    Args:
        a: Symmetric matrices.
        b: Positive definite ones; None for the identity.
        lower: Which triangle of both is read.
        eigvals_only: Give no eigenvectors.
        subset_by_index: (first, last) of the eigenvalues wanted, both included.
    """
    a = linalg.squares("eigh", a)
    if b is None:
        w, v = decompositions.eigh(a, "L" if lower else "U")
    else:
        a, b = linalg.floats(_symmetric(a, lower), b)
        factor = linalg.cholesky(b if lower else turned(b))
        half = linalg.solve_triangular(factor, a, lower=True)
        w, y = decompositions.eigh(linalg.solve_triangular(factor, turned(half), lower=True))
        v = linalg.solve_triangular(factor, y, 1, lower=True)
    if subset_by_index is not None:
        first, last = map(int, subset_by_index)
        w, v = (part(x, x.ndim - 1, first, last - first + 1) for x in (w, v))
    return w if eigvals_only else (w, v)


@_enter
def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, subset_by_index: Sequence[int] | None = None
) -> Any:
    """The eigenvalues of `eigh`."""
    return eigh(a, b, lower=lower, eigvals_only=True, subset_by_index=subset_by_index)


@_enter
@covers()
def block_diag(*arrs: Any) -> Any:
    """Matrices along a diagonal, zeros around them; a vector is a row."""
    parts = linalg.floats(*[atleast_2d(x) for x in terms(arrs)])
    width = sum(x.shape[1] for x in parts)
    rows, before = [], 0
    for x in parts:
        rows.append(embed(x, (x.shape[0], width), (0, before), (1, 1)))
        before += x.shape[1]
    return concatenate(*rows, axis=0)
