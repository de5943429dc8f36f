"""What every composite is tried with; a composite without an example fails its test.

An example is a function of NumPy's namespace and operands. Run with NumPy's own arrays it gives the
value that is right, with symbolic ones what is checked, with ``jax.numpy`` the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.special

import chainrule as cr
from chainrule.ops.composite.table import COVERED, NAMED
from chainrule.ops.term import Function
from tests.jax_values import jax, jnp

LINEAR = object()
"""In place of a function of JAX: the matrix of NumPy's function, which is linear."""


class Case(NamedTuple):
    """One example.

    Attributes:
        function: (namespace, operands) → the result, or several.
        operands: The shape of each operand; or the operand itself, where it is fixed.
        jax: The same with JAX where that has no function of this name.
        low: The smallest element.
        high: The largest one.
        dtypes: What it is tried with besides float64.
        smooth: Whether it has a derivative.
        ours: Symbolic arrays in place of NumPy's function, for what NumPy has not.
    """

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    jax: Any = None
    low: float = -1.0
    high: float = 1.0
    dtypes: tuple[str, ...] = ("float32", "int64")
    smooth: bool = True
    ours: Callable[..., Any] | None = None


def e(function: Callable[..., Any], *operands: Any, **options: Any) -> Case:
    return Case(function, operands, **options)


def step(function: Callable[..., Any], *operands: Any, **options: Any) -> Case:
    """An example of something that has no derivative, or 0."""
    return Case(function, operands, smooth=False, **options)


def floats(function: Callable[..., Any], *operands: Any, **options: Any) -> Case:
    """An example for floating-point numbers only."""
    return Case(function, operands, **{"dtypes": ("float32",), **options})


def own(ours: Any, numpy: Any, jaxed: Any, *operands: Any, **options: Any) -> Case:
    """An example of a function that NumPy has not: ours, one for NumPy's arrays, JAX's."""
    return Case(lambda m, *x: numpy(*x), operands, lambda m, *x: jaxed(*x), ours=ours, **options)


ROW, EMPTY = (4,), (2, 0)
M = (2, 3)
PLACES, PAIRS = np.array([[2, 0], [1, 1]]), np.array([[2, 0], [1, 0]])
COND = np.array([[True, False, True], [False, True, True]])
GAPS = np.array([0.0, 0.5, 2.0, 2.25])
HOLES = np.array([[0.5, np.nan, -0.3], [np.nan, 0.25, 0.75]])
ANGLES = np.array([2.0, 0.5, 1.0])
POLY = np.array([1.5, -0.5, 2.0])


def far(x: Any, distance: float = 4) -> Any:
    """Square matrices far from singular ones."""
    return x + distance * np.eye(x.shape[-1], dtype=np.dtype(x.dtype))


def even(m: Any, x: Any, distance: float = 0) -> Any:
    """Symmetric matrices, positive definite from a distance of 4 on."""
    return far((x + m.matrix_transpose(x)) / 2, distance)


def apart(m: Any, x: Any) -> Any:
    """Symmetric matrices with eigenvalues far from each other."""
    return even(m, x) + np.diag(4 * np.arange(x.shape[-1])).astype(np.dtype(x.dtype))


def _with_holes(name: str, **how: Any) -> list[Case]:
    """A function that leaves out NaN: of all, along an axis, of an array that has some."""

    def run(m: Any, x: Any, **more: Any) -> Any:
        return getattr(m, name)(x, **how, **more)

    return [
        e(run, M),
        e(lambda m, x: run(m, x, axis=1), M),
        floats(run, HOLES),
        floats(lambda m, x: run(m, x, axis=1), HOLES),
        floats(lambda m, x: run(m, m.where(HOLES > 0, x, np.nan), axis=0), (2, 3)),
    ]


def _reduction(name: str, *, where: bool = True, initial: Any = None) -> list[Case]:
    def run(m: Any, x: Any, **how: Any) -> Any:
        return getattr(m, name)(x, **how)

    found = [
        e(run, M),
        e(run, ()),
        e(lambda m, x: run(m, x, axis=0, keepdims=True), M),
        e(lambda m, x: run(m, x, axis=(0, -1)), (2, 3, 2)),
    ]
    begun = {} if initial is None else {"initial": initial}
    if where:
        found += [
            e(lambda m, x: run(m, x, where=COND, **begun), M),
            e(lambda m, x: run(m, x, axis=1, where=COND, keepdims=True, **begun), M),
            floats(lambda m, x: run(m, x, axis=0, where=x > -0.9, **begun), (3, 2)),
        ]
    if initial is not None:
        found += [e(lambda m, x: run(m, x, **begun), M), e(lambda m, x: run(m, x, **begun), EMPTY)]
    return found


def _quantiles(name: str, unit: float, *, holes: bool = False) -> list[Case]:
    def run(m: Any, x: Any, q: Any, **how: Any) -> Any:
        return getattr(m, name)(x, q if isinstance(q, float) else q * unit, **how)

    found = [
        e(lambda m, x: run(m, x, 0.3 * unit), (5,)),
        e(lambda m, x: run(m, x, 0.25 * unit), (5,)),
        e(lambda m, x: run(m, x, np.array([0.1, 0.5, 1.0]), axis=1), (2, 4), dtypes=()),
        e(lambda m, x: run(m, x, np.array([0.1, 0.5]), axis=(0, 2), keepdims=True), (2, 3, 2),
          dtypes=()),
        *[
            e(lambda m, x, how=how: run(m, x, 0.35 * unit, axis=0, method=how), (6, 2))
            for how in ("lower", "higher", "midpoint", "nearest")
        ],
        e(lambda m, x, q: run(m, x, q, axis=0), (6, 2), np.array([0.15, 0.62]), dtypes=()),
    ]  # fmt: skip
    if holes:
        found.append(e(lambda m, x: run(m, x, 0.3 * unit, axis=1), HOLES, dtypes=()))
    return found


