"""Formulas of machine code that several operations share, or that are long.

They call the methods of a `chainrule.run.native.emit.lanes.Code` and work on each lane alike. Each
keeps the conventions of its operation; the NumPy kernels (`kernels`, `special_kernels`) are the
same formulas where nothing else is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule.ops.kernels import cotangent_polynomial

_SQRT_HALF: Final = math.sqrt(0.5)


def in_double(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule in double precision for all floating-point numbers, its result rounded once."""

    def widened(code: Any, x: Any, *params: Any) -> Any:
        return code.convert(rule(code, code.convert(x, "double"), *params), x.kind)

    return widened


# --- powers ---------------------------------------------------------------------------------------

_BY_PRODUCTS: Final = 5
"""Up to this exponent, and down to −2, products lose less than the 4 ulps that a power may."""


def power(code: Any, x: Any, exponent: int | float) -> Any:
    """A literal exponent: by products and roots where that is close enough."""
    if not x.is_float:
        # Whole numbers wrap around as NumPy's do, in whatever order they are multiplied.
        return _product(code, x, int(exponent))
    if exponent in (0.5, -0.5):
        # Other than a root, the power of −0 is 0, and that of −∞ is ∞.
        root = code.add(code.sqrt(x), code.constant(0, x.kind))
        infinite = code.compare("eq", x, code.constant(-math.inf, x.kind))
        root = code.select(infinite, code.constant(math.inf, x.kind), root)
        return root if exponent > 0 else _reciprocal(code, root)
    if isinstance(exponent, int) and -2 <= exponent <= _BY_PRODUCTS:
        # 1/x first: the reciprocal of a small square would be infinite too early.
        return _product(code, x if exponent >= 0 else _reciprocal(code, x), abs(exponent))
    # The exponent itself may need more digits than float32 has.
    wide = code.convert(x, "double")
    return code.convert(code.call("pow", wide, code.constant(exponent, "double")), x.kind)


def _product(code: Any, x: Any, exponent: int) -> Any:
    """X to the power of a whole number that is not negative, by squaring."""
    result = None
    while exponent:
        if exponent & 1:
            result = x if result is None else code.multiply(result, x)
        exponent >>= 1
        if exponent:
            x = code.multiply(x, x)
    return code.constant(1, x.kind) if result is None else result


def _reciprocal(code: Any, x: Any) -> Any:
    return code.divide(code.constant(1, x.kind), x)


def sign(code: Any, x: Any) -> Any:
    """0 for zeros of both signs, and NaN for NaN."""
    zero = code.constant(0, x.kind)
    result = code.select(code.compare("eq", x, zero), zero, x)
    for relation, number in (("lt", -1), ("gt", 1)):
        there = code.compare(relation, x, zero)
        result = code.select(there, code.constant(number, x.kind), result)
    return result


def clip(code: Any, x: Any, low: Any, high: Any) -> Any:
    return code.minimum(code.maximum(x, low), high)


# --- sums of exponentials -------------------------------------------------------------------------


def sigmoid(code: Any, x: Any) -> Any:
    """1/(1 + e) for x ≥ 0, else e/(1 + e), where e = exp(−|x|) does not overflow."""
    one = code.constant(1, x.kind)
    e = _decay(code, x)
    negative = code.compare("lt", x, code.constant(0, x.kind))
    return code.divide(code.select(negative, e, one), code.add(one, e))


def softplus(code: Any, x: Any) -> Any:
    positive = code.maximum(x, code.constant(0, x.kind))
    return code.add(positive, code.call("log1p", _decay(code, x)))


def log_sigmoid(code: Any, x: Any) -> Any:
    return code.negate(softplus(code, code.negate(x)))


def logaddexp(code: Any, a: Any, b: Any) -> Any:
    equal = code.compare("eq", a, b)  # infinities, too: their difference is no number
    difference = code.select(equal, code.constant(0, a.kind), code.subtract(a, b))
    return code.add(code.maximum(a, b), code.call("log1p", _decay(code, difference)))


def _decay(code: Any, x: Any) -> Any:
    """exp(−|x|)."""
    return code.call("exp", code.negate(code.absolute(x)))


