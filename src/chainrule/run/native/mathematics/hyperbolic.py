"""sinh, cosh and tanh.

With x = k·ln 2 + r, eˣ and e⁻ˣ are 2ᵏ(cosh r + sinh r) and 2⁻ᵏ(cosh r − sinh r); cosh r and sinh r
are polynomials.
"""

from __future__ import annotations

from chainrule.run.native.lanes import Code, Value
from chainrule.run.native.mathematics import coefficients
from chainrule.run.native.mathematics.base import polynomial, power_of_two, rounded
from chainrule.run.native.mathematics.exponentials import (
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    expm1_parts,
)


def sinh(code: Code, x: Value) -> Value:
    small = code.compare("lt", code.absolute(x), code.constant(2.0**-28))
    less, more, even, odd = _parts(code, x)
    # less·cosh r + more·sinh r, where cosh r = 1 + even.
    result = code.add(less, code.fma(less, even, code.multiply(more, odd)))
    result = code.copysign(code.add(result, result), x)
    return code.select(small, x, result)


def cosh(code: Code, x: Value) -> Value:
    less, more, even, odd = _parts(code, x)
    result = code.add(more, code.fma(more, even, code.multiply(less, odd)))
    return code.add(result, result)


def tanh(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    small = code.compare("lt", size, code.constant(2.0**-28))
    most = code.constant(44.0)
    double = code.add(size, size)
    double = code.select(code.compare("gt", double, most), most, double)
    power, scale = expm1_parts(code, double)
    half = code.constant(0.5)
    above = code.fma(scale, power, code.subtract(scale, half))
    below = code.fma(scale, power, code.add(scale, half))
    return code.select(small, x, code.copysign(code.divide(above, below), x))


def _parts(code: Code, x: Value) -> tuple[Value, Value, Value, Value]:
    """2ᵏ⁻² − 2⁻ᵏ⁻², 2ᵏ⁻² + 2⁻ᵏ⁻², cosh r − 1 and sinh r, where |x| = k·ln 2 + r."""
    size = code.absolute(x)
    most = code.constant(712.0)
    size = code.select(code.compare("gt", size, most), most, size)
    k = rounded(code, size, LOG2_E)
    r = code.fma(k.number, code.constant(-LN2_HIGH), size)
    r = code.fma(k.number, code.constant(-LN2_LOW), r)
    square = code.multiply(r, r)
    even = code.multiply(polynomial(code, square, coefficients.COSH), square)
    odd = code.multiply(polynomial(code, square, coefficients.SINH), square)
    odd = code.fma(odd, r, r)
    two = code.constant(2, "i64")
    up = power_of_two(code, code.subtract(k.integer, two))
    down = power_of_two(code, code.subtract(code.constant(-2, "i64"), k.integer))
    down = code.select(
        code.compare("lt", k.number, code.constant(100.0)), down, code.constant(0.0)
    )
    return code.subtract(up, down), code.add(up, down), even, odd
