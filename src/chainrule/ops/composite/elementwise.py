"""NumPy's and SciPy's functions that work element by element, as operations of the table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import OPS
from chainrule.ops.composite.shaping import zeros_like
from chainrule.ops.composite.table import (
    COVERED,
    as_term,
    axes_of,
    covers,
    in_dtype,
    kind_of,
    term,
    terms,
)
from chainrule.ops.select import convert, logical_and, logical_not, logical_or, logical_xor, where
from chainrule.ops.term import Function, Term

_SAME: Final = (
    "add", "subtract", "multiply", "divide", "reciprocal", "square", "sqrt", "cbrt", "hypot",
    "sign", "floor", "ceil", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
    "tan", "sinh", "cosh", "tanh", "logaddexp", "minimum", "maximum", "less", "less_equal",
    "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor",
    "logical_not", "fmod", "remainder", "floor_divide",
)  # fmt: skip
_RENAMED: Final = {
    "absolute": "abs", "fabs": "abs", "negative": "negate", "rint": "round", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh",
}  # fmt: skip
SPECIAL: Final[dict[str, Callable[..., Any]]] = {
    "expit": Function(OPS["sigmoid"]),
    "log_expit": Function(OPS["log_sigmoid"]),
    "erf": Function(OPS["erf"]),
    "erfc": Function(OPS["erfc"]),
    "erfcx": Function(OPS["erfcx"]),
    "erfinv": Function(OPS["erfinv"]),
    "gamma": Function(OPS["gamma"]),
    "gammaln": Function(OPS["lgamma"]),
    "psi": Function(OPS["digamma"]),
    "ndtr": Function(OPS["normal_cdf"]),
    "log_ndtr": Function(OPS["normal_log_cdf"]),
    "xlogy": Function(OPS["xlogy"]),
    "exp2": Function(OPS["exp2"]),
    "expm1": Function(OPS["expm1"]),
    "log1p": Function(OPS["log1p"]),
    "cbrt": Function(OPS["cbrt"]),
    "logit": lambda x: -Function(OPS["log"])(1 / x - 1),
    "xlog1py": lambda x, y: Function(OPS["xlogy"])(x, 1 + y),
    "entr": lambda x: where(x < 0, -math.inf, -Function(OPS["xlogy"])(x, x)),
    "exp10": lambda x: Function(OPS["exp"])(math.log(10) * x),
    "sindg": lambda x: Function(OPS["sin"])(x * (math.pi / 180)),
    "cosdg": lambda x: Function(OPS["cos"])(x * (math.pi / 180)),
}
"""Functions of scipy.special, by name: importing SciPy's module takes long, so it is not done."""


for _name in _SAME:
    COVERED[getattr(np, _name)] = Function(OPS[_name])
for _name, _op in _RENAMED.items():
    COVERED[getattr(np, _name)] = Function(OPS[_op])

COVERED[np.real] = COVERED[np.positive] = COVERED[np.conjugate] = lambda x: x


@covers(np.imag)
def imag(val: Any) -> Any:
    """The imaginary part, 0: arrays are real."""
    return zeros_like(val)


@covers(np.power, np.float_power)
def power(x1: Any, x2: Any) -> Any:
    """x1 to x2; a literal exponent is a parameter of the operation, as in ``x**2``."""
    return x1**x2 if isinstance(x1, Term) else as_term(x1, kind_of((x2,))) ** x2


@covers(np.around)
def round(a: Any, decimals: int = 0) -> Any:
    """``a`` rounded to so many decimals; its derivative is 0."""
    whole = Function(OPS["round"])
    return whole(a) if decimals == 0 else whole(a * 10.0**decimals) / 10.0**decimals


COVERED[np.round] = round


@covers(np.trunc, np.fix)
def trunc(x: Any) -> Any:
    """The whole number next to ``x`` on the side of 0; its derivative is 0."""
    return where(x < 0, Function(OPS["ceil"])(x), Function(OPS["floor"])(x))


@covers(np.isnan)
def isnan(x: Any) -> Any:
    """Whether ``x`` is NaN, which alone does not equal itself."""
    return x != x  # noqa: PLR0124


@covers(np.isinf)
def isinf(x: Any) -> Any:
    """Whether ``x`` is infinite."""
    return abs(x) == math.inf


@covers(np.isfinite)
def isfinite(x: Any) -> Any:
    """Whether ``x`` is neither infinite nor NaN."""
    return abs(x) < math.inf


@covers(np.isposinf)
def isposinf(x: Any) -> Any:
    """Whether ``x`` is +∞."""
    return x == math.inf


@covers(np.isneginf)
def isneginf(x: Any) -> Any:
    """Whether ``x`` is −∞."""
    return x == -math.inf


