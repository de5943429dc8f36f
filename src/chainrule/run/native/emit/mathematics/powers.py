"""pow, cbrt and hypot."""

from __future__ import annotations

import math
from typing import Final

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    MANTISSA,
    TINY,
    Pair,
    as_double,
    exact_product,
    exact_sum,
    parts,
    polynomial,
    power_of_two,
    quotient,
    rounded,
)
from chainrule.run.native.emit.mathematics.exponentials import between, exp2m1, scaled
from chainrule.run.native.emit.mathematics.logarithms import LOG2_E, LOG2_E_REST

TWO_THIRDS: Final = 2 / 3
TWO_THIRDS_REST: Final = float.fromhex("0x1.5555555555555p-55")


def pow(code: Code, x: Value, y: Value) -> Value:
    """2 to the power y·log₂|x|, the logarithm in twice the digits; then the special cases."""
    zero, one, infinity = (code.constant(number) for number in (0.0, 1.0, math.inf))
    size = code.absolute(x)
    logarithm = _log2(code, size)
    # A larger exponent gives 0, 1 or infinity just as well.
    power = between(code, y, -(2.0**100), 2.0**100)
    high, low = exact_product(code, power, logarithm.high)
    low = code.fma(power, logarithm.low, low)
    # log₂ of 0 and infinity
    extreme = code.bit_or(code.compare("eq", size, zero), code.compare("eq", size, infinity))
    limit = code.select(code.compare("gt", size, one), infinity, code.constant(-math.inf))
    high = code.select(extreme, code.multiply(y, limit), high)
    inside = code.compare("lt", code.absolute(high), code.constant(1100.0))
    low = code.select(inside, low, zero)
    result = _exp2(code, between(code, high, -1100.0, 1100.0), low)
    whole = code.compare("eq", code.truncate(y), y)
    half = code.multiply(y, code.constant(0.5))
    odd = code.bit_and(whole, code.compare("ne", code.truncate(half), half))
    negative = code.compare("lt", code.bits(x), code.constant(0, "i64"))
    result = code.select(code.bit_and(odd, negative), code.negate(result), result)
    usual = code.bit_or(whole, code.compare("ge", x, zero))
    usual = code.bit_or(usual, code.compare("eq", x, code.constant(-math.inf)))
    result = code.select(usual, result, code.constant(math.nan))
    result = code.select(code.is_nan(x), x, result)
    result = code.select(code.is_nan(y), y, result)
    # 1 to any power and anything to the power 0, NaN too.
    trivial = code.bit_or(code.compare("eq", x, one), code.compare("eq", y, zero))
    return code.select(trivial, one, result)


def _log2(code: Code, x: Value) -> Pair:
    """log₂ x for a positive finite x, as a sum.

    x = 2ᵏ·m; with s = (m − 1)/(m + 1), log m = 2·atanh s = 2s + ⅔s³ + …
    """
    k, mantissa = parts(code, x)
    one = code.constant(1.0)
    f = code.subtract(mantissa, one)
    s = Pair(*quotient(code, Pair(f, code.constant(0.0)), _plus_one(code, mantissa)))
    s = exact_sum(code, s.high, s.low)
    square = exact_product(code, s.high, s.high)
    double = code.add(s.high, s.high)
    square_low = code.fma(double, s.low, square.low)
    # ⅔s³ as a sum
    cube = exact_product(code, square.high, s.high)
    cube_low = code.fma(square_low, s.high, code.fma(square.high, s.low, cube.low))
    third = exact_product(code, cube.high, code.constant(TWO_THIRDS))
    third_low = code.fma(cube.high, code.constant(TWO_THIRDS_REST), third.low)
    third_low = code.fma(cube_low, code.constant(TWO_THIRDS), third_low)
    fifth = code.multiply(
        code.multiply(cube.high, square.high), polynomial(code, square.high, coefficients.ATANH)
    )
    natural, lost = exact_sum(code, double, third.high)
    lost = code.add(lost, code.add(third_low, code.add(s.low, s.low)))
    natural, lost = exact_sum(code, natural, code.add(lost, fifth))
    # times log₂ e, plus k
    product = exact_product(code, natural, code.constant(LOG2_E))
    low = code.fma(natural, code.constant(LOG2_E_REST), product.low)
    low = code.fma(lost, code.constant(LOG2_E), low)
    high, rest = exact_sum(code, k, product.high)
    return exact_sum(code, high, code.add(rest, low))


