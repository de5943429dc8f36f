"""erf and erfc.

Near 0, erf x is x times a polynomial. Elsewhere erfc x = e^(−x²)·g/(1 + 2x), where g is a
polynomial in (x − 4)/(x + 4): it varies little (Shepherd and Laframboise, Mathematics of
Computation 36, 1981).
"""

from __future__ import annotations

import math
from typing import Final

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients, exponentials
from chainrule.run.native.emit.mathematics.base import (
    any_sum,
    difference,
    exact_product,
    exact_sum,
    polynomial,
    power_of_two,
    quotient,
    rounded,
)
from chainrule.run.native.emit.mathematics.exponentials import (
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    at_most,
)

SLOPE: Final = 2 / math.sqrt(math.pi)
SLOPE_REST: Final = float.fromhex("0x1.1ae3a914fed8p-56")
"""2/√π − SLOPE."""

NEAR: Final = 0.8
"""Nearer to 0, erfc is 1 less erf."""


def erf(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    one = code.constant(1.0)
    far = code.subtract(one, _rough_erfc(code, size))
    close = code.fma(size, code.constant(SLOPE), _bend(code, size))
    near = code.compare("lt", size, one)
    return code.copysign(code.select(near, close, far), x)


def erfc(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    far = _erfc(code, size)
    negative = code.compare("lt", x, code.constant(0.0))
    far = code.select(negative, code.subtract(code.constant(2.0), far), far)
    line = exact_product(code, x, code.constant(SLOPE))
    most, lost = difference(code, code.constant(1.0), line.high)
    close = code.add(most, code.subtract(lost, code.add(line.low, _bend(code, x))))
    near = code.compare("lt", size, code.constant(NEAR))
    return code.select(near, close, far)


def _bend(code: Code, x: Value) -> Value:
    """What erf x is more than SLOPE·x, where |x| < 1."""
    square = code.multiply(x, x)
    rest = code.fma(polynomial(code, square, coefficients.ERF), square, code.constant(SLOPE_REST))
    return code.multiply(x, rest)


def _erfc(code: Code, x: Value) -> Value:
    """The complement where x ≥ NEAR."""
    x = at_most(code, x, 28.0)
    one = code.constant(1.0)
    below = any_sum(code, one, code.add(x, x))
    inverse, t = _inverse(code, x, below.high)
    first, *others = coefficients.ERFC
    g = exact_sum(code, code.constant(first), code.multiply(polynomial(code, t, others), t))
    part = quotient(code, g, below, inverse)
    # e^(−x²) = 2ᵏ·(1 + power), both of more digits
    square = exact_product(code, x, x)
    k = rounded(code, square.high, -LOG2_E, 2046)
    high = code.subtract(code.multiply(k.number, code.constant(-LN2_HIGH)), square.high)
    lost = code.fma(k.number, code.constant(-LN2_LOW), code.negate(square.low))
    r = code.add(high, lost)
    low = code.fma(code.multiply(r, r), polynomial(code, r, coefficients.EXP), lost)
    power = exact_sum(code, high, low)
    factor = exact_sum(code, one, power.high)
    rest = code.fma(
        part.high, code.add(factor.low, power.low), code.multiply(part.low, factor.high)
    )
    result = code.fma(part.high, factor.high, rest)
    half = rounded(code, k.number, 0.5, 1023)
    scale = power_of_two(code, code.subtract(k.integer, half.integer))
    return code.multiply(code.multiply(result, power_of_two(code, half.integer)), scale)


def _rough_erfc(code: Code, x: Value) -> Value:
    """The complement where x ≥ 1, with an error of some units in the last place."""
    x = at_most(code, x, 6.0)
    below = code.add(code.constant(1.0), code.add(x, x))
    inverse, t = _inverse(code, x, below)
    power = exponentials.exp_of_small(code, code.negate(code.multiply(x, x)))
    return code.multiply(code.multiply(polynomial(code, t, coefficients.ERFC), inverse), power)


def _inverse(code: Code, x: Value, below: Value) -> tuple[Value, Value]:
    """1/below and (x − 4)/(x + 4), with one division."""
    four = code.constant(4.0)
    more = code.add(x, four)
    inverse = code.divide(code.constant(1.0), code.multiply(more, below))
    t = code.multiply(code.multiply(code.subtract(x, four), below), inverse)
    return code.multiply(more, inverse), t
