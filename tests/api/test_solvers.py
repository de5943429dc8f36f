"""SciPy's solvers find what they find without us, with exact derivatives and fewer evaluations."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import chainrule as cr
from chainrule.api import plans
from chainrule.api.tracing import run

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


@pytest.fixture
def passed(monkeypatch):
    """What a solver of SciPy's is called with, and how often it calls the function."""

    def watch(module, name):
        seen = SimpleNamespace(calls=0)
        solver = getattr(module, name)

        def recording(function, *positional, **keywords):
            @functools.wraps(function)
            def counted(*args):
                seen.calls += 1
                return function(*args)

            seen.function, seen.positional, seen.keywords = function, positional, keywords
            return solver(counted, *positional, **keywords)

        monkeypatch.setattr(module, name, recording)
        return seen

    return watch


# --- minimize -------------------------------------------------------------------------------------

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

    cr.scipy(loss).minimize({"a": np.ones(2)}, callback=lambda xk: old.append(xk))

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


# --- constraints ----------------------------------------------------------------------------------


def hs71(x):
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def hs100(x):
    return (
        (x[0] - 10) ** 2 + 5 * (x[1] - 12) ** 2 + x[2] ** 4 + 3 * (x[3] - 11) ** 2
        + 10 * x[4] ** 6 + 7 * x[5] ** 2 + x[6] ** 4 - 4 * x[5] * x[6] - 10 * x[5] - 8 * x[6]
    )  # fmt: skip


def hs100_inside(x):
    return np.array(
        [
            127 - 2 * x[0] ** 2 - 3 * x[1] ** 4 - x[2] - 4 * x[3] ** 2 - 5 * x[4],
            282 - 7 * x[0] - 3 * x[1] - 10 * x[2] ** 2 - x[3] + x[4],
            196 - 23 * x[0] - x[1] ** 2 - 6 * x[5] ** 2 + 8 * x[6],
            -4 * x[0] ** 2 - x[1] ** 2 + 3 * x[0] * x[1] - 2 * x[2] ** 2 - 5 * x[5] + 11 * x[6],
        ]
    )


def hs43(x):
    return x[0] ** 2 + x[1] ** 2 + 2 * x[2] ** 2 + x[3] ** 2 - 5 * x[0] - 5 * x[1] \
        - 21 * x[2] + 7 * x[3]  # fmt: skip


def hs43_inside(x):
    return [
        8 - x @ x - x[0] + x[1] - x[2] + x[3],
        10 - x[0] ** 2 - 2 * x[1] ** 2 - x[2] ** 2 - 2 * x[3] ** 2 + x[0] + x[3],
        5 - 2 * x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - 2 * x[0] + x[1] + x[3],
    ]


def hs40_on(x):
    return np.stack([x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]])


class Published(NamedTuple):
    """A problem of Hock, Schittkowski: Test Examples for Nonlinear Programming Codes (1981)."""

    function: object
    start: list
    optimum: list
    value: float
    equations: object = None
    inside: object = None
    bounds: object = None


HOCK_SCHITTKOWSKI = {
    "6": Published(
        lambda x: (1 - x[0]) ** 2, [-1.2, 1], [1, 1], 0, lambda x: 10 * (x[1] - x[0] ** 2)
    ),
    "40": Published(
        lambda x: -x[0] * x[1] * x[2] * x[3],
        [0.8] * 4,
        [2 ** (-1 / 3), 2 ** (-1 / 2), 2 ** (-11 / 12), 2 ** (-1 / 4)],
        -0.25,
        hs40_on,
    ),
    "43": Published(hs43, [0] * 4, [0, 1, 2, -1], -44, inside=hs43_inside),
    "71": Published(
        hs71,
        [1, 5, 5, 1],
        [1, 4.7429994, 3.8211503, 1.3794082],
        17.0140173,
        lambda x: np.sum(x**2) - 40,
        lambda x: np.prod(x) - 25,
        [(1, 5)] * 4,
    ),
    "100": Published(
        hs100,
        [1, 2, 0, 4, 0, 1, 1],
        [2.330499, 1.951372, -0.4775414, 4.365726, -0.6244870, 1.038131, 1.594227],
        680.6300573,
        inside=hs100_inside,
    ),
}


