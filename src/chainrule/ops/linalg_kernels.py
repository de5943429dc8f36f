"""LAPACK on stacks of matrices. What LAPACK refuses is NaN, and spoils nothing else of a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

Array = Any


def guarded(function: Callable[..., Any], a: Array, *others: Array) -> Any:
    """What a function of NumPy gives; NaN for the matrices for which it raises ``LinAlgError``.

    It is called once where none is refused. Otherwise those refused are found one by one.
    """
    try:
        return function(a, *others)
    except np.linalg.LinAlgError:
        pass
    a = np.array(a)
    refused = np.zeros(a.shape[:-2], bool)
    for at in np.ndindex(refused.shape):
        try:
            function(a[at], *[x[at] for x in others])
        except np.linalg.LinAlgError:
            refused[at] = True
            a[at] = np.eye(*a.shape[-2:])
    found = function(a, *others)
    for part in found if isinstance(found, tuple) else (found,):
        part[refused] = np.nan
    return found


def solve(a: Array, b: Array) -> Array:
    if b.ndim < a.ndim:
        return guarded(np.linalg.solve, a, b[..., np.newaxis])[..., 0]
    return guarded(np.linalg.solve, a, b)


def solve_triangular(a: Array, b: Array, lower: bool, transposed: bool, unit: bool) -> Array:
    """By BLAS's trsm, which divides by what stands on the diagonal, 0 included."""
    if not b.size:
        return np.zeros_like(b)
    columns = b[..., np.newaxis] if b.ndim < a.ndim else b
    (trsm,) = scipy.linalg.get_blas_funcs(("trsm",), (a, b))

    def one(at: tuple[int, ...]) -> Array:
        # The transpose of a matrix in row-major order is in the order that BLAS wants.
        return trsm(
            1.0, a[at].T, columns[at], lower=not lower, trans_a=not transposed, diag=int(unit)
        )

    if a.ndim == 2:
        return one(()).reshape(b.shape)
    found = np.empty(columns.shape, b.dtype)
    for at in np.ndindex(a.shape[:-2]):
        found[at] = one(at)
    return found.reshape(b.shape)


def cholesky(a: Array) -> Array:
    return guarded(np.linalg.cholesky, a)


def expm(a: Array) -> Array:
    return scipy.linalg.expm(a)


def pinv(a: Array, cutoff: float) -> Array:
    return guarded(lambda a: np.linalg.pinv(a, cutoff), a)


# --- determinants ---------------------------------------------------------------------------------


def _decomposed(a: Array) -> tuple[Array, Array, Array, Array]:
    """U, s, Vᵀ, and the sign det U · det V."""
    u, s, vt = guarded(np.linalg.svd, a)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(vt))
    return u, s, vt, sign[..., np.newaxis, np.newaxis].astype(a.dtype)


def _before_and_behind(s: Array) -> tuple[Array, Array]:
    """For each number the product of those before it, and of those behind it."""
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], -1), -1)
    behind = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., ::-1]
    return before, behind


def cofactors(a: Array) -> Array:
    """cof(U S Vᵀ) = det U det V · U cof(S) Vᵀ; nothing is divided by."""
    if not a.size:
        return np.zeros_like(a)
    u, s, vt, sign = _decomposed(a)
    before, behind = _before_and_behind(s)
    return sign * ((u * (before * behind)[..., np.newaxis, :]) @ vt)


def cofactors_along(a: Array, e: Array) -> Array:
    """How they change along e, in the same way.

    With E = Uᵀ e V and P_ij the product of all s but s_i and s_j, the cofactors of S change by
    Σ_{k≠i} P_ik E_kk on the diagonal and by −P_ij E_ji off it.
    """
    if not a.size:
        return np.zeros_like(a)
    u, s, vt, sign = _decomposed(a)
    inner = u.swapaxes(-1, -2) @ e @ vt.swapaxes(-1, -2)
    count = s.shape[-1]
    upper = ~np.tri(count, dtype=bool)
    before, behind = _before_and_behind(s)
    # Row i, column j > i: the product of what is between them.
    between = np.cumprod(np.where(upper, s[..., np.newaxis, :], 1), -1)
    between = np.concatenate([np.ones_like(between[..., :1]), between[..., :-1]], -1)
    pairs = np.where(upper, before[..., np.newaxis] * between * behind[..., np.newaxis, :], 0)
    pairs = pairs + pairs.swapaxes(-1, -2)
    changed = -pairs * inner.swapaxes(-1, -2)
    places = np.arange(count)
    diagonal = np.diagonal(inner, axis1=-2, axis2=-1)[..., np.newaxis]
    changed[..., places, places] = (pairs @ diagonal)[..., 0]
    return sign * (u @ changed @ vt)


# --- decompositions -------------------------------------------------------------------------------

Wanted = tuple[bool, ...]
"""Which results are wanted; others may be None."""


def slogdet(a: Array, wanted: Wanted) -> tuple[Array, ...]:
    return tuple(np.linalg.slogdet(a))


def eigh(a: Array, wanted: Wanted) -> tuple[Array, ...]:
    if not wanted[1]:
        return guarded(np.linalg.eigvalsh, a), None
    return tuple(guarded(np.linalg.eigh, a))


def svd(a: Array, full: bool, wanted: Wanted) -> tuple[Array, ...]:
    if not (wanted[0] or wanted[2]):
        return None, guarded(lambda a: np.linalg.svd(a, compute_uv=False), a), None
    return tuple(guarded(lambda a: np.linalg.svd(a, full_matrices=full), a))


def qr(a: Array, full: bool, wanted: Wanted) -> tuple[Array, ...]:
    if not (wanted[0] or full):
        return None, np.linalg.qr(a, "r")
    return tuple(np.linalg.qr(a, "complete" if full else "reduced"))
