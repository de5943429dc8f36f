"""Solvers say what is wrong, and trace a function no more often than they must."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.api import plans
from chainrule.api.tracing import run

START = np.array([-1.2, 1.0, -1.2, 1.0])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


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
    monkeypatch.setattr(plans, "cache", plans._Cache(64))

    def loss(p):
        return rosenbrock(np.concatenate([p["a"], p["b"]]))

    start = {"a": START[:1], "b": START[1:]}
    first = cr.scipy(loss).minimize(start, method=method)
    assert 0 < len(runs) <= 5  # value and gradient; the gradient, once inside of the second
    runs.clear()
    again = cr.scipy(loss).minimize(start, method=method)
    assert not runs
    np.testing.assert_array_equal(first.x["b"], again.x["b"])