@pytest.mark.parametrize("kind", ["dicts", "objects"])
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
@pytest.mark.parametrize("number", HOCK_SCHITTKOWSKI)
def test_published_optima_under_constraints(number, method, kind):
    problem = HOCK_SCHITTKOWSKI[number]
    constraints = []
    if problem.equations:
        constraints.append(
            {"type": "eq", "fun": problem.equations}
            if kind == "dicts"
            else cr.scipy(problem.equations).constraint(0, 0)
        )
    if problem.inside:
        constraints.append(
            {"type": "ineq", "fun": problem.inside}
            if kind == "dicts"
            else cr.scipy(problem.inside).constraint(0, np.inf)
        )
    options = {"ftol": 1e-12} if method == "SLSQP" else {"gtol": 1e-9, "xtol": 1e-12}
    found = cr.scipy(problem.function).minimize(
        problem.start,
        method=method,
        bounds=problem.bounds,
        constraints=constraints,
        options={**options, "maxiter": 1000},
    )
    np.testing.assert_allclose(found.fun, problem.value, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.x, problem.optimum, atol=3e-4)


def test_derivatives_of_constraints_are_exact():
    made = cr.scipy(hs71).constraint(0, 1, keep_feasible=True)
    assert isinstance(made, scipy.optimize.NonlinearConstraint)
    assert made.keep_feasible is True
    x, v = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0])
    slopes = [x[3] * (2 * x[0] + x[1] + x[2]), x[0] * x[3], x[0] * x[3] + 1, x[0] * (x[:3].sum())]
    np.testing.assert_allclose(made.fun(x), [hs71(x)])
    np.testing.assert_allclose(made.jac(x), [slopes])
    cross = 2 * x[0] + x[1] + x[2]
    hessian = np.array(
        [
            [2 * x[3], x[3], x[3], cross],
            [x[3], 0, 0, x[0]],
            [x[3], 0, 0, x[0]],
            [cross, x[0], x[0], 0],
        ]
    )
    np.testing.assert_allclose(made.hess(x, v) @ np.eye(4), 2 * hessian)


def test_the_lagrangian_combination_weighs_the_hessians():
    made = cr.scipy(lambda x: np.stack([x[0] ** 2, x[0] * x[1] ** 3])).constraint(0, 0)
    x, v = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    expected = 5 * np.array([[2, 0], [0, 0]]) + 7 * np.array([[0, 27], [27, 36]])
    np.testing.assert_allclose(made.hess(x, v) @ np.eye(2), expected)


def test_constraints_pass_straight_to_scipy():
    made = cr.scipy(lambda x: x @ x).constraint(1, 1)
    found = scipy.optimize.minimize(
        lambda x: x @ x + x[0] + x[1], [-1.0, 0.2], method="trust-constr", constraints=made
    )
    np.testing.assert_allclose(found.x, [-(0.5**0.5)] * 2, atol=1e-4)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYQA"])
def test_constraints_take_the_structure_of_the_unknowns(method):
    def loss(p):
        return p["a"] + p["b"][0]

    def circle(p):
        return p["a"] ** 2 + p["b"] @ p["b"]

    start = {"a": -1.0, "b": np.array([0.2])}
    for constraint in (
        cr.scipy(circle).constraint(1, 1),
        {"type": "eq", "fun": lambda p, radius: circle(p) - radius, "args": (1.0,)},
    ):
        found = cr.scipy(loss).minimize(start, method=method, constraints=constraint)
        np.testing.assert_allclose(found.x["a"], -(0.5**0.5), atol=1e-4)


