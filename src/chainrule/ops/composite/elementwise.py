"""NumPy's and SciPy's functions that work element by element, as operations of the table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import OPS
from chainrule.ops.composite.table import COVERED, as_term, axes_of, covers, kind_of
from chainrule.ops.select import convert, logical_and, logical_not, logical_or, logical_xor, where
from chainrule.ops.term import Function, Term

_SAME: Final = (
    "add", "subtract", "multiply", "divide", "reciprocal", "square", "sqrt", "cbrt", "hypot",
    "sign", "floor", "ceil", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
    "tan", "sinh", "cosh", "tanh", "logaddexp", "minimum", "maximum", "less", "less_equal",
    "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor",
    "logical_not",
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
COVERED[np.where] = where
COVERED[np.real] = COVERED[np.positive] = COVERED[np.conjugate] = lambda x: x


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


@covers(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0) -> Any:
    """``x`` with a number in place of NaN, which then has no derivative."""
    return where(isnan(x), nan, x)


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
    return where(x1 < 0, 0.0, where(x1 > 0, 1.0, x2))


@covers(np.fmod)
def fmod(x1: Any, x2: Any) -> Any:
    """The remainder with the sign of ``x1``."""
    return x1 - x2 * trunc(x1 / x2)


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


@covers(np.floor_divide)
def floor_divide(x1: Any, x2: Any) -> Any:
    """The largest whole number that is not above x1/x2, as rounded; its derivative is 0."""
    quotient = Function(OPS["floor"])(Function(OPS["divide"])(x1, x2))
    whole = all(np.result_type(x).kind in "iub" for x in _dtypes(x1, x2))
    return convert(quotient, "int64") if whole else quotient


@covers(np.remainder)
def remainder(x1: Any, x2: Any) -> Any:
    """What is left of x1 after whole multiples of x2, with the sign of x2.

    At a multiple of x2 the derivative is that to the right.
    """
    return x1 - x2 * floor_divide(x1, x2)


@covers(np.divmod)
def divmod(x1: Any, x2: Any) -> Any:
    """Quotient and remainder."""
    return floor_divide(x1, x2), remainder(x1, x2)


def _dtypes(*values: Any) -> list[Any]:
    return [value.dtype if isinstance(value, Term) else np.asarray(value).dtype for value in values]


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
