"""sinh, cosh and tanh.

With x = k·ln 2 + r, eˣ and e⁻ˣ are 2ᵏ(cosh r + sinh r) and 2⁻ᵏ(cosh r − sinh r); cosh r and sinh r
are polynomials.
"""

from __future__ import annotations

from typing import NamedTuple

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics import coefficients
from chainrule.run.native.emit.mathematics.base import (
    Pair,
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
    expm1_parts,
)


class Parts(NamedTuple):
    """What sinh and cosh of |x| are made of, where |x| = k·ln 2 + r.

    Attributes:
        difference: 2ᵏ⁻² − 2⁻ᵏ⁻².
        sum: 2ᵏ⁻² + 2⁻ᵏ⁻².
        even: cosh r − 1.
        high: sinh r is the sum of this
        low: and of this.
    """

    difference: Value
    sum: Value
    even: Value
    high: Value
    low: Value


def sinh(code: Code, x: Value) -> Value:
    small = code.compare("lt", code.absolute(x), code.constant(2.0**-28))
    part = _parts(code, x)
    # difference·cosh r + sum·sinh r, small terms first
    low = code.fma(part.difference, part.even, code.multiply(part.sum, part.low))
    result = code.add(code.fma(part.sum, part.high, part.difference), low)
    result = code.copysign(code.add(result, result), x)
    return code.select(small, x, result)


def cosh(code: Code, x: Value) -> Value:
    part = _parts(code, x)
    low = code.fma(part.sum, part.even, code.multiply(part.difference, part.low))
    result = code.add(code.fma(part.difference, part.high, part.sum), low)
    return code.add(result, result)


def tanh(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    scale, high, low = expm1_parts(code, at_most(code, code.add(size, size), 44.0))
    one, zero = code.constant(1.0), code.constant(0.0)
    above = exact_sum(
        code,
        code.fma(scale, high, code.subtract(scale, code.constant(0.5))),
        code.multiply(scale, low),
    )
    below = exact_sum(code, one, above.high)
    below = Pair(below.high, code.add(below.low, above.low))
    # above/below; where that is above ½, 1 − 1/below
    large = code.compare("gt", size, code.constant(0.55))
    above = Pair(
        code.select(large, code.constant(-1.0), above.high), code.select(large, zero, above.low)
    )
    result = code.add(code.add(*quotient(code, above, below)), code.select(large, one, zero))
    small = code.compare("lt", size, code.constant(2.0**-28))
    return code.select(small, x, code.copysign(result, x))


def _parts(code: Code, x: Value) -> Parts:
    size = at_most(code, code.absolute(x), 710.6)
    k = rounded(code, size, LOG2_E, 1021)
    high = code.fma(k.number, code.constant(-LN2_HIGH), size)
    lost = code.multiply(k.number, code.constant(-LN2_LOW))
    r = code.add(high, lost)
    square = code.multiply(r, r)
    even = code.multiply(polynomial(code, square, coefficients.COSH), square)
    cubic = code.multiply(polynomial(code, square, coefficients.SINH), square)
    up = power_of_two(code, k.integer)
    down = power_of_two(code, code.subtract(code.constant(2042, "i64"), k.integer))
    down = code.select(code.compare("lt", k.number, code.constant(100.0)), down, code.constant(0.0))
    return Parts(code.subtract(up, down), code.add(up, down), even, high, code.fma(cubic, r, lost))
