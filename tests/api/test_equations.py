"""Differential equations have their published solutions, with exact Jacobians."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.special

import chainrule as cr


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


def test_equations_of_many_states_at_once():
    def swing(t, y):
        return {"a": y["b"], "b": -y["a"]}

    start = {"a": 1.0, "b": np.zeros(())}
    for method in ("RK45", "Radau"):
        found = cr.scipy(swing).solve_ivp((0, 1), start, method, vectorized=True, rtol=1e-6)
        np.testing.assert_allclose(found.y["a"][-1], np.cos(1), rtol=1e-4)
