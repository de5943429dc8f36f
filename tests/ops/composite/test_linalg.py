"""Linear algebra: values like NumPy's, derivatives like JAX's, singular cases by hand."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
import scipy.linalg

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import decompositions as dc
from chainrule.ops.composite import linalg as la
from chainrule.ops.composite import norms
from chainrule.ops.composite.products import matmul
from chainrule.ops.composite.statistics import sum as total
from chainrule.ops.composite.table import COVERED, NAMED
from tests.jax_values import jax, jnp
from tests.ops.composite.against_jax import check_derivatives, check_values, same, value_of


def matrix(*shape, seed=0, shift=0.0):
    """Random matrices, with something added to the diagonal."""
    return np.random.default_rng(seed).uniform(-1, 1, shape) + shift * np.eye(*shape[-2:])


def symmetric(*shape, seed=0, shift=0.0):
    a = matrix(*shape, seed=seed)
    return (a + a.swapaxes(-1, -2)) / 2 + shift * np.eye(shape[-1])


def apart(*shape, seed=0):
    """Symmetric matrices with eigenvalues far from each other."""
    return symmetric(*shape, seed=seed) + np.diag(3.0 * np.arange(1, shape[-1] + 1))


def known(x):
    """A symbolic array, a constant for numbers."""
    return x if isinstance(x, cr.Array) else cr.constant(x)


def gradient(function, *values):
    """The gradient of the sum, by numbers and by the graph, which must agree."""
    terms = [cr.input(f"x{at}", np.shape(x)) for at, x in enumerate(values)]
    graph = cr.graph(total(function(*terms)), terms)
    found = [graph.at(*values).gradient[term.node.name] for term in terms]
    symbolic = graph.gradient([term.node.name for term in terms])(*values)[1]
    for one, other in zip(found, symbolic, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    return found if len(found) > 1 else found[0]


def second(function, x, dot):
    """The Hessian of the sum times a direction."""
    term = cr.input("x", np.shape(x))
    graph = cr.graph(total(function(term)), [term])
    return graph.gradient("x").jvp("x")(x, dot)[1][1]


# --- against NumPy and JAX ------------------------------------------------------------------------

A, B, C = matrix(3, 3, shift=3), matrix(3, 3, seed=1, shift=-3), matrix(2, 3, 3, seed=2, shift=3)
S, T = symmetric(3, 3, shift=4), symmetric(2, 3, 3, seed=1, shift=4)
LONG, WIDE, STACK = matrix(4, 2, seed=3), matrix(2, 4, seed=4), matrix(2, 4, 3, seed=5)
b, D = matrix(1, 3, seed=6)[0], matrix(3, 2, seed=7)

CASES = {
    "solve-vector": (la.solve, np.linalg.solve, jnp.linalg.solve, A, b),
    "solve-matrix": (la.solve, np.linalg.solve, jnp.linalg.solve, A, D),
    "solve-stacks": (la.solve, np.linalg.solve, jnp.linalg.solve, C, matrix(2, 3, 2)),
    "solve-one-for-many": (la.solve, np.linalg.solve, jnp.linalg.solve, A, matrix(2, 3, 2)),
    "solve-many-for-one": (la.solve, np.linalg.solve, jnp.linalg.solve, C, D),
    "solve-many-for-a-vector": (
        la.solve,
        np.linalg.solve,
        lambda a, b: jnp.linalg.solve(a, jnp.stack([b, b])[..., None])[..., 0],
        C,
        b,
    ),
    "inv": (la.inv, np.linalg.inv, jnp.linalg.inv, A),
    "inv-stack": (la.inv, np.linalg.inv, jnp.linalg.inv, C),
    "det": (la.det, np.linalg.det, jnp.linalg.det, A),
    "det-stack": (la.det, np.linalg.det, jnp.linalg.det, C),
    "det-4": (la.det, np.linalg.det, jnp.linalg.det, matrix(4, 4, seed=8)),
    "pinv": (la.pinv, np.linalg.pinv, jnp.linalg.pinv, LONG),
    "pinv-wide": (la.pinv, np.linalg.pinv, jnp.linalg.pinv, WIDE),
    "pinv-square": (la.pinv, np.linalg.pinv, jnp.linalg.pinv, A),
    "pinv-stack": (la.pinv, np.linalg.pinv, jnp.linalg.pinv, STACK),
    "expm": (la.expm, scipy.linalg.expm, jax.scipy.linalg.expm, B / 2),
    "cholesky": (la.cholesky, np.linalg.cholesky, jnp.linalg.cholesky, S),
    "cholesky-stack": (la.cholesky, np.linalg.cholesky, jnp.linalg.cholesky, T),
    "cholesky-upper": (
        lambda a: la.cholesky(a, upper=True),
        lambda a: np.linalg.cholesky(a, upper=True),
        lambda a: jnp.linalg.cholesky(a, upper=True),
        S,
    ),
    "power-0": (
        lambda a: la.matrix_power(a, 0) + a,
        lambda a: np.linalg.matrix_power(a, 0) + a,
        lambda a: jnp.linalg.matrix_power(a, 0) + a,
        C,
    ),
    **{
        f"power-{n}": (
            lambda a, n=n: la.matrix_power(a, n),
            lambda a, n=n: np.linalg.matrix_power(a, n),
            lambda a, n=n: jnp.linalg.matrix_power(a, n),
            matrix(2, 2, shift=1.5),
        )
        for n in (1, 2, 3, 5, 6)
    },
    "power--3": (
        lambda a: la.matrix_power(a, -3),
        lambda a: np.linalg.matrix_power(a * 1.0, -3),
        lambda a: jnp.linalg.matrix_power(a, -3),
        matrix(2, 2, shift=1.5),
    ),
    "tensorsolve": (
        la.tensorsolve,
        np.linalg.tensorsolve,
        jnp.linalg.tensorsolve,
        matrix(6, 6, shift=6).reshape(2, 3, 6),
        D.T,
    ),
    "tensorsolve-axes": (
        lambda a, b: la.tensorsolve(a, b, (0, 2)),
        lambda a, b: np.linalg.tensorsolve(a, b, (0, 2)),
        lambda a, b: jnp.linalg.tensorsolve(a, b, (0, 2)),
        matrix(6, 6, shift=6).reshape(2, 3, 6).transpose(0, 2, 1),
        matrix(1, 6)[0],
    ),
    "tensorinv": (
        lambda a: la.tensorinv(a, 1),
        lambda a: np.linalg.tensorinv(a, 1),
        lambda a: jnp.linalg.tensorinv(a, 1),
        matrix(6, 6, shift=6).reshape(6, 2, 3),
    ),
    "logdet": (
        lambda a: dc.slogdet(a).logabsdet,
        lambda a: np.linalg.slogdet(a).logabsdet,
        lambda a: jnp.linalg.slogdet(a)[1],
        A,
    ),
    "logdet-stack": (
        lambda a: dc.slogdet(a)[1],
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: jnp.linalg.slogdet(a)[1],
        -C,
    ),
    "eigenvalues": (dc.eigvalsh, np.linalg.eigvalsh, jnp.linalg.eigvalsh, apart(3, 3)),
    "eigenvalues-stack": (dc.eigvalsh, np.linalg.eigvalsh, jnp.linalg.eigvalsh, apart(2, 3, 3)),
    "eigenvectors": (
        lambda a: dc.eigh(a).eigenvectors,
        lambda a: np.linalg.eigh(a).eigenvectors,
        lambda a: jnp.linalg.eigh(a)[1],
        apart(3, 3),
    ),
    "eigenvectors-upper": (
        lambda a: dc.eigh(a, "U")[1],
        lambda a: np.linalg.eigh(a, "U")[1],
        lambda a: jnp.linalg.eigh(a)[1],
        apart(2, 2),
    ),
    "root": (
        lambda a: matmul(dc.eigh(a)[1] * dc.eigh(a)[0] ** 0.5, cr.matrix_transpose(dc.eigh(a)[1])),
        lambda a: np.linalg.eigh(a)[1] * np.linalg.eigh(a)[0] ** 0.5 @ np.linalg.eigh(a)[1].T,
        lambda a: jnp.matmul(
            jnp.linalg.eigh(a)[1] * jnp.linalg.eigh(a)[0] ** 0.5, jnp.linalg.eigh(a)[1].T
        ),
        apart(3, 3),
    ),
    "singular-values": (dc.svdvals, np.linalg.svdvals, jnp.linalg.svdvals, STACK),
    "singular-values-alone": (
        lambda a: dc.svd(a, compute_uv=False),
        lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: jnp.linalg.svd(a, compute_uv=False),
        WIDE,
    ),
    **{
        f"svd-{part}-{name}": (
            lambda a, part=part: dc.svd(a, False)[part],
            lambda a, part=part: np.linalg.svd(a, False)[part],
            lambda a, part=part: jnp.linalg.svd(a, False)[part],
            x,
        )
        for part in range(3)
        for name, x in (("long", LONG), ("wide", WIDE), ("square", B))
    },
    **{
        f"qr-{part}-{name}": (
            lambda a, part=part: dc.qr(a)[part],
            lambda a, part=part: np.linalg.qr(a)[part],
            lambda a, part=part: jnp.linalg.qr(a)[part],
            x,
        )
        for part in range(2)
        for name, x in (("long", LONG), ("square", A), ("stack", STACK))
    },
    "qr-r": (
        lambda a: dc.qr(a, "r"),
        lambda a: np.linalg.qr(a, "r"),
        lambda a: jnp.linalg.qr(a, "r"),
        LONG,
    ),
    "lstsq": (
        lambda a, b: dc.lstsq(a, b).x,
        lambda a, b: np.linalg.lstsq(a, b)[0],
        lambda a, b: jnp.linalg.lstsq(a, b)[0],
        LONG,
        matrix(4, 2),
    ),
    "residuals": (
        lambda a, b: dc.lstsq(a, b)[1],
        lambda a, b: np.linalg.lstsq(a, b)[1],
        lambda a, b: jnp.linalg.lstsq(a, b)[1],
        LONG,
        matrix(1, 4)[0],
    ),
    **{
        f"cond-{p}": (
            lambda a, p=p: dc.condition_number(a, p),
            lambda a, p=p: np.linalg.cond(a, p),
            lambda a, p=p: jnp.linalg.cond(a, p),
            A,
        )
        for p in (None, -2, 1, "fro")
    },
    **{
        f"norm-{order}": (
            lambda a, order=order: norms.norm(a, order, (0, 2)),
            lambda a, order=order: np.linalg.norm(a, order, (0, 2)),
            lambda a, order=order: jnp.linalg.norm(a, order, (0, 2)),
            STACK,
        )
        for order in ("nuc", 2, -2)
    },
    **{
        f"triangular-{lower}-{trans}-{unit}": (
            lambda a, b, how=(trans, lower, unit): la.solve_triangular(a, b, *how),
            lambda a, b, how=(trans, lower, unit): scipy.linalg.solve_triangular(a, b, *how),
            lambda a, b, how=(trans, lower, unit): jax.scipy.linalg.solve_triangular(a, b, *how),
            A,
            D,
        )
        for lower, trans, unit in itertools.product([False, True], [0, 1], [False, True])
    },
    "cho-solve": (
        lambda a, b: la.cho_solve(la.cho_factor(known(a), True), b),
        lambda a, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(a, True), b),
        lambda a, b: jnp.linalg.solve((a + a.T) / 2, b),
        S,
        b,
    ),
    "cho-solve-upper": (
        lambda a, b: la.cho_solve(la.cho_factor(known(a)), b),
        lambda a, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(a), b),
        lambda a, b: jnp.linalg.solve((a + a.T) / 2, b),
        S,
        D,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_numpy(name):
    function, numpy, _, *values = CASES[name]
    if "power" in name:
        values = [2 * x for x in values]
    rounded = [np.round(x * 8) / 8 for x in values]  # so that eight times as much is whole
    check_values(function, numpy, *rounded)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_are_those_of_jax(name):
    function, _, jaxed, *values = CASES[name]
    check_derivatives(function, jaxed, *values)


# --- against mpmath -------------------------------------------------------------------------------

EXACT = {
    "solve": (lambda a: np.linalg.solve(a, b), lambda mp, a: mp.lu_solve(a, mp.matrix(list(b))), A),
    "inv": (np.linalg.inv, lambda mp, a: a**-1, A),
    "det": (np.linalg.det, lambda mp, a: mp.matrix([mp.det(a)]), A),
    "logdet": (
        lambda a: np.linalg.slogdet(a).logabsdet,
        lambda mp, a: mp.matrix([mp.log(abs(mp.det(a)))]),
        B,
    ),
    "cholesky": (np.linalg.cholesky, lambda mp, a: mp.cholesky(a), S),
    "expm": (cr.expm, lambda mp, a: mp.expm(a, "taylor"), B),
    "eigenvalues": (np.linalg.eigvalsh, lambda mp, a: mp.eigsy(a, eigvals_only=True), S),
    "projector": (
        lambda a: np.outer(np.linalg.eigh(a)[1][:, 0], np.linalg.eigh(a)[1][:, 0]),
        lambda mp, a: mp.eigsy(a)[1][:, 0] * mp.eigsy(a)[1][:, 0].T,
        S,
    ),
    "singular-values": (np.linalg.svdvals, lambda mp, a: mp.svd_r(a, compute_uv=False), LONG),
    "singular-vectors": (
        lambda a: np.linalg.svd(a, full_matrices=False)[0] ** 2,
        lambda mp, a: mp.svd_r(a)[0].apply(lambda x: x * x),
        LONG,
    ),
    "qr": (
        lambda a: np.linalg.qr(a).Q ** 2,
        lambda mp, a: mp.qr(a, mode="skinny")[0].apply(lambda x: x * x),
        LONG,
    ),
    "lstsq": (
        lambda a: np.linalg.lstsq(a, np.arange(4.0))[0],
        lambda mp, a: mp.qr_solve(a, mp.matrix([0, 1, 2, 3]))[0],
        LONG,
    ),
    "power": (lambda a: np.linalg.matrix_power(a, -3), lambda mp, a: (a**-1) ** 3, A),
}


@pytest.mark.parametrize("name", EXACT)
def test_first_and_second_derivatives_against_mpmath(name):
    """Along a line, against differences with fifty digits."""
    function, exact, a = EXACT[name]
    e = matrix(*a.shape, seed=30)
    if np.array_equal(a, a.T):
        e = e + e.T
    mp = mpmath.MPContext()
    mp.dps = 60
    step = mp.mpf(10) ** -15

    def at(t):
        return exact(mp, mp.matrix(a.tolist()) + t * mp.matrix(e.tolist()))

    below, here, above = (at(side * step) for side in (-1, 0, 1))
    wanted = [here, (above - below) / (2 * step), (above - 2 * here + below) / step**2]

    def along(t):
        return function(a + t * e)

    def slope(t):
        return cr.jvp(along, (t,), (1.0,))[1]

    value, first = cr.jvp(along, (0.0,), (1.0,))
    second = cr.jvp(slope, (0.0,), (1.0,))[1]
    for got, right in zip((value, first, second), wanted, strict=True):
        right = np.array([float(x) for x in right]).reshape(np.shape(got))
        np.testing.assert_allclose(got, right, rtol=1e-11, atol=1e-12)


# --- determinants of singular matrices ------------------------------------------------------------

RANKS = {
    "full": [[2, 1, 0], [1, 3, 1], [0, 1, 4]],
    "one-less": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    "two-less": [[1, 2, 3], [2, 4, 6], [-1, -2, -3]],
    "zero": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    "equal-singular-values": [[1, 0, 0], [0, 1, 0], [0, 0, 0]],
}


def exact_cofactors(a):
    """By minors, in whole numbers."""
    found = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        (p, q), (r, s) = np.delete(np.delete(a, i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * (p * s - q * r)
    return found


@pytest.mark.parametrize("name", RANKS)
def test_the_gradient_of_a_determinant_is_right_at_any_rank(name):
    a = np.array(RANKS[name], int)
    np.testing.assert_allclose(gradient(la.det, a * 1.0), exact_cofactors(a), atol=1e-12)
    # Cofactors are quadratic, so that this difference is their derivative.
    e = np.array([[1, -2, 0], [3, 1, 2], [-1, 0, 2]])
    wanted = (exact_cofactors(a + e) - exact_cofactors(a - e)) / 2
    np.testing.assert_allclose(second(la.det, a * 1.0, e * 1.0), wanted, atol=1e-12)


def test_the_gradient_of_a_determinant_in_single_precision():
    a = np.array(RANKS["one-less"], np.float32)
    term = cr.input("x", (3, 3), "float32")
    found = cr.graph(la.det(term), [term]).at(a).gradient["x"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact_cofactors(a.astype(int)), atol=1e-4)


def test_the_third_derivative_of_a_determinant():
    """d³det/dt³ of a + t e is six times the determinant of e for matrices of three rows."""
    x = cr.input("x", (3, 3))
    e = matrix(3, 3, seed=9)
    once = cr.graph(la.det(x), [x]).jvp("x")
    assert once(A, e)[1] == pytest.approx(np.sum(np.linalg.det(A) * np.linalg.inv(A).T * e))
    found = cr.grad(cr.grad(cr.grad(lambda t: np.linalg.det(A + t * e))))(0.3)
    assert found == pytest.approx(6 * np.linalg.det(e), rel=1e-11)


@pytest.mark.parametrize("size", [2, 4, 5])
def test_determinants_of_other_sizes_against_mpmath(size):
    a = matrix(size, size, seed=size)
    exact = mpmath.matrix(a.tolist())
    inverse = np.array((mpmath.det(exact) * exact**-1).T.tolist(), float)
    np.testing.assert_allclose(gradient(la.det, a), inverse, rtol=1e-12, atol=1e-14)


def test_log_determinants_at_a_singular_matrix():
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    found = value_of(lambda a: dc.slogdet(a).logabsdet, singular)
    assert found == np.linalg.slogdet(singular).logabsdet == -np.inf
    assert value_of(lambda a: dc.slogdet(a).sign, singular) == 0
    assert np.isnan(gradient(lambda a: dc.slogdet(a)[1], singular)).all()
    assert (gradient(lambda a: dc.slogdet(a).sign + 0 * total(a), A) == 0).all()


# --- what LAPACK refuses --------------------------------------------------------------------------

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])
GOOD = np.array([[2.0, 1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("function", "numpy", "bad"),
    [
        (la.inv, np.linalg.inv, SINGULAR),
        (lambda a: la.solve(a, np.ones((2, 1))), lambda a: np.linalg.solve(a, np.ones((2, 1))),
         SINGULAR),
        (la.cholesky, np.linalg.cholesky, INDEFINITE),
        (dc.eigvalsh, np.linalg.eigvalsh, np.full((2, 2), np.nan)),
        (dc.svdvals, np.linalg.svdvals, np.full((2, 2), np.nan)),
        (la.pinv, np.linalg.pinv, np.full((2, 2), np.nan)),
    ],
)  # fmt: skip
def test_what_is_refused_is_nan_and_spoils_nothing_else(function, numpy, bad):
    assert np.isnan(value_of(function, bad)).all()
    found = value_of(function, np.stack([GOOD, bad, 2 * GOOD]))
    assert np.isnan(found[1]).all()
    for at, good in ((0, GOOD), (2, 2 * GOOD)):
        np.testing.assert_allclose(found[at], numpy(good), rtol=1e-14)


def test_a_branch_that_is_not_taken_may_be_refused():
    def loss(a):
        return cr.cond(a[0, 0] > 1.5, lambda a: np.sum(np.linalg.cholesky(a)), np.sum, a)

    np.testing.assert_array_equal(cr.grad(loss)(INDEFINITE), np.ones((2, 2)))
    assert np.isfinite(cr.grad(loss)(GOOD)).all()


def test_a_singular_triangle_is_infinite():
    found = value_of(la.solve_triangular, np.zeros((2, 2)), np.ones(2))
    assert not np.isfinite(found).any()


# --- symmetric matrices ---------------------------------------------------------------------------

SYMMETRIC = {
    "cholesky": (la.cholesky, np.linalg.cholesky),
    "cholesky-upper": (
        lambda a: la.cholesky(a, upper=True),
        lambda a: np.linalg.cholesky(a, upper=True),
    ),
    "eigenvalues": (lambda a: dc.eigvalsh(a) ** 2, lambda a: np.linalg.eigvalsh(a) ** 2),
    "eigenvectors": (
        lambda a: dc.eigh(a, "U").eigenvectors ** 3,
        lambda a: np.linalg.eigh(a, "U")[1] ** 3,
    ),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_gradient_of_a_symmetric_matrix_is_symmetric(name):
    found = gradient(SYMMETRIC[name][0], S)
    np.testing.assert_allclose(found, found.T, rtol=1e-14)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_of_a_matrix_that_is_not_symmetric_one_triangle_is_read(name):
    function, numpy = SYMMETRIC[name]
    a = A + np.diag([0.0, 3.0, 6.0])
    same(value_of(function, a), numpy(a))
    found = gradient(function, a)
    step = 1e-6
    for at in np.ndindex(3, 3):
        change = np.zeros((3, 3))
        change[at] = step
        slope = (numpy(a + change).sum() - numpy(a - change).sum()) / (2 * step)
        assert found[at] == pytest.approx(slope, rel=1e-6, abs=1e-8)


# --- equal eigenvalues ----------------------------------------------------------------------------


def turned(values, seed=0):
    """A symmetric matrix with these eigenvalues."""
    q = np.linalg.qr(matrix(len(values), len(values), seed=seed))[0]
    a = q * np.array(values) @ q.T
    return (a + a.T) / 2


@pytest.mark.parametrize(
    "a", [np.eye(3), np.diag([1.0, 1.0, 2.0]), turned([1.0, 1.0, 2.0]), turned([2.0, 2.0, 2.0])]
)
def test_functions_of_equal_eigenvalues(a):
    """The gradient of tr f(A) is f′(A)."""
    found = gradient(lambda a: cr.exp(dc.eigvalsh(a)), a)
    np.testing.assert_allclose(found, scipy.linalg.expm(a), rtol=1e-12, atol=1e-13)
    found = gradient(lambda a: cr.log(dc.eigvalsh(a)), a)
    np.testing.assert_allclose(found, np.linalg.inv(a), rtol=1e-12, atol=1e-13)
    found = gradient(lambda a: dc.eigh(a).eigenvalues ** 3, a)
    np.testing.assert_allclose(found, 3 * a @ a, rtol=1e-12, atol=1e-13)


def test_eigenvectors_of_equal_eigenvalues_have_no_derivative():
    weights = matrix(3, 3, seed=4)
    assert not np.isfinite(gradient(lambda a: dc.eigh(a)[1] * weights, np.eye(3))).any()
    dot = symmetric(3, 3, seed=3)
    assert not np.isfinite(second(lambda a: dc.eigvalsh(a) ** 3, np.eye(3), dot)).all()


def test_other_eigenvectors_have_one():
    """The eigenvector of 5 turns by (5 − λ)⁻¹, whatever is chosen for the two that are equal."""
    a = np.diag([1.0, 1.0, 5.0])

    def projected(a):
        v = dc.eigh(a).eigenvectors[:, 2]
        return v * (v @ np.array([1.0, 2.0, 3.0]))

    # Σ v (v·w) moves by Σ v̇ (w·v) + Σ v (w·v̇), where v̇ = (ȧ₁₃, ȧ₂₃, 0)/4, v = e₃, w = (1, 2, 3).
    one, two = (3 + 1) / 4 / 2, (3 + 2) / 4 / 2
    wanted = np.array([[0, 0, one], [0, 0, two], [one, two, 0]])
    np.testing.assert_allclose(gradient(projected, a), wanted, atol=1e-14)


# --- singular values: equal ones, zeros, all vectors ----------------------------------------------


def test_singular_values_of_orthogonal_and_of_singular_matrices():
    q = np.linalg.qr(matrix(3, 3))[0]
    np.testing.assert_allclose(gradient(lambda a: dc.svdvals(a) ** 2, q), 2 * q, atol=1e-14)
    flat = np.outer([1.0, 2.0], [2.0, -1.0])
    np.testing.assert_allclose(gradient(lambda a: dc.svdvals(a) ** 2, flat), 2 * flat, atol=1e-14)
    np.testing.assert_allclose(gradient(lambda a: dc.svdvals(a) ** 4, np.zeros((2, 3))), 0)


def test_norms_of_zero():
    for ord in ("nuc", 2, -2):
        assert (gradient(lambda a: norms.norm(a, ord), np.zeros((2, 3))) == 0).all()  # noqa: B023
    u = np.array([0.6, 0.8])
    flat = np.outer(u, [1.0, 0.0])
    found = gradient(lambda a: norms.norm(a, "nuc"), np.diag([2.0, 0.0]))
    np.testing.assert_array_equal(found, np.diag([1.0, 0.0]))
    np.testing.assert_allclose(gradient(lambda a: norms.norm(a, 2), flat), flat, atol=1e-15)


def test_vectors_of_equal_singular_values_have_no_derivative():
    weights = matrix(3, 3, seed=4)
    assert not np.isfinite(gradient(lambda a: dc.svd(a)[0] * weights, np.eye(3))).any()


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_all_singular_vectors(shape):
    """The space that the further ones span: I − U₁U₁ᵀ."""
    a = matrix(*shape, seed=11)
    side, count = (0, 2) if shape[0] > shape[1] else (2, 2)
    w = np.random.default_rng(3).uniform(-1, 1, (4, 4))

    def rest(a):
        u = dc.svd(a)[side]
        u = u if side == 0 else cr.matrix_transpose(u)
        return matmul(u[:, count:], cr.matrix_transpose(u[:, count:])) * w

    def spanned(a):
        u = dc.svd(a, False)[side]
        u = u if side == 0 else cr.matrix_transpose(u)
        return -matmul(u, cr.matrix_transpose(u)) * w

    np.testing.assert_allclose(gradient(rest, a), gradient(spanned, a), rtol=1e-12, atol=1e-13)
    dot = matrix(*shape, seed=12)
    np.testing.assert_allclose(
        second(rest, a, dot), second(spanned, a, dot), rtol=1e-11, atol=1e-12
    )

    def first(a):
        u, s, v = dc.svd(a)
        return total(u[:, 0] ** 3) + total(v[0] ** 3) + total(s**2)

    def thin(a):
        u, s, v = dc.svd(a, False)
        return total(u[:, 0] ** 3) + total(v[0] ** 3) + total(s**2)

    np.testing.assert_allclose(gradient(first, a), gradient(thin, a), rtol=1e-12, atol=1e-13)


# --- QR -------------------------------------------------------------------------------------------


def test_a_square_q():
    w = np.random.default_rng(3).uniform(-1, 1, (4, 4))

    def rest(a):
        q = dc.qr(a, "complete").Q[:, 2:]
        return matmul(q, cr.matrix_transpose(q)) * w

    def spanned(a):
        q = dc.qr(a).Q
        return -matmul(q, cr.matrix_transpose(q)) * w

    np.testing.assert_allclose(gradient(rest, LONG), gradient(spanned, LONG), atol=1e-13)
    dot = matrix(4, 2, seed=12)
    np.testing.assert_allclose(second(rest, LONG, dot), second(spanned, LONG, dot), atol=1e-12)
    found = gradient(lambda a: dc.qr(a, "complete").R ** 3, LONG)
    np.testing.assert_allclose(found, gradient(lambda a: dc.qr(a).R ** 3, LONG), atol=1e-13)
    same(value_of(lambda a: dc.qr(a, "complete").Q, LONG), np.linalg.qr(LONG, "complete").Q)


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_matrices_with_more_columns_than_rows(mode):
    numpy = np.linalg.qr(WIDE, mode)
    found = [value_of(lambda a: dc.qr(a, mode), WIDE)] if mode == "r" else [
        value_of(lambda a, at=at: dc.qr(a, mode)[at], WIDE) for at in (0, 1)]  # fmt: skip
    for got, wanted in zip(found, [numpy] if mode == "r" else numpy, strict=True):
        same(got, wanted)

    def slopes(a):
        r = dc.qr(a, "r") if mode == "r" else dc.qr(a, mode).R
        return r**3

    found = gradient(slopes, WIDE)
    step = 1e-6
    for at in np.ndindex(2, 4):
        change = np.zeros((2, 4))
        change[at] = step
        ends = [(np.linalg.qr(WIDE + side * change, "r") ** 3).sum() for side in (1, -1)]
        assert found[at] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-8)


def test_columns_that_depend_on_each_other_have_no_qr_derivative():
    a = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert not np.isfinite(gradient(lambda a: dc.qr(a).Q ** 3, a)).all()


# --- rank loss ------------------------------------------------------------------------------------

U, V = np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0])


def test_the_pseudo_inverse_along_matrices_of_the_same_rank():
    """(u vᵀ)⁺ = v uᵀ / (‖u‖² ‖v‖²)."""

    def through(u, v):
        return la.pinv(cr.outer(u, v)) ** 2

    def plain(u, v):
        return (cr.outer(v, u) / (total(u * u) * total(v * v))) ** 2

    for got, wanted in zip(gradient(through, U, V), gradient(plain, U, V), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
    dot = np.array([0.3, -0.2, 0.5])
    np.testing.assert_allclose(
        second(lambda u: through(u, V), U, dot),
        second(lambda u: plain(u, known(V)), U, dot),
        rtol=1e-10,
    )


def test_least_squares_of_less_than_full_rank():
    b = np.array([1.0, -1.0, 3.0])

    def through(u, v):
        return dc.lstsq(cr.outer(u, v), b).x

    def plain(u, v):
        return v * (u @ b) / (total(u * u) * total(v * v))

    for got, wanted in zip(gradient(through, U, V), gradient(plain, U, V), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
    same(value_of(lambda a: dc.lstsq(a, b).rank, np.outer(U, V)), np.int64(1))
    same(value_of(lambda a: dc.lstsq(a, b).x, np.outer(U, V)),
         np.linalg.lstsq(np.outer(U, V), b)[0])  # fmt: skip


def test_least_squares_gives_all_that_numpy_does():
    for a, b in ((LONG, matrix(4, 2)), (LONG, matrix(1, 4)[0]), (WIDE, matrix(2, 2))):
        numpy = np.linalg.lstsq(a, b)
        for at in range(4):
            got = value_of(lambda a, b, at=at: dc.lstsq(a, b)[at], a, b)
            np.testing.assert_allclose(got, numpy[at], rtol=1e-12, atol=1e-13)
            assert np.shape(got) == np.shape(numpy[at])


@pytest.mark.parametrize("a", [A, np.outer(U, V), np.zeros((3, 3)), STACK, np.ones(3), np.zeros(2)])
def test_ranks(a):
    same(value_of(dc.matrix_rank, a), np.int64(np.linalg.matrix_rank(a))
         if np.ndim(a) < 3 else np.linalg.matrix_rank(a))  # fmt: skip
    same(value_of(lambda a: dc.matrix_rank(a, 100.0), a), np.linalg.matrix_rank(a, 100.0)
         if np.ndim(a) > 2 else np.int64(np.linalg.matrix_rank(a, 100.0)))  # fmt: skip


def test_condition_numbers_of_singular_matrices():
    for a in (SINGULAR * 0, np.diag([1.0, 0.0])):
        for p in (None, 1, "fro"):
            assert value_of(lambda a: dc.condition_number(a, p), a) == np.inf  # noqa: B023
    assert np.isnan(value_of(dc.condition_number, np.full((2, 2), np.nan)))


# --- sparse derivatives, batches, loops -----------------------------------------------------------

PATTERNS = {
    "solve": (lambda b: np.linalg.solve(A, b), b, 9),
    "solve-columns": (lambda b: np.linalg.solve(A, b), D, 2 * 9),
    "solve-matrix": (lambda a: np.linalg.solve(a, D), A, 6 * 9),
    "solve-stack": (lambda a: np.linalg.solve(a, D), C, 2 * 6 * 9),
    "triangular": (lambda b: cr.solve_triangular(A, b, lower=True), b, 6),
    "triangular-turned": (lambda b: cr.solve_triangular(A, b, 1, lower=True), D, 2 * 6),
    "triangular-matrix": (lambda a: cr.solve_triangular(a, b), C, 2 * (6 + 3 + 1)),
    "inv": (np.linalg.inv, C, 2 * 81),
    "det": (np.linalg.det, C, 2 * 9),
    "cofactors": (cr.grad(np.linalg.det), A, 81),
    "expm": (cr.expm, A / 4, 81),
    "cholesky": (np.linalg.cholesky, S, None),
    "pinv": (np.linalg.pinv, LONG, 64),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], C, 2 * 9),
    "eigenvalues": (np.linalg.eigvalsh, T, 2 * 27),
    "eigenvectors": (lambda a: np.linalg.eigh(a)[1], S, 81),
    "svd": (lambda a: np.linalg.svd(a, False)[0], LONG, 64),
    "qr": (lambda a: np.linalg.qr(a)[0], LONG, 4 * 4 + 4 * 8),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_sparse_derivatives(name):
    function, x, count = PATTERNS[name]
    dense = np.reshape(cr.jacobian(function)(x), (-1, np.size(x)))
    thin = cr.jacobian(function, sparse=True)(x)
    np.testing.assert_allclose(thin.toarray(), dense, rtol=1e-12, atol=1e-13)
    if count is not None:
        assert thin.nnz == count

    def loss(x):
        return np.sum(function(x) ** 2)

    found = cr.hessian(loss, sparse=True)(x).toarray()
    wanted = np.reshape(cr.hessian(loss)(x), found.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)


def test_many_at_once_are_a_loop():
    def loss(a, b):
        u, s, _ = np.linalg.svd(a)
        q = np.linalg.qr(a).Q
        x = np.linalg.solve(a, b)
        return np.sum(x**2) + np.linalg.slogdet(a)[1] + np.sum(u**3 * s) + np.sum(q**3)

    a, b = matrix(4, 3, 3, seed=20, shift=3) + apart(3, 3), matrix(4, 3, seed=21)
    for transform in (cr.grad, cr.hessian):
        one = transform(loss)
        wanted = [one(*pair) for pair in zip(a, b, strict=True)]
        np.testing.assert_allclose(cr.vmap(one)(a, b), wanted, rtol=1e-9, atol=1e-10)
    assert type(cr.vmap(np.linalg.eigh)(T)) is type(np.linalg.eigh(T))


def test_one_matrix_is_solved_for_many_items_at_once():
    """A right side for each item is a column: the matrix is taken apart once."""
    many = cr.trace(cr.vmap(lambda b: np.linalg.solve(A, b)))(D.T)
    (solved,) = [node for node in many.dag.order if node.op.name == "solve"]
    assert solved.type.shape == (3, 2)
    np.testing.assert_allclose(many(D.T), np.linalg.solve(A, D).T, rtol=1e-13)


def test_in_a_loop():
    def loop(a):
        def step(i, x):
            return np.linalg.solve(a, x) + np.linalg.eigvalsh(a + a.T) / 100

        return np.sum(cr.fori_loop(0, 5, step, np.ones(3)))

    found = cr.grad(loop)(A)
    change = matrix(3, 3, seed=22)
    slope = (loop(A + 1e-6 * change) - loop(A - 1e-6 * change)) / 2e-6
    assert np.sum(found * change) == pytest.approx(slope, rel=1e-7)


# --- sizes 0 and 1, single precision, whole numbers, classes --------------------------------------

ONE_ARGUMENT = {
    "inv": np.linalg.inv, "pinv": np.linalg.pinv, "det": np.linalg.det,
    "cholesky": np.linalg.cholesky, "expm": scipy.linalg.expm, "eigvalsh": np.linalg.eigvalsh,
    "svdvals": np.linalg.svdvals, "eigh": np.linalg.eigh, "svd": np.linalg.svd,
    "qr": np.linalg.qr, "slogdet": np.linalg.slogdet,
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 0, 0), (0, 2, 2), (3, 1, 1)])
@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_empty_and_small(name, shape, dtype):
    numpy, a = ONE_ARGUMENT[name], np.full(shape, 4, dtype)
    if name == "expm":
        a = a.astype("float64") if dtype == "int64" else a
    if name == "pinv" and 0 in shape[-2:]:
        a = a.astype("float64")  # where NumPy gives whole numbers
    wanted = numpy(a)
    several = isinstance(wanted, tuple)
    for at in range(len(wanted) if several else 1):
        found = value_of(lambda a, at=at: NAMED[name](a)[at] if several else NAMED[name](a), a)
        same(found, wanted[at] if several else wanted)


def test_sizes_0_have_gradients():
    for name in ONE_ARGUMENT:
        if name in ("eigh", "svd", "qr", "slogdet"):
            continue
        assert gradient(NAMED[name], np.zeros((0, 0))).shape == (0, 0)


def test_results_have_the_classes_of_numpy():
    x = cr.input("x", (2, 2))
    for name, fields in (
        ("eigh", ("eigenvalues", "eigenvectors")), ("svd", ("U", "S", "Vh")), ("qr", ("Q", "R")),
        ("slogdet", ("sign", "logabsdet")),
    ):  # fmt: skip
        found = getattr(np.linalg, name)(x)
        assert type(found) is type(getattr(np.linalg, name)(np.eye(2)))
        assert found._fields == fields


SAME_NAMES = """
solve inv pinv tensorsolve tensorinv det matrix_power cholesky slogdet eigh eigvalsh svd svdvals
matrix_rank qr lstsq
"""


def test_numpy_functions_lead_here():
    for name in SAME_NAMES.split():
        assert COVERED[getattr(np.linalg, name)] is NAMED[name]
    assert COVERED[np.linalg.cond] is dc.condition_number
    for name in ("solve_triangular", "expm", "cho_factor", "cho_solve", "block_diag"):
        assert getattr(cr, name) is NAMED[name]


# --- errors ---------------------------------------------------------------------------------------

X, R, VECTOR = cr.input("x", (2, 2)), cr.input("r", (2, 3)), cr.input("v", (2,))
WRONG = {
    "solve": ("E203", "square", lambda: la.solve(R, VECTOR)),
    "solve-b": ("E203", r"solve: \[2, 2\] and \[3\]", lambda: la.solve(X, np.ones(3))),
    "solve-number": ("E203", "do not match", lambda: la.solve(X, 1.0)),
    "solve-stacks": (
        "E203",
        "do not match",
        lambda: la.solve(cr.input("s", (3, 2, 2)), np.ones((2, 2, 1))),
    ),
    "inv": ("E203", "inv needs a square matrix", lambda: la.inv(R)),
    "det": ("E203", "needs a matrix", lambda: la.det(VECTOR)),
    "svd": ("E203", "needs a matrix", lambda: dc.svd(VECTOR)),
    "trans": ("E212", "trans", lambda: la.solve_triangular(X, VECTOR, 3)),
    "power": ("E212", "whole number", lambda: la.matrix_power(X, 0.5)),
    "power-shape": ("E203", "square", lambda: la.matrix_power(R, 2)),
    "rcond": ("E212", "from 0 to 1", lambda: la.pinv(R, -1.0)),
    "tensorsolve": ("E203", "tensorsolve", lambda: la.tensorsolve(R, VECTOR)),
    "tensorinv": ("E203", "tensorinv", lambda: la.tensorinv(R, 1)),
    "UPLO": ("E212", "'L' or 'U'", lambda: dc.eigh(X, "left")),
    "mode": ("E212", "'reduced'", lambda: dc.qr(X, "raw")),
    "tol": ("E212", "not both", lambda: dc.matrix_rank(X, 1.0, rtol=1.0)),
    "cond": ("E203", "empty", lambda: dc.condition_number(cr.input("e", (0, 0)))),
    "lstsq": ("E203", "lstsq", lambda: dc.lstsq(R, np.ones(3))),
    "lstsq-stack": ("E203", "lstsq", lambda: dc.lstsq(cr.input("s", (2, 2, 2)), VECTOR)),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    code, words, function = WRONG[name]
    with pytest.raises(GraphError, match=words) as caught:
        function()
    assert caught.value.code == code
