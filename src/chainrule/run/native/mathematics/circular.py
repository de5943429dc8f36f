"""sin, cos and tan.

A multiple of π or of π/2 is taken away in three parts, so that what is left has all its digits even
next to a zero (Cody and Waite, Software Manual for the Elementary Functions, 1980). Numbers that are
too large for this go to the C library, which is slow and right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from chainrule.run.native.lanes import Code, Value
from chainrule.run.native.mathematics import coefficients
from chainrule.run.native.mathematics.base import (
    ROUNDER,
    Pair,
    exact_sum,
    polynomial,
    unless_any,
)

LARGE: Final = 2.0**20
"""Larger arguments go to the C library."""

PI: Final = tuple(
    map(float.fromhex, ("0x1.921fb54442d18p+1", "0x1.1a626331p-53", "0x1.1701b839a252p-87"))
)
"""π = the sum. k times the first, taken from a number close to that, is exact, because k is whole
and the difference is small; k times the second is exact, because it has 33 bits."""

HALF_PI: Final = tuple(part / 2 for part in PI)


class Rest(NamedTuple):
    """What is left of an angle.

    Attributes:
        angle: The rest, as a sum.
        integer: The multiple that was taken away, in the low bits of an integer.
    """

    angle: Pair
    integer: Value


def sin(code: Code, x: Value) -> Value:
    rest = _without(code, x, PI)
    result = code.copysign(_sin(code, rest.angle), rest.angle.high)
    return _checked(code, "sin", x, _flipped(code, result, rest.integer))


def cos(code: Code, x: Value) -> Value:
    rest = _without(code, x, PI, shifted=True)
    return _checked(code, "cos", x, _flipped(code, _sin(code, rest.angle), rest.integer))


def tan(code: Code, x: Value) -> Value:
    rest = _without(code, x, HALF_PI)
    r, low = rest.angle
    square = code.multiply(r, r)
    cubic = code.multiply(polynomial(code, square, coefficients.SIN_QUARTER), square)
    slope = code.fma(square, code.constant(-0.5), code.constant(1.0))
    sine = exact_sum(code, r, code.fma(cubic, r, code.multiply(low, slope)))
    quartic = code.multiply(polynomial(code, square, coefficients.COS_QUARTER), square)
    quadratic = code.multiply(code.add(quartic, code.constant(-0.5)), square)
    cosine = exact_sum(
        code, code.constant(1.0), code.subtract(quadratic, code.multiply(r, low))
    )
    # Odd multiples of π/2: −cos r/sin r.
    odd = code.compare(
        "ne", code.bit_and(rest.integer, code.constant(1, "i64")), code.constant(0, "i64")
    )
    above = Pair(*(code.select(odd, c, s) for s, c in zip(sine, cosine, strict=True)))
    below = Pair(*(code.select(odd, s, c) for s, c in zip(sine, cosine, strict=True)))
    result = _flipped(code, quotient(code, above, below), rest.integer)
    small = code.compare("lt", code.absolute(x), code.constant(2.0**-27))
    return _checked(code, "tan", x, code.select(small, x, result))


def quotient(code: Code, above: Pair, below: Pair) -> Value:
    """above/below: with the reciprocal, then corrected by what that leaves."""
    inverse = code.divide(code.constant(1.0), below.high)
    first = code.multiply(above.high, inverse)
    missing = code.fma(code.negate(first), below.high, above.high)
    missing = code.add(missing, above.low)
    missing = code.fma(code.negate(first), below.low, missing)
    return code.fma(missing, inverse, first)


def _sin(code: Code, angle: Pair) -> Value:
    """The sine of an angle between −π/2 and π/2."""
    r, low = angle
    square = code.multiply(r, r)
    cubic = code.multiply(polynomial(code, square, coefficients.SIN), square)
    slope = code.fma(square, code.constant(-0.43), code.constant(1.0))  # cos r, roughly
    return code.add(r, code.fma(cubic, r, code.multiply(low, slope)))


def _without(
    code: Code, x: Value, period: tuple[float, ...], *, shifted: bool = False
) -> Rest:
    """The angle without the multiple k of the period that leaves least; shifted: without k − ½."""
    high, middle, low = period
    rounder = code.constant(ROUNDER)
    inverse = code.constant(1 / high)
    if shifted:
        moved = code.add(code.fma(x, inverse, code.constant(0.5)), rounder)
        k = code.subtract(code.subtract(moved, rounder), code.constant(0.5))
    else:
        moved = code.fma(x, inverse, rounder)
        k = code.subtract(moved, rounder)
    first = code.fma(k, code.constant(-high), x)
    second = code.fma(k, code.constant(-middle), first)
    lost = code.fma(k, code.constant(-middle), code.subtract(first, second))
    return Rest(Pair(second, code.fma(k, code.constant(-low), lost)), code.bits(moved))


def _flipped(code: Code, a: Value, integer: Value) -> Value:
    """a, or −a if the integer is odd."""
    return code.of_bits(code.bit_xor(code.bits(a), code.shift_left(integer, 63)))


def _checked(code: Code, name: str, x: Value, result: Value) -> Value:
    large = code.compare("gt", code.absolute(x), code.constant(LARGE))
    slow: Callable[[Code, Value], Value] = lambda inner, given: inner.each(name, given)  # noqa: E731
    return unless_any(code, large, result, name, slow, x)
