"""Elementary functions: exponentials, logarithms, circular and hyperbolic functions.

Partial derivatives are written so that they keep their relative accuracy where the textbook form
cancels or overflows: ``(1 - x)(1 + x)`` for ``1 - x²``, ``1/cosh(x)`` squared for ``1 - tanh²``.
"""

from __future__ import annotations

import math
from typing import Any

from chainrule.graph.op import Accuracy, Convention, Form, Level, Symbol
from chainrule.ops.arithmetic import hypot, sqrt, square
from chainrule.ops.families import pointwise
from chainrule.ops.select import where
from chainrule.ops.term import Function

_VERTICAL = "the slope is vertical"

exp = pointwise(
    "exp",
    "e to the power x",
    kernel="numpy.exp",
    native=lambda code, x: code.call("exp", x),
    javascript="Math.exp",
    partials=[lambda out, x: out],
    exact="exp",
    latex=Form("e^{{{0}}}", Level.POWER, (Level.LIST,)),
    symbol=Symbol("exp", r"\exp"),
    accuracy=Accuracy(4, 4),
)

exp2 = pointwise(
    "exp2",
    "2 to the power x",
    kernel="numpy.exp2",
    native=lambda code, x: code.call("exp2", x),
    javascript="Math.pow(2, {0})",
    partials=[lambda out, x: math.log(2) * out],
    exact=lambda mp, x: mp.power(2, x),
    latex=Form("2^{{{0}}}", Level.POWER, (Level.LIST,)),
    accuracy=Accuracy(4, 6),
)

expm1 = pointwise(
    "expm1",
    "e to the power x, minus 1, accurate near 0",
    kernel="numpy.expm1",
    native=lambda code, x: code.call("expm1", x),
    javascript="Math.expm1",
    partials=[lambda out, x: exp(x)],
    exact="expm1",
    accuracy=Accuracy(4, 4),
)

log = pointwise(
    "log",
    "the natural logarithm of x; NaN for x < 0",
    kernel="numpy.log",
    native=lambda code, x: code.call("log", x),
    javascript="Math.log",
    partials=[lambda out, x: 1 / x],
    exact="log",
    latex=r"\ln",
    aliases=("ln",),
    conventions=[
        Convention((0.0,), -math.inf, (math.inf,), _VERTICAL),
        Convention((-0.0,), -math.inf, (-math.inf,), "IEEE: 1/−0 is −∞"),
    ],
    accuracy=Accuracy(4, 0.5),
)

log2 = pointwise(
    "log2",
    "the logarithm of x to base 2; NaN for x < 0",
    kernel="numpy.log2",
    native=lambda code, x: code.call("log2", x),
    javascript="Math.log2",
    partials=[lambda out, x: (1 / math.log(2)) / x],
    exact=lambda mp, x: mp.log(x, 2),
    latex=r"\log_{{2}}",
    conventions=[
        Convention((0.0,), -math.inf, (math.inf,), _VERTICAL),
        Convention((-0.0,), -math.inf, (-math.inf,), "IEEE: 1/−0 is −∞"),
    ],
    accuracy=Accuracy(4, 2),
)

log10 = pointwise(
    "log10",
    "the logarithm of x to base 10; NaN for x < 0",
    kernel="numpy.log10",
    native=lambda code, x: code.call("log10", x),
    javascript="Math.log10",
    partials=[lambda out, x: (1 / math.log(10)) / x],
    exact="log10",
    latex=r"\log_{{10}}",
    aliases=("lg",),
    conventions=[
        Convention((0.0,), -math.inf, (math.inf,), _VERTICAL),
        Convention((-0.0,), -math.inf, (-math.inf,), "IEEE: 1/−0 is −∞"),
    ],
    accuracy=Accuracy(4, 2),
)

log1p = pointwise(
    "log1p",
    "the natural logarithm of 1 + x, accurate near 0; NaN for x < −1",
    kernel="numpy.log1p",
    native=lambda code, x: code.call("log1p", x),
    javascript="Math.log1p",
    partials=[lambda out, x: 1 / (1 + x)],
    exact="log1p",
    conventions=[Convention((-1.0,), -math.inf, (math.inf,), _VERTICAL)],
    accuracy=Accuracy(4, 2),
)


