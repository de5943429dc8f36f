"""Neural networks as one writes them by hand."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(2)
_normal = _random.standard_normal


def softmax_perceptron(np, layers, x, labels):
    """Cross-entropy of a perceptron with two hidden layers."""
    *hidden, (w_last, b_last) = layers
    for w, b in hidden:
        x = np.tanh(x @ w + b)
    logits = x @ w_last + b_last
    logits = logits - np.max(logits, axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -np.mean(log_probabilities[np.arange(len(labels)), labels])


def signal_network(np, params, signals, targets):
    """Convolutions along time by a table of windows, then averages over time."""
    for kernel, bias in zip(params["kernels"], params["biases"], strict=True):
        width, length = kernel.shape[0], signals.shape[1]
        windows = np.arange(length - width + 1)[:, None] + np.arange(width)
        signals = np.einsum("ntwc,wcd->ntd", signals[:, windows], kernel) + bias
        signals = signals / (1 + np.exp(-signals))
    scores = np.mean(signals, axis=1) @ params["readout"]
    return np.mean((scores - targets) ** 2)


def image_network(np, params, images, labels):
    """Two convolutions by slicing, each with pooling by reshape and max, then a linear layer."""

    def convolved(x, kernel):
        rows, columns = x.shape[1] - kernel.shape[0] + 1, x.shape[2] - kernel.shape[1] + 1
        total = 0.0
        for i in range(kernel.shape[0]):
            for j in range(kernel.shape[1]):
                total = total + x[:, i : i + rows, j : j + columns] @ kernel[i, j]
        return total

    def pooled(x):
        count, rows, columns, channels = x.shape
        return x.reshape(count, rows // 2, 2, columns // 2, 2, channels).max(axis=(2, 4))

    x = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = pooled(np.maximum(convolved(x, params["first"]) + params["first_bias"], 0))
    x = pooled(np.maximum(convolved(x, params["second"]) + params["second_bias"], 0))
    logits = x.reshape(len(x), -1) @ params["linear"]
    top = np.max(logits, axis=1, keepdims=True)
    log_sum = np.squeeze(top, 1) + np.log(np.exp(logits - top).sum(axis=1))
    return (log_sum - np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]).mean()


class Attention(NamedTuple):
    """The weights of one block."""

    qkv: Any
    out: Any
    up: Any
    down: Any
    gain: Any


def attention_block(np, weights, tokens, target):
    """Causal attention with several heads, layer norms, and a gated perceptron."""
    heads = 4

    def normed(x):
        centred = x - x.mean(axis=-1, keepdims=True)
        return weights.gain * centred / np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-5)

    def softmax(x):
        exponentials = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return exponentials / np.sum(exponentials, axis=-1, keepdims=True)

    batch, length, width = tokens.shape
    parts = np.split(normed(tokens) @ weights.qkv, 3, axis=-1)
    q, k, v = (x.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3) for x in parts)
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    causal = np.tril(np.ones((length, length), dtype=bool))
    attended = softmax(np.where(causal, scores, -np.inf)) @ v
    x = tokens + attended.transpose(0, 2, 1, 3).reshape(batch, length, width) @ weights.out
    up = normed(x) @ weights.up
    gelu = 0.5 * up * (1 + np.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)))
    return np.mean(np.abs(x + gelu @ weights.down - target) ** 2)


def contrastive_loss(np, projection, temperature, images, texts):
    """Pairs find each other among all others, in both directions."""
    a = np.vstack((images @ projection, texts @ projection))
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    n = images.shape[0]
    similarity = a @ a.T / temperature
    similarity = np.where(np.eye(2 * n, dtype=bool), -1e9, similarity)
    top = similarity.max(axis=1)
    log_sum = top + np.log(np.exp(similarity - top[:, None]).sum(axis=1))
    positive = np.concatenate([np.diag(similarity, n), np.diag(similarity, -n)])
    return np.mean(log_sum - positive)


PROGRAMS = [
    Program(
        softmax_perceptron,
        (
            [
                (_normal((m, n)) / math.sqrt(m), 0.1 * _normal(n))
                for m, n in [(20, 30), (30, 20), (20, 5)]
            ],
        ),
        (_normal((64, 20)), _random.integers(0, 5, 64)),
    ),
    Program(
        signal_network,
        (
            {
                "kernels": [0.4 * _normal((5, 2, 6)), 0.3 * _normal((3, 6, 8))],
                "biases": [0.1 * _normal(6), 0.1 * _normal(8)],
                "readout": _normal(8),
            },
        ),
        (_normal((16, 40, 2)), _normal(16)),
    ),
    Program(
        image_network,
        (
            {
                "first": 0.4 * _normal((3, 3, 1, 4)),
                "first_bias": 0.1 * _normal(4),
                "second": 0.2 * _normal((3, 3, 4, 6)),
                "second_bias": 0.1 * _normal(6),
                "linear": 0.3 * _normal((24, 3)),
            },
        ),
        (_normal((8, 12, 12, 1)), _random.integers(0, 3, 8)),
        xla={},  # compiled quickly, the derivative of max is NaN
    ),
    Program(
        attention_block,
        (
            Attention(
                0.3 * _normal((16, 48)),
                0.3 * _normal((16, 16)),
                0.3 * _normal((16, 32)),
                0.3 * _normal((32, 16)),
                1 + 0.1 * _normal(16),
            ),
        ),
        (_normal((3, 10, 16)), _normal((3, 10, 16))),
    ),
    Program(contrastive_loss, (_normal((12, 6)), 0.5), (_normal((20, 12)), _normal((20, 12)))),
]
