"""Differential equations: solutions and derivatives against closed forms and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import chainrule as cr
from chainrule.errors import DerivativeError, GraphError

TIMES = np.array([0.0, 0.3, 1.0, 2.5])
TIGHT = {"rtol": 1e-11, "atol": 1e-11}
METHODS = ["RK45", "DOP853"]


def close(got, expected, tolerance=1e-8):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def oscillator(w, x0, times, **options):
    """x'' = −w²·x with x(t0) = x0, x'(t0) = 0: x = x0·cos w(t − t0)."""

    def slope(t, state):
        return {"x": state["v"], "v": -(w**2) * state["x"]}

    return cr.odeint(slope, {"x": x0, "v": 0.0}, times, **TIGHT, **options)["x"]


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_the_oscillator(method, adjoint):
    w, x0, span = 1.7, 0.8, TIMES - TIMES[0]
    options = {"method": method, "adjoint": adjoint}
    close(oscillator(w, x0, TIMES, **options), x0 * np.cos(w * span))
    d_w = cr.jacobian(lambda w: oscillator(w, x0, TIMES, **options), mode="reverse")(w)
    close(d_w, -x0 * span * np.sin(w * span))
    d_x0 = cr.jacobian(lambda x0: oscillator(w, x0, TIMES, **options), mode="reverse")(x0)
    close(d_x0, np.cos(w * span))
    d_t = cr.jacobian(lambda t: oscillator(w, x0, t, **options), mode="reverse")(TIMES)
    expected = np.diag(-x0 * w * np.sin(w * span))
    expected[:, 0] -= np.diag(expected)  # a later start shifts everything
    close(d_t, expected)


def test_forward_mode_and_second_derivatives():
    w, x0 = 1.7, 0.8
    end = lambda w: oscillator(w, x0, TIMES)[-1]  # noqa: E731
    close(cr.jvp(end, (w,), (1.0,))[1], -x0 * 2.5 * np.sin(w * 2.5))
    second = -x0 * 2.5**2 * np.cos(w * 2.5)
    close(cr.grad(cr.grad(end))(w), second, 1e-7)
    close(cr.jvp(cr.grad(end), (w,), (1.0,))[1], second, 1e-7)


def test_backward_in_time():
    close(oscillator(1.7, 0.8, -TIMES), 0.8 * np.cos(1.7 * TIMES))
    for adjoint in (False, True):
        d_w = cr.grad(lambda w, a=adjoint: oscillator(w, 0.8, -TIMES, adjoint=a)[-1])(1.7)
        close(d_w, -0.8 * 2.5 * np.sin(1.7 * 2.5))


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853"])
def test_van_der_pol_against_scipy(method):
    def slope(t, y):
        return np.stack([y[1], 2.0 * (1 - y[0] ** 2) * y[1] - y[0]])

    loose = 1e-6 if method == "RK23" else 1e-9
    mine = cr.odeint(slope, np.array([1.0, 0.5]), TIMES, method=method, rtol=loose, atol=loose)
    theirs = scipy.integrate.solve_ivp(
        slope, (0, 2.5), [1.0, 0.5], "DOP853", TIMES, rtol=1e-12, atol=1e-12
    ).y.T
    close(mine, theirs, 100 * loose)


def test_steps_adapt():
    """A stretch that is a thousand times faster costs steps only where it is."""
    counted = []

    def slope(t, y):
        return -np.where(t > 1, 1000.0, 1.0) * (y - np.cos(t))

    def count(times):
        made = cr.custom_derivative(lambda t, y: counted.append(0) or slope(t, y), result=0.0)
        cr.odeint(made, 1.0, times, rtol=1e-6, atol=1e-6)
        found = len(counted)
        counted.clear()
        return found

    assert count(np.array([1.01, 1.11])) > 4 * count(np.array([0.0, 1.0]))


def test_many_at_once():
    rates = np.array([0.5, 1.0, 30.0])
    end = lambda rate: cr.odeint(lambda t, y: -rate * y, 1.0, np.array([0.0, 1.0]), **TIGHT)[-1]  # noqa: E731
    close(cr.vmap(end)(rates), np.exp(-rates))
    close(cr.vmap(cr.grad(end))(rates), -np.exp(-rates))
    close(cr.grad(lambda r: np.sum(cr.vmap(end)(r)))(rates), -np.exp(-rates))


def test_what_the_slope_reads_is_differentiated():
    matrix = np.array([[0.0, 1.0], [-2.0, -0.3]])
    start = np.array([1.0, 0.0])
    for adjoint in (False, True):

        def end(matrix, a=adjoint):
            solution = cr.odeint(
                lambda t, y: matrix @ y, start, np.array([0, 1.0]), adjoint=a, **TIGHT
            )
            return solution[-1]

        close(end(matrix), scipy.linalg.expm(matrix) @ start)
        direction = np.array([[0.1, -0.4], [0.7, 0.2]])
        change = scipy.linalg.expm_frechet(matrix, direction, compute_expm=False) @ start
        pulled = cr.vjp(end, matrix)[1](np.array([1.0, 2.0]))[0]
        close(np.sum(pulled * direction), change @ [1.0, 2.0])


def test_the_adjoint_method_has_no_forward_mode():
    with pytest.raises(DerivativeError, match="E343"):
        cr.jvp(lambda w: oscillator(w, 1.0, TIMES, adjoint=True), (1.0,), (1.0,))


def test_too_few_steps_and_blow_ups_are_nan():
    found = cr.odeint(lambda t, y: y**2, 1.0, np.array([0.0, 0.5, 2.0]))  # infinite at t = 1
    close(found[:2], [1, 2])
    assert np.isnan(found[2])
    found = cr.odeint(lambda t, y: -y, 1.0, np.array([0.0, 0.001, 50.0]), steps=3)
    assert not np.isnan(found[1])
    assert np.isnan(found[2])


def test_one_time_and_equal_times():
    close(cr.odeint(lambda t, y: y, 2.0, np.array([0.0])), [2])
    close(cr.odeint(lambda t, y: y, 2.0, np.array([0.0, 0.0, 1.0])), [2, 2, 2 * np.e])


def test_single_precision():
    found = cr.odeint(lambda t, y: -y, np.float32(1), np.array([0, 1], np.float32), rtol=1e-5)
    assert found.dtype == np.float32
    close(found, [1, np.exp(-1)], 1e-5)


def test_what_does_not_fit():
    with pytest.raises(GraphError, match="E247 unknown method 'Euler'"):
        cr.odeint(lambda t, y: y, 1.0, TIMES, method="Euler")
    with pytest.raises(GraphError, match="E247 ts of odeint is a vector"):
        cr.odeint(lambda t, y: y, 1.0, 3.0)
