"""Roots are those that SciPy finds by itself, with exact derivatives."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.special

import chainrule as cr


def chain(x):
    """Broyden's tridiagonal function (Moré, Garbow, Hillstrom 1981, problem 30)."""
    before, after = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.0]])
    return (3 - 2 * x) * x - before - 2 * after + 1


def powell_singular(x):
    """Powell's singular function (Moré, Garbow, Hillstrom 1981, problem 13)."""
    return [
        x[0] + 10 * x[1],
        5**0.5 * (x[2] - x[3]),
        (x[1] - 2 * x[2]) ** 2,
        10**0.5 * (x[0] - x[3]) ** 2,
    ]


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_powells_singular_system(method):
    options = {"fatol": 1e-8} if method == "krylov" else {"xtol": 1e-12}
    found = cr.scipy(powell_singular).root([3, -1, 0, 1], method=method, options=options)
    np.testing.assert_allclose(found.x, np.zeros(4), atol=2e-3)


def test_the_jacobian_of_a_system_is_exact(passed):
    seen = passed(scipy.optimize, "root")
    cr.scipy(powell_singular).root([3, -1, 0, 1])
    x = np.array([3.0, -1.0, 0.5, 1.0])
    a, b = 2 * (x[1] - 2 * x[2]), 2 * 10**0.5 * (x[0] - x[3])
    expected = [[1, 10, 0, 0], [0, 0, 5**0.5, -(5**0.5)], [0, a, -2 * a, 0], [b, 0, 0, -b]]
    np.testing.assert_allclose(seen.keywords["jac"](x), expected, rtol=1e-15)
    cr.scipy(powell_singular).root([3, -1, 0, 1], jac=None)
    assert seen.keywords["jac"] is None


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov", "broyden1", "df-sane"])
def test_roots_are_those_without_derivatives(method, passed):
    seen = passed(scipy.optimize, "root")
    start = np.full(5, -1.0)
    ours = cr.scipy(chain).root(start, method=method)
    counted, seen.calls = seen.calls, 0
    theirs = cr.scipy(chain).root(start, method=method, jac=None)
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
    if method in ("hybr", "lm"):
        assert counted < seen.calls


def test_roots_of_structures():
    def system(p, radius):
        return {"circle": p["x"] ** 2 + p["y"][0] ** 2 - radius**2, "line": p["x"] - p["y"]}

    seen = []
    found = cr.scipy(system).root({"x": 2.0, "y": np.array([0.5])}, args=(2.0,))
    np.testing.assert_allclose(found.x["x"], 2**0.5)
    np.testing.assert_allclose(found.x["y"], [2**0.5])
    cr.scipy(lambda m: m @ m - 4 * np.eye(2)).root(
        np.eye(2), method="krylov", callback=lambda x, f: seen.append(x.shape)
    )
    assert seen[0] == (2, 2)


@pytest.mark.parametrize("method", [None, "newton", "halley", "secant"])
def test_a_root_of_one_number(method):
    cosine = cr.scipy(lambda x: np.cos(x) - x)
    found = cosine.root_scalar(x0=1, x1=0.5 if method == "secant" else None, method=method)
    np.testing.assert_allclose(found.root, 0.739085133215160641655, rtol=1e-14)  # OEIS A003957
    assert isinstance(found, scipy.optimize.RootResults)


def test_newton_and_halley_go_as_with_derivatives_by_hand():
    def cubic(x, c):
        return x**3 - 2 * x - c

    problem = cr.scipy(cubic)
    slopes = {"fprime": lambda x, c: 3 * x**2 - 2}
    bends = {**slopes, "fprime2": lambda x, c: 6 * x}
    for method, by_hand in (("newton", slopes), ("halley", bends)):
        ours = problem.root_scalar((5.0,), method, x0=3.0)
        theirs = scipy.optimize.root_scalar(cubic, (5.0,), method, x0=3.0, **by_hand)
        assert ours.root == pytest.approx(2.0945514815423265, abs=1e-14)  # Wallis
        assert ours.iterations == theirs.iterations
        assert ours.function_calls < theirs.function_calls  # all at once


def test_brackets_need_no_derivatives():
    found = cr.scipy(lambda x: 1.0 if x > 0.25 else -1.0).root_scalar(bracket=(0, 1))
    assert found.root == pytest.approx(0.25)


def test_derivatives_of_roots_are_exact(passed):
    seen = passed(scipy.optimize, "root_scalar")
    problem = cr.scipy(lambda x: np.exp(-x) * np.sin(x) - 0.1)
    problem.root_scalar(x0=0.2, method="halley")
    value, slope, bend = seen.function(0.7)
    with mpmath.workdps(40):
        exact = [
            float(mpmath.diff(lambda x: mpmath.exp(-x) * mpmath.sin(x) - mpmath.mpf("0.1"), 0.7, n))
            for n in range(3)
        ]
    np.testing.assert_allclose([value, slope, bend], exact, rtol=1e-13)
    problem.root_scalar(x0=0.2, fprime2=True)
    assert seen.keywords["fprime"] is True
    own = problem.root_scalar(x0=0.2, fprime=lambda x: np.exp(-x) * (np.cos(x) - np.sin(x)))
    assert own.converged


def test_a_start_that_is_no_number():
    with pytest.raises(cr.DerivativeError, match="E351"):
        cr.scipy(np.cos).root_scalar(x0="near")


def test_a_system_without_a_return():
    with pytest.raises(cr.GraphError, match="E233"):
        cr.scipy(lambda x: None).root([1.0])
