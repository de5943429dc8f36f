"""Division with remainder, with the values of NumPy to the bit: fmod, remainder, floor_divide."""

from __future__ import annotations

import math
from typing import Any

from chainrule.graph.op import Accuracy, Convention, Kind
from chainrule.ops.arithmetic import round
from chainrule.ops.families import piecewise_constant, pointwise
from chainrule.ops.term import Function

# --- machine code ---------------------------------------------------------------------------------


def _fmod(code: Any, x: Any, y: Any) -> Any:
    return code.call("fmod", x, y) if x.is_float else _truncated(code, x, y)[1]


def _remainder(code: Any, x: Any, y: Any) -> Any:
    """A zero has the sign of y."""
    rest = _fmod(code, x, y)
    if not x.is_float:
        return code.select(_crossed(code, rest, y), code.add(rest, y), rest)
    nothing = code.compare("eq", rest, code.constant(0, x.kind))
    rest = code.select(nothing, code.copysign(rest, y), rest)
    return code.select(_crossed(code, rest, y), code.add(rest, y), rest)


def _floor_divide(code: Any, x: Any, y: Any) -> Any:
    """What the remainder leaves of x over y, to the nearest whole number, as NumPy does it."""
    if not x.is_float:
        whole, rest = _truncated(code, x, y)
        less = code.add(whole, code.constant(-1, x.kind))
        return code.select(_crossed(code, rest, y), less, whole)
    zero, one = code.constant(0, x.kind), code.constant(1, x.kind)
    rest, ratio = _fmod(code, x, y), code.divide(x, y)
    near = code.divide(code.subtract(x, rest), y)
    near = code.select(_crossed(code, rest, y), code.subtract(near, one), near)
    below = code.floor(near)
    above = code.compare("gt", code.subtract(near, below), code.constant(0.5, x.kind))
    whole = code.select(above, code.add(below, one), below)
    whole = code.select(code.compare("eq", near, zero), code.copysign(zero, ratio), whole)
    return code.select(code.compare("eq", y, zero), ratio, whole)


def _crossed(code: Any, rest: Any, y: Any) -> Any:
    """Whether a remainder that is not 0 has the other sign than y."""
    zero = code.constant(0, y.kind)
    other = code.bit_xor(code.compare("lt", rest, zero), code.compare("lt", y, zero))
    return code.bit_and(other, code.compare("ne", rest, zero))


def _truncated(code: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient towards 0 and remainder of whole numbers; by 0 both are 0, as in NumPy.

    Processors stop at a division by 0, and at that of the smallest number by −1.
    """
    zero, one = code.constant(0, x.kind), code.constant(1, x.kind)
    none = code.compare("eq", y, zero)
    minus = code.compare("eq", y, code.constant(-1, x.kind))
    safe = code.select(code.bit_or(none, minus), one, y)
    whole = code.divide(x, safe)
    rest = code.subtract(x, code.multiply(whole, safe))
    return code.select(none, zero, code.select(minus, code.negate(x), whole)), rest


# --- the operations -------------------------------------------------------------------------------

_JUMP = "a multiple of y: the piece away from 0"
_LARGER = "a multiple of y: the piece where x/y is larger"
_FLAT = "the jump counts as flat"
_INFINITE_DIVISOR = "nothing is taken away"
_NO_REMAINDER = "no remainder by 0"

fmod = pointwise(
    "fmod",
    "what whole multiples of y leave of x, with the sign of x; exact",
    operands=("x", "y"),
    kinds=Kind.NUMBER,
    kernel="numpy.fmod",
    native=_fmod,
    javascript="{0} % {1}",
    # (out − x)/y is −trunc(x/y) but for the rounding, which the nearest whole number takes away.
    partials=[lambda out, x, y: 1, lambda out, x, y: round((out - x) / y)],
    exact=lambda mp, x, y: mp.sign(x) * mp.fmod(mp.fabs(x), mp.fabs(y)) if y else mp.nan,
    conventions=[
        Convention((6.0, 3.0), 0.0, (1.0, -2.0), _JUMP),
        Convention((-6.0, 3.0), -0.0, (1.0, 2.0), f"{_JUMP}; a zero has the sign of x"),
        Convention((1.0, math.inf), 1.0, (1.0, 0.0), _INFINITE_DIVISOR),
        Convention((1.0, 0.0), math.nan, (1.0, math.nan), _NO_REMAINDER),
        Convention((math.inf, 1.0), math.nan, (1.0, math.nan), "infinity has no remainder"),
    ],
    domain=((2.2, 2.6), (0.9, 1.0)),
    accuracy=Accuracy(0, 2),
)

remainder = pointwise(
    "remainder",
    "what floor(x/y) times y leaves of x, with the sign of y",
    operands=("x", "y"),
    kinds=Kind.NUMBER,
    kernel="numpy.remainder",
    native=_remainder,
    javascript="remainder",
    partials=[lambda out, x, y: 1, lambda out, x, y: -floor_divide(x, y)],
    exact=lambda mp, x, y: mp.fmod(x, y) if y else mp.nan,
    aliases=("mod",),
    conventions=[
        Convention((6.0, 3.0), 0.0, (1.0, -2.0), _LARGER),
        Convention((6.0, -3.0), -0.0, (1.0, 2.0), f"{_LARGER}; a zero has the sign of y"),
        Convention((1.0, math.inf), 1.0, (1.0, 0.0), _INFINITE_DIVISOR),
        Convention((-1.0, math.inf), math.inf, (1.0, 1.0), "−1 plus the divisor"),
        Convention((1.0, 0.0), math.nan, (1.0, -math.inf), _NO_REMAINDER),
        Convention((math.inf, 1.0), math.nan, (1.0, math.nan), "infinity has no remainder"),
    ],
    domain=((2.2, 2.6), (0.9, 1.0)),
    accuracy=Accuracy(0.5, 2),
)

floor_divide: Function = pointwise(
    "floor_divide",
    "the largest whole number not above x/y",
    operands=("x", "y"),
    kinds=Kind.NUMBER,
    kernel="numpy.floor_divide",
    native=_floor_divide,
    javascript="floorDivide",
    partials=[piecewise_constant, piecewise_constant],
    exact=lambda mp, x, y: mp.floor(x / y),
    conventions=[
        Convention((6.0, 3.0), 2.0, (0.0, 0.0), _FLAT),
        Convention((1.0, math.inf), 0.0, (0.0, 0.0), _INFINITE_DIVISOR),
        Convention((-1.0, math.inf), -1.0, (0.0, 0.0), "below 0, however little"),
        Convention((1.0, 0.0), math.inf, (0.0, 0.0), "IEEE division: x/0 is infinite"),
        Convention((1.0, -0.0), -math.inf, (0.0, 0.0), "IEEE division: x/0 is infinite"),
        Convention((0.0, 0.0), math.nan, (0.0, 0.0), "IEEE division: 0/0 is NaN"),
        Convention((math.inf, 1.0), math.nan, (0.0, 0.0), "as in NumPy: no whole number"),
    ],
    domain=((2.2, 2.6), (0.9, 1.0)),
    accuracy=Accuracy(2, 0),
)