def _times_power(factor: Any, x: Any, y: Any) -> Any:
    """``factor * x^y``, where 0 times infinity or NaN is 0.

    Where 0 is multiplied by a finite power nothing is held back: there the product changes with
    the factor.
    """
    power = general_power(x, y)
    return where((factor == 0) & ~(abs(power) < math.inf), 0.0, factor * power)


general_power: Function = pointwise(
    "general_power",
    "x to the power y",
    operands=("x", "y"),
    kernel="chainrule.ops.kernels.power",
    native=lambda code, x, y: code.call("pow", x, y),
    javascript="power",
    partials=[
        lambda out, x, y: _times_power(y, x, y - 1),
        lambda out, x, y: where((x >= 0) & (out == 0) | (x == 0) & (y == 0), 0.0, out * log(x)),
    ],
    exact=lambda mp, x, y: mp.power(x, y),
    text=Form("{0}^{1}", Level.POWER, (Level.ATOM, Level.POWER)),
    latex=Form("{0}^{{{1}}}", Level.POWER, (Level.ATOM, Level.LIST)),
    conventions=[
        Convention((0.0, 0.0), 1.0, (0.0, 0.0), "0⁰ is 1, flat in both directions"),
        Convention((0.0, 2.0), 0.0, (0.0, 0.0), "the limit from x > 0"),
        Convention((0.0, -1.0), math.inf, (-math.inf, -math.inf), "a pole"),
        Convention((-2.0, 3.0), -8.0, (12.0, math.nan), "real for a whole y, but not around it"),
        Convention((math.nan, 0.0), 1.0, (0.0, None), "x⁰ is constant (IEEE 754)"),
        Convention((math.nan, -0.0), 1.0, (0.0, None), "x⁰ is constant (IEEE 754)"),
        Convention((1.0, math.nan), 1.0, (None, 0.0), "1 to any power is 1 (IEEE 754)"),
    ],
    domain=((0.5, 2.0), (-2.0, 2.0)),
    # The exponent minus 1 is rounded, and |log x| < 745 magnifies that.
    accuracy=Accuracy(4, 800),
)

# --- circular functions -------------------------------------------------------------------------

sin = pointwise(
    "sin",
    "the sine of x radians",
    kernel="numpy.sin",
    native=lambda code, x: code.call("sin", x),
    javascript="Math.sin",
    partials=[lambda out, x: cos(x)],
    exact="sin",
    latex=r"\sin",
    accuracy=Accuracy(4, 4),
)

cos: Function = pointwise(
    "cos",
    "the cosine of x radians",
    kernel="numpy.cos",
    native=lambda code, x: code.call("cos", x),
    javascript="Math.cos",
    partials=[lambda out, x: -sin(x)],
    exact="cos",
    latex=r"\cos",
    accuracy=Accuracy(4, 4),
)

tan = pointwise(
    "tan",
    "the tangent of x radians",
    kernel="numpy.tan",
    native=lambda code, x: code.call("tan", x),
    javascript="Math.tan",
    partials=[lambda out, x: 1 + square(out)],
    exact="tan",
    latex=r"\tan",
    accuracy=Accuracy(4, 10),
)

asin = pointwise(
    "asin",
    "the angle from −π/2 to π/2 with sine x; NaN outside [−1, 1]",
    kernel="numpy.arcsin",
    native=lambda code, x: code.call("asin", x),
    javascript="Math.asin",
    partials=[lambda out, x: 1 / sqrt((1 - x) * (1 + x))],
    exact="asin",
    latex=r"\arcsin",
    aliases=("arcsin",),
    conventions=[
        Convention((1.0,), math.pi / 2, (math.inf,), _VERTICAL),
        Convention((-1.0,), -math.pi / 2, (math.inf,), _VERTICAL),
    ],
    accuracy=Accuracy(4, 3),
)

acos = pointwise(
    "acos",
    "the angle from 0 to π with cosine x; NaN outside [−1, 1]",
    kernel="numpy.arccos",
    native=lambda code, x: code.call("acos", x),
    javascript="Math.acos",
    partials=[lambda out, x: -1 / sqrt((1 - x) * (1 + x))],
    exact="acos",
    latex=r"\arccos",
    aliases=("arccos",),
    conventions=[
        Convention((1.0,), 0.0, (-math.inf,), _VERTICAL),
        Convention((-1.0,), math.pi, (-math.inf,), _VERTICAL),
    ],
    accuracy=Accuracy(4, 3),
)

