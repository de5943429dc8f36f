"""NumPy kernels for operations that NumPy lacks, or has with flaws.

Each takes NumPy scalars or arrays, keeps their dtype, and treats NaN and infinities as its
operation's block says.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np

_MANY: Final = 256
"""Elements from which `where` works on bits."""


def power(x: Any, exponent: Any) -> Any:
    """IEEE pow for scalars and arrays alike.

    NumPy takes a square root for an exponent of 1/2, for some arrays; it differs at −0 and −∞.
    """
    if exponent.__class__ is float:
        if exponent == 0.5:
            return where(x == -np.inf, x.dtype.type(np.inf), np.sqrt(x) + x.dtype.type(0))
        if x.dtype == np.float32:  # the exponent itself may need more digits than float32 has
            return np.power(x, exponent, dtype=np.float64).astype(np.float32)
        return np.power(x, exponent)
    return x**exponent


def floor(x: Any) -> Any:
    """NumPy before 2.1 turns integers into floats."""
    return np.floor(x) if x.dtype.kind == "f" else x


def ceil(x: Any) -> Any:
    """NumPy before 2.1 turns integers into floats."""
    return np.ceil(x) if x.dtype.kind == "f" else x


def where(condition: Any, a: Any, b: Any) -> Any:
    """NumPy's own branches for each element, ten times slower where conditions alternate."""
    if isinstance(condition, np.bool_):
        taken, other = (a, b) if condition else (b, a)
        shape = np.shape(taken)
        if shape == np.shape(other):
            return taken
        return np.broadcast_to(taken, np.broadcast_shapes(shape, np.shape(other)))
    plain = not hasattr(a, "dtype") or not hasattr(b, "dtype")
    if condition.size < _MANY or plain or a.dtype != b.dtype:
        return np.where(condition, a, b)
    bits = f"u{a.itemsize}"
    first, second = np.asarray(a).view(bits), np.asarray(b).view(bits)
    if not second.ndim and not second:
        return (first * condition).view(a.dtype)
    return ((first ^ second) * condition ^ second).view(a.dtype)


def clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def convert(x: Any, dtype: str) -> Any:
    return x.astype(dtype)


def unchanged(x: Any) -> Any:
    return x


def xlogy(x: Any, y: Any) -> Any:
    return where((x == 0) & ~np.isnan(y), x * 0, x * np.log(y))


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
    if slope == 0:
        return relu(x)
    return where(x > 0, x, slope * x)


def elu(x: Any, alpha: float) -> Any:
    return where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def silu(x: Any) -> Any:
    """The exponential in two halves, so that x is multiplied in before anything underflows."""
    bounded = np.maximum(x, -2000)
    half = np.exp(0.5 * np.minimum(bounded, 0))
    return bounded * half * half / (1 + np.exp(-abs(x)))


def gelu_tanh(x: Any) -> Any:
    """1 + tanh(u) is 2 sigmoid(2u), which does not cancel for negative u."""
    u = math.sqrt(8 / math.pi) * (x + 0.044715 * (x * x * x))
    return where(x == -np.inf, x.dtype.type(-0.0), x * sigmoid(u))


def normal_pdf(x: Any) -> Any:
    return (1 / math.sqrt(2 * math.pi)) * exp_of_square(x, -0.5)


def exp_of_square(x: Any, factor: float) -> Any:
    """exp(factor x²) for a factor of ±1 or −1/2.

    The rounding error of x² would be magnified by x²; so x = a + b with few digits in a, and
    x² = a² + b(x + a), where a² is exact. Beyond 60 the result is 0 or infinite.
    """
    x = np.minimum(abs(x), 60)
    a = np.floor(64 * x) / 64
    return np.exp(factor * (a * a)) * np.exp(factor * ((x - a) * (x + a)))


@functools.cache
def cotangent_polynomial(order: int) -> tuple[float, ...]:
    """The derivative of this order of cot(πx) as a polynomial in c = cot(πx): c' = −π(1 + c²).

    The highest power comes first.
    """
    powers = [0.0, 1.0]
    for _ in range(order):
        slope = [at * a for at, a in enumerate(powers)][1:]
        powers = [
            -math.pi * (a + b) for a, b in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope], strict=True)
        ]
    return tuple(reversed(powers))