def test_dicts_get_a_jacobian_and_keep_their_own(passed):
    seen = passed(scipy.optimize, "minimize")
    own = {"type": "ineq", "fun": lambda x: 1 - x @ x, "jac": lambda x: -2 * x}
    linear = scipy.optimize.LinearConstraint(np.eye(2), -1, 1)
    without = {"type": "ineq", "fun": lambda x, a: a - x @ x, "args": (1.0,)}
    problem = cr.scipy(lambda x: x[0] + 2 * x[1])
    problem.minimize([0.1, 0.0], method="SLSQP", constraints=[own, linear, without])
    first, second, third = seen.keywords["constraints"]
    assert first["jac"] is own["jac"]
    assert second is linear
    np.testing.assert_array_equal(third["jac"](np.array([1.0, 2.0]), 1.0), [[-2, -4]])
    assert "jac" not in without


def test_methods_without_hessians_get_none():
    made = cr.scipy(lambda x: x @ x).constraint(1, 1)
    found = cr.scipy(lambda x: x[0] + x[1]).minimize([-1.0, 0.2], constraints=made)
    np.testing.assert_allclose(found.x, [-(0.5**0.5)] * 2, atol=1e-6)  # a warning is an error


# --- least squares and curves ---------------------------------------------------------------------

NIST = json.loads(
    (Path(__file__).parents[1] / "data" / "nist_strd.json").read_text(encoding="utf-8")
)["sets"]


def misra1a(x, b1, b2):
    return b1 * (1 - np.exp(-b2 * x))


def thurber(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def mgh09(x, b1, b2, b3, b4):
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


MODELS = {"Misra1a": misra1a, "Thurber": thurber, "MGH09": mgh09}
FITS = [(name, start) for name in MODELS for start in (0, 1)]


def data_of(name):
    return [np.array(NIST[name][part]) for part in ("x", "y", "certified", "deviations")]


@pytest.mark.parametrize(("name", "start"), FITS)
def test_certified_values_by_curve_fit(name, start):
    x, y, certified, deviations = data_of(name)
    found, covariance = cr.scipy(MODELS[name]).curve_fit(
        x, y, NIST[name]["starts"][start], ftol=1e-15, xtol=1e-15, gtol=0, maxfev=10_000
    )
    np.testing.assert_allclose(found, certified, rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), deviations, rtol=1e-6)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
@pytest.mark.parametrize("name", MODELS)
def test_certified_values_by_least_squares(name, method):
    x, y, certified, _ = data_of(name)

    def residuals(b, x, *, y):
        return MODELS[name](x, *[b[at] for at in range(len(certified))]) - y

    found = cr.scipy(residuals).least_squares(
        NIST[name]["starts"][1],
        method=method,
        x_scale="jac",
        args=(x,),
        kwargs={"y": y},
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
        max_nfev=2000,
    )
    np.testing.assert_allclose(found.x, certified, rtol=1e-6)
    np.testing.assert_allclose(2 * found.cost, NIST[name]["sum_of_squares"], rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_jacobians_of_models_agree_with_high_precision(name, passed):
    seen = passed(scipy.optimize, "least_squares")
    x, _, certified, _ = data_of(name)
    model = MODELS[name]
    cr.scipy(lambda b: model(x, *[b[at] for at in range(len(certified))])).least_squares(
        certified, max_nfev=1
    )
    jacobian = seen.keywords["jac"](certified)
    exact = {
        "Misra1a": lambda x, a, b: a * (1 - mpmath.exp(-b * x)),
    }.get(name, model)
    with mpmath.workdps(40):
        expected = [
            [
                float(mpmath.diff(lambda *b, at=at: exact(mpmath.mpf(at), *b), certified, unit))
                for unit in map(tuple, np.eye(len(certified), dtype=int).tolist())
            ]
            for at in x[::5].tolist()
        ]
    np.testing.assert_allclose(jacobian[::5], expected, rtol=1e-12)


def test_curve_fit_takes_what_scipys_takes(passed):
    seen = passed(scipy.optimize, "curve_fit")
    x, y, certified, _ = data_of("Misra1a")
    problem = cr.scipy(misra1a)
    sigma = np.full(len(x), 0.1)
    found = problem.curve_fit(x, y, [250, 5e-4], sigma, True, bounds=(0, [1000, 1]))[0]
    np.testing.assert_allclose(found, certified, rtol=1e-4)
    assert callable(seen.keywords["jac"])
    *_, info, _, _ = problem.curve_fit(x, y, [250, 5e-4], full_output=True)
    *_, without, _, _ = problem.curve_fit(x, y, [250, 5e-4], full_output=True, jac=None)
    assert info["nfev"] < without["nfev"]
    assert seen.keywords["jac"] is None
    line = cr.scipy(lambda x, a, b: a * x + b).curve_fit([0, 1, 2], [1, 3, 5])[0]
    np.testing.assert_allclose(line, [2, 1])


def test_curve_fit_of_several_variables():
    xs = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 2.0]])

    def plane(x, a, b):
        return a * x[0] + b * x[1] ** 2

    found, _ = cr.scipy(plane).curve_fit(xs, plane(xs, 2.0, -1.0))
    np.testing.assert_allclose(found, [2, -1])


