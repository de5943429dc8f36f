"""log, log2, log10 and log1p.

The argument is 2ᵏ·(1 + f) with 1 + f between √½ and √2; log(1 + f) = f + f²·Q(f) with a
polynomial Q. A division as in other libraries would make the polynomial shorter, and the whole
slower.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    as_double,
    exact_product,
    exact_sum,
    parts,
    polynomial,
    split,
)
from chainrule.run.native.emit.mathematics.exponentials import LN2_HIGH, LN2_LOW

LOG2_E: Final = 1.4426950408889634
LOG2_E_REST: Final = float.fromhex("0x1.777d0ffda0d24p-56")
LOG10_E: Final = 0.4342944819032518
LOG10_E_REST: Final = float.fromhex("0x1.95355baaafad3p-57")
LOG10_2_HIGH: Final = float.fromhex("0x1.34413509f78p-2")
"""The first 42 bits of log₁₀ 2."""
LOG10_2_LOW: Final = float.fromhex("0x1.fef311f12b358p-46")


def log(code: Code, x: Value) -> Value:
    k, mantissa = parts(code, x)
    f = code.subtract(mantissa, code.constant(1.0))
    return with_limits(code, x, log_of_parts(code, k, f))


def log_of_parts(code: Code, k: Value, f: Value, f_low: Value | None = None) -> Value:
    """log(2ᵏ·(1 + f + f_low))."""
    rest = code.multiply(code.multiply(f, f), polynomial(code, f, coefficients.LOG))
    if f_low is not None:
        slope = code.fma(code.subtract(f, code.constant(1.0)), f, code.constant(1.0))
        rest = code.fma(f_low, slope, rest)
    high, low = exact_sum(code, code.multiply(k, code.constant(LN2_HIGH)), f)
    rest = code.fma(k, code.constant(LN2_LOW), rest)
    return code.add(high, code.add(low, rest))


def log2(code: Code, x: Value) -> Value:
    k, mantissa = parts(code, x)
    f = code.subtract(mantissa, code.constant(1.0))
    return with_limits(code, x, _scaled(code, k, f, LOG2_E, LOG2_E_REST, 1.0, 0.0))


def log10(code: Code, x: Value) -> Value:
    k, mantissa = parts(code, x)
    f = code.subtract(mantissa, code.constant(1.0))
    result = _scaled(code, k, f, LOG10_E, LOG10_E_REST, LOG10_2_HIGH, LOG10_2_LOW)
    return with_limits(code, x, result)


def _scaled(
    code: Code, k: Value, f: Value, factor: float, rest: float, two: float, two_rest: float
) -> Value:
    """k·(two + two_rest) + log(1 + f)·(factor + rest), the sums in twice the digits."""
    part = code.multiply(code.multiply(f, f), polynomial(code, f, coefficients.LOG))
    natural = exact_sum(code, f, part)
    product = exact_product(code, natural.high, code.constant(factor))
    low = code.fma(natural.high, code.constant(rest), product.low)
    low = code.fma(natural.low, code.constant(factor), low)
    whole = k if two == 1.0 else code.multiply(k, code.constant(two))
    high, lost = exact_sum(code, whole, product.high)
    if two_rest:
        low = code.fma(k, code.constant(two_rest), low)
    return code.add(high, code.add(lost, low))


def log1p(code: Code, x: Value) -> Value:
    k, part = parts_of_one_and(code, x)
    f = code.fma(part.inverse, part.quarter, part.less)
    result = with_limits(code, code.add(x, code.constant(1.0)), log_of_parts(code, k, f))
    tiny = code.compare("lt", code.absolute(x), code.constant(2.0**-54))
    return code.select(tiny, x, result)


class Reduced(NamedTuple):
    """f as inverse·quarter + less, where 1 + x = 2ᵏ·(1 + f).

    Attributes:
        inverse: 2²⁻ᵏ, a normal number for every k.
        quarter: x/4.
        less: 2⁻ᵏ − 1.
    """

    inverse: Value
    quarter: Value
    less: Value


def parts_of_one_and(code: Code, x: Value) -> tuple[Value, Reduced]:
    """K and f with 1 + x = 2ᵏ·(1 + f)."""
    biased, _ = split(code, code.add(x, code.constant(1.0)))
    k = code.subtract(as_double(code, biased), code.constant(2.0**52 + 1023))
    inverse = code.of_bits(code.shift_left(code.subtract(code.constant(2048, "i64"), biased), 52))
    quarter = code.constant(0.25)
    less = code.fma(inverse, quarter, code.constant(-1.0))
    return k, Reduced(inverse, code.multiply(x, quarter), less)


def with_limits(code: Code, x: Value, result: Value) -> Value:
    """The result where x is positive and finite; −∞ at 0, NaN below."""
    zero = code.constant(0.0)
    result = code.select(code.compare("lt", x, code.constant(math.inf)), result, x)
    result = code.select(code.compare("eq", x, zero), code.constant(-math.inf), result)
    return code.select(code.compare("lt", x, zero), code.constant(math.nan), result)