def _softmax(x: Any, axis: Any = None) -> Any:
    return scipy.special.softmax(np.asarray(x), axis)


def _logsumexp(x: Any, axis: Any = None) -> Any:
    return scipy.special.logsumexp(x, axis)


def _conv(x: Any, w: Any) -> Any:
    """Windows times filters, by NumPy's own views."""
    width = w.shape[2:]
    axes = tuple(range(2, x.ndim))
    seen = np.lib.stride_tricks.sliding_window_view(x, width, axes)
    letters = "xy"[: len(axes)], "uv"[: len(axes)]
    return np.einsum(f"bc{letters[0]}{letters[1]},fc{letters[1]}->bf{letters[0]}", seen, w)


def _written(x: Any, v: Any) -> Any:
    made = x.copy()
    made[[0, 2]] = v
    return made


def _put(x: Any, v: Any) -> Any:
    made = x.copy()
    np.put_along_axis(made, PAIRS, v, 1)
    return made


def _sides(m: Any, x: Any) -> Any:
    return m.piecewise(x, [x < -0.3, x > 0.4], [lambda x: x * x, 2.0, lambda x: 3 * x])


EXAMPLES: dict[str, list[Case]] = {
    # --- shapes, axes, copies
    "reshape": [e(lambda m, x: m.reshape(x, (3, -1)), M), e(lambda m, x: m.reshape(x, ()), (1,))],
    "ravel": [e(lambda m, x: m.ravel(x), M), e(lambda m, x: m.ravel(x), ()),
              e(lambda m, x: m.ravel(x), EMPTY)],
    "expand_dims": [e(lambda m, x: m.expand_dims(x, (0, -1)), M)],
    "squeeze": [e(lambda m, x: m.squeeze(x), (1, 3, 1)), e(lambda m, x: m.squeeze(x, 0), (1, 1))],
    "atleast_1d": [e(lambda m, x: m.atleast_1d(x), ())],
    "atleast_2d": [e(lambda m, x: m.atleast_2d(x), ROW), e(lambda m, x: m.atleast_2d(x), ())],
    "atleast_3d": [e(lambda m, x: m.atleast_3d(x), ROW), e(lambda m, x: m.atleast_3d(x), M)],
    "transpose": [e(lambda m, x: m.transpose(x), M),
                  e(lambda m, x: m.transpose(x, (1, 2, 0)), (2, 3, 4))],
    "moveaxis": [e(lambda m, x: m.moveaxis(x, 0, -1), (2, 3, 4))],
    "rollaxis": [e(lambda m, x: m.rollaxis(x, 2), (2, 3, 4)),
                 e(lambda m, x: m.rollaxis(x, 0, 2), (2, 3, 4)),
                 e(lambda m, x: m.rollaxis(x, 1, 3), (2, 3, 4))],
    "swapaxes": [e(lambda m, x: m.swapaxes(x, 0, 2), (2, 3, 4))],
    "matrix_transpose": [e(lambda m, x: m.matrix_transpose(x), (2, 3, 4))],
    "broadcast_to": [e(lambda m, x: m.broadcast_to(x, (2, 3)), (3,)),
                     e(lambda m, x: m.broadcast_to(x, (2, 0)), (1,))],
    "broadcast_arrays": [e(lambda m, x, y: m.broadcast_arrays(x, y), (3, 1), (2,))],
    "meshgrid": [e(lambda m, x, y: m.meshgrid(x, y), (2,), (3,)),
                 e(lambda m, x, y: m.meshgrid(x, y, indexing="ij", sparse=True), (2,), (3,))],
    "full_like": [e(lambda m, x, y: m.full_like(x, y), M, (), dtypes=("float32",))],
    "zeros_like": [step(lambda m, x: m.zeros_like(x), M)],
    "ones_like": [step(lambda m, x: m.ones_like(x), M)],
    "empty_like": [step(lambda m, x: 0 * m.empty_like(x), M, dtypes=())],
    "astype": [e(lambda m, x: m.astype(x, "float64"), M), step(lambda m, x: m.astype(x, bool), M)],
    "copy": [e(lambda m, x: m.copy(x), M)],
    # --- elements by place
    "take": [e(lambda m, x: m.take(x, PLACES), (3,)), e(lambda m, x: m.take(x, PLACES, axis=1), M)],
    "take_along_axis": [e(lambda m, x: m.take_along_axis(x, PLACES, axis=1), M)],
    "put_along_axis": [own(lambda x, v: cr.put_along_axis(x, PAIRS, v, 1), _put,
                           lambda x, v: jnp.put_along_axis(x, PAIRS, v, 1, inplace=False),
                           M, (2, 2))],
    "at": [own(lambda x, v: cr.at(x)[[0, 2]].set(v), _written,
               lambda x, v: x.at[np.array([0, 2])].set(v), (3, 2), (2, 2))],
    "compress": [e(lambda m, x: m.compress([True, False, True], x, axis=1), M,
                   jax=lambda m, x: x[:, np.array([0, 2])])],
    "extract": [e(lambda m, x: m.extract(COND, x), M, jax=lambda m, x: x[COND])],
    "where": [e(lambda m, x, y: m.where(COND, x, y), M, (3,)),
              e(lambda m, x, y: m.where(x > 0, x * x, y), M, M)],
    "select": [e(lambda m, x, y: m.select([x > 0.5, y > 0], [x, y], 3), M, M, dtypes=())],
    "choose": [e(lambda m, x, y: m.choose(np.array([0, 1, 0]), [x, y]), (3,), (3,),
                 jax=lambda m, x, y: m.choose(np.array([0, 1, 0]), [x, y], mode="clip")),
               e(lambda m, i, x: m.choose(i, [x, 2 * x, x * x], mode="clip"),
                 np.array([2, 0, 5]), (3,))],
    "piecewise": [e(_sides, (7,), dtypes=("float32",))],
    "pad": [e(lambda m, x: m.pad(x, 1), M), e(lambda m, x: m.pad(x, (1, 2), mode="reflect"), ROW),
            e(lambda m, x: m.pad(x, 2, constant_values=3), M)],
    "delete": [e(lambda m, x: m.delete(x, 1), ROW),
               e(lambda m, x: m.delete(x, np.array([0, -1]), 1), M),
               e(lambda m, x: m.delete(x, slice(None, None, 2), 0), (5, 2)),
               e(lambda m, x: m.delete(x, slice(None)), ROW)],
    "insert": [e(lambda m, x, v: m.insert(x, 1, v), ROW, (2,)),
               e(lambda m, x, v: m.insert(x, np.array([0, 2, 2]), v, axis=1), M, (2, 3)),
               e(lambda m, x, v: m.insert(x, 3, v, axis=1), M, ()),
               e(lambda m, x, v: m.insert(x, np.array([1]), v, axis=0), M, (2, 3)),
               e(lambda m, x, v: m.insert(x, 1, v, axis=1), M, (2,))],
    "flip": [e(lambda m, x: m.flip(x), M), e(lambda m, x: m.flip(x, 1), M)],
    "fliplr": [e(lambda m, x: m.fliplr(x), M)],
    "flipud": [e(lambda m, x: m.flipud(x), M)],
    "roll": [e(lambda m, x: m.roll(x, 2), M), e(lambda m, x: m.roll(x, (1, -1), (0, 1)), M)],
    "rot90": [e(lambda m, x, k=k: m.rot90(x, k), M) for k in range(4)],
    "repeat": [e(lambda m, x: m.repeat(x, 2), M),
               e(lambda m, x: m.repeat(x, np.array([1, 0, 2]), 1), M)],
    "tile": [e(lambda m, x: m.tile(x, (2, 1, 2)), M)],
    "tril": [e(lambda m, x: m.tril(x), (3, 3)), e(lambda m, x: m.tril(x, -1), (2, 3, 4))],
    "triu": [e(lambda m, x: m.triu(x), (3, 3)), e(lambda m, x: m.triu(x, 1), (2, 3, 4))],
    "diag": [e(lambda m, x: m.diag(x), (3,)), e(lambda m, x: m.diag(x, 1), M)],
    "diagflat": [e(lambda m, x: m.diagflat(x, -1), (2, 2)), e(lambda m, x: m.diagflat(x), ())],
    "diagonal": [e(lambda m, x: m.diagonal(x), (2, 3, 4)),
                 e(lambda m, x: m.diagonal(x, 1, -2, -1), (2, 3, 4))],
    "linalg.diagonal": [e(lambda m, x: m.linalg.diagonal(x), (2, 3, 4))],
    "trace": [e(lambda m, x: m.trace(x), (3, 3)), e(lambda m, x: m.trace(x, 1), (2, 3, 4))],
    "linalg.trace": [e(lambda m, x: m.linalg.trace(x), (2, 3, 4))],
    # --- together and apart
    "concatenate": [e(lambda m, x, y: m.concatenate([x, y]), M, (1, 3)),
                    e(lambda m, x, y: m.concatenate([x, y], axis=None), M, EMPTY)],
    "append": [e(lambda m, x, y: m.append(x, y), M, (2,)),
               e(lambda m, x, y: m.append(x, y, axis=1), M, (2, 1))],
    "stack": [e(lambda m, x, y: m.stack([x, y], -1), M, M)],
    "vstack": [e(lambda m, x, y: m.vstack([x, y]), (3,), M)],
    "hstack": [e(lambda m, x, y: m.hstack([x, y]), M, (2, 1))],
    "dstack": [e(lambda m, x, y: m.dstack([x, y]), M, M)],
    "column_stack": [e(lambda m, x, y: m.column_stack([x, y]), (2,), M)],
    "block": [e(lambda m, x, y: m.block([[x, y], [y, x]]), (2, 2), (2, 2)),
              e(lambda m, x, y: m.block([x, y]), (2,), ()),
              e(lambda m, x: m.block([[x, np.zeros((2, 1))], [np.ones((1, 4))]]), M,
                dtypes=("float32",))],
    "array_split": [e(lambda m, x: m.array_split(x, 3), (7,))],
    "split": [e(lambda m, x: m.split(x, [1, 3]), ROW), e(lambda m, x: m.split(x, 3, 1), M)],
    "hsplit": [e(lambda m, x: m.hsplit(x, 3), M)],
    "vsplit": [e(lambda m, x: m.vsplit(x, 2), M)],
    "dsplit": [e(lambda m, x: m.dsplit(x, 2), (1, 2, 4))],
    "unstack": [e(lambda m, x: m.unstack(x, axis=1), M)],
    # --- products
    "matmul": [e(lambda m, x, y: m.matmul(x, y), M, (3, 4)), e(lambda m, x, y: x @ y, M, (3,)),
               e(lambda m, x, y: m.linalg.matmul(x, y), (2, 1, 2, 3), (3, 3, 1))],
    "matvec": [e(lambda m, x, y: m.matvec(x, y), M, (3,))],
    "vecmat": [e(lambda m, x, y: m.vecmat(x, y), (2,), M)],
    "vecdot": [e(lambda m, x, y: m.vecdot(x, y), M, (3,))],
    "dot": [e(lambda m, x, y: m.dot(x, y), M, (3, 2)), e(lambda m, x, y: m.dot(x, y), (), M)],
    "inner": [e(lambda m, x, y: m.inner(x, y), M, (4, 3))],
    "vdot": [e(lambda m, x, y: m.vdot(x, y), M, M)],
    "outer": [e(lambda m, x, y: m.outer(x, y), (2,), M)],
    "tensordot": [e(lambda m, x, y: m.tensordot(x, y, 1), M, (3, 2)),
                  e(lambda m, x, y: m.tensordot(x, y, ((0,), (1,))), M, (3, 2))],
    "kron": [e(lambda m, x, y: m.kron(x, y), M, (2, 2))],
    "linalg.multi_dot": [e(lambda m, x, y, z: m.linalg.multi_dot([x, y, z]), M, (3, 4), (4,))],
    "cross": [e(lambda m, x, y: m.cross(x, y), (2, 3), (3,)),
              e(lambda m, x, y: m.linalg.cross(x, y), (2, 3), (2, 3))],
    "einsum": [e(lambda m, x, y: m.einsum("ij,jk->ik", x, y), M, (3, 2)),
               e(lambda m, x: m.einsum("ii->i", x), (3, 3)),
               e(lambda m, x, y, z: m.einsum("ab,bc,cd->", x, y, z), M, (3, 2), (2, 2))],
    # --- sums, means, extremes
    "sum": _reduction("sum", initial=2),
    "prod": _reduction("prod", initial=2),
    "mean": _reduction("mean"),
    "var": [e(lambda m, x: m.var(x), M), e(lambda m, x: m.var(x, axis=0, ddof=1), (3, 2)),
            e(lambda m, x: m.var(x, axis=1, where=COND, ddof=1), M)],
    "std": [e(lambda m, x: m.std(x), M), e(lambda m, x: m.std(x, axis=0, ddof=1), (3, 2)),
            e(lambda m, x: m.std(x, axis=1, where=COND), M)],
    "max": _reduction("max", initial=-1),
    "min": _reduction("min", initial=1),
    "ptp": [e(lambda m, x: m.ptp(x), M), e(lambda m, x: m.ptp(x, 1, keepdims=True), M)],
    "average": [e(lambda m, x: m.average(x), M),
                e(lambda m, x, w: m.average(x, 1, w), M, np.array([1.0, 2.0, 0.5]), dtypes=())],
    "count_nonzero": [step(lambda m, x: m.count_nonzero(x, axis=0), M)],
    "any": [step(lambda m, x: m.any(x > 0, axis=0), M),
            step(lambda m, x: m.any(x > 0, where=COND), M), step(lambda m, x: m.any(x), EMPTY)],
    "all": [step(lambda m, x: m.all(x > 0, axis=0), M),
            step(lambda m, x: m.all(x > 0, where=COND), M), step(lambda m, x: m.all(x), EMPTY)],
    "argmax": [step(lambda m, x: m.argmax(x), M), step(lambda m, x: m.argmax(x, 1), M)],
    "argmin": [step(lambda m, x: m.argmin(x), M), step(lambda m, x: m.argmin(x, 1), M)],
    "clip": [e(lambda m, x: m.clip(x, -0.5, 0.5), M, dtypes=("float32",)),
             e(lambda m, x, y: m.clip(x, y, 0.9), M, (3,), dtypes=("float32",))],
    "nansum": [step(lambda m, x: m.nansum(x, where=COND), M, dtypes=("int64",)),
               *_with_holes("nansum"), floats(lambda m, x: m.nansum(x, where=COND), HOLES)],
    "nanprod": [*_with_holes("nanprod"), floats(lambda m, x: m.nanprod(x, initial=2), HOLES)],
    "nanmean": [*_with_holes("nanmean"), floats(lambda m, x: m.nanmean(x, where=COND), HOLES)],
    "nanvar": [*_with_holes("nanvar")[:4], floats(lambda m, x: m.nanvar(x, ddof=1), HOLES)],
    "nanstd": [*_with_holes("nanstd")[:4], floats(lambda m, x: m.nanstd(x, ddof=1), HOLES)],
    "nanmax": [*_with_holes("nanmax"), floats(lambda m, x: m.nanmax(x, initial=0.6), HOLES)],
    "nanmin": [*_with_holes("nanmin"), floats(lambda m, x: m.nanmin(x, initial=-0.6), HOLES)],
    "nanargmax": [step(lambda m, x: m.nanargmax(x), HOLES, dtypes=("float32",)),
                  step(lambda m, x: m.nanargmax(x, axis=1), HOLES, dtypes=("float32",)),
                  step(lambda m, x: m.nanargmax(x), M)],
    "nanargmin": [step(lambda m, x: m.nanargmin(x), HOLES, dtypes=("float32",)),
                  step(lambda m, x: m.nanargmin(x, axis=1), HOLES, dtypes=("float32",)),
                  step(lambda m, x: m.nanargmin(x), M)],
    "nancumsum": [e(lambda m, x: m.nancumsum(x), M),
                  floats(lambda m, x: m.nancumsum(x, axis=1), HOLES)],
    "nancumprod": [e(lambda m, x: m.nancumprod(x), M),
                   floats(lambda m, x: m.nancumprod(x, axis=1), HOLES)],
    "median": [e(lambda m, x: m.median(x), M), e(lambda m, x: m.median(x, 1, keepdims=True), M),
               e(lambda m, x: m.median(x, axis=(0, 2)), (2, 3, 2))],
    "nanmedian": [e(lambda m, x: m.nanmedian(x), M),
                  floats(lambda m, x: m.nanmedian(x, axis=1), HOLES)],
    "quantile": _quantiles("quantile", 1.0),
    "percentile": _quantiles("percentile", 100.0),
    "nanquantile": _quantiles("nanquantile", 1.0, holes=True),
    "nanpercentile": _quantiles("nanpercentile", 100.0, holes=True),
    "cov": [step(lambda m, x: m.cov(x, rowvar=False, bias=True), (1, 3)),
            step(lambda m, x: m.cov(x, aweights=[0.5, 1.0, 2.0]), M),
            e(lambda m, x: m.cov(x), (3, 5)), e(lambda m, x: m.cov(x), (5,)),
            e(lambda m, x, y: m.cov(x, y, rowvar=False, bias=True), (5, 2), (5, 1), dtypes=()),
            e(lambda m, x: m.cov(x, fweights=np.array([1, 2, 1]), ddof=0), M, dtypes=()),
            e(lambda m, x, w: m.cov(x, aweights=w), M, np.array([0.5, 1.0, 2.0]), dtypes=()),
            e(lambda m, x: m.cov(x, fweights=np.array([1, 2, 1]),
                                 aweights=np.array([0.5, 1.0, 2.0])), M, dtypes=())],
    "corrcoef": [e(lambda m, x: m.corrcoef(x), (3, 5), dtypes=("float32",)),
                 e(lambda m, x, y: m.corrcoef(x, y), (5,), (5,))],
    # --- running, differences
    "cumsum": [e(lambda m, x: m.cumsum(x), M), e(lambda m, x: m.cumsum(x, 1), M)],
    "cumprod": [e(lambda m, x: m.cumprod(x), M), e(lambda m, x: m.cumprod(x, 1), M)],
    "cumulative_sum": [e(lambda m, x: m.cumulative_sum(x, axis=1, include_initial=True), M)],
    "cumulative_prod": [e(lambda m, x: m.cumulative_prod(x, axis=1, include_initial=True), M)],
    "diff": [e(lambda m, x: m.diff(x), M), e(lambda m, x: m.diff(x, 2, 0), (4, 2)),
             e(lambda m, x: m.diff(x, prepend=0, axis=1), M)],
    "ediff1d": [e(lambda m, x: m.ediff1d(x), M),
                floats(lambda m, x: m.ediff1d(x, to_begin=1.0, to_end=np.array([2.0, 3.0])), M,
                       dtypes=())],
    "gradient": [e(lambda m, x: m.gradient(x), (5,)), e(lambda m, x: m.gradient(x), (3, 4)),
                 e(lambda m, x: m.gradient(x, 0.5, axis=1), (2, 4)),
                 e(lambda m, x: m.gradient(x), (2,)),
                 e(lambda m, x: m.gradient(x, edge_order=2), (5,), jax=LINEAR),
                 e(lambda m, x: m.gradient(x, GAPS, axis=0), (4, 2), jax=LINEAR,
                   dtypes=("float32",)),
                 step(lambda m, x: m.gradient(x, GAPS[:2], axis=0), (2, 2)),
                 e(lambda m, x: m.gradient(x, GAPS, edge_order=2), (4,), jax=LINEAR, dtypes=())],
    "trapezoid": [e(lambda m, x: m.trapezoid(x), M), e(lambda m, x: m.trapezoid(x, dx=0.5), ROW),
                  e(lambda m, x, t: m.trapezoid(x, t, axis=0), (4, 2), GAPS, dtypes=()),
                  e(lambda m, x, t: m.trapezoid(x, t), M, M)],
    "unwrap": [floats(lambda m, x: m.unwrap(x), (8,), low=-9.0, high=9.0),
               e(lambda m, x: m.unwrap(x, axis=0, period=4.0), (6, 2), low=-9.0, high=9.0,
                 dtypes=("float32",)),
               floats(lambda m, x: m.unwrap(x, discont=4.0), (8,), low=-9.0, high=9.0)],
    # --- lines, polynomials
    "interp": [e(lambda m, x, f: m.interp(x, GAPS, f), (5,), ROW, low=-0.5, high=3.0, dtypes=()),
               e(lambda m, x: m.interp(x, ANGLES, POLY, period=2.5), (5,),
                 low=-4.0, high=4.0, dtypes=())],
    "linspace": [e(lambda m, x, y: m.linspace(x, y, 5), (), (), dtypes=("int64",))],
    "logspace": [e(lambda m, x, y: m.logspace(x, y, 5), (), (), dtypes=()),
                 e(lambda m, x, y: m.logspace(x, y, 4, base=2.0, endpoint=False), (2,), (2,),
                   dtypes=())],
    "geomspace": [e(lambda m, x, y: m.geomspace(x, y, 5), (), (), low=0.5, high=2.0, dtypes=()),
                  e(lambda m, x, y: m.geomspace(-x, -y, 4, axis=-1), (2,), (2,), low=0.5, high=2.0,
                    dtypes=(), jax=lambda m, x, y: -m.geomspace(x, y, 4, axis=-1))],
    "polyval": [e(lambda m, p, x: m.polyval(p, x), (4,), M),
                e(lambda m, x: m.polyval(POLY, x), (), dtypes=())],
    "polyadd": [e(lambda m, p, q: m.polyadd(p, q), (4,), (2,))],
    "polysub": [e(lambda m, p, q: m.polysub(p, q), (2,), (4,))],
    "polyder": [e(lambda m, p: m.polyder(p), (4,)), e(lambda m, p: m.polyder(p, 2), (5,))],
    "polyint": [e(lambda m, p: m.polyint(p), (4,)),
                e(lambda m, p: m.polyint(p, 2, [1.0, 2.0]), (3,), dtypes=(),
                  jax=lambda m, p: m.polyint(p, 2, np.array([1.0, 2.0])))],
    "vander": [e(lambda m, x: m.vander(x), (3,)),
               e(lambda m, x: m.vander(x, 4, increasing=True), (3,))],
    # --- element by element
    "real": [e(lambda m, x: m.real(x), M), e(lambda m, x: m.positive(x), M),
             e(lambda m, x: m.conjugate(x), M)],
    "imag": [step(lambda m, x: m.imag(x), M)],
    "power": [e(lambda m, x: m.power(x, 3), M), e(lambda m, x, y: m.power(x, y), M, M, low=0.5,
                                                  high=2.0, dtypes=("float32",)),
              floats(lambda m, x: m.float_power(x, 2), M, dtypes=())],
    "round": [step(lambda m, x: m.round(x), M, low=-9.0, high=9.0),
              step(lambda m, x: m.round(x, 1), M, dtypes=("float32",))],
    "trunc": [step(lambda m, x: m.trunc(x), M, low=-9.0, high=9.0)],
    "isnan": [step(lambda m, x: m.isnan(x), HOLES, dtypes=("float32",))],
    "isinf": [step(lambda m, x: m.isinf(x), np.array([np.inf, -np.inf, 1, np.nan]),
                   dtypes=("float32",))],
    "isfinite": [step(lambda m, x: m.isfinite(x), np.array([np.inf, 1, np.nan]),
                      dtypes=("float32",))],
    "isposinf": [step(lambda m, x: m.isposinf(x), np.array([np.inf, -np.inf, 1, np.nan]),
                      dtypes=("float32",))],
    "isneginf": [step(lambda m, x: m.isneginf(x), np.array([np.inf, -np.inf, 1, np.nan]),
                      dtypes=("float32",))],
    "isclose": [step(lambda m, x: m.isclose(x, np.array([1.0, 2.1, np.inf, np.nan])),
                     np.array([1.0 + 1e-9, 2.0, np.inf, np.nan]), dtypes=("float32",)),
                step(lambda m, x: m.isclose(x, 1.0, atol=0.5, equal_nan=True),
                     np.array([0.6, 0.4, np.nan]), dtypes=("float32",))],
    "nan_to_num": [floats(lambda m, x: m.nan_to_num(x), HOLES),
                   step(lambda m, x: m.nan_to_num(x), np.array([np.inf, -np.inf, np.nan]),
                        dtypes=("float32",)),
                   floats(lambda m, x: m.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0),
                          np.array([np.inf, -np.inf, np.nan, 0.5]))],
    "signbit": [step(lambda m, x: m.signbit(x), np.array([-0.0, 0.0, -1.5, 2.0, np.inf, -np.inf]),
                     dtypes=("float32",)), step(lambda m, x: m.signbit(x), M)],
    "copysign": [e(lambda m, x, y: m.copysign(x, y), M, M),
                 step(lambda m, x: m.copysign(2.0, x), np.array([-0.0, 0.0]))],
    "ldexp": [e(lambda m, x: m.ldexp(x, np.array([3, -2, 0])), M)],
    "modf": [floats(lambda m, x: m.modf(x)[0], M, low=-9.0, high=9.0),
             step(lambda m, x: m.modf(x), np.array([-2.5, np.inf, -np.inf, 3.0]),
                  dtypes=("float32",)), step(lambda m, x: m.modf(x), M, dtypes=("int64",))],
    "fmax": [e(lambda m, x, y: m.fmax(x, y), M, M),
             floats(lambda m, x: m.fmax(x, 0.3), HOLES)],
    "fmin": [e(lambda m, x, y: m.fmin(x, y), M, M),
             floats(lambda m, x: m.fmin(x, 0.3), HOLES)],
    "heaviside": [step(lambda m, x: m.heaviside(x, 0.5), np.array([-1.0, 0.0, 2.0]))],
    "degrees": [floats(lambda m, x: m.degrees(x), M), floats(lambda m, x: m.rad2deg(x), M)],
    "radians": [floats(lambda m, x: m.radians(x), M), floats(lambda m, x: m.deg2rad(x), M)],
    "logaddexp2": [floats(lambda m, x, y: m.logaddexp2(x, y), M, M)],
    "sinc": [floats(lambda m, x: m.sinc(x), M)],
    "divmod": [step(lambda m, x: m.divmod(x, 0.7), M, low=-3.0, high=3.0, dtypes=("float32",))],
    "bitwise_and": [step(lambda m, x: m.bitwise_and(x > 0, x < 0.5), M)],
    "bitwise_or": [step(lambda m, x: m.bitwise_or(x > 0, x < -0.5), M)],
    "bitwise_xor": [step(lambda m, x: m.bitwise_xor(x > 0, x < 0.5), M)],
    "invert": [step(lambda m, x: m.invert(x > 0), M)],
    # --- linear algebra
    "linalg.solve": [floats(lambda m, x, b: m.linalg.solve(far(x), b), (3, 3), (3,)),
                     floats(lambda m, x, b: m.linalg.solve(far(x), b), (2, 3, 3), (3, 2)),
                     floats(lambda m, x, b: m.linalg.solve(far(x), b), (3, 3), (2, 3, 2)),
                     floats(lambda m, x, b: m.linalg.solve(x, b), (0, 0), (0, 2), smooth=False)],
    "linalg.inv": [floats(lambda m, x: m.linalg.inv(far(x)), (3, 3)),
                   floats(lambda m, x: m.linalg.inv(far(x)), (2, 2, 2))],
    "linalg.pinv": [floats(lambda m, x: m.linalg.pinv(x), (4, 2)),
                    floats(lambda m, x: m.linalg.pinv(x), (2, 2, 3))],
    "linalg.det": [e(lambda m, x: m.linalg.det(x), (3, 3)),
                   floats(lambda m, x: m.linalg.det(x), (2, 2, 2))],
    "linalg.slogdet": [floats(lambda m, x: m.linalg.slogdet(far(x)), (2, 3, 3))],
    "linalg.matrix_power": [e(lambda m, x: m.linalg.matrix_power(x, 5), (2, 2, 2)),
                            floats(lambda m, x: m.linalg.matrix_power(far(x), -2), (2, 2)),
                            step(lambda m, x: m.linalg.matrix_power(x, 0), (2, 2))],
    "linalg.cholesky": [floats(lambda m, x: m.linalg.cholesky(even(m, x, 4)), (3, 3)),
                        floats(lambda m, x: m.linalg.cholesky(even(m, x, 4), upper=True),
                               (2, 2, 2))],
    "linalg.eigh": [floats(lambda m, x: m.linalg.eigh(apart(m, x)), (3, 3)),
                    floats(lambda m, x: m.linalg.eigh(apart(m, x), "U")[0], (2, 2, 2))],
    "linalg.eigvalsh": [floats(lambda m, x: m.linalg.eigvalsh(apart(m, x)), (2, 3, 3))],
    "linalg.svd": [floats(lambda m, x: m.linalg.svd(x, False), (4, 2)),
                   floats(lambda m, x: m.linalg.svd(x, False), (2, 2, 3)),
                   floats(lambda m, x: m.linalg.svd(x, compute_uv=False), (3, 3)),
                   floats(lambda m, x: m.linalg.svd(x)[0] ** 2, (4, 2), smooth=False)],
    "linalg.svdvals": [floats(lambda m, x: m.linalg.svdvals(x), (2, 2, 3))],
    "linalg.cond": [floats(lambda m, x: m.linalg.cond(far(x)), (3, 3)),
                    floats(lambda m, x: m.linalg.cond(far(x), 1), (2, 3, 3))],
    "linalg.matrix_rank": [step(lambda m, x: m.linalg.matrix_rank(x), (2, 4, 3))],
    "linalg.qr": [floats(lambda m, x: m.linalg.qr(x), (4, 2)),
                  floats(lambda m, x: m.linalg.qr(x, "r"), (2, 3, 3)),
                  floats(lambda m, x: m.linalg.qr(x, "complete")[1], (4, 2), smooth=False),
                  floats(lambda m, x: m.linalg.qr(x), (2, 3), smooth=False)],
    "linalg.lstsq": [floats(lambda m, x, b: m.linalg.lstsq(x, b)[:2], (4, 2), (4, 3),
                            dtypes=())],
    "linalg.tensorsolve": [floats(lambda m, x, b: m.linalg.tensorsolve(
        m.reshape(far(x), (2, 3, 6)), b), (6, 6), (2, 3))],
    "linalg.tensorinv": [floats(lambda m, x: m.linalg.tensorinv(
        m.reshape(far(x), (2, 3, 6))), (6, 6))],
    "solve_triangular": [own(lambda x, b: cr.solve_triangular(far(x), b, 1, lower=True),
                             lambda x, b: scipy.linalg.solve_triangular(far(x), b, 1, lower=True),
                             lambda x, b: jax.scipy.linalg.solve_triangular(far(x), b, 1, True),
                             (3, 3), (3, 2), dtypes=("float32",))],
    "expm": [own(cr.expm, scipy.linalg.expm, jax.scipy.linalg.expm, (3, 3), dtypes=("float32",))],
    "cho_factor": [own(lambda x: cr.cho_factor(even(np, x, 4), lower=True)[0],
                       lambda x: np.linalg.cholesky(even(np, x, 4)),
                       lambda x: jnp.linalg.cholesky(even(jnp, x, 4)), (3, 3),
                       dtypes=("float32",))],
    "cho_solve": [own(lambda x, b: cr.cho_solve(cr.cho_factor(even(np, x, 4)), b),
                      lambda x, b: np.linalg.solve(even(np, x, 4), b),
                      lambda x, b: jnp.linalg.solve(even(jnp, x, 4), b), (3, 3), (3,),
                      dtypes=("float32",))],
    "pinvh": [own(lambda x: cr.pinvh(even(np, x, 4)), lambda x: np.linalg.pinv(even(np, x, 4)),
                  lambda x: jnp.linalg.pinv(even(jnp, x, 4)), (3, 3), dtypes=("float32",))],
    "block_diag": [own(cr.block_diag, scipy.linalg.block_diag, jax.scipy.linalg.block_diag, M,
                       (2,), dtypes=("float32",))],
    # --- norms, sorting, searching
    "linalg.norm": [floats(lambda m, x: m.linalg.norm(x), M),
                    floats(lambda m, x: m.linalg.norm(x, 3, axis=1), M),
                    floats(lambda m, x: m.linalg.norm(x, np.inf), M),
                    *[floats(lambda m, x, order=order: m.linalg.norm(x, order), M)
                      for order in (2, -2, "nuc")]],
    "linalg.vector_norm": [floats(lambda m, x: m.linalg.vector_norm(x, ord=1), M)],
    "linalg.matrix_norm": [floats(lambda m, x: m.linalg.matrix_norm(x), (2, 2, 3))],
    "sort": [e(lambda m, x: m.sort(x), M), e(lambda m, x: m.sort(x, 0), M)],
    "argsort": [step(lambda m, x: m.argsort(x, kind="stable"), M)],
    "partition": [e(lambda m, x: m.sort(m.partition(x, 1)), M)],
    "argpartition": [step(lambda m, x: m.argpartition(x, 0)[..., 0], M)],
    "searchsorted": [step(lambda m, x: m.searchsorted(GAPS, x), M, low=-1.0, high=3.0),
                     step(lambda m, x: m.searchsorted(GAPS, x, side="right"), M)],
    "digitize": [step(lambda m, x: m.digitize(x, GAPS), (6,), low=-1.0, high=3.0),
                 step(lambda m, x: m.digitize(x, GAPS, right=True), np.array([0.0, 0.5, 3.0])),
                 step(lambda m, x: m.digitize(x, GAPS[::-1]), np.array([0.0, 0.5, 3.0, -1.0]))],
    "isin": [step(lambda m, x: m.isin(x, [0.5, 0.25]), np.array([[0.5, 1.0], [0.25, 0.0]])),
             step(lambda m, x: m.isin(x, [3, 4], invert=True), np.array([3, 5]))],
    "bincount": [e(lambda m, w: m.bincount(np.array([0, 2, 2]), w), (3,),
                   jax=lambda m, w: m.bincount(np.array([0, 2, 2]), w, length=3)),
                 e(lambda m, w: m.bincount(np.array([0, 2, 2]), w, minlength=5), (3,),
                   jax=lambda m, w: m.bincount(np.array([0, 2, 2]), w, length=5))],
    "top_k": [own(lambda x: cr.top_k(x, 2)[0], lambda x: np.sort(x)[..., :-3:-1],
                  lambda x: jax.lax.top_k(x, 2)[0], (2, 4))],
    # --- windows, exponentials
    "convolve": [e(lambda m, x, v, how=how: m.convolve(x, v, how), (5,), (3,))
                 for how in ("full", "same", "valid")],
    "correlate": [e(lambda m, x, v, how=how: m.correlate(x, v, how), (5,), (3,))
                  for how in ("full", "same", "valid")],
    "lib.stride_tricks.sliding_window_view": [
        e(lambda m, x: m.lib.stride_tricks.sliding_window_view(x, 3), (5,), jax=LINEAR),
        e(lambda m, x: m.lib.stride_tricks.sliding_window_view(x, (2, 2), (2, 0)), (3, 2, 4),
          jax=LINEAR)],
    "conv1d": [own(cr.conv1d, _conv, lambda x, w: jax.lax.conv(x, w, (1,), "VALID"), (2, 3, 6),
                   (4, 3, 3))],
    "conv2d": [own(cr.conv2d, _conv, lambda x, w: jax.lax.conv(x, w, (1, 1), "VALID"),
                   (1, 2, 4, 5), (3, 2, 2, 2))],
    "max_pool": [own(lambda x: cr.max_pool(x, 2), lambda x: x.reshape(1, 2, 3, 2).max(-1),
                     lambda x: x.reshape(1, 2, 3, 2).max(-1), (1, 2, 6))],
    "avg_pool": [own(lambda x: cr.avg_pool(x, 2), lambda x: x.reshape(1, 2, 3, 2).mean(-1),
                     lambda x: x.reshape(1, 2, 3, 2).mean(-1), (1, 2, 6))],
    "logsumexp": [own(lambda x: cr.logsumexp(x, 1), lambda x: _logsumexp(x, 1),
                      lambda x: jax.nn.logsumexp(x, 1), M)],
    "softmax": [own(lambda x: cr.softmax(x, 1), lambda x: _softmax(x, 1),
                    lambda x: jax.nn.softmax(x, 1), M)],
    "log_softmax": [own(lambda x: cr.log_softmax(x, 1),
                        lambda x: scipy.special.log_softmax(x, 1),
                        lambda x: jax.nn.log_softmax(x, 1), M)],
}  # fmt: skip

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "shape": np.shape,
    "ndim": np.ndim,
    "size": np.size,
    "iscomplexobj": np.iscomplexobj,
    "isrealobj": np.isrealobj,
    "result_type": lambda x: np.result_type(x, np.float32),
}
"""Answered at once, by Python's own values."""

