"""asin, acos, atan and atan2."""

from __future__ import annotations

import math
from typing import Final

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    Pair,
    difference,
    exact_sum,
    polynomial,
    quotient,
)
from chainrule.run.native.emit.mathematics.exponentials import at_most

HALF_PI: Final = math.pi / 2
HALF_PI_REST: Final = float.fromhex("0x1.1a62633145c07p-54")
QUARTER_PI: Final = float.fromhex("0x1.921fb5444p-1")
"""The first bits of π/4: times a small whole number, exact."""
QUARTER_PI_REST: Final = float.fromhex("0x1.68c234c4c6629p-40")


def asin(code: Code, x: Value) -> Value:
    small, root, rest = _arc_parts(code, x)
    # π/2 − 2·asin √((1 − |x|)/2), or the arc itself
    most, lost = difference(code, code.constant(HALF_PI), code.add(root, root))
    lost = code.add(lost, code.subtract(code.constant(HALF_PI_REST), code.add(rest, rest)))
    result = code.select(small, code.add(root, rest), code.add(most, lost))
    return code.copysign(result, x)


def acos(code: Code, x: Value) -> Value:
    small, root, rest = _arc_parts(code, x)
    root, rest = code.copysign(root, x), code.copysign(rest, x)
    two, zero = code.constant(2.0), code.constant(0.0)
    # π/2 − asin x; or, from the ends, 2·asin √((1 − |x|)/2) and π less that
    positive = code.compare("gt", x, zero)
    factor = code.select(small, code.constant(-1.0), two)
    start = code.select(positive, zero, code.constant(2 * HALF_PI))
    start = code.select(small, code.constant(HALF_PI), start)
    start_rest = code.select(positive, zero, code.constant(2 * HALF_PI_REST))
    start_rest = code.select(small, code.constant(HALF_PI_REST), start_rest)
    most, lost = exact_sum(code, start, code.multiply(factor, root))
    return code.add(most, code.add(lost, code.fma(factor, rest, start_rest)))


def _arc_parts(code: Code, x: Value) -> tuple[Value, Value, Value]:
    """Whether |x| ≤ ½; the arc sine of |x|, or else of √((1 − |x|)/2), as a sum."""
    size = code.absolute(x)
    half = code.constant(0.5)
    small = code.compare("le", size, half)
    far = code.multiply(code.subtract(code.constant(1.0), size), half)
    square = code.select(small, code.multiply(size, size), far)
    root = code.select(small, size, code.sqrt(far))
    rest = code.multiply(polynomial(code, square, coefficients.ASIN), code.multiply(square, root))
    return small, root, rest


def atan(code: Code, x: Value) -> Value:
    size = at_most(code, code.absolute(x), 2.0**100)
    one = code.constant(1.0)
    steep = code.compare("gt", size, one)
    low, high = code.select(steep, one, size), code.select(steep, size, one)
    return code.copysign(_arc(code, low, high, steep, None), x)


def atan2(code: Code, y: Value, x: Value) -> Value:
    one, zero, infinity = (code.constant(number) for number in (1.0, 0.0, math.inf))
    height, width = code.absolute(y), code.absolute(x)
    steep = code.compare("gt", height, width)
    low, high = code.select(steep, width, height), code.select(steep, height, width)
    # Both scaled such that no reciprocal overflows and nothing small underflows.
    factor = code.select(
        code.compare("gt", high, code.constant(2.0**900)), code.constant(2.0**-600), one
    )
    factor = code.select(
        code.compare("lt", high, code.constant(2.0**300)), code.constant(2.0**600), factor
    )
    low, scaled = code.multiply(low, factor), code.multiply(high, factor)
    # Infinity: as steep as 0/1, or 1/1; 0/0: as 0/1.
    infinite = code.compare("eq", high, infinity)
    both = code.compare("eq", low, infinity)
    low = code.select(infinite, code.select(both, one, code.multiply(low, zero)), low)
    plain = code.bit_or(infinite, code.compare("eq", high, zero))
    left = code.compare("lt", code.bits(x), code.constant(0, "i64"))
    result = _arc(code, low, code.select(plain, one, scaled), steep, left)
    return code.copysign(result, y)


def _arc(code: Code, low: Value, high: Value, steep: Value, left: Value | None) -> Value:
    """The angle whose tangent is low/high, from the axis that steep and left say; low ≤ high."""
    zero, one = code.constant(0.0), code.constant(1.0)
    middle = code.compare("gt", low, code.multiply(high, code.constant(math.sqrt(2) - 1)))
    # atan t = π/4 − atan((1 − t)/(1 + t))
    minus, plus = difference(code, high, low), exact_sum(code, high, low)
    above = Pair(
        code.select(middle, code.negate(minus.high), low),
        code.select(middle, code.negate(minus.low), zero),
    )
    below = Pair(code.select(middle, plus.high, high), code.select(middle, plus.low, zero))
    tangent, missing = quotient(code, above, below)
    square = code.multiply(tangent, tangent)
    cubic = code.multiply(polynomial(code, square, coefficients.ATAN), square)
    # How many times π/4 the angle begins at, and in which direction it goes from there.
    count, sign = code.select(middle, one, zero), one
    turns = [(steep, 2.0)] if left is None else [(steep, 2.0), (left, 4.0)]
    for condition, whole in turns:
        count = code.select(condition, code.subtract(code.constant(whole), count), count)
        sign = code.select(condition, code.negate(sign), sign)
    most, lost = exact_sum(
        code, code.multiply(count, code.constant(QUARTER_PI)), code.multiply(sign, tangent)
    )
    rest = code.fma(cubic, tangent, missing)
    lost = code.fma(count, code.constant(QUARTER_PI_REST), lost)
    return code.add(most, code.fma(sign, rest, lost))