# --- activations ----------------------------------------------------------------------------------


def relu(code: Any, x: Any) -> Any:
    return code.maximum(x, code.constant(0, x.kind))


def leaky_relu(code: Any, x: Any, slope: int | float) -> Any:
    if slope == 0:
        return relu(code, x)
    sloped = code.multiply(code.constant(slope, x.kind), x)
    return _right(code, x, x, sloped)


def elu(code: Any, x: Any, alpha: int | float) -> Any:
    left = code.call("expm1", code.minimum(x, code.constant(0, x.kind)))
    return _right(code, x, x, code.multiply(code.constant(alpha, x.kind), left))


def silu(code: Any, x: Any) -> Any:
    """The exponential in two halves, so that x is multiplied in before anything underflows."""
    far = code.constant(2000, x.kind)
    size = code.minimum(code.absolute(x), far)
    half = code.call("exp", code.multiply(code.constant(-0.5, x.kind), size))
    bounded = code.maximum(x, code.negate(far))
    left = code.multiply(code.multiply(bounded, half), half)
    below = code.add(code.constant(1, x.kind), code.multiply(half, half))
    return code.divide(_right(code, x, x, left), below)


def gelu_tanh(code: Any, x: Any) -> Any:
    cube = code.multiply(code.multiply(x, x), x)
    inner = code.add(x, code.multiply(code.constant(0.044715, x.kind), cube))
    u = code.multiply(code.constant(math.sqrt(8 / math.pi), x.kind), inner)
    lost = code.compare("eq", x, code.constant(-math.inf, x.kind))
    result = code.multiply(x, sigmoid(code, u))
    return code.select(lost, code.constant(-0.0, x.kind), result)


def _right(code: Any, x: Any, right: Any, left: Any) -> Any:
    """One thing for x > 0, another one for all other x."""
    return code.select(code.compare("gt", x, code.constant(0, x.kind)), right, left)


# --- error functions and the normal distribution --------------------------------------------------


def exp_of_square(code: Any, x: Any, factor: float) -> Any:
    """exp(factor x²) for a factor of ±1 or −1/2.

    x² is rounded; what that loses is known exactly and comes back as a factor close to 1, or else
    the exponential would magnify it. Beyond 60 the result is 0 or infinite.
    """
    x = code.minimum(code.absolute(x), code.constant(60, x.kind))
    scale = code.constant(factor, x.kind)
    square = code.multiply(x, x)
    lost = code.fma(x, x, code.negate(square))
    close = code.add(code.constant(1, x.kind), code.multiply(scale, lost))
    return code.multiply(code.call("exp", code.multiply(scale, square)), close)


def normal_pdf(code: Any, x: Any) -> Any:
    height = code.constant(1 / math.sqrt(2 * math.pi), x.kind)
    return code.multiply(height, exp_of_square(code, x, -0.5))


@in_double
def erfcx(code: Any, x: Any) -> Any:
    """For negative x by the other tail: both add up to 2 exp(x²)."""
    right = _scaled_complement(code, code.absolute(x))
    left = code.subtract(code.multiply(code.constant(2.0), exp_of_square(code, x, 1.0)), right)
    return code.select(code.compare("lt", x, code.constant(0.0)), left, right)


def _scaled_complement(code: Any, x: Any) -> Any:
    """exp(x²) erfc(x) for x ≥ 0: a polynomial in t = (x − 3)/(x + 3) over x + 1/2.

    So Shepherd and Laframboise (Mathematics of Computation 36, 1981) map the half line to [−1, 1].
    """
    t = code.divide(code.constant(6.0), code.add(x, code.constant(3.0)))
    t = code.subtract(code.constant(1.0), t)
    shape = _polynomial(code, _ERFCX, t)
    return code.divide(shape, code.add(x, code.constant(0.5)))


