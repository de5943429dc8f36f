"""What an operation should give: points to try, exact values and slopes there, in mpmath.

The slopes are closed forms written apart from the rules of the operations; the tests check them
against numeric differences in mpmath. At singular points the conventions of the block decide.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

import chainrule.ops  # noqa: F401 — fills OPS
from chainrule.check.exact import Context
from chainrule.check.rounding import convention_at
from chainrule.errors import GraphError
from chainrule.graph.op import OPS, Op, Params

mp: Final = Context(15)
Point = tuple[float, ...]
Exact = Any
"""An mpmath number (which may be NaN or infinite), or None: nothing is claimed there."""

DTYPES: Final = ("float64", "float32")

PARAMS: Final[dict[str, tuple[Params, ...]]] = {
    "power": tuple((e,) for e in (0, 1, 2, 3, 10, -1, -2, 0.5, -0.5, 1 / 3, 2.5)),
    "leaky_relu": ((0.01,), (0.3,), (0,)),
    "elu": ((1,), (0.3,)),
    "polygamma": tuple((order,) for order in range(5)),
}
"""Values of literal parameters to measure; operations without an entry have no parameters."""


def measured_ops() -> list[Op]:
    """The operations that have an exact definition to compare with."""
    return [op for op in OPS.values() if op.exact is not None]


def params_of(op: Op) -> tuple[Params, ...]:
    return PARAMS.get(op.name, ((),))


# --- the grid -------------------------------------------------------------------------------------

_ORDINARY: Final = (
    *(0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4616, 1.5, 1.7, 2.0, 2.3, 2.5, 3.0),
    *(4.2, 5.0, 5.9, 6.3, 7.5, 9.1, 12.7, 14.2, 20.0, 26.5, 30.0, 37.5, 38.4, 50.0, 87.3, 100.1),
    *(103.5, 120.0, 150.3, 170.5, 300.0, 500.0, 709.5, 744.0, 1000.0, 12345.678, 1e6 / 3, 1e10),
)
_SMALL: Final = (1e-3, 1e-5, 1e-8, 1e-12, 1e-20)
_NEIGHBOURS: Final = (
    1.0,
    1.5,
    2.0,
    3.0,
    math.pi / 2,
    math.pi,
    3 * math.pi / 2,
    2 * math.pi,
    11 * math.pi,
)
"""Points with their nearest neighbours: poles, zeros and borders of domains among them."""

_EXTRA: Final[dict[str, tuple[float, ...]]] = {
    "digamma": (1.4616321449683622, 1.4616321449683625),
    "gamma": (1.4616321449683622, 1.4616321449683625, 171.6, 171.7, -176.5, -183.5, 33.3, 34.9),
    "lgamma": (2.5e305, 1.4616321449683622),
    "erfinv": (0.99, 0.9999, 0.999999, -0.99999999),
    "exp2": (-1022.0, -1074.0, 1023.5, 127.9, -149.0),
    # Near the worst of several thousand random points.
    "erf": (26.6, 27.2, 9.3, 10.05, 25.161068903737046, -8.740584373474121),
    "erfc": (26.6, 27.2, 9.3, 10.05, 25.161068903737046, 23.4051984857268, 9.133056640625),
    "erfcx": (30.14190685389687, 26.855350494384766),
    "gelu": (-37.904794973040936, -13.979443550109863),
    "gelu_tanh": (-21.10522020357908, -20.808869538375685, -10.189546585083008),
    "silu": (-1.6691564631365017, -1.3826875686645508),
    "normal_log_cdf": (-1e5, -1.0000001, -0.99999, 38.0),
}
_FEW: Final = (0.0, 0.3, 1.0, 1.7, 3.0, 10.0, 33.3, 700.0, 1e-5, 1e10)
_EXTREMES: Final = {
    "float64": (1e300, 1e-300, 1e160, 1e-160),
    "float32": (1e30, 1e-30, 1e16, 1e-16),
}


def grid(op: Op, dtype: str) -> list[Point]:
    """The points at which an operation is measured."""
    if len(op.operands) == 1:
        return [(x,) for x in _line(op, dtype)]
    few = _rounded((*_FEW, *_EXTREMES[dtype], *_limits(dtype)[::2]), dtype)
    if len(op.operands) == 2:
        return list(itertools.product(few, repeat=2))
    return list(itertools.product(few[::4], repeat=len(op.operands)))


def _line(op: Op, dtype: str) -> list[float]:
    extremes = (*_EXTREMES[dtype], *_limits(dtype))
    close = [_step(x, dtype, direction) for x in _NEIGHBOURS for direction in (-1, 0, 1)]
    plain = _rounded((0.0, *_ORDINARY, *_SMALL, *close, *extremes), dtype)
    return [*plain, *_signless(_EXTRA.get(op.name, ()), dtype)]


def _step(x: float, dtype: str, direction: int) -> float:
    number = np.dtype(dtype).type(x)
    return float(
        np.nextafter(number, number.dtype.type(direction * math.inf)) if direction else number
    )


def _limits(dtype: str) -> tuple[float, ...]:
    info = np.finfo(dtype)
    tiny, least = float(info.tiny), float(info.smallest_subnormal)
    return (float(info.max), float(info.max) / 2, tiny, least, math.inf, 12345 * least)


def _signless(numbers: Sequence[float], dtype: str) -> list[float]:
    largest = float(np.finfo(dtype).max)
    return [float(np.dtype(dtype).type(x)) for x in numbers if abs(x) <= largest]


def _rounded(numbers: Sequence[float], dtype: str) -> list[float]:
    """The numbers in this dtype, each once, with both signs, and NaN."""
    sizes = dict.fromkeys(abs(float(np.dtype(dtype).type(x))) for x in numbers)
    return [*itertools.chain.from_iterable((x, -x) for x in sizes), math.nan]


# --- exact results --------------------------------------------------------------------------------


def _gelu_tanh_slope(mp: Any, x: Any) -> Any:
    # The factor is the double nearest to 0.044715, as in the block.
    cubic = mp.mpf(0.044715)
    u = mp.sqrt(8 / mp.pi) * (x + cubic * x**3)
    slope = mp.sqrt(8 / mp.pi) * (1 + 3 * cubic * x**2)
    return 1 / (1 + mp.exp(-u)) + x * slope / (4 * mp.cosh(u / 2) ** 2)


def _logistic(mp: Any, x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _normal(mp: Any, x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _cumulative(mp: Any, x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _base_slope(mp: Any, x: Any, y: Any) -> Any:
    return y * mp.power(x, y - 1) if y else mp.mpf(0)


def _share(mp: Any, a: Any, b: Any) -> Any:
    """The part of the derivative that a gets if the larger of a and b gets it."""
    return mp.mpf(1 if a > b else 0.5 if a == b else 0)


def _flat(mp: Any, *operands: Any) -> Any:
    return mp.mpf(0)


SLOPES: Final[dict[str, tuple[Callable[..., Any], ...]]] = {
    "add": (lambda mp, a, b: mp.mpf(1), lambda mp, a, b: mp.mpf(1)),
    "subtract": (lambda mp, a, b: mp.mpf(1), lambda mp, a, b: mp.mpf(-1)),
    "multiply": (lambda mp, a, b: b, lambda mp, a, b: a),
    "divide": (lambda mp, a, b: 1 / b, lambda mp, a, b: -a / b**2),
    "fmod": (
        lambda mp, x, y: mp.mpf(1),
        lambda mp, x, y: -mp.sign(x) * mp.sign(y) * mp.floor(abs(x / y)),
    ),
    "remainder": (lambda mp, x, y: mp.mpf(1), lambda mp, x, y: -mp.floor(x / y)),
    "floor_divide": (_flat, _flat),
    "negate": (lambda mp, x: mp.mpf(-1),),
    "reciprocal": (lambda mp, x: -1 / x**2,),
    "square": (lambda mp, x: 2 * x,),
    "power": (lambda mp, x, e: e * mp.power(x, mp.mpf(e) - 1) if e else mp.mpf(0),),
    "sqrt": (lambda mp, x: 1 / (2 * mp.sqrt(x)),),
    "cbrt": (lambda mp, x: 1 / (3 * mp.cbrt(x * x)),),
    "hypot": (lambda mp, x, y: x / mp.hypot(x, y), lambda mp, x, y: y / mp.hypot(x, y)),
    "abs": (lambda mp, x: x / abs(x),),
    "sign": (_flat,),
    "floor": (_flat,),
    "ceil": (_flat,),
    "round": (_flat,),
    "exp": (lambda mp, x: mp.exp(x),),
    "exp2": (lambda mp, x: mp.log(2) * mp.power(2, x),),
    "expm1": (lambda mp, x: mp.exp(x),),
    "log": (lambda mp, x: 1 / x,),
    "log2": (lambda mp, x: 1 / (x * mp.log(2)),),
    "log10": (lambda mp, x: 1 / (x * mp.log(10)),),
    "log1p": (lambda mp, x: 1 / (1 + x),),
    "general_power": (
        _base_slope,
        lambda mp, x, y: mp.power(x, y) * mp.log(x) if x or y < 0 else mp.mpf(0),
    ),
    "sin": (lambda mp, x: mp.cos(x),),
    "cos": (lambda mp, x: -mp.sin(x),),
    "tan": (lambda mp, x: mp.sec(x) ** 2,),
    "asin": (lambda mp, x: 1 / mp.sqrt(1 - x * x),),
    "acos": (lambda mp, x: -1 / mp.sqrt(1 - x * x),),
    "atan": (lambda mp, x: 1 / (1 + x * x),),
    "atan2": (lambda mp, y, x: x / (x * x + y * y), lambda mp, y, x: -y / (x * x + y * y)),
    "sinh": (lambda mp, x: mp.cosh(x),),
    "cosh": (lambda mp, x: mp.sinh(x),),
    "tanh": (lambda mp, x: mp.sech(x) ** 2,),
    "asinh": (lambda mp, x: 1 / mp.sqrt(1 + x * x),),
    "acosh": (lambda mp, x: 1 / mp.sqrt(x * x - 1),),
    "atanh": (lambda mp, x: 1 / (1 - x * x),),
    "erf": (lambda mp, x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),),
    "erfc": (lambda mp, x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x),),
    "erfcx": (lambda mp, x: 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / mp.sqrt(mp.pi),),
    "erfinv": (lambda mp, x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2),),
    "gamma": (lambda mp, x: mp.gamma(x) * mp.digamma(x),),
    "lgamma": (lambda mp, x: mp.digamma(x),),
    "digamma": (lambda mp, x: mp.polygamma(1, x),),
    "polygamma": (lambda mp, x, order: mp.polygamma(order + 1, x),),
    "normal_pdf": (lambda mp, x: -x * _normal(mp, x),),
    "normal_cdf": (_normal,),
    "normal_log_cdf": (lambda mp, x: _normal(mp, x) / _cumulative(mp, x),),
    "xlogy": (lambda mp, x, y: mp.log(y), lambda mp, x, y: x / y),
    "sigmoid": (lambda mp, x: mp.sech(x / 2) ** 2 / 4,),
    "softplus": (_logistic,),
    "log_sigmoid": (lambda mp, x: _logistic(mp, -x),),
    "logaddexp": (lambda mp, a, b: _logistic(mp, a - b), lambda mp, a, b: _logistic(mp, b - a)),
    "relu": (lambda mp, x: mp.mpf(x > 0),),
    "leaky_relu": (lambda mp, x, slope: mp.mpf(1 if x > 0 else slope),),
    "elu": (lambda mp, x, alpha: mp.mpf(1) if x > 0 else alpha * mp.exp(x),),
    "silu": (lambda mp, x: _logistic(mp, x) * (1 + x * _logistic(mp, -x)),),
    "gelu": (lambda mp, x: _cumulative(mp, x) + x * _normal(mp, x),),
    "gelu_tanh": (_gelu_tanh_slope,),
    "minimum": (lambda mp, a, b: _share(mp, b, a), _share),
    "maximum": (_share, lambda mp, a, b: _share(mp, b, a)),
    "clip": (
        lambda mp, x, low, high: mp.mpf(low <= x <= high),
        lambda mp, x, low, high: mp.mpf(x < low <= high),
        lambda mp, x, low, high: mp.mpf(max(x, low) > high),
    ),
}
"""The partial derivatives in closed form, written apart from the blocks of the operations; the
tests hold them to numerical differentiation of the exact definition."""

_PRECISIONS: Final = (40, 70, 400, 1500)


def settled(function: Callable[..., Any], operands: Sequence[Any], params: Params = ()) -> Exact:
    """The value of an mpmath function, at digits enough that more of them change nothing.

    NaN where the result is not a real number, None where mpmath finds no value at all (a pole).
    """
    previous = None
    for digits in _PRECISIONS:
        with mp.workdps(digits):
            try:
                value = mp.mpmathify(function(mp, *map(mp.mpf, operands), *params))
            except GraphError:  # a ValueError, but a mistake in the definition
                raise
            except (ZeroDivisionError, ValueError):
                return None
            if isinstance(value, mp.mpc):
                return mp.nan
            if not mp.isfinite(value) or value == previous != 0:
                return value
            if previous is not None and abs(value - previous) < abs(value) * mp.mpf(10) ** -30:
                return value
            if value == 0 and previous == 0 and digits >= 400:
                return value
        previous = value
    return previous


@functools.cache
def _exact_value(op: Op, point: Point, params: Params) -> Exact:
    assert op.exact is not None
    return settled(op.exact, point, params)


@functools.cache
def _exact_slope(op: Op, at: int, point: Point, params: Params) -> Exact:
    return settled(SLOPES[op.name][at], point, params)


def expected(op: Op, point: Point, params: Params) -> tuple[Exact, tuple[Exact, ...]]:
    """What the operation must give at a point: its value, and its partial derivatives."""
    convention = convention_at(op, point, params)
    value: Exact = None
    slopes: list[Exact] = [None] * len(point)
    if any(map(math.isnan, point)):
        value = mp.nan
    elif all(map(math.isfinite, point)):
        if not (op.name == "atan2" and point[0] == 0 and point[1] <= 0):  # a cut: ±0 differ
            value = _exact_value(op, point, params)
        if value is not None and not mp.isnan(value):
            slopes = [_exact_slope(op, at, point, params) for at in range(len(point))]
    if convention is not None:
        value = value if convention.value is None else mp.mpf(convention.value)
        slopes = [
            old if new is None else mp.mpf(new)
            for old, new in zip(slopes, convention.partials, strict=True)
        ]
    return value, tuple(slopes)