def test_least_squares_of_structures_within_bounds():
    t = np.linspace(0, 2, 9)
    y = 3 * np.exp(-2 * t)

    def residuals(p):
        return {"data": p["size"] * np.exp(-p["rates"][0] * t) - y, "more": [p["rates"][1], 0.0]}

    start = {"size": 1.0, "rates": np.ones(2)}
    found = cr.scipy(residuals).least_squares(start)
    np.testing.assert_allclose(found.x["rates"], [2, 0], atol=1e-6)
    assert found.jac.shape == (11, 3)
    bounds = ({"size": 0.0, "rates": 0.5}, np.inf)
    found = cr.scipy(residuals).least_squares(start, bounds=bounds)
    np.testing.assert_allclose(found.x["rates"][1], 0.5, atol=1e-6)


def chain(x):
    """Broyden's tridiagonal function (Moré, Garbow, Hillstrom 1981, problem 30)."""
    before, after = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.0]])
    return (3 - 2 * x) * x - before - 2 * after + 1


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_sparse_jacobians(method, passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(30, -1.0)
    sparse = cr.scipy(chain, sparse=True).least_squares(start, method=method)
    assert scipy.sparse.issparse(seen.keywords["jac"](start))
    dense = cr.scipy(chain).least_squares(start, method=method)
    assert isinstance(seen.keywords["jac"](start), np.ndarray)
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-6)
    assert sparse.cost < 1e-12


