"""What is learned from data, with linear algebra, equations, and derivatives inside."""

from __future__ import annotations

import math

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(7)
_normal = _random.standard_normal


def gaussian_process(np, cr, params, x, y):
    """Negative logarithm of the marginal likelihood: Rasmussen and Williams, 2006, (2.30)."""
    scaled = x / np.exp(params["lengths"])
    distances = np.sum((scaled[:, None] - scaled[None]) ** 2, axis=-1)
    size, noise = np.exp(params["size"]), np.exp(params["noise"])
    n = x.shape[0]
    lower = np.linalg.cholesky(size * np.exp(-0.5 * distances) + noise * np.eye(n))
    white = np.linalg.solve(lower, y - params["mean"])
    return 0.5 * white @ white + np.sum(np.log(np.diag(lower))) + 0.5 * n * math.log(2 * math.pi)


def principal_components(np, cr, weights, data, others):
    """What the first components of one data set leave of another, after a change of features."""

    def features(x):
        found = np.tanh(x @ weights)
        return found - np.mean(found, axis=0)

    _, values, rows = np.linalg.svd(features(data), full_matrices=False)
    basis = rows[:2]
    rest = features(others)
    rest = rest - rest @ basis.T @ basis
    return np.sum(rest**2) + np.sum(values[2:]) / np.sum(values)


def equilibrium(np, cr, params, x, y):
    """A layer applied until nothing changes: S. Bai, J. Z. Kolter, V. Koltun, 2019."""
    drive = x @ params["in"] + params["bias"]
    state = cr.fixed_point(
        lambda z: np.tanh(z @ params["again"] + drive), np.zeros(drive.shape), tolerance=1e-15
    )
    return np.mean((state @ params["out"] - y) ** 2)


def hyperparameters(np, cr, rate, decay, x, y, x_new, y_new):
    """Loss on new data after 100 steps of gradient descent, by the rate and the penalty of it."""

    def loss(w):
        return np.mean(np.logaddexp(0.0, x @ w) - y * (x @ w)) + np.sum(np.exp(decay) * w**2)

    def step(_, state):
        w, speed = state
        speed = 0.8 * speed - np.exp(rate) * cr.grad(loss)(w)
        return w + speed, speed

    zero = np.zeros(x.shape[1])
    w, _ = cr.fori_loop(0, 100, step, (zero, zero))
    return np.mean(np.logaddexp(0.0, x_new @ w) - y_new * (x_new @ w))


def example_gradients(np, cr, params, x, y):
    """Gradients of all examples, each cut to a length: M. Abadi et al., Deep Learning with
    Differential Privacy, 2016; and how much they agree."""

    def loss(params, x, y):
        hidden = np.tanh(params["first"] @ x + params["bias"])
        return (params["second"] @ hidden - y) ** 2

    slopes = cr.vmap(cr.grad(loss), in_axes=(None, 0, 0))(params, x, y)
    n = x.shape[0]
    rows = np.concatenate([slopes[key].reshape(n, -1) for key in sorted(params)], axis=1)
    lengths = np.sqrt(np.sum(rows**2, axis=1))
    cut = rows / np.maximum(lengths, 1.0)[:, None]
    return np.sum(np.mean(cut, axis=0) ** 2) + 0.1 * np.mean(cut @ cut.T)


def laplace_approximation(np, cr, strength, lengths, x, y):
    """Evidence of a logistic regression by a normal distribution around the most likely weights:
    D. J. C. MacKay, The Evidence Framework Applied to Classification Networks, 1992."""
    scaled = x * np.exp(-lengths)

    def energy(w):
        z = scaled @ w
        return np.sum(np.logaddexp(0.0, z) - y * z) + 0.5 * np.sum(np.exp(strength) * w**2)

    top = cr.root(cr.grad(energy), np.zeros(x.shape[1]), tolerance=1e-14)
    size = np.linalg.slogdet(cr.hessian(energy)(top))[1]
    return energy(top) + 0.5 * size - 0.5 * np.sum(strength)


_LABELS = (_random.random(30) < 0.5).astype(float)

PROGRAMS = [
    Program(
        gaussian_process,
        (
            {
                "lengths": 0.2 * _normal(2),
                "size": 0.3,
                "noise": -1.0,
                "mean": 0.1,
            },
        ),
        (_normal((25, 2)), _normal(25)),
        flow=True,
    ),
    Program(
        principal_components,
        (0.6 * _normal((5, 4)),),
        (_normal((20, 5)), _normal((15, 5))),
        flow=True,
    ),
    Program(
        equilibrium,
        (
            {
                "in": _normal((3, 6)),
                "again": 0.15 * _normal((6, 6)),
                "bias": 0.1 * _normal(6),
                "out": _normal(6),
            },
        ),
        (_normal((4, 3)), _normal(4)),
        flow=True,
    ),
    Program(
        hyperparameters,
        (-1.5, numpy.full(4, -3.0) + 0.3 * _normal(4)),
        (_normal((30, 4)), _LABELS, _normal((20, 4)), (_random.random(20) < 0.5).astype(float)),
        flow=True,
    ),
    Program(
        example_gradients,
        ({"first": _normal((5, 3)), "bias": 0.1 * _normal(5), "second": _normal(5)},),
        (_normal((12, 3)), _normal(12)),
        flow=True,
    ),
    Program(
        laplace_approximation,
        (numpy.array([0.1, -0.3, 0.5]), 0.2 * _normal(3)),
        (_normal((30, 3)), _LABELS),
        flow=True,
    ),
]
