"""Minima are those that SciPy finds by itself, with exact derivatives and fewer evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.special

import chainrule as cr

rosen, rosen_der, rosen_hess, rosen_hess_prod = (
    scipy.optimize.rosen,
    scipy.optimize.rosen_der,
    scipy.optimize.rosen_hess,
    scipy.optimize.rosen_hess_prod,
)
START = np.array([-1.2, 1.0, -1.2, 1.0])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def himmelblau_gradient(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * x[0] * a + 2 * b, 2 * a + 4 * x[1] * b])


def himmelblau_hessian(x):
    mixed = 4 * (x[0] + x[1])
    return np.array(
        [
            [12 * x[0] ** 2 + 4 * x[1] - 42, mixed],
            [mixed, 12 * x[1] ** 2 + 4 * x[0] - 26],
        ]
    )


FIRST = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]
MATRIX = ["trust-exact"]
NONE = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]
TIGHT = {"Powell": {"ftol": 1e-12}, "COBYLA": {"maxiter": 20_000, "tol": 1e-9}}


@pytest.mark.parametrize("method", [None, *FIRST, *PRODUCTS, *MATRIX])
def test_rosenbrock_is_minimal_at_ones_by_every_method(method):
    found = cr.scipy(rosenbrock).minimize([1.3, 0.7, 0.8, 1.9], method=method, tol=1e-9)
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-5)


@pytest.mark.parametrize("method", NONE)
def test_methods_without_derivatives_take_the_function_as_it_is(method, passed):
    def branching(x):
        return float((x[0] - 1) ** 2 + (x[1] + 2) ** 2) if x[0] > -5 else 100.0

    seen = passed(scipy.optimize, "minimize")
    found = cr.scipy(branching).minimize([0.5, 0.0], method=method, options=TIGHT.get(method))
    np.testing.assert_allclose(found.x, [1, -2], atol=1e-3)
    assert not {"jac", "hess", "hessp"} & seen.keywords.keys()


@pytest.mark.parametrize("method", [*FIRST, *PRODUCTS, *MATRIX])
def test_the_way_is_that_of_derivatives_by_hand(method):
    second = {"hess": rosen_hess} if method in MATRIX else {}
    second = {"hessp": rosen_hess_prod} if method in PRODUCTS else second
    start = np.array([0.8, 1.2, 0.7])
    ours = cr.scipy(rosenbrock).minimize(start, method=method)
    theirs = scipy.optimize.minimize(rosen, start, method=method, jac=rosen_der, **second)
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
    assert abs(ours.nit - theirs.nit) <= 1 + theirs.nit // 10  # roundings may differ


@pytest.mark.parametrize("method", [m for m in FIRST if m != "TNC"])
def test_it_takes_fewer_evaluations_than_differences(method, passed):
    seen = passed(scipy.optimize, "minimize")
    ours = cr.scipy(rosenbrock).minimize(START, method=method)
    counted, seen.calls = seen.calls, 0
    theirs = cr.scipy(rosenbrock).minimize(START, method=method, jac="2-point")
    assert counted < seen.calls
    assert ours.fun <= theirs.fun + 1e-6


def test_dogleg_gets_the_hessian():
    def bowl(x):
        return np.sum(np.cosh(x - 1))

    found = cr.scipy(bowl).minimize([0.0, 3.0], method="dogleg")
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-4)
    assert found.nhev > 0


@pytest.mark.parametrize("start", [(3.5, 2.5), (-3, 3), (-4, -3.5), (4, -2)])
def test_himmelblaus_four_minima(start):
    # Himmelblau, Applied Nonlinear Programming (1972).
    minima = [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)]
    found = cr.scipy(himmelblau).minimize(start, method="trust-exact", tol=1e-10)
    nearest = min(minima, key=lambda minimum: np.hypot(*(found.x - minimum)))
    np.testing.assert_allclose(found.x, nearest, atol=2e-6)
    assert np.hypot(*(np.array(start) - nearest)) < 1


def test_value_and_gradient_come_together_and_are_exact(passed):
    seen = passed(scipy.optimize, "minimize")
    cr.scipy(himmelblau).minimize([1.0, 2.0], method="Newton-CG", hess=True)
    x = np.array([0.3, -1.7])
    value, gradient = seen.function(x)
    assert seen.keywords["jac"] is True
    assert value == himmelblau(x)
    np.testing.assert_allclose(gradient, himmelblau_gradient(x), rtol=1e-15)
    np.testing.assert_allclose(seen.keywords["hess"](x), himmelblau_hessian(x), rtol=1e-14)
    assert "hessp" not in seen.keywords


def test_products_with_the_hessian_are_exact(passed):
    seen = passed(scipy.optimize, "minimize")
    cr.scipy(himmelblau).minimize([1.0, 2.0], method="trust-ncg")
    x, p = np.array([0.3, -1.7]), np.array([2, -1], np.int8)
    np.testing.assert_allclose(seen.keywords["hessp"](x, p), himmelblau_hessian(x) @ p, rtol=1e-14)
    assert "hess" not in seen.keywords


def test_second_derivatives_agree_with_high_precision(passed):
    seen = passed(scipy.optimize, "minimize")

    def wavy(x):
        return np.sin(x[0] * x[1]) + np.exp(-x[0]) * x[1] ** 2

    def exact(a, b):
        return mpmath.sin(a * b) + mpmath.exp(-a) * b**2

    cr.scipy(wavy).minimize([0.1, 0.1], method="trust-exact", options={"maxiter": 3})
    at = (0.37, 1.21)
    with mpmath.workdps(40):
        gradient = [float(mpmath.diff(exact, at, n)) for n in [(1, 0), (0, 1)]]
        second = [float(mpmath.diff(exact, at, n)) for n in [(2, 0), (1, 1), (1, 1), (0, 2)]]
    np.testing.assert_allclose(seen.function(np.array(at))[1], gradient, rtol=1e-14)
    np.testing.assert_allclose(
        seen.keywords["hess"](np.array(at)), np.reshape(second, (2, 2)), rtol=1e-14
    )


def test_large_problems_need_no_hessian():
    size = 2000
    found = cr.scipy(rosenbrock).minimize(np.full(size, 0.9), method="Newton-CG", tol=1e-9)
    np.testing.assert_allclose(found.x, np.ones(size), atol=1e-4)


def test_arguments_and_options_and_bounds_go_through(passed):
    seen = passed(scipy.optimize, "minimize")

    def distance(x, center, power):
        return np.sum((x - center) ** power)

    steps = []
    found = cr.scipy(distance).minimize(
        [0.0, 0.0],
        (np.array([1.0, 3.0]), 2),
        "L-BFGS-B",
        bounds=[(None, None), (0, 2)],
        callback=steps.append,
        options={"maxiter": 50},
        tol=1e-12,
    )
    np.testing.assert_allclose(found.x, [1, 2], atol=1e-8)
    assert steps
    assert seen.keywords["options"] == {"maxiter": 50}
    assert isinstance(found, scipy.optimize.OptimizeResult)


def test_one_argument_needs_no_tuple():
    found = cr.scipy(lambda x, center: np.sum((x - center) ** 2)).minimize([0.0], args=2.0)
    np.testing.assert_allclose(found.x, [2], atol=1e-6)


def test_derivatives_of_ones_own_are_passed_on(passed):
    seen = passed(scipy.optimize, "minimize")
    cr.scipy(rosenbrock).minimize(START, method="Newton-CG", jac=rosen_der, hess=rosen_hess)
    assert seen.keywords["jac"] is rosen_der
    assert seen.keywords["hess"] is rosen_hess
    assert isinstance(seen.function(START), float)


def test_quasi_newton_updates_are_passed_on():
    update = scipy.optimize.BFGS()
    found = cr.scipy(rosenbrock).minimize(START, method="trust-constr", hess=update)
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-3)
    assert found.nhev == 0


def test_a_method_of_ones_own_gets_the_gradient():
    def descent(fun, x0, args, jac, **_):
        x = x0
        for _ in range(100):
            x = x - 0.1 * jac(x, *args)
        return scipy.optimize.OptimizeResult(x=x, fun=fun(x, *args))

    found = cr.scipy(lambda x: np.sum((x - 1) ** 2)).minimize([0.0, 3.0], method=descent)
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-8)


@pytest.mark.parametrize("start", [3, 3.0, [3], (3,), np.array(3), np.array([3], np.float32)])
def test_what_scipy_takes_for_a_vector_is_one(start):
    def square(x):
        assert x.shape == (1,)
        return (x - 1) ** 2

    found = cr.scipy(square).minimize(start)
    np.testing.assert_allclose(found.x, [1], atol=1e-6)


def test_sparse_hessians_of_trust_constr(passed):
    seen = passed(scipy.optimize, "minimize")
    found = cr.scipy(rosenbrock, sparse=True).minimize(START, method="trust-constr", hess=True)
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-4)
    hessian = seen.keywords["hess"](START)
    assert scipy.sparse.issparse(hessian)
    np.testing.assert_allclose(hessian.toarray(), rosen_hess(START), rtol=1e-13)


# --- structures -----------------------------------------------------------------------------------


@dataclass
class Model:
    weights: np.ndarray
    bias: float


class Pair(NamedTuple):
    a: float
    b: np.ndarray


def test_a_dataclass_is_found():
    x = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 1.0], [3.0, 0.0]])
    y = x @ np.array([2.0, -1.0]) + 0.5

    def loss(model):
        return np.mean((x @ model.weights + model.bias - y) ** 2)

    found = cr.scipy(loss).minimize(Model(np.zeros(2), 0), tol=1e-10)
    assert isinstance(found.x, Model)
    np.testing.assert_allclose(found.x.weights, [2, -1], atol=1e-5)
    np.testing.assert_allclose(found.x.bias, 0.5, atol=1e-5)
    assert found.jac.shape == (3,)


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "Nelder-Mead"])
def test_a_dict_is_found_by_every_kind_of_method(method):
    def loss(p):
        return (p["a"] - 1) ** 2 + np.sum((p["b"] - p["a"]) ** 2)

    start = {"b": np.zeros((2, 1)), "a": 3}
    found = cr.scipy(loss).minimize(start, method=method)
    assert list(found.x) == ["b", "a"]
    assert found.x["b"].shape == (2, 1)
    np.testing.assert_allclose(found.x["b"], [[1], [1]], atol=1e-3)


def test_a_matrix_is_found():
    target = np.arange(6.0).reshape(2, 3)
    found = cr.scipy(lambda m: np.sum((m - target) ** 2)).minimize(np.zeros((2, 3)))
    np.testing.assert_allclose(found.x, target, atol=1e-5)


def test_named_tuples_and_bounds_structured_like_them():
    def loss(p):
        return (p.a - 3) ** 2 + np.sum((p.b + 1) ** 2)

    bounds = (Pair(-np.inf, np.array([0.0, -5.0])), Pair(2.0, np.inf))
    found = cr.scipy(loss).minimize(Pair(0.0, np.ones(2)), bounds=bounds)
    np.testing.assert_allclose(found.x.a, 2)
    np.testing.assert_allclose(found.x.b, [0, -1], atol=1e-6)


def test_one_number_bounds_everything():
    def loss(p):
        return np.sum((p["a"] - 3) ** 2)

    found = cr.scipy(loss).minimize({"a": np.ones(2)}, bounds=(0, 2))
    np.testing.assert_allclose(found.x["a"], [2, 2])
    found = cr.scipy(loss).minimize({"a": np.ones(2)}, bounds=[(0, 2), (0, 1)])
    np.testing.assert_allclose(found.x["a"], [2, 1])


def test_callbacks_see_the_structure():
    old, new = [], []

    def loss(p):
        return np.sum((p["a"] - 3) ** 4)

    cr.scipy(loss).minimize({"a": np.ones(2)}, callback=old.append)

    def watch(intermediate_result):
        new.append((intermediate_result.x, intermediate_result.fun))
        if len(new) == 2:
            raise StopIteration

    found = cr.scipy(loss).minimize({"a": np.ones(2)}, callback=watch)
    assert old[0]["a"].shape == (2,)
    assert new[0][0]["a"].shape == (2,)
    assert found.nit == 2
    states = []
    cr.scipy(loss).minimize(
        {"a": np.ones(2)},
        method="trust-constr",
        callback=lambda xk, state: states.append((xk, state.nit)),
    )
    assert states[0][0]["a"].shape == (2,)
