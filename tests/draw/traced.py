"""Traced programs over arrays, with arguments, for the tests of drawings and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr


def layer(x, w, b):
    return np.tanh(x @ w + b)


def network(x, y, w1, b1, w2, b2):
    hidden = layer(x, w1, b1)
    out = layer(hidden, w2, b2)
    return np.mean((out - y) ** 2)


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def attention(q, k, v):
    weights = softmax(q @ k.T / np.sqrt(q.shape[-1]))
    return np.sum((weights @ v) ** 2)


def convolution(x, w):
    windows = np.stack([x[at : at + 3] for at in range(4)])
    return np.sum(np.maximum(windows @ w, 0))


def regression(x, y, w, b):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def step(y, k, h):
    k1 = k @ y
    k2 = k @ (y + h / 2 * k1)
    k3 = k @ (y + h / 2 * k2)
    k4 = k @ (y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def runge_kutta(y, k, h):
    return np.sum(step(step(y, k, h), k, h) ** 2)


def norm(x):
    centred = x - np.mean(x)
    return centred / np.sqrt(np.mean(centred**2) + 1e-5)


def block(x, w):
    return norm(norm(x) @ w) + x


def nested(x, w1, w2):
    return np.sum(block(block(x, w1), w2) ** 2)


def numbers(*shape: int) -> Any:
    """Numbers between -1 and 1, the same in every run."""
    return np.sin(np.arange(1.0, 1 + np.prod(shape)) * 1.7).reshape(shape)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "network": (
        network,
        (numbers(2, 3), numbers(2, 2), numbers(3, 4), np.zeros(4), numbers(4, 2), np.zeros(2)),
    ),
    "attention": (attention, (numbers(3, 2), numbers(3, 2) + 0.5, numbers(3, 2) - 0.5)),
    "convolution": (convolution, (numbers(6), numbers(3))),
    "regression": (regression, (numbers(5, 3), np.array([0.0, 1, 1, 0, 1]), numbers(3), 0.1)),
    "runge-kutta": (runge_kutta, (np.array([1.0, 0]), np.array([[0.0, 1], [-1, 0]]), 0.1)),
    "nested": (nested, (numbers(4, 3), numbers(3, 3), numbers(3, 3))),
}


def graph_of(name: str) -> cr.Graph:
    """One of the programs as a graph."""
    function, arguments = PROGRAMS[name]
    return cr.trace(function)(*arguments)


def record_of(name: str) -> cr.Record:
    """One of the programs at its arguments."""
    return graph_of(name).at(*PROGRAMS[name][1])
