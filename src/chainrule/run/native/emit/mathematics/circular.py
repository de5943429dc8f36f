"""sin, cos and tan.

A multiple of π/2 is taken away in three parts, so that what is left has all its digits even next to
a zero (Cody and Waite, Software Manual for the Elementary Functions, 1980). Numbers that are too
large for this go to the C library, which is slow and right. sin and cos of the same numbers have
nearly all instructions in common, and LLVM keeps them once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    Pair,
    difference,
    exact_sum,
    polynomial,
    quotient,
    rounded,
    unless_any,
)

LARGE: Final = 2.0**20
"""Larger arguments go to the C library."""

HALF_PI: Final = tuple(
    map(float.fromhex, ("0x1.921fb54442d18p+0", "0x1.1a626331p-54", "0x1.1701b839a252p-88"))
)
"""π/2 = the sum. k times the first, taken from a number close to that, is exact, because k is whole
and the difference is small; k times the second is exact, because it has 33 bits."""


class Rest(NamedTuple):
    """What is left of an angle, and what its sine and cosine are sums of.

    Attributes:
        angle: The angle between −π/4 and π/4.
        sine: The angle less its sine; +0 for both zeros, so that −0 stays −0.
        cosine: Its cosine, as a sum.
        quarters: How many right angles were taken away, in the low bits of an integer.
    """

    angle: Value
    sine: Value
    cosine: Pair
    quarters: Value


def sin(code: Code, x: Value) -> Value:
    rest = _rest(code, x)
    return _checked(code, "sin", x, _circular(code, rest, rest.quarters))


def cos(code: Code, x: Value) -> Value:
    rest = _rest(code, x)
    quarters = code.add(rest.quarters, code.constant(1, "i64"))
    return _checked(code, "cos", x, _circular(code, rest, quarters))


def tan(code: Code, x: Value) -> Value:
    rest = _rest(code, x)
    sine = difference(code, rest.angle, rest.sine)
    cosine = exact_sum(code, *rest.cosine)
    odd = _is_odd(code, rest.quarters)  # then −cos/sin
    above = Pair(*(code.select(odd, c, s) for s, c in zip(sine, cosine, strict=True)))
    below = Pair(*(code.select(odd, s, c) for s, c in zip(sine, cosine, strict=True)))
    sign = code.shift_left(rest.quarters, 63)
    result = code.of_bits(code.bit_xor(code.bits(code.add(*quotient(code, above, below))), sign))
    small = code.compare("lt", code.absolute(x), code.constant(2.0**-27))
    return _checked(code, "tan", x, code.select(small, x, result))


def _circular(code: Code, rest: Rest, quarters: Value) -> Value:
    """The sine of the rest, or its cosine where the quarters are odd, and the sign."""
    sine = code.subtract(rest.angle, rest.sine)
    cosine = code.add(*rest.cosine)
    size = code.select(_is_odd(code, quarters), cosine, sine)
    sign = code.bit_and(code.shift_left(quarters, 62), code.constant(-(2**63), "i64"))
    return code.of_bits(code.bit_xor(code.bits(size), sign))


def _is_odd(code: Code, integer: Value) -> Value:
    return code.compare("lt", code.shift_left(integer, 63), code.constant(0, "i64"))


def _rest(code: Code, x: Value) -> Rest:
    high, middle, low = HALF_PI
    k = rounded(code, x, 1 / high)
    first = code.fma(k.number, code.constant(-high), x)
    r = code.fma(k.number, code.constant(-middle), first)
    more = code.fma(k.number, code.constant(middle), code.subtract(r, first))
    more = code.fma(k.number, code.constant(low), more)  # the angle is r − more
    square = code.multiply(r, r)
    negative = [-coefficient for coefficient in coefficients.SIN_QUARTER]
    cubic = code.multiply(polynomial(code, square, negative), square)
    # 1 − r²/2 rounded, and what that loses
    one, half = code.constant(1.0), code.multiply(r, code.constant(-0.5))
    most = code.fma(half, r, one)
    small = code.fma(half, r, code.subtract(one, most))
    quartic = code.multiply(polynomial(code, square, coefficients.COS_QUARTER), square)
    small = code.fma(quartic, square, small)
    small = code.fma(r, more, small)
    return Rest(r, code.fma(cubic, r, more), Pair(most, small), k.integer)


def _checked(code: Code, name: str, x: Value, result: Value) -> Value:
    large = code.compare("gt", code.absolute(x), code.constant(LARGE))

    def slow(inner: Code, given: Value) -> Value:
        return inner.each(name, given)

    return unless_any(code, large, result, name, slow, x)