_ERFCX: Final = (
    *(4.1968674293454387e-10, 4.931266755172794e-10, -4.108797529355727e-09),
    *(-6.6564598305193435e-09, 2.0532006833970177e-08, 5.091810301921368e-08),
    *(-7.023827157714231e-08, -3.083005730199363e-07, 1.7788043342040298e-07),
    *(1.736185472488584e-06, -3.654140734391807e-07, -1.0050271134262806e-05),
    *(2.4745983249841725e-06, 6.254967122918645e-05, -5.2579859792240326e-05),
    *(-0.0003899161348271653, 0.0009443451724995859, 0.0012646959078469848),
    *(-0.01188525745858567, 0.03415401367200495, -0.05963683170769319),
    *(0.0648225793513797, -0.0237811471767246, -0.06781055306229058, 0.6265040291348648),
)
"""Interpolated at the zeros of Chebyshev's polynomials."""


@in_double
def normal_cdf(code: Any, x: Any) -> Any:
    return _cumulative(code, x, _tail(code, x))


@in_double
def normal_log_cdf(code: Any, x: Any) -> Any:
    """log1p of the upper tail, which keeps its digits near the limit 0; far on the left the
    logarithms of the factors of the lower tail.
    """
    scaled = _scaled_tail(code, x)
    tail = code.multiply(scaled, exp_of_square(code, x, -0.5))
    upper = _cumulative(code, code.negate(x), tail)
    near = code.call("log1p", code.negate(upper))
    half_square = code.multiply(code.constant(0.5), code.multiply(x, x))
    far = code.subtract(code.call("log", scaled), half_square)
    return code.select(code.compare("lt", x, code.constant(-1.0)), far, near)


@in_double
def gelu(code: Any, x: Any) -> Any:
    """In the tail x goes into the product before the factor that underflows."""
    far = code.constant(50.0)
    size = code.minimum(code.absolute(x), far)
    decay, scaled = exp_of_square(code, size, -0.5), _scaled_tail(code, size)
    bounded = code.maximum(x, code.negate(far))
    left = code.multiply(code.multiply(bounded, scaled), decay)
    right = code.subtract(code.constant(1.0), code.multiply(scaled, decay))
    negative = code.compare("lt", x, code.constant(0.0))
    return code.select(negative, left, code.multiply(x, right))


def _cumulative(code: Any, x: Any, tail: Any) -> Any:
    """The probability below x, given that beyond |x|."""
    negative = code.compare("lt", x, code.constant(0.0))
    return code.select(negative, tail, code.subtract(code.constant(1.0), tail))


def _tail(code: Any, x: Any) -> Any:
    """The probability that a standard normal variable is larger than |x|."""
    return code.multiply(_scaled_tail(code, x), exp_of_square(code, x, -0.5))


def _scaled_tail(code: Any, x: Any) -> Any:
    """The same over exp(−x²/2)."""
    arm = code.multiply(code.constant(_SQRT_HALF), code.absolute(x))
    return code.multiply(code.constant(0.5), _scaled_complement(code, arm))


# --- other special functions ----------------------------------------------------------------------


def xlogy(code: Any, x: Any, y: Any) -> Any:
    nothing = code.compare("eq", x, code.constant(0, x.kind))
    nothing = code.bit_and(nothing, code.invert(code.is_nan(y)))
    return code.select(nothing, x, code.multiply(x, code.call("log", y)))


@in_double
def erfinv(code: Any, x: Any) -> Any:
    """SciPy's forgets the sign of −0."""
    zero = code.compare("eq", x, code.constant(0.0))
    return code.select(zero, x, code.call("erfinv", x))


@in_double
def digamma(code: Any, x: Any) -> Any:
    """Close to negative poles by reflection (DLMF 5.5.4); the distance to the pole is exact."""
    offset = code.subtract(x, code.round(x))
    near = code.compare("lt", code.absolute(offset), code.constant(0.25))
    near = code.bit_and(near, code.compare("lt", x, code.constant(-0.5)))
    near = code.bit_and(near, code.compare("ne", offset, code.constant(0.0)))
    there = code.select(near, code.subtract(code.constant(1.0), x), x)
    result = code.call("digamma", there)
    steep = code.multiply(code.constant(math.pi), _cotangent(code, offset))
    return code.select(near, code.subtract(result, steep), result)


