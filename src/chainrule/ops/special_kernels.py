"""Kernels that need SciPy's special functions; apart, because SciPy is slow to import.

SciPy computes float32 in double precision and rounds once, so that care for the last digits is
needed for float64 only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import scipy.special

from chainrule.ops.kernels import cotangent_polynomial, exp_of_square, where

_SQRT_HALF: Final = math.sqrt(0.5)


def erfc(x: Any) -> Any:
    """SciPy's rounds x² before it takes exp(−x²); erfcx has no such factor."""
    tail = x > 1
    if x.dtype == np.float32 or not tail.any():
        return scipy.special.erfc(x)
    careful = scipy.special.erfcx(np.maximum(x, 1)) * exp_of_square(x, -1.0)
    return where(tail, careful, scipy.special.erfc(x))


def erfcx(x: Any) -> Any:
    """SciPy's rounds x² first; for x < −1 the other tail does it: both add up to 2 exp(x²)."""
    left = x < -1
    if x.dtype == np.float32 or not left.any():
        return scipy.special.erfcx(x)
    careful = 2 * exp_of_square(x, 1.0) - scipy.special.erfcx(abs(x))
    return where(left, careful, scipy.special.erfcx(x))


def normal_cdf(x: Any) -> Any:
    """The lower tail through erfcx, with x² in two parts."""
    tail = x < -0.5
    if x.dtype == np.float32 or not tail.any():
        return scipy.special.ndtr(x)
    careful = 0.5 * scipy.special.erfcx(-_SQRT_HALF * np.minimum(x, 0)) * exp_of_square(x, -0.5)
    return where(tail, careful, scipy.special.ndtr(x))


def normal_log_cdf(x: Any) -> Any:
    """For x > −1 through the upper tail, which keeps its digits near the limit 0."""
    right = x > -1
    if x.dtype == np.float32 or not right.any():
        return scipy.special.log_ndtr(x)
    return where(right, np.log1p(-normal_cdf(-x)), scipy.special.log_ndtr(x))


def gelu(x: Any) -> Any:
    """In the tail x goes into the product before the factor that underflows."""
    if x.dtype == np.float32:
        return gelu(x.astype(np.float64)).astype(np.float32)
    tail = x < -0.5
    if not tail.any():
        return x * scipy.special.ndtr(x)
    far = np.minimum(np.maximum(x, -50), 0)
    careful = 0.5 * far * scipy.special.erfcx(-_SQRT_HALF * far) * exp_of_square(far, -0.5)
    return where(tail, careful, x * scipy.special.ndtr(x))


def erfinv(x: Any) -> Any:
    """SciPy's forgets the sign of −0."""
    return where(x == 0, x, scipy.special.erfinv(x))


def gamma(x: Any) -> Any:
    """SciPy's gives 0 where results are subnormal: there by the recurrence, in 30 steps."""
    far = (x < -165) & (x > -190)
    if x.dtype == np.float32 or not far.any():
        return scipy.special.gamma(x)
    start = where(far, x, -165.5)
    result = scipy.special.gamma(start + 30)
    # The large factors last, so that only the final division can leave the normal numbers.
    for step in range(29, -1, -1):
        result = result / (start + step)
    return where(far, result, scipy.special.gamma(x))


def lgamma(x: Any) -> Any:
    """SciPy's overflows for subnormal x, and loses the zeros at 1 and 2."""
    tiny = abs(x) < 1e-20
    if x.dtype == np.float32:
        return where(tiny, -np.log(abs(x)), _log_gamma(x))
    low = x < 1.5
    offset = x - where(low, 1.0, 2.0)
    near = abs(offset) < 0.25
    if not (tiny | near).any():
        return _log_gamma(x)
    # DLMF 5.7.3, an expansion around 2; around 1 by gamma(x + 1) = x gamma(x).
    offset = where(near, offset, x - x)
    careful = _polynomial(_AROUND_TWO, offset) * offset - where(low, np.log1p(offset), x - x)
    return where(near, careful, where(tiny, -np.log(abs(x)), _log_gamma(x)))


def _log_gamma(x: Any) -> Any:
    """SciPy's is −∞ at −∞, where C has ∞."""
    return scipy.special.gammaln(where(x == -np.inf, x.dtype.type(np.inf), x))


_AROUND_TWO: Final = [
    *((-1) ** k * float(scipy.special.zetac(k)) / k for k in range(22, 1, -1)),
    1 - float(np.euler_gamma),
]
"""Coefficients of lgamma(2 + z)/z, the highest power first."""


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    result = coefficients[0] + 0 * x
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result


def digamma(x: Any) -> Any:
    """SciPy's loses the distance to the negative poles on their right side."""
    offset = x - np.rint(x)
    near = (x < -0.5) & (abs(offset) < 0.25)
    if x.dtype == np.float32 or not near.any():
        return scipy.special.digamma(x)
    # DLMF 5.5.4; the distance to the nearest pole is exact.
    careful = scipy.special.digamma(1 - x) - math.pi / np.tan(math.pi * offset)
    return where(near & (offset != 0), careful, scipy.special.digamma(x))


def polygamma(x: Any, order: int) -> Any:
    """The derivative of digamma of this order."""
    if order == 0:
        return digamma(x)
    number = x.astype(np.float64)
    factorial = math.gamma(order + 1) if order <= 170 else math.inf
    sign = -1.0 if order % 2 == 0 else 1.0

    def right(positive: Any) -> Any:
        """For a positive number, by the Hurwitz zeta function (DLMF 25.11.12)."""
        return sign * factorial * scipy.special.zeta(order + 1, positive)

    if (number >= 0.5).all():
        return right(number).astype(x.dtype)
    # One step of the recurrence around 0 (DLMF 5.15.5), so that the pole at ±0 has its sign.
    step = right(np.maximum(number, -0.5) + 1) + sign * factorial / np.power(number, order + 1)
    # Reflection (DLMF 5.15.6); the distance to the nearest pole is exact.
    offset = number - np.rint(number)
    steep = math.pi * _cotangent_derivative(where(offset == 0, 0.25, offset), order)
    pole = np.float64(math.inf if order % 2 else math.nan)
    mirrored = where(offset == 0, pole, -sign * right(1 - np.minimum(number, -0.5)) - steep)
    result = where(
        number >= 0.5, right(np.maximum(number, 0.5)), where(number > -0.5, step, mirrored)
    )
    return result.astype(x.dtype)


def _cotangent_derivative(x: Any, order: int) -> Any:
    """The derivative of this order of cot(πx)."""
    return _polynomial(cotangent_polynomial(order), 1 / np.tan(math.pi * x))
