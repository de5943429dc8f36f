"""fmod: what whole multiples leave, exact."""

from __future__ import annotations

from typing import Final

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics.base import unless_any

LARGE: Final = 2.0**53
"""Whole numbers are exact up to here; larger quotients go to the C library."""


def fmod(code: Code, x: Value, y: Value) -> Value:
    """The quotient is rounded and may be a whole number too large by 1: then a multiple too much
    is taken away, and comes back. Both times the difference is a float, so nothing is rounded.
    """
    a, b = code.absolute(x), code.absolute(y)
    ratio = code.divide(a, b)
    rest = code.fma(code.negate(code.truncate(ratio)), b, a)
    negative = code.compare("lt", rest, code.constant(0.0))
    rest = code.select(negative, code.add(rest, b), rest)
    rest = code.select(code.compare("lt", a, b), a, rest)  # also where b is infinite
    small = code.compare("lt", ratio, code.constant(LARGE))  # not where one is NaN, nor for 0/0

    def slow(inner: Code, *given: Value) -> Value:
        return inner.each("fmod", *given)

    return unless_any(code, code.invert(small), code.copysign(rest, x), "fmod", slow, x, y)