REFUSED: dict[str, Callable[[Any], Any]] = {
    "nonzero": np.nonzero,
    "arange": COVERED[np.arange],
    "unique": np.unique,
}  # fmt: skip
"""Their shapes would depend on the data: E235."""


def path_of(function: Any) -> str:
    """Where a function stands in NumPy: ``linalg.norm``; the main namespace comes first."""
    name = function.__name__
    for home, prefix in (
        (np, ""),
        (np.linalg, "linalg."),
        (np.lib.stride_tricks, "lib.stride_tricks."),
    ):
        if getattr(home, name, None) is function:
            return prefix + name
    raise AssertionError(f"{function} is not public")


def composites() -> dict[str, list[str]]:
    """Every composite by the name of its row, and the functions of NumPy it stands for.

    What is an operation by another name has its row in the other tables.
    """
    names: dict[int, list[str]] = {}
    own_names = {id(function): name for name, function in NAMED.items()}
    for function, counterpart in COVERED.items():
        if not isinstance(counterpart, Function):
            names.setdefault(id(counterpart), []).append(path_of(function))
    for key, name in own_names.items():
        names.setdefault(key, [name])
    found = {}
    for key, paths in names.items():
        mine = own_names.get(key)
        found[mine if mine in paths else paths[0]] = paths
    return found