def polygamma(code: Any, x: Any, order: int) -> Any:
    """By Hurwitz' zeta function (DLMF 25.11.12) and, on the left, one step or a reflection."""
    if order == 0:
        return digamma(code, x)
    return _polygamma(code, x, order) if order <= LARGEST_ORDER else None


LARGEST_ORDER: Final = 20
"""NumPy has the polygamma functions of higher order to itself."""


@in_double
def _polygamma(code: Any, x: Any, order: int) -> Any:
    factorial = float(math.factorial(order))
    sign = -1.0 if order % 2 == 0 else 1.0
    one = code.constant(1.0)
    right = code.compare("ge", x, code.constant(0.5))
    middle = code.compare("gt", x, code.constant(-0.5))
    other = code.select(middle, code.add(x, one), code.subtract(one, x))
    size = code.multiply(
        code.constant(factorial), _zeta(code, order + 1, code.select(right, x, other))
    )
    signed = code.multiply(code.constant(sign), size)
    # The recurrence around 0 (DLMF 5.15.5), so that the pole at ±0 has its sign.
    pole = code.divide(code.constant(sign * factorial), _whole_power(code, x, order + 1))
    step = code.add(signed, pole)
    # Reflection (DLMF 5.15.6); the distance to the nearest pole is exact.
    offset = code.subtract(x, code.round(x))
    slope = _polynomial(code, cotangent_polynomial(order), _cotangent(code, offset))
    steep = code.multiply(code.constant(math.pi), slope)
    mirrored = code.subtract(code.negate(size), steep)
    at_pole = code.compare("eq", offset, code.constant(0.0))
    there = code.constant(math.inf if order % 2 else math.nan)
    left = code.select(at_pole, there, mirrored)
    # NaN takes the last branch and stays NaN.
    return code.select(right, signed, code.select(middle, step, left))


def _cotangent(code: Any, x: Any) -> Any:
    """cot(πx)."""
    return _reciprocal(code, code.call("tan", code.multiply(code.constant(math.pi), x)))


_STEPS: Final = 10
_BERNOULLI: Final = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510),
    *(43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730),
)
"""B₂, B₄, B₆, …"""


def _zeta(code: Any, s: int, q: Any) -> Any:
    """Hurwitz' zeta function for s from 2 to 21 and q ≥ 1/2, by Euler and Maclaurin (DLMF 2.10.1).

    With a = q + 10 the terms of the expansion fall at least by (s + 24)²/(2πa)² each.
    """
    terms = [_whole_power(code, code.add(q, code.constant(float(k))), -s) for k in range(_STEPS)]
    a = code.add(q, code.constant(float(_STEPS)))
    # a^(1−s)/(s−1) + a^(−s)/2 + Σ B₂ₖ/(2k)! s(s+1)…(s+2k−2) a^(−s−2k+1)
    coefficients, rising = [], float(s)
    for k, number in enumerate(_BERNOULLI, 1):
        coefficients.append(number / math.factorial(2 * k) * rising)
        rising *= (s + 2 * k - 1) * (s + 2 * k)
    inverse = _reciprocal(code, a)
    series = _polynomial(code, coefficients[::-1], code.multiply(inverse, inverse))
    series = code.add(code.multiply(series, inverse), code.constant(0.5))
    rest = code.multiply(series, inverse)
    rest = code.add(rest, code.constant(1 / (s - 1)))
    total = code.multiply(_whole_power(code, a, 1 - s), rest)
    for term in reversed(terms):  # the small ones first
        total = code.add(total, term)
    return total


def _whole_power(code: Any, x: Any, exponent: int) -> Any:
    if abs(exponent) <= _BY_PRODUCTS:
        return _product(code, x if exponent >= 0 else _reciprocal(code, x), abs(exponent))
    return code.call("pow", x, code.constant(float(exponent)))


def _polynomial(code: Any, coefficients: Sequence[float], x: Any) -> Any:
    """Its value; the coefficient of the highest power comes first."""
    result = code.constant(coefficients[0])
    for coefficient in coefficients[1:]:
        result = code.fma(result, x, code.constant(coefficient))
    return result
