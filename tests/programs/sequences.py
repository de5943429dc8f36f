"""Programs that go step by step: networks, filters, motions."""

from __future__ import annotations

import math

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(6)
_normal = _random.standard_normal


def lstm_by_scan(np, cr, params, inputs, targets):
    """Squared error of a recurrent network with gates: S. Hochreiter and J. Schmidhuber, 1997."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def step(state, x):
        hidden, cell = state
        gates = x @ params["in"] + hidden @ params["hidden"] + params["bias"]
        keep, write, show, new = np.split(gates, 4, axis=-1)
        cell = sigmoid(keep + 1) * cell + sigmoid(write) * np.tanh(new)
        hidden = sigmoid(show) * np.tanh(cell)
        return (hidden, cell), hidden @ params["out"]

    start = np.zeros((inputs.shape[1], params["hidden"].shape[0]))
    _, outputs = cr.scan(step, (start, start), inputs)
    return np.mean((outputs - targets) ** 2)


def kalman_by_scan(np, cr, params, observed):
    """Negative log-likelihood of a linear system with noise: R. E. Kalman, 1960."""
    turn, watch = params["turn"], params["watch"]
    drift = params["drift"] @ params["drift"].T + 0.1 * np.eye(turn.shape[0])
    noise = np.diag(np.exp(params["noise"]))

    def step(state, y):
        mean, covariance = state
        mean = turn @ mean
        covariance = turn @ covariance @ turn.T + drift
        error = y - watch @ mean
        spread = watch @ covariance @ watch.T + noise
        gain = np.linalg.solve(spread, watch @ covariance).T
        size = np.linalg.slogdet(spread)[1]
        loss = 0.5 * (error @ np.linalg.solve(spread, error) + size)
        return (mean + gain @ error, covariance - gain @ watch @ covariance), loss

    n = turn.shape[0]
    _, losses = cr.scan(step, (np.zeros(n), np.eye(n)), observed)
    return np.sum(losses)


def pendulum_control(np, cr, pushes, weights, start):
    """How far a pendulum on a cart ends from standing, with a plan and feedback for its pushes."""
    dt = 0.05

    def change(state, push):
        angle, speed, place, velocity = state
        force = push + weights @ np.stack([np.sin(angle), speed, place, velocity])
        sin, cos = np.sin(angle), np.cos(angle)
        cart = (force + 0.2 * sin * (speed**2 + 9.81 * cos)) / (1 + 0.2 * sin**2)
        return np.stack([speed, -cart * cos - 9.81 * sin, velocity, cart])

    def step(state, push):
        k1 = change(state, push)
        k2 = change(state + dt / 2 * k1, push)
        k3 = change(state + dt / 2 * k2, push)
        k4 = change(state + dt * k3, push)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return state, 0.01 * push**2 + 0.001 * state[2] ** 2

    last, costs = cr.scan(step, start, pushes)
    return np.sum(costs) + (1 + np.cos(last[0])) ** 2 + 0.1 * last[1] ** 2


def neural_ode(np, cr, weights, start, times, observed, adjoint=False):
    """A network says how fast a state changes: R. T. Q. Chen et al., 2018."""

    def slope(t, y):
        hidden = np.tanh(weights["first"] @ y + weights["bias"] + 0.1 * t)
        return weights["second"] @ hidden - 0.2 * y

    options = {"rtol": 1e-13, "atol": 1e-13, "method": "DOP853", "adjoint": adjoint}
    path = cr.odeint(slope, start, times, **options)
    return np.mean((path - observed) ** 2)


PROGRAMS = [
    Program(
        lstm_by_scan,
        (
            {
                "in": 0.5 * _normal((3, 20)),
                "hidden": 0.4 * _normal((5, 20)),
                "bias": 0.1 * _normal(20),
                "out": _normal((5, 2)),
            },
        ),
        (_normal((12, 4, 3)), _normal((12, 4, 2))),
        flow=True,
    ),
    Program(
        kalman_by_scan,
        (
            {
                "turn": 0.9 * numpy.eye(3) + 0.1 * _normal((3, 3)),
                "watch": _normal((2, 3)),
                "drift": 0.3 * _normal((3, 3)),
                "noise": 0.2 * _normal(2),
            },
        ),
        (_normal((25, 2)),),
        flow=True,
    ),
    Program(
        pendulum_control,
        (0.5 * _normal(30), 0.2 * _normal(4)),
        (numpy.array([math.pi / 6, 0.0, 0.1, 0.0]),),
        flow=True,
    ),
    Program(
        neural_ode,
        (
            {"first": 0.7 * _normal((6, 2)), "bias": 0.2 * _normal(6), "second": _normal((2, 6))},
            numpy.array([1.0, -0.5]),
        ),
        (numpy.linspace(0, 1, 4), _normal((4, 2))),
        flow=True,
    ),
]
