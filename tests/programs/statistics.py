"""Regressions, clusters, time series: what statisticians minimise."""

from __future__ import annotations

import math

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(1)
_normal = _random.standard_normal


# --- regressions ----------------------------------------------------------------------------------


def logistic_regression(np, params, x, y):
    """Mean negative log-likelihood of labels 0 and 1, with a penalty."""
    z = x @ params["w"] + params["b"]
    return np.mean(np.logaddexp(0.0, z) - y * z) + 0.01 * np.sum(params["w"] ** 2)


def ridge(np, w, strength, x, y):
    """Least squares with a quadratic penalty."""
    residual = y - x @ w
    return residual @ residual / len(y) + strength * w.dot(w)


def lasso(np, w, strength, x, y):
    """Least squares with an absolute penalty."""
    return 0.5 * np.mean((y - np.dot(x, w)) ** 2) + strength * np.linalg.norm(w, ord=1)


def poisson_regression(np, special, w, x, counts):
    """Negative log-likelihood of counts."""
    rate = np.exp(x @ w)
    return -np.sum(counts * np.log(rate) - rate - special.gammaln(counts + 1.0))


def huber_regression(np, params, x, y):
    """Robust regression: quadratic near 0, linear beyond."""
    w, b, delta = params
    residual = np.abs(y - (x @ w + b))
    quadratic = residual <= delta
    loss = np.where(quadratic, 0.5 * residual**2, delta * (residual - 0.5 * delta))
    return loss.mean()


def fourier_features(np, params, x, y):
    """Regression on cosines and sines of learned frequencies."""
    phase = 2 * np.pi * x @ params["frequencies"].T
    features = np.concatenate([np.cos(phase), np.sin(phase)], axis=-1)
    features /= np.sqrt(phase.shape[-1])
    return np.sum(np.square(features @ params["weights"] - y)) / y.size


# --- clusters and factors -------------------------------------------------------------------------


def gaussian_mixture(np, params, x):
    """Log-likelihood of a mixture of normal distributions with full precision matrices."""
    dim = x.shape[1]
    log_weights = params["logits"] - np.logaddexp.reduce(params["logits"])
    factors = np.tril(params["lower"], -1) + np.exp(params["log_scales"])[..., None] * np.eye(dim)
    centred = x[:, np.newaxis, :] - params["means"]
    z = np.einsum("kij,nkj->nki", factors, centred)
    log_det = params["log_scales"].sum(axis=1)
    log_density = log_det - 0.5 * np.sum(z**2, axis=-1) - 0.5 * dim * math.log(2 * math.pi)
    return np.sum(np.logaddexp.reduce(log_weights + log_density, axis=1))


def k_means(np, centres, x):
    """Mean squared distance to the nearest centre."""
    squares = np.sum(x**2, axis=1, keepdims=True) - 2 * x @ centres.T + (centres**2).sum(axis=1)
    return np.min(squares, axis=1).mean()


RATED = _random.random((30, 20)) < 0.3


def matrix_factorisation(np, users, items, bias, ratings):
    """Squared error on the known entries, which a static mask chooses."""
    predicted = users @ items.T + bias[:, None]
    error = predicted[RATED] - ratings[RATED]
    return np.sum(error**2) + 0.1 * (np.sum(users**2) + np.sum(items**2))


# --- time series ----------------------------------------------------------------------------------


def kalman_filter(np, params, observations):
    """Log-likelihood of noisy positions in the plane under constant velocity."""
    dt = 0.1
    transition = np.eye(4) + dt * np.eye(4, k=2)
    measure = np.eye(2, 4)
    gain = np.concatenate([0.5 * dt**2 * np.eye(2), dt * np.eye(2)])
    process = np.exp(params["log_process"]) * gain @ gain.T
    noise = np.diag(np.exp(params["log_noise"]))
    state, cov = params["start"], np.eye(4)
    total = 0.0
    for seen in observations:
        state = transition @ state
        cov = transition @ cov @ transition.T + process
        innovation = seen - measure @ state
        s = measure @ cov @ measure.T + noise
        det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
        inverse = np.array([[s[1, 1], -s[0, 1]], [-s[1, 0], s[0, 0]]]) / det
        total -= 0.5 * (innovation @ inverse @ innovation + np.log(det) + 2 * np.log(2 * np.pi))
        k = cov @ measure.T @ inverse
        state = state + k @ innovation
        cov = (np.eye(4) - k @ measure) @ cov
    return total


def hidden_markov(np, params, symbols):
    """Log-probability of a sequence of symbols: the forward algorithm in the log domain."""

    def log_normalised(logits):
        top = logits.max(axis=-1, keepdims=True)
        return logits - top - np.log(np.sum(np.exp(logits - top), axis=-1, keepdims=True))

    start = log_normalised(params["start"])
    moves = log_normalised(params["moves"])
    emissions = log_normalised(params["emissions"])
    alpha = start + emissions[:, symbols[0]]
    for symbol in symbols[1:]:
        paths = alpha[:, None] + moves
        best = np.max(paths, axis=0)
        alpha = best + np.log(np.sum(np.exp(paths - best), axis=0)) + emissions[:, symbol]
    best = np.max(alpha)
    return best + np.log(np.sum(np.exp(alpha - best)))


# --- arguments ------------------------------------------------------------------------------------

_X = _normal((200, 8))
_W = _normal(8)
_Y = _X @ _W + 0.3 * _random.standard_t(2, 200)

PROGRAMS = [
    Program(
        logistic_regression,
        ({"w": 0.3 * _normal(8), "b": 0.2},),
        (_X, (_Y > 0).astype(float)),
    ),
    Program(ridge, (_normal(8), 0.1), (_X, _Y)),
    Program(lasso, (_normal(8), 0.1), (_X, _Y)),
    Program(
        poisson_regression,
        (0.3 * _normal(8),),
        (_X, _random.poisson(3.0, 200)),
        special=True,
    ),
    Program(huber_regression, ((_W + 0.1 * _normal(8), 0.1, 1.3),), (_X, _Y)),
    Program(
        fourier_features,
        ({"frequencies": 0.2 * _normal((16, 8)), "weights": _normal(32)},),
        (_X, _Y),
    ),
    Program(
        gaussian_mixture,
        (
            {
                "logits": _normal(5),
                "means": _normal((5, 4)),
                "log_scales": 0.3 * _normal((5, 4)),
                "lower": 0.3 * _normal((5, 4, 4)),
            },
        ),
        (_normal((150, 4)),),
    ),
    Program(k_means, (_normal((6, 3)),), (2 * _normal((120, 3)),)),
    Program(
        matrix_factorisation,
        (_normal((30, 4)), _normal((20, 4)), _normal(30)),
        (_random.uniform(1, 5, (30, 20)),),
    ),
    Program(
        kalman_filter,
        (
            {
                "log_process": 0.3,
                "log_noise": numpy.array([-1.0, -0.7]),
                "start": numpy.array([0.1, -0.2, 1.0, 0.5]),
            },
        ),
        (0.1 * _normal((6, 2)).cumsum(axis=0),),
    ),
    Program(
        hidden_markov,
        ({"start": _normal(4), "moves": _normal((4, 4)), "emissions": _normal((4, 6))},),
        (_random.integers(0, 6, 8),),
    ),
]
