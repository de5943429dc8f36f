"""Published optima under constraints are found, with exact derivatives of the constraints."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.special

import chainrule as cr


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


@pytest.mark.parametrize(("method", "sparse"), [("SLSQP", False), ("trust-constr", True)])
def test_sparse_jacobians_go_where_they_are_taken(method, sparse, passed):
    seen = passed(scipy.optimize, "minimize")
    made = cr.scipy(lambda x: x**2, sparse=True).constraint(1, 4)
    found = cr.scipy(np.sum).minimize([1.5, 1.7], method=method, constraints=made)
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-3)
    (constraint,) = [seen.keywords["constraints"]]
    assert scipy.sparse.issparse(constraint.jac(np.ones(2))) is sparse
