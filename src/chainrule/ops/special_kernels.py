"""Kernels that need SciPy's special functions; apart, because SciPy is slow to import."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from chainrule.ops.kernels import where


def gelu(x: Any) -> Any:
    return where(x == -np.inf, x.dtype.type(-0.0), x * scipy.special.ndtr(x))


def polygamma(x: Any, order: int) -> Any:
    """For x > 0 by the Hurwitz zeta function (DLMF 25.11.12), else by reflection (DLMF 5.15.6)."""
    if order == 0:
        return scipy.special.digamma(x)
    right = x > 0
    direct = _right_polygamma(where(right, x, 1 - x), order)
    # Near a pole far from 0, 1 − x would round the distance away: the remainder of x is exact.
    reflected = (-1) ** order * direct - math.pi * _cotangent_derivative(x - np.floor(x), order)
    return where(right, direct, reflected).astype(x.dtype)


def _right_polygamma(x: Any, order: int) -> Any:
    return (-1) ** (order + 1) * scipy.special.factorial(order) * scipy.special.zeta(order + 1, x)


def _cotangent_derivative(x: Any, order: int) -> Any:
    """The derivative of this order of cot(πx), as a polynomial in c = cot(πx): c' = −π(1 + c²)."""
    polynomial = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(order):
        polynomial = -math.pi * polynomial.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0])
    return polynomial(1 / np.tan(math.pi * x))