def _plus_one(code: Code, mantissa: Value) -> Pair:
    """The sum of 1 and a number between ½ and 2."""
    one = code.constant(1.0)
    high = code.add(mantissa, one)
    return Pair(high, code.subtract(mantissa, code.subtract(high, one)))


def _exp2(code: Code, high: Value, low: Value) -> Value:
    """2 to the power high + low."""
    k = rounded(code, high, 1.0, 2046)
    r = code.add(code.subtract(high, k.number), low)
    lost = code.subtract(low, code.subtract(r, code.subtract(high, k.number)))
    power = exp2m1(code, r)
    # The derivative of 2ʳ, roughly, times what the sum lost
    return scaled(code, code.fma(lost, code.constant(math.log(2)), power), k)


def cbrt(code: Code, x: Value) -> Value:
    """Newton's iteration for 1/∛t, with 1 ≤ t < 8, then one step for ∛t in twice the digits."""
    size = code.absolute(x)
    subnormal = code.compare("lt", size, code.constant(TINY))
    bits = code.bits(code.select(subnormal, code.multiply(size, code.constant(2.0**54)), size))
    mantissa = code.of_bits(
        code.bit_or(
            code.bit_and(bits, code.constant(MANTISSA, "i64")),
            code.constant(0x3FF0000000000000, "i64"),
        )
    )
    bias = code.select(subnormal, code.constant(2.0**52 + 1023 + 54), code.constant(2.0**52 + 1023))
    exponent = code.subtract(as_double(code, code.shift_right(bits, 52)), bias)
    third = rounded(code, code.subtract(exponent, code.constant(1.0)), 1 / 3, 1023)
    left = code.fma(third.number, code.constant(-3.0), exponent)  # 0, 1 or 2
    some = code.compare("gt", left, code.constant(0.5))
    more = code.compare("gt", left, code.constant(1.5))

    def chosen(*numbers: float) -> Value:
        zero, one, two = (code.constant(number) for number in numbers)
        return code.select(more, two, code.select(some, one, zero))

    t = code.multiply(mantissa, chosen(1.0, 2.0, 4.0))
    z = code.multiply(
        polynomial(code, mantissa, coefficients.CBRT),
        chosen(1.0, 2.0 ** (-1 / 3), 2.0 ** (-2 / 3)),
    )
    square = code.multiply(z, z)
    h = code.fma(code.negate(code.multiply(t, z)), square, code.constant(1.0))
    step = code.fma(h, code.constant(2 / 9), code.constant(1 / 3))
    z = code.fma(code.multiply(z, h), step, z)
    square = code.multiply(z, z)
    y = code.multiply(t, square)
    y_square = exact_product(code, y, y)
    missing = code.fma(y_square.high, y, code.negate(t))
    missing = code.fma(y_square.low, y, missing)
    y = code.fma(missing, code.multiply(square, code.constant(-1 / 3)), y)
    result = code.copysign(code.multiply(y, power_of_two(code, third.integer)), x)
    finite = code.bit_and(
        code.compare("gt", size, code.constant(0.0)),
        code.compare("lt", size, code.constant(math.inf)),
    )
    return code.select(finite, result, x)


def hypot(code: Code, x: Value, y: Value) -> Value:
    a, b = code.absolute(x), code.absolute(y)
    larger = code.compare("gt", a, b)
    high, low = code.select(larger, a, b), code.select(larger, b, a)
    big = code.compare("gt", high, code.constant(2.0**500))
    small = code.compare("lt", high, code.constant(2.0**-400))
    one = code.constant(1.0)
    down, up = code.constant(2.0**-600), code.constant(2.0**600)
    there = code.select(big, down, code.select(small, up, one))
    back = code.select(big, up, code.select(small, down, one))
    high, low = code.multiply(high, there), code.multiply(low, there)
    result = code.sqrt(code.fma(high, high, code.multiply(low, low)))
    result = code.multiply(result, back)
    infinity = code.constant(math.inf)
    infinite = code.bit_or(code.compare("eq", a, infinity), code.compare("eq", b, infinity))
    return code.select(infinite, infinity, result)
