"""exp, exp2 and expm1.

The argument is k·ln 2 + r with a whole k; eʳ is a polynomial, and 2ᵏ goes into the exponent. ln 2
is taken as a sum of two numbers, the first of few enough digits that k times it is exact (Cody and
Waite, Software Manual for the Elementary Functions, 1980).
"""

from __future__ import annotations

import math
from typing import Final

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    Rounded,
    polynomial,
    power_of_two,
    rounded,
)

LOG2_E: Final = 1.4426950408889634
LN2_HIGH: Final = float.fromhex("0x1.62e42fefa38p-1")
"""The first 42 bits of ln 2: times a whole number below 2¹¹, exact."""
LN2_LOW: Final = float.fromhex("0x1.ef35793c7673p-45")
LN2: Final = math.log(2.0)
LN2_REST: Final = float.fromhex("0x1.abc9e3b39803fp-56")
"""ln 2 − LN2."""


def exp(code: Code, x: Value) -> Value:
    power, k = _exp_parts(code, between(code, x, -746.0, 710.0), 2046)
    return scaled(code, power, k)


def exp_of_small(code: Code, x: Value) -> Value:
    """The exponential where |x| < 700."""
    power, k = _exp_parts(code, x, 1023)
    scale = power_of_two(code, k.integer)
    return code.fma(power, scale, scale)


def _exp_parts(code: Code, x: Value, bias: int) -> tuple[Value, Rounded]:
    """eʳ − 1 and k."""
    k = rounded(code, x, LOG2_E, bias)
    high = code.fma(k.number, code.constant(-LN2_HIGH), x)
    lost = code.multiply(k.number, code.constant(-LN2_LOW))
    r = code.add(high, lost)
    low = code.fma(code.multiply(r, r), polynomial(code, r, coefficients.EXP), lost)
    return code.add(high, low), k


def exp2(code: Code, x: Value) -> Value:
    x = between(code, x, -1076.0, 1025.0)
    k = rounded(code, x, 1.0, 2046)
    r = code.subtract(x, k.number)
    return scaled(code, exp2m1(code, r), k)


def exp2m1(code: Code, r: Value) -> Value:
    """2ʳ − 1 for |r| ≤ ½."""
    rest = code.fma(polynomial(code, r, coefficients.EXP2), r, code.constant(LN2_REST))
    return code.fma(r, code.constant(LN2), code.multiply(rest, r))


def expm1(code: Code, x: Value) -> Value:
    tiny = code.compare("lt", code.absolute(x), code.constant(2.0**-54))
    scale, high, low = expm1_parts(code, between(code, x, -40.0, 710.0))
    half = code.constant(0.5)
    result = code.fma(scale, low, code.fma(scale, high, code.subtract(scale, half)))
    return code.select(tiny, x, code.add(result, result))


def expm1_parts(code: Code, x: Value) -> tuple[Value, Value, Value]:
    """2ᵏ⁻¹, and eʳ − 1 as a sum, where x = k·ln 2 + r; x is between −40 and 710."""
    k = rounded(code, x, LOG2_E, 1022)
    high = code.fma(k.number, code.constant(-LN2_HIGH), x)
    lost = code.multiply(k.number, code.constant(-LN2_LOW))
    r = code.add(high, lost)
    low = code.fma(code.multiply(r, r), polynomial(code, r, coefficients.EXPM1), lost)
    return power_of_two(code, k.integer), high, low


def scaled(code: Code, a: Value, k: Rounded) -> Value:
    """(1 + a)·2ᵏ, also where 2ᵏ is out of range; rounded once where the result is subnormal.

    The integer of k has the bias 2046.
    """
    half = rounded(code, k.number, 0.5, 1023)
    first = power_of_two(code, half.integer)
    second = power_of_two(code, code.subtract(k.integer, half.integer))
    return code.multiply(code.fma(a, first, first), second)


def between(code: Code, x: Value, low: float, high: float) -> Value:
    """X within bounds beyond which the result does not change; NaN stays."""
    least = code.constant(low)
    return at_most(code, code.select(code.compare("lt", x, least), least, x), high)


def at_most(code: Code, x: Value, high: float) -> Value:
    """X below a bound beyond which the result does not change; NaN stays."""
    most = code.constant(high)
    return code.select(code.compare("gt", x, most), most, x)
