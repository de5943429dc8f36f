"""asinh, acosh and atanh: logarithms of 1 + a sum of two numbers."""

from __future__ import annotations

import math

from chainrule.run.native.emit.lanes import Code, Value
from chainrule.run.native.emit.mathematics.base import (
    Pair,
    any_sum,
    difference,
    exact_sum,
    quotient,
)
from chainrule.run.native.emit.mathematics.logarithms import (
    log_of_parts,
    parts_of_one_and,
    with_limits,
)

LARGE = 2.0**60
"""From here on x² + 1 and x² − 1 are x² for all that one can see."""


def asinh(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    one = code.constant(1.0)
    square = code.multiply(size, size)
    # x + √(x² + 1) = 1 + x + x²/(1 + √(x² + 1))
    more = code.divide(square, code.add(one, code.sqrt(code.add(square, one))))
    result = _log_of_one_and(code, exact_sum(code, size, more), size)
    small = code.compare("lt", size, code.constant(2.0**-28))
    return code.select(small, x, code.copysign(result, x))


def acosh(code: Code, x: Value) -> Value:
    one, zero = code.constant(1.0), code.constant(0.0)
    above = difference(code, x, one)
    # x² − 1 = t² + 2t with t = x − 1
    product = code.fma(above.high, above.high, code.add(above.high, above.high))
    root = code.sqrt(product)
    total = any_sum(code, root, above.high)
    total = Pair(total.high, code.add(total.low, above.low))
    result = _log_of_one_and(code, total, x)
    result = code.select(code.compare("eq", x, one), zero, result)
    return code.select(code.compare("lt", x, one), code.constant(math.nan), result)


def atanh(code: Code, x: Value) -> Value:
    size = code.absolute(x)
    one, zero = code.constant(1.0), code.constant(0.0)
    # (1 + x)/(1 − x) = 1 + 2x/(1 − x)
    ratio = quotient(code, Pair(code.add(size, size), zero), difference(code, one, size))
    result = code.multiply(_log_of_one_and(code, ratio, zero), code.constant(0.5))
    result = code.select(code.compare("eq", size, one), code.constant(math.inf), result)
    result = code.select(code.compare("gt", size, one), code.constant(math.nan), result)
    small = code.compare("lt", size, code.constant(2.0**-28))
    return code.select(small, x, code.copysign(result, x))


def _log_of_one_and(code: Code, a: Pair, x: Value) -> Value:
    """log(1 + a); log 2x where x is large."""
    large = code.compare("gt", x, code.constant(LARGE))
    high = code.select(large, x, a.high)
    k, part = parts_of_one_and(code, high)
    # What f loses when it is rounded, and what a has beyond its high part
    f, lost = any_sum(code, part.less, code.multiply(part.inverse, part.quarter))
    low = code.multiply(code.multiply(a.low, part.inverse), code.constant(0.25))
    low = code.select(large, code.constant(0.0), code.add(lost, low))
    k = code.select(large, code.add(k, code.constant(1.0)), k)
    return with_limits(code, code.add(high, code.constant(1.0)), log_of_parts(code, k, f, low))
