"""Choosing: comparisons, logic, where, minimum and maximum, changes of dtype, constants.

A partial derivative of the form ``where(c, p, 0)`` or ``where(c, 0, p)`` is a *guard*: where the
condition chooses the 0, the operand contributes exactly nothing, even if its own derivative is
infinite or NaN. So the branch that ``where`` does not take never spoils a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.op import Accuracy, Convention, Form, Kind, Level, Op, Param, Params, Symbol
from chainrule.graph.types import DTYPES, Type
from chainrule.ops import native
from chainrule.ops.families import comparison, infix, pointwise
from chainrule.ops.term import Function


def _relation(symbol: str) -> Form:
    return Form(f"{{0}} {symbol} {{1}}", Level.COMPARISON, (Level.SUM, Level.SUM))


def _compared(relation: str) -> Callable[..., Any]:
    """How a relation is told in machine code."""
    return lambda code, a, b: code.compare(relation, a, b)


less = comparison(
    "less",
    "whether a < b",
    kernel="operator.lt",
    native=_compared("lt"),
    javascript="{0} < {1}",
    text=_relation("<"),
    latex=_relation("<"),
)
less_equal = comparison(
    "less_equal",
    "whether a ≤ b",
    kernel="operator.le",
    native=_compared("le"),
    javascript="{0} <= {1}",
    text=_relation("<="),
    latex=_relation(r"\le"),
)
greater = comparison(
    "greater",
    "whether a > b",
    kernel="operator.gt",
    native=_compared("gt"),
    javascript="{0} > {1}",
    text=_relation(">"),
    latex=_relation(">"),
)
greater_equal = comparison(
    "greater_equal",
    "whether a ≥ b",
    kernel="operator.ge",
    native=_compared("ge"),
    javascript="{0} >= {1}",
    text=_relation(">="),
    latex=_relation(r"\ge"),
)
equal = comparison(
    "equal",
    "whether a = b; NaN equals nothing, −0 equals 0",
    kind=Kind.ANY,
    kernel="operator.eq",
    native=_compared("eq"),
    javascript="{0} === {1}",
    text=_relation("=="),
    # A bare = at the top of a statement would define something, so this binds as a list does.
    latex=_relation("=")._replace(level=Level.LIST),
)
not_equal = comparison(
    "not_equal",
    "whether a ≠ b",
    kind=Kind.ANY,
    kernel="operator.ne",
    native=_compared("ne"),
    javascript="{0} !== {1}",
    text=_relation("!="),
    latex=_relation(r"\ne"),
)

logical_and = comparison(
    "logical_and",
    "whether both a and b hold",
    kind=Kind.BOOL,
    kernel="operator.and_",
    native=lambda code, a, b: code.bit_and(a, b),
    javascript="{0} && {1}",
    text=infix("and", Level.AND),
    latex=infix(r"\land", Level.AND),
)
logical_or = comparison(
    "logical_or",
    "whether a or b or both hold",
    kind=Kind.BOOL,
    kernel="operator.or_",
    native=lambda code, a, b: code.bit_or(a, b),
    javascript="{0} || {1}",
    text=infix("or", Level.OR),
    latex=infix(r"\lor", Level.OR),
)
logical_xor = comparison(
    "logical_xor",
    "whether exactly one of a and b holds",
    kind=Kind.BOOL,
    kernel="operator.xor",
    native=lambda code, a, b: code.bit_xor(a, b),
    javascript="{0} !== {1}",
    text=infix("xor", Level.OR),
    latex=infix(r"\oplus", Level.OR),
)
logical_not = comparison(
    "logical_not",
    "whether a does not hold",
    operands=("a",),
    kind=Kind.BOOL,
    kernel="numpy.logical_not",
    native=lambda code, a: code.invert(a),
    javascript="!{0}",
    text=Form("not {0}", Level.NOT, (Level.NOT,)),
    latex=Form(r"\lnot {0}", Level.NOT, (Level.NOT,)),
)

where: Function = pointwise(
    "where",
    "a where the condition holds, else b; the branch not taken contributes nothing",
    operands=("condition", "a", "b"),
    kinds=(Kind.BOOL, Kind.ANY, Kind.ANY),
    rule="the branch taken",
    kernel="chainrule.ops.kernels.where",
    native=lambda code, condition, a, b: code.select(condition, a, b),
    javascript="{0} ? {1} : {2}",
    partials=[
        None,
        lambda out, condition, a, b: where(condition, 1.0, 0.0),
        lambda out, condition, a, b: where(condition, 0.0, 1.0),
    ],
    latex=Form(
        r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
        Level.ATOM,
        (Level.LIST, Level.LIST, Level.LIST),
    ),
    symbol=Symbol("if", r"\text{if}"),
    aliases=("if",),
)

_half_at_ties = "a tie: half to each operand, so that the derivatives add up to 1"

minimum = pointwise(
    "minimum",
    "the smaller of a and b; NaN if one is NaN",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    kernel="numpy.minimum",
    native=lambda code, a, b: code.minimum(a, b),
    javascript="Math.min",
    partials=[
        lambda out, a, b: where(a > b, 0.0, where(a == b, 0.5, 1.0)),
        lambda out, a, b: where(b > a, 0.0, where(a == b, 0.5, 1.0)),
    ],
    exact=lambda mp, a, b: min(a, b),
    latex=r"\min",
    aliases=("min",),
    conventions=[Convention((1.0, 1.0), 1.0, (0.5, 0.5), _half_at_ties)],
    domain=((0.25, 0.45), (0.55, 0.75)),
    accuracy=Accuracy(0, 0),
)

maximum = pointwise(
    "maximum",
    "the larger of a and b; NaN if one is NaN",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    kernel="numpy.maximum",
    native=lambda code, a, b: code.maximum(a, b),
    javascript="Math.max",
    partials=[
        lambda out, a, b: where(a < b, 0.0, where(a == b, 0.5, 1.0)),
        lambda out, a, b: where(b < a, 0.0, where(a == b, 0.5, 1.0)),
    ],
    exact=lambda mp, a, b: max(a, b),
    latex=r"\max",
    aliases=("max",),
    conventions=[Convention((1.0, 1.0), 1.0, (0.5, 0.5), _half_at_ties)],
    domain=((0.25, 0.45), (0.55, 0.75)),
    accuracy=Accuracy(0, 0),
)

_inside = "on the border x counts as inside, so the bounds get nothing"

clip = pointwise(
    "clip",
    "x brought between low and high; high wins if low > high",
    operands=("x", "low", "high"),
    kinds=Kind.NUMBER,
    kernel="chainrule.ops.kernels.clip",
    native=native.clip,
    javascript="Math.min(Math.max({0}, {1}), {2})",
    partials=[
        lambda out, x, low, high: where((x < low) | (x > high), 0.0, 1.0),
        lambda out, x, low, high: where((x < low) & (low <= high), 1.0, 0.0),
        lambda out, x, low, high: where((x > high) | (low > high) & (x < low), 1.0, 0.0),
    ],
    exact=lambda mp, x, low, high: min(max(x, low), high),
    conventions=[
        Convention((0.0, 0.0, 1.0), 0.0, (1.0, 0.0, 0.0), _inside),
        Convention((1.0, 0.0, 1.0), 1.0, (1.0, 0.0, 0.0), _inside),
    ],
    domain=((0.25, 0.75), (0.0, 0.2), (0.8, 1.0)),
    accuracy=Accuracy(0, 0),
)


# --- changes of dtype -----------------------------------------------------------------------------


def _dtype_name(value: Any) -> str:
    name = Type.of(value).dtype.name
    assert name in DTYPES
    return name


def _converted(op: Op, types: Sequence[Type], params: Params) -> Type:
    if len(types) != 1:
        raise GraphError("E211", f"convert takes {op.arity}, got {len(types)}")
    return types[0].with_dtype(params[0])


convert = pointwise(
    "convert",
    "x in another dtype; derivatives pass between floats, not through integers",
    kinds=Kind.ANY,
    params=[Param("dtype", _dtype_name)],
    infer=_converted,
    rule="no change",
    kernel="chainrule.ops.kernels.convert",
    native=lambda code, x, dtype: code.as_dtype(x, dtype),
    javascript=lambda dtype: "{0} !== 0" if dtype == "bool" else "{0}",
    partials=[lambda out, x, dtype: 1],
    latex=Form(r"\mathrm{{{dtype}}}\left({0}\right)", Level.ATOM, (Level.LIST,)),
)


# --- what derivatives do not follow ---------------------------------------------------------------

stop_gradient: Function = pointwise(
    "stop_gradient",
    "x itself; its derivative is 0, so that derivatives take it for a constant",
    kinds=Kind.ANY,
    kernel="chainrule.ops.kernels.unchanged",
    native=lambda code, x: x,
    javascript="{0}",
    partials=[lambda out, x: 0],
    rule="taken for a constant",
)