@covers(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Whether ``a`` differs from ``b`` by at most atol + rtol |b|; equal infinities are close."""
    a, b = terms([a, b])
    near = (abs(a - b) <= atol + rtol * abs(b)) & isfinite(b) | (a == b)
    return near | (isnan(a) & isnan(b)) if equal_nan else near


@covers(np.nan_to_num)
def nan_to_num(
    x: Any,
    copy: bool = True,
    nan: Any = 0.0,
    posinf: Any = None,
    neginf: Any = None,
) -> Any:
    """``x`` with numbers in place of NaN, ∞ and −∞, which then have no derivative.

    None stands for the largest and the smallest number of the dtype.
    """
    x = term(x)
    if x.dtype.kind != "f":
        return x
    bounds = np.finfo(x.dtype)
    high = float(bounds.max) if posinf is None else posinf
    low = float(bounds.min) if neginf is None else neginf
    return where(isnan(x), nan, where(isposinf(x), high, where(isneginf(x), low, x)))


@covers(np.signbit)
def signbit(x: Any) -> Any:
    """Whether ``x`` is negative, or −0; that of NaN is not told."""
    return (x < 0) | ((x == 0) & (1 / x < 0)) if _floats(x) else x < 0


@covers(np.copysign)
def copysign(x1: Any, x2: Any) -> Any:
    """The size of ``x1`` with the sign of ``x2``."""
    kind = kind_of((x1, x2))
    dtype = _meeting(x1, x2, 0.0)
    size = abs(in_dtype(as_term(x1, kind), dtype))
    return where(signbit(as_term(x2, kind)), -size, size)


@covers(np.ldexp)
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 · 2^x2 for a whole number x2."""
    x1, x2 = terms([x1, x2])
    if x2.dtype.kind != "i":
        raise GraphError("E202", f"ldexp needs a whole number as exponent, got {x2.dtype}")
    x1 = x1 if x1.dtype.kind == "f" else convert(x1, "float64")
    return x1 * Function(OPS["exp2"])(convert(x2, x1.dtype))


@covers(np.modf)
def modf(x: Any) -> Any:
    """The part behind the point and the whole part, both with the sign of ``x``."""
    whole = trunc(x * 1.0)
    return where(isinf(x), 0.0, x - whole), whole


@covers(np.fmax)
def fmax(x1: Any, x2: Any) -> Any:
    """The larger one; the other one where one is NaN."""
    return where(isnan(x1), x2, where(isnan(x2), x1, Function(OPS["maximum"])(x1, x2)))


@covers(np.fmin)
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller one; the other one where one is NaN."""
    return where(isnan(x1), x2, where(isnan(x2), x1, Function(OPS["minimum"])(x1, x2)))


@covers(np.heaviside)
def heaviside(x1: Any, x2: Any) -> Any:
    """0 below 0, 1 above, ``x2`` at 0."""
    x, middle = [in_dtype(value, _meeting(x1, x2, 0.0)) for value in terms([x1, x2])]
    return where(x < 0, 0.0, where(x > 0, 1.0, middle))


@covers(np.degrees, np.rad2deg)
def degrees(x: Any) -> Any:
    """Radians in degrees."""
    return x * (180 / math.pi)


@covers(np.radians, np.deg2rad)
def radians(x: Any) -> Any:
    """Degrees in radians."""
    return x * (math.pi / 180)


@covers(np.logaddexp2)
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log₂(2^x1 + 2^x2) without overflow."""
    return Function(OPS["logaddexp"])(x1 * math.log(2), x2 * math.log(2)) / math.log(2)


@covers(np.sinc)
def sinc(x: Any) -> Any:
    """sin(πx)/(πx), and 1 at 0, where the derivative is 0."""
    angle = math.pi * x
    safe = where(angle == 0, 1.0, angle)
    return where(angle == 0, 1.0, Function(OPS["sin"])(safe) / safe)


@covers(np.divmod)
def divmod(x1: Any, x2: Any) -> Any:
    """Quotient and remainder."""
    return Function(OPS["floor_divide"])(x1, x2), Function(OPS["remainder"])(x1, x2)


def _meeting(*values: Any) -> Any:
    """The dtype in which values meet; Python's own numbers give way."""
    return np.result_type(*[x if isinstance(x, (int, float)) else _dtype(x) for x in values])


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, Term) else np.asarray(x).dtype


def _floats(x: Any) -> bool:
    return bool(_dtype(x).kind == "f")


def _of_conditions(name: str, function: Function) -> Callable[..., Any]:
    def bitwise(*operands: Any) -> Any:
        if any(isinstance(x, Term) and x.dtype.kind != "b" for x in operands):
            raise GraphError("E202", f"{name} works on conditions only, not on bits of numbers")
        return function(*operands)

    return bitwise


COVERED[np.bitwise_and] = _of_conditions("bitwise_and", logical_and)
COVERED[np.bitwise_or] = _of_conditions("bitwise_or", logical_or)
COVERED[np.bitwise_xor] = _of_conditions("bitwise_xor", logical_xor)
COVERED[np.invert] = _of_conditions("invert", logical_not)


COVERED[np.shape] = lambda a: a.shape
COVERED[np.ndim] = lambda a: a.ndim
COVERED[np.size] = lambda a, axis=None: math.prod(a.shape[at] for at in axes_of(axis, a.ndim))
COVERED[np.iscomplexobj] = lambda x: False
COVERED[np.isrealobj] = lambda x: True
COVERED[np.result_type] = lambda *given: np.result_type(
    *[x.dtype if isinstance(x, Term) else x for x in given]
)
