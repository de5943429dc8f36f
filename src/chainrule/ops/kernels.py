"""NumPy kernels for operations that NumPy lacks, or has with flaws.

Each takes NumPy scalars or arrays, keeps their dtype, and treats NaN and infinities as its
operation's block says.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def power(x: Any, exponent: Any) -> Any:
    """IEEE pow for scalars and arrays alike; ``array ** 0.5`` alone would take a square root."""
    if exponent.__class__ is float and not isinstance(x, np.generic):
        return np.power(x, x.dtype.type(exponent))
    return x**exponent


def where(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, np.bool_):
        return a if condition else b
    return np.where(condition, a, b)


def clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def convert(x: Any, dtype: str) -> Any:
    return x.astype(dtype)


def xlogy(x: Any, y: Any) -> Any:
    return where(x == 0, x * 0, x * np.log(y))


def sigmoid(x: Any) -> Any:
    """Both exponentials have arguments that are not positive, so nothing overflows."""
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-abs(x)))


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def log_sigmoid(x: Any) -> Any:
    return -np.logaddexp(0, -x)


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def leaky_relu(x: Any, slope: float) -> Any:
    return where(x > 0, x, slope * x)


def elu(x: Any, alpha: float) -> Any:
    return where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def silu(x: Any) -> Any:
    return where(x == -np.inf, -0.0 * sigmoid(x), x * sigmoid(x))


def gelu_tanh(x: Any) -> Any:
    """1 + tanh(u) is 2 sigmoid(2u), which does not cancel for negative u."""
    u = math.sqrt(8 / math.pi) * (x + 0.044715 * (x * x * x))
    return where(x == -np.inf, x.dtype.type(-0.0), x * sigmoid(u))


def normal_pdf(x: Any) -> Any:
    return np.exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