atan = pointwise(
    "atan",
    "the angle from −π/2 to π/2 with tangent x",
    kernel="numpy.arctan",
    native=lambda code, x: code.call("atan", x),
    javascript="Math.atan",
    partials=[lambda out, x: square(1 / hypot(1.0, x))],
    exact="atan",
    latex=r"\arctan",
    aliases=("arctan",),
    accuracy=Accuracy(4, 6),
)

atan2 = pointwise(
    "atan2",
    "the angle of the point (x, y), from −π to π",
    operands=("y", "x"),
    kernel="numpy.arctan2",
    native=lambda code, y, x: code.call("atan2", y, x),
    javascript="Math.atan2",
    partials=[
        lambda out, y, x: x / hypot(x, y) / hypot(x, y),
        lambda out, y, x: -(y / hypot(x, y) / hypot(x, y)),
    ],
    exact="atan2",
    aliases=("arctan2",),
    conventions=[
        Convention((0.0, 0.0), 0.0, (math.nan, math.nan), "no direction, no derivative"),
        Convention((0.0, -1.0), math.pi, (-1.0, 0.0), "on the cut the angle of +0 is π"),
        Convention((-0.0, -1.0), -math.pi, (-1.0, 0.0), "on the cut the angle of −0 is −π"),
    ],
    accuracy=Accuracy(4, 6),
)

# --- hyperbolic functions -----------------------------------------------------------------------

sinh = pointwise(
    "sinh",
    "the hyperbolic sine of x",
    kernel="numpy.sinh",
    native=lambda code, x: code.call("sinh", x),
    javascript="Math.sinh",
    partials=[lambda out, x: cosh(x)],
    exact="sinh",
    latex=r"\sinh",
    accuracy=Accuracy(4, 4),
)

cosh: Function = pointwise(
    "cosh",
    "the hyperbolic cosine of x",
    kernel="numpy.cosh",
    native=lambda code, x: code.call("cosh", x),
    javascript="Math.cosh",
    partials=[lambda out, x: sinh(x)],
    exact="cosh",
    latex=r"\cosh",
    accuracy=Accuracy(4, 4),
)

tanh = pointwise(
    "tanh",
    "the hyperbolic tangent of x",
    kernel="numpy.tanh",
    native=lambda code, x: code.call("tanh", x),
    javascript="Math.tanh",
    partials=[lambda out, x: square(1 / cosh(x))],
    exact="tanh",
    latex=r"\tanh",
    accuracy=Accuracy(4, 12),
)

asinh = pointwise(
    "asinh",
    "the inverse of sinh",
    kernel="numpy.arcsinh",
    native=lambda code, x: code.call("asinh", x),
    javascript="Math.asinh",
    partials=[lambda out, x: 1 / hypot(1.0, x)],
    exact="asinh",
    aliases=("arcsinh", "arsinh"),
    accuracy=Accuracy(4, 4),
)

acosh = pointwise(
    "acosh",
    "the inverse of cosh for x ≥ 0; NaN for x < 1",
    kernel="numpy.arccosh",
    native=lambda code, x: code.call("acosh", x),
    javascript="Math.acosh",
    partials=[lambda out, x: 1 / (sqrt(x - 1) * sqrt(x + 1))],
    exact="acosh",
    aliases=("arccosh", "arcosh"),
    conventions=[Convention((1.0,), 0.0, (math.inf,), _VERTICAL)],
    domain=(1.5, 3.0),
    accuracy=Accuracy(4, 4),
)

atanh = pointwise(
    "atanh",
    "the inverse of tanh; NaN outside [−1, 1]",
    kernel="numpy.arctanh",
    native=lambda code, x: code.call("atanh", x),
    javascript="Math.atanh",
    partials=[lambda out, x: 1 / ((1 - x) * (1 + x))],
    exact="atanh",
    aliases=("arctanh", "artanh"),
    conventions=[
        Convention((1.0,), math.inf, (math.inf,), _VERTICAL),
        Convention((-1.0,), -math.inf, (math.inf,), _VERTICAL),
    ],
    accuracy=Accuracy(4, 3),
)