def test_patterns_for_differences(passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(6, -1.0)
    found = cr.scipy(chain).least_squares(start, jac="2-point", jac_sparsity=True)
    assert found.cost < 1e-12
    pattern = scipy.sparse.coo_array(seen.keywords["jac_sparsity"]).toarray() != 0
    assert np.all(pattern[cr.jacobian(chain)(start) != 0])


def test_least_squares_takes_fewer_evaluations_than_differences(passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(10, -1.0)
    problem = cr.scipy(chain)
    problem.least_squares(start)
    counted, seen.calls = seen.calls, 0
    problem.least_squares(start, jac="2-point")
    assert counted < seen.calls


# --- roots ----------------------------------------------------------------------------------------


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


# --- differential equations -----------------------------------------------------------------------


def van_der_pol(t, y, scale):
    return [y[1], ((1 - y[0] ** 2) * y[1] - y[0]) / scale]


def robertson(t, y):
    slow, fast, quadratic = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return np.stack([-slow + fast, slow - fast - quadratic, quadratic])


IMPLICIT = ["Radau", "BDF", "LSODA"]


@pytest.mark.parametrize("method", IMPLICIT)
def test_van_der_pol(method):
    # Mazzia, Magherini: Test Set for Initial Value Problem Solvers (2008), VDPOL.
    found = cr.scipy(van_der_pol).solve_ivp(
        (0, 2), [2, 0], method, args=(1e-6,), rtol=1e-8, atol=1e-8
    )
    np.testing.assert_allclose(found.y[:, -1], [1.706167732170483, -0.8928097010247975], rtol=1e-4)


@pytest.mark.parametrize("method", IMPLICIT)
def test_robertson(method):
    # The same test set, ROBER.
    found = cr.scipy(robertson).solve_ivp(
        (0, 1e11), [1, 0, 0], method, rtol=1e-8, atol=[1e-12, 1e-18, 1e-12]
    )
    expected = [0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050]
    np.testing.assert_allclose(found.y[:, -1], expected, rtol=1e-3)


@pytest.mark.parametrize("method", ["Radau", "BDF", scipy.integrate.Radau])
def test_stiff_solvers_take_fewer_evaluations_than_differences(method, passed):
    seen = passed(scipy.integrate, "solve_ivp")
    problem = cr.scipy(van_der_pol)
    ours = problem.solve_ivp((0, 2), [2.0, 0.0], method, args=(1e-3,))
    counted, seen.calls = seen.calls, 0
    theirs = problem.solve_ivp((0, 2), [2.0, 0.0], method, args=(1e-3,), jac=None)
    assert counted < seen.calls
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-2)


def test_jacobians_of_equations_are_exact(passed):
    seen = passed(scipy.integrate, "solve_ivp")
    cr.scipy(robertson).solve_ivp((0, 1), [1.0, 0.0, 0.0], "BDF")
    y = np.array([0.3, 2e-5, 0.7])
    expected = [
        [-0.04, 1e4 * y[2], 1e4 * y[1]],
        [0.04, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]],
        [0, 6e7 * y[1], 0],
    ]
    np.testing.assert_allclose(seen.keywords["jac"](0.0, y), expected, rtol=1e-14)
    cr.scipy(robertson).solve_ivp((0, 1e-3), [1.0, 0.0, 0.0])
    assert "jac" not in seen.keywords


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_sparse_jacobians_of_equations(method, passed):
    def heat(t, u):
        left, right = np.concatenate([[0.0], u[:-1]]), np.concatenate([u[1:], [0.0]])
        return 100 * (left - 2 * u + right) - u**3

    seen = passed(scipy.integrate, "solve_ivp")
    start = np.sin(np.linspace(0, np.pi, 12)[1:-1])
    sparse = cr.scipy(heat, sparse=True).solve_ivp((0, 1), start, method)
    assert scipy.sparse.issparse(seen.keywords["jac"](0.0, start))
    dense = cr.scipy(heat).solve_ivp((0, 1), start, method)
    np.testing.assert_allclose(sparse.y[:, -1], dense.y[:, -1], atol=1e-8)


@pytest.mark.parametrize("method", ["RK45", "Radau", "LSODA"])
def test_equations_of_structures(method):
    def swing(t, state, length):
        return {"speed": -9.81 / length * np.sin(state["angle"]), "angle": state["speed"]}

    def level(t, state, length):
        return state["angle"]

    level.direction = -1
    found = cr.scipy(swing).solve_ivp(
        (0, 2),
        {"angle": 0.1, "speed": 0.0},
        method,
        args=(1.0,),
        events=level,
        t_eval=[0, 1, 2],
        rtol=1e-8,
        atol=1e-10,
    )
    assert found.y["angle"].shape == (3,)
    # A quarter of the period, 4 sqrt(l/g) K(sin(a/2)).
    quarter = (1 / 9.81) ** 0.5 * scipy.special.ellipk(np.sin(0.05) ** 2)
    np.testing.assert_allclose(found.t_events[0][0], quarter, rtol=1e-5)
    assert len(found.t_events[0]) == 1


