"""Arithmetic: sums, products, powers, roots, rounding."""

from __future__ import annotations

import math
from typing import Any

from chainrule.graph.op import Accuracy, Convention, Form, Kind, Level, Param, Params, Symbol
from chainrule.ops import native
from chainrule.ops.families import infix, piecewise_constant, pointwise
from chainrule.ops.literals import real
from chainrule.ops.select import where
from chainrule.ops.term import Function

_VERTICAL = "the slope is vertical"
_INFINITE_SIDE = "infinite whatever the other side (IEEE 754)"

add = pointwise(
    "add",
    "the sum of a and b",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    rule="sum rule",
    kernel="operator.add",
    native=lambda code, a, b: code.add(a, b),
    javascript="{0} + {1}",
    partials=[lambda out, a, b: 1, lambda out, a, b: 1],
    exact=lambda mp, a, b: a + b,
    text=infix("+", Level.SUM),
    latex=infix("+", Level.SUM),
    accuracy=Accuracy(0.5, 0),
)

subtract = pointwise(
    "subtract",
    "a minus b",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    rule="sum rule",
    kernel="operator.sub",
    native=lambda code, a, b: code.subtract(a, b),
    javascript="{0} - {1}",
    partials=[lambda out, a, b: 1, lambda out, a, b: -1],
    exact=lambda mp, a, b: a - b,
    text=infix("-", Level.SUM),
    latex=infix("-", Level.SUM),
    accuracy=Accuracy(0.5, 0),
)

