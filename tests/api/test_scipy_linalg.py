"""Functions that call ``scipy.linalg`` are traced, and errors say where they cannot be."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from scipy.linalg import cho_factor, cholesky, expm, solve, solve_triangular

import chainrule as cr
from chainrule.errors import TracingError
from chainrule.ops.composite.table import LINALG, NAMED

random = np.random.default_rng(0)
A = random.uniform(-1, 1, (3, 3)) + 3 * np.eye(3)
S = A @ A.T
SPOILT = np.tril(S) + np.triu(random.uniform(-1, 1, (3, 3)), 1)
APART = np.diag([1.0, 4.0, 9.0]) + np.tril(S / 20) + np.triu(random.uniform(-1, 1, (3, 3)), 1)
LONG = random.uniform(-1, 1, (4, 2))
MANY = random.uniform(-1, 1, (4, 2))
b, D = random.uniform(-1, 1, 3), random.uniform(-1, 1, (3, 2))


def named(name):
    """The function of SciPy that has this name when it is called."""

    def function(*values):
        return getattr(scipy.linalg, name)(*values)

    return function


CASES = {
    "solve": (named("solve"), A, b),
    "solve-transposed": (lambda a, b: scipy.linalg.solve(a, b, transposed=True), A, D),
    "solve-pos": (lambda a, b: scipy.linalg.solve(a, b, assume_a="pos", lower=True), SPOILT, b),
    "solve-pos-upper": (lambda a, b: scipy.linalg.solve(a, b, assume_a="pos"), SPOILT.T, b),
    "solve-sym": (lambda a, b: scipy.linalg.solve(a, b, assume_a="sym", lower=True), SPOILT, D),
    "solve-sym-upper": (lambda a, b: scipy.linalg.solve(a, b, assume_a="sym"), SPOILT.T, D),
    "triangular": (named("solve_triangular"), A, b),
    "triangular-lower": (lambda a, b: scipy.linalg.solve_triangular(a, b, lower=True), A, D),
    "triangular-turned": (
        lambda a, b: scipy.linalg.solve_triangular(a, b, "T", unit_diagonal=True),
        A,
        D,
    ),
    "inv": (lambda a: scipy.linalg.inv(a, overwrite_a=False), A),
    "pinv": (lambda a: scipy.linalg.pinv(a, check_finite=False), LONG),
    "pinvh": (named("pinvh"), SPOILT),
    "det": (named("det"), A),
    "cholesky": (named("cholesky"), SPOILT.T),
    "cholesky-lower": (lambda a: scipy.linalg.cholesky(a, lower=True), SPOILT),
    "cho-solve": (
        lambda a, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(a), b, check_finite=False),
        SPOILT.T,
        b,
    ),
    "cho-solve-lower": (
        lambda a, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(a, lower=True), b),
        SPOILT,
        D,
    ),
    "cho-solve-known": (
        lambda b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(S), b),
        b,
    ),
    "expm": (lambda a: scipy.linalg.expm(a / 4), A),
    "eigenvalues": (named("eigvalsh"), APART),
    "eigenvalues-some": (lambda a: scipy.linalg.eigvalsh(a, subset_by_index=(1, 2)), APART),
    "eigenvalues-upper": (lambda a: scipy.linalg.eigvalsh(a, lower=False), SPOILT.T),
    "eigenvectors": (lambda a: scipy.linalg.eigh(a, driver="evd")[1] ** 2, APART),
    "generalised": (lambda a, b: scipy.linalg.eigh(a, b)[0], APART, SPOILT),
    "generalised-upper": (
        lambda a, b: scipy.linalg.eigh(a, b, lower=False)[1] ** 2,
        APART.T,
        SPOILT.T,
    ),
    "eigenvalues-alone": (lambda a: scipy.linalg.eigh(a, eigvals_only=True), APART),
    "svd": (lambda a: scipy.linalg.svd(a, full_matrices=False)[0], LONG),
    "svd-values": (lambda a: scipy.linalg.svd(a)[1], LONG),
    "svd-alone": (lambda a: scipy.linalg.svd(a, compute_uv=False), LONG),
    "svdvals": (named("svdvals"), LONG),
    "qr": (lambda a: scipy.linalg.qr(a, mode="economic")[0], LONG),
    "qr-full": (lambda a: scipy.linalg.qr(a)[1], LONG),
    "qr-r": (lambda a: scipy.linalg.qr(a, mode="r")[0], LONG),
    "lstsq": (lambda a, b: scipy.linalg.lstsq(a, b)[0], LONG, random.uniform(-1, 1, 4)),
    "residues": (lambda a, b: scipy.linalg.lstsq(a, b)[1], LONG, random.uniform(-1, 1, 4)),
    "residues-many": (
        lambda a, b: scipy.linalg.lstsq(a, b)[1],
        LONG,
        random.uniform(-1, 1, (4, 2)),
    ),
    "norm": (lambda a: scipy.linalg.norm(a, "nuc"), LONG),
    "block-diag": (lambda a, b: scipy.linalg.block_diag(a, b, [[1.0]]), A, b),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes(name):
    """Values are SciPy's, and the derivative along a direction is that of its differences."""
    function, *values = CASES[name]
    wanted = np.asarray(function(*values))
    got = cr.trace(function)(*values)(*values)
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
    assert np.shape(got) == wanted.shape
    dots = [np.random.default_rng(1).uniform(-1, 1, np.shape(x)) for x in values]
    pushed = cr.jvp(function, tuple(values), tuple(dots))[1]
    step = 1e-6
    ends = [
        np.asarray(function(*(x + side * step * dot for x, dot in zip(values, dots, strict=True))))
        for side in (1, -1)
    ]
    np.testing.assert_allclose(pushed, (ends[0] - ends[1]) / (2 * step), rtol=2e-6, atol=1e-7)