def test_matrices_as_states_and_lists_of_events():
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found = cr.scipy(lambda t, m: turn @ m).solve_ivp(
        (0, np.pi / 2),
        np.eye(2),
        "Radau",
        events=[lambda t, m: m[0, 0] - 0.5, lambda t, m: t - 1],
        rtol=1e-8,
        atol=1e-10,
    )
    assert found.y.shape == (2, 2, len(found.t))
    np.testing.assert_allclose(found.y[..., -1], turn, atol=1e-6)
    np.testing.assert_allclose(found.t_events[0], [np.pi / 3], rtol=1e-6)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [None, {}, (), "text", {"a": 1.0, "b": "text"}, [object()]])
def test_unknowns_that_are_no_numbers(start):
    problem = cr.scipy(rosenbrock)
    for solve in (problem.minimize, problem.least_squares, problem.root):
        with pytest.raises(cr.DerivativeError) as error:
            solve(start)
        assert error.value.code == "E351"
    with pytest.raises(cr.DerivativeError) as error:
        problem.solve_ivp((0, 1), start)
    assert error.value.code == "E351"


def test_no_function():
    with pytest.raises(cr.DerivativeError) as error:
        cr.scipy(3.0)
    assert error.value.code == "E352"


def test_a_function_that_gives_several_numbers():
    with pytest.raises(cr.DerivativeError) as error:
        cr.scipy(lambda x: x).minimize([1.0, 2.0])
    assert error.value.code == "E333"


def test_equations_that_give_another_structure():
    start = {"a": 1.0, "b": np.ones(2)}
    for method in ("RK45", "Radau"):
        for slope in (lambda t, y: y["a"], lambda t, y: {"a": y["a"], "b": y["a"]}):
            with pytest.raises(cr.GraphError) as error:
                cr.scipy(slope).solve_ivp((0, 1), start, method)
            assert error.value.code == "E239"


def test_bounds_that_do_not_fit():
    problem = cr.scipy(lambda p: np.sum(p["a"] ** 2))
    for lower in ({"b": 0.0}, {"a": np.zeros(3)}):
        with pytest.raises(cr.GraphError) as error:
            problem.minimize({"a": np.ones(2)}, bounds=(lower, 1))
        assert error.value.code == "E239"


def test_functions_that_cannot_be_traced_say_where_and_what_else_is_possible():
    def branching(x):
        return x[0] ** 2 if x[0] > 0 else -x[0]

    problem = cr.scipy(branching)
    with pytest.raises(cr.TracingError) as error:
        problem.minimize([1.0])
    assert error.value.code == "E230"
    assert "branching" not in str(error.value)
    assert "if x[0] > 0" in str(error.value)
    assert "jac='2-point'" in "".join(error.value.__notes__)
    assert problem.minimize([1.0], jac="2-point", method="BFGS").fun < 1e-3


def test_it_says_what_it_is():
    assert repr(cr.scipy(rosenbrock)) == "<SciPy's solvers for rosenbrock>"


@pytest.mark.parametrize("method", ["trust-exact", "Newton-CG", "BFGS"])
def test_a_structure_is_traced_no_more_than_once_for_each_derivative(method, monkeypatch):
    runs = []

    def counting(function, arguments):
        runs.append(function)
        return run(function, arguments)

    monkeypatch.setattr(plans, "run", counting)

    def loss(p):
        return rosenbrock(np.concatenate([p["a"], p["b"]]))

    start = {"a": START[:1], "b": START[1:]}
    first = cr.scipy(loss).minimize(start, method=method)
    assert 0 < len(runs) <= 5  # value and gradient; the gradient, once inside of the second
    runs.clear()
    again = cr.scipy(loss).minimize(start, method=method)
    assert not runs
    np.testing.assert_array_equal(first.x["b"], again.x["b"])