multiply = pointwise(
    "multiply",
    "the product of a and b",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    rule="product rule",
    kernel="operator.mul",
    native=lambda code, a, b: code.multiply(a, b),
    javascript="{0} * {1}",
    partials=[lambda out, a, b: b, lambda out, a, b: a],
    exact=lambda mp, a, b: a * b,
    text=Form("{0}*{1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN)),
    latex=Form(r"{0} \cdot {1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN)),
    symbol=Symbol("×", r"\times"),
    accuracy=Accuracy(0.5, 0),
)

divide = pointwise(
    "divide",
    "a over b",
    operands=("a", "b"),
    rule="quotient rule",
    kernel="operator.truediv",
    native=lambda code, a, b: code.divide(a, b),
    javascript="{0} / {1}",
    # out / b keeps clear of b², which overflows long before the quotient does.
    partials=[lambda out, a, b: 1 / b, lambda out, a, b: -(out / b)],
    exact=lambda mp, a, b: a / b,
    text=Form("{0}/{1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN)),
    # As tight as a power, so that it takes brackets as the base of one.
    latex=Form(r"\frac{{{0}}}{{{1}}}", Level.POWER, (Level.LIST, Level.LIST)),
    symbol=Symbol("÷", r"\div"),
    conventions=[
        Convention((1.0, 0.0), math.inf, (math.inf, -math.inf), "IEEE division: a/0 is infinite"),
        Convention(
            (1.0, -0.0), -math.inf, (-math.inf, -math.inf), "IEEE division: a/0 is infinite"
        ),
        Convention((0.0, 0.0), math.nan, (math.inf, math.nan), "IEEE division: 0/0 is NaN"),
    ],
    accuracy=Accuracy(0.5, 2),
)

negate = pointwise(
    "negate",
    "minus x",
    kinds=Kind.NUMBER,
    rule="constant factor",
    kernel="operator.neg",
    native=lambda code, x: code.negate(x),
    javascript="-{0}",
    partials=[lambda out, x: -1],
    exact=lambda mp, x: -x,
    text=Form("-{0}", Level.SIGN, (Level.POWER,)),
    latex=Form("-{0}", Level.SIGN, (Level.POWER,)),
    accuracy=Accuracy(0, 0),
)

reciprocal = pointwise(
    "reciprocal",
    "one over x",
    rule="quotient rule",
    kernel="numpy.reciprocal",
    native=lambda code, x: code.divide(code.constant(1, x.kind), x),
    javascript="1 / {0}",
    partials=[lambda out, x: -square(out)],
    exact=lambda mp, x: 1 / x,
    latex=Form(r"\frac{{1}}{{{0}}}", Level.POWER, (Level.LIST,)),
    conventions=[
        Convention((0.0,), math.inf, (-math.inf,), "IEEE division"),
        Convention((-0.0,), -math.inf, (-math.inf,), "IEEE division"),
    ],
    accuracy=Accuracy(0.5, 3),
)

square: Function = pointwise(
    "square",
    "x times x",
    kinds=Kind.NUMBER,
    rule="power rule",
    kernel="numpy.square",
    native=lambda code, x: code.multiply(x, x),
    javascript="{0} * {0}",
    partials=[lambda out, x: 2 * x],
    exact=lambda mp, x: x * x,
    latex=Form("{0}^{{2}}", Level.POWER, (Level.ATOM,)),
    accuracy=Accuracy(0.5, 0),
)


def _power_partial(out: Any, x: Any, exponent: int | float) -> Any:
    if exponent == 0:
        return 0
    if exponent == 1:
        return 1
    return exponent * (x if exponent == 2 else x ** (exponent - 1))


def _whole_power(params: Params) -> Kind:
    """Integers stay integers under whole exponents; any other exponent needs floats."""
    exponent = params[0]
    return Kind.NUMBER if isinstance(exponent, int) and exponent >= 0 else Kind.FLOAT


power = pointwise(
    "power",
    "x to a literal exponent; a negative x is right for whole exponents and NaN for others",
    kinds=Kind.NUMBER,
    params=[Param("exponent", real)],
    meet=_whole_power,
    rule="power rule",
    kernel="chainrule.ops.kernels.power",
    native=native.power,
    javascript="power",
    partials=[_power_partial],
    exact=lambda mp, x, exponent: mp.power(x, exponent),
    text=Form("{0}^{exponent}", Level.POWER, (Level.ATOM,)),
    latex=Form("{0}^{{{exponent}}}", Level.POWER, (Level.ATOM,)),
    # For the conventions the exponent stands after x.
    conventions=[
        Convention((0.0, 0), 1.0, (0.0,), "0⁰ is 1, and x⁰ is constant"),
        Convention((math.nan, 0), 1.0, (0.0,), "x⁰ is constant (IEEE 754)"),
        Convention((0.0, 0.5), 0.0, (math.inf,), _VERTICAL),
        Convention((0.0, -1), math.inf, (-math.inf,), "a pole"),
        Convention((-0.0, -1), -math.inf, (-math.inf,), "a pole"),
    ],
    # The exponent minus 1 is rounded, and |log x| < 745 magnifies that.
    accuracy=Accuracy(4, 800),
)

sqrt = pointwise(
    "sqrt",
    "the square root of x; NaN for x < 0",
    rule="power rule",
    kernel="numpy.sqrt",
    native=lambda code, x: code.sqrt(x),
    javascript="Math.sqrt",
    partials=[lambda out, x: 0.5 / out],
    exact="sqrt",
    latex=Form(r"\sqrt{{{0}}}", Level.ATOM, (Level.LIST,)),
    conventions=[
        Convention((0.0,), 0.0, (math.inf,), _VERTICAL),
        Convention((-0.0,), -0.0, (-math.inf,), "IEEE: √−0 is −0, and 1/−0 is −∞"),
    ],
    accuracy=Accuracy(0.5, 2),
)

cbrt = pointwise(
    "cbrt",
    "the real cube root of x",
    rule="power rule",
    kernel="numpy.cbrt",
    native=lambda code, x: code.call("cbrt", x),
    javascript="Math.cbrt",
    partials=[lambda out, x: 1 / (3 * square(out))],
    exact=lambda mp, x: mp.sign(x) * mp.cbrt(mp.fabs(x)),
    latex=Form(r"\sqrt[3]{{{0}}}", Level.ATOM, (Level.LIST,)),
    conventions=[Convention((0.0,), 0.0, (math.inf,), _VERTICAL)],
    accuracy=Accuracy(4, 12),
)

hypot = pointwise(
    "hypot",
    "the length of the vector (x, y), without overflow",
    operands=("x", "y"),
    kernel="numpy.hypot",
    native=lambda code, x, y: code.call("hypot", x, y),
    javascript="Math.hypot",
    partials=[
        lambda out, x, y: where(out == 0, 0, x / out),
        lambda out, x, y: where(out == 0, 0, y / out),
    ],
    exact="hypot",
    latex=Form(r"\sqrt{{{0}^{{2}} + {1}^{{2}}}}", Level.ATOM, (Level.ATOM, Level.ATOM)),
    conventions=[
        Convention((0.0, 0.0), 0.0, (0.0, 0.0), "the subgradient of smallest length"),
        Convention((math.inf, 1.0), math.inf, (math.nan, 0.0), "∞/∞ has no value"),
        Convention((math.inf, math.nan), math.inf, (None, None), _INFINITE_SIDE),
        Convention((-math.inf, math.nan), math.inf, (None, None), _INFINITE_SIDE),
        Convention((math.nan, math.inf), math.inf, (None, None), _INFINITE_SIDE),
        Convention((math.nan, -math.inf), math.inf, (None, None), _INFINITE_SIDE),
    ],
    accuracy=Accuracy(2, 4),
)

abs = pointwise(
    "abs",
    "the absolute value of x",
    kinds=Kind.NUMBER,
    kernel="operator.abs",
    native=lambda code, x: code.absolute(x),
    javascript="Math.abs",
    partials=[lambda out, x: sign(x)],
    exact=lambda mp, x: mp.fabs(x),
    latex=Form(r"\left|{0}\right|", Level.ATOM, (Level.LIST,)),
    conventions=[Convention((0.0,), 0.0, (0.0,), "the middle of the slopes −1 and 1")],
    accuracy=Accuracy(0, 0),
)

sign: Function = pointwise(
    "sign",
    "−1, 0 or 1 with the sign of x",
    kinds=Kind.NUMBER,
    kernel="numpy.sign",
    native=native.sign,
    javascript="Math.sign({0}) + 0",
    partials=[piecewise_constant],
    exact="sign",
    aliases=("sgn",),
    conventions=[Convention((0.0,), 0.0, (0.0,), "the jump counts as flat")],
    accuracy=Accuracy(0, 0),
)

floor = pointwise(
    "floor",
    "the largest whole number not above x",
    kinds=Kind.NUMBER,
    kernel="chainrule.ops.kernels.floor",
    native=lambda code, x: code.floor(x) if x.is_float else x,
    javascript="Math.floor",
    partials=[piecewise_constant],
    exact="floor",
    latex=Form(r"\left\lfloor {0} \right\rfloor", Level.ATOM, (Level.LIST,)),
    conventions=[Convention((2.0,), 2.0, (0.0,), "the jump counts as flat")],
    accuracy=Accuracy(0, 0),
)

ceil = pointwise(
    "ceil",
    "the smallest whole number not below x",
    kinds=Kind.NUMBER,
    kernel="chainrule.ops.kernels.ceil",
    native=lambda code, x: code.ceil(x) if x.is_float else x,
    javascript="Math.ceil",
    partials=[piecewise_constant],
    exact="ceil",
    latex=Form(r"\left\lceil {0} \right\rceil", Level.ATOM, (Level.LIST,)),
    conventions=[Convention((2.0,), 2.0, (0.0,), "the jump counts as flat")],
    accuracy=Accuracy(0, 0),
)

round = pointwise(
    "round",
    "the nearest whole number",
    kinds=Kind.NUMBER,
    kernel="numpy.round",
    native=lambda code, x: code.round(x) if x.is_float else x,
    javascript="roundHalfToEven",
    partials=[piecewise_constant],
    exact="nint",
    conventions=[
        Convention((0.5,), 0.0, (0.0,), "halves go to the even neighbour (IEEE 754)"),
        Convention((1.5,), 2.0, (0.0,), "halves go to the even neighbour (IEEE 754)"),
    ],
    accuracy=Accuracy(0, 0),
)