def test_every_function_of_the_table_is_scipys_with_its_arguments():
    for name, counterpart in LINALG.items():
        function = getattr(scipy.linalg, name)
        theirs = inspect.signature(function).parameters
        for own, given in inspect.signature(counterpart).parameters.items():
            if given.kind is given.VAR_POSITIONAL:
                continue
            assert own in theirs, (name, own)
            assert given.default == theirs[own].default, (name, own)
        assert name in NAMED


def test_after_a_trace_scipy_is_itself():
    before = {name: getattr(scipy.linalg, name) for name in LINALG}
    seen = []

    def function(a):
        seen.append(scipy.linalg.solve)
        assert scipy.linalg.det(np.eye(2)) == 1.0  # numbers go on to SciPy
        return cr.grad(named("det"))(a)

    np.testing.assert_allclose(cr.trace(function)(A)(A), np.linalg.det(A) * np.linalg.inv(A).T)
    assert seen[0] is not before["solve"]
    assert seen[0].__wrapped__ is before["solve"]
    assert all(getattr(scipy.linalg, name) is function for name, function in before.items())


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("solve", lambda a: solve(a, np.ones(3))),
        ("solve_triangular", lambda a: solve_triangular(a, np.ones(3))),
        ("expm", expm),
        ("cholesky", cholesky),
        ("cho_factor", cho_factor),
    ],
)
def test_a_function_imported_by_its_name_says_what_to_write(name, call):
    for run in (lambda: cr.trace(call)(A), lambda: call(cr.input("a", (3, 3)))):
        with pytest.raises(TracingError, match=f"E238 SciPy's {name} takes no symbolic array") as e:
            run()
        assert f"write chainrule.{name}, or scipy.linalg.{name}(...)" in str(e.value)


def test_arguments_and_functions_without_a_counterpart():
    with pytest.raises(TracingError, match=r"E238 scipy.linalg.qr: .*'pivoting'"):
        cr.trace(lambda a: scipy.linalg.qr(a, pivoting=True))(A)
    with pytest.raises(cr.GraphError, match=r"E212.*assume_a"):
        cr.trace(lambda a: scipy.linalg.solve(a, b, assume_a="nice"))(A)
    with pytest.raises(cr.GraphError, match=r"E212.*mode"):
        cr.trace(lambda a: scipy.linalg.qr(a, mode="raw"))(A)
    with pytest.raises(cr.GraphError, match=r"E212.*return_rank"):
        cr.trace(lambda a: scipy.linalg.pinv(a, return_rank=True))(A)
    with pytest.raises(TracingError):
        cr.trace(lambda a: scipy.linalg.schur(a)[0])(A)
    with pytest.raises(TracingError, match=r"np.linalg.eig cannot be traced") as caught:
        cr.trace(lambda a: np.linalg.eig(a)[0])(A)
    assert "np.linalg.eigh" in str(caught.value)


@pytest.mark.parametrize("how", ["triangular", "diagonal"])
def test_structures_that_are_assumed(how):
    given = {"triangular": "upper triangular", "diagonal": "diagonal"}[how]
    a = np.triu(A) if how == "triangular" else np.diag(b)
    found = cr.trace(lambda a: scipy.linalg.solve(a, b, assume_a=given))(a)(a)
    np.testing.assert_allclose(found, np.linalg.solve(a, b), rtol=1e-12)
    inverse = cr.trace(lambda a: scipy.linalg.inv(a, assume_a=given))(a)(a)
    np.testing.assert_allclose(inverse, np.linalg.inv(a), rtol=1e-12)


LATE = """
import sys
import numpy as np
import scipy
import chainrule as cr

assert "scipy.linalg" not in sys.modules
assert cr.grad(lambda x: x**2)(3.0) == 6
assert "linalg" not in vars(scipy)

def f(a):
    return np.sum(scipy.linalg.inv(a)) + scipy.linalg.det(a)

assert cr.grad(f)(np.eye(2)).tolist() == [[0, -1], [-1, 0]]
assert not hasattr(scipy.linalg.inv, "__wrapped__")
assert scipy.linalg is sys.modules["scipy.linalg"]
"""


def test_scipy_may_be_loaded_by_the_function_that_is_traced():
    subprocess.run([sys.executable, "-c", LATE], check=True)
