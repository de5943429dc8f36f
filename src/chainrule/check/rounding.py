"""How large a rounding error is, and how large an operation says that its own may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from chainrule.check.exact import Context, Real
from chainrule.graph.op import Accuracy, Convention, Op, Params

SLACK: Final = 2.0
"""The accuracy that an operation declares is the worst of a grid; between its points the error may
be twice as large, and one more ulp is granted for platforms whose libraries round differently."""

_EXACT: Final = Accuracy(0.5, 0.0)
_UNDECLARED: Final = Accuracy(4.0, 64.0)


def unit(dtype: np.dtype[Any]) -> float:
    """The largest relative error of one rounding: half the distance from 1 to its neighbour."""
    return float(np.finfo(dtype).eps) / 2


def accuracy(op: Op) -> Accuracy:
    """What an operation declares; operations that only choose or convert are rounded correctly."""
    if op.accuracy is not None:
        return op.accuracy
    return _EXACT if op.exact is None else _UNDECLARED


def ulps(mp: Context, got: Any, exact: Real, dtype: np.dtype[Any], scale: Real = 0) -> float:
    """The error of a number in units in the last place of the exact one, or of a larger scale.

    The unit is the distance between neighbouring numbers of the dtype, down to that of the
    subnormal ones. Infinity counts as the power of two that follows the largest finite number.

    >>> mp = Context(50)
    >>> ulps(mp, np.float64(1) + 2.0**-52, mp.mpf(1), np.dtype("float64"))
    1.0
    """
    if math.isnan(got) or mp.isnan(exact):
        return 0.0 if math.isnan(got) and mp.isnan(exact) else math.inf
    info = np.finfo(dtype)
    border = mp.ldexp(1, int(info.maxexp))
    near, true = (max(min(x, border), -border) for x in (mp.mpf(float(got)), exact))
    if near == true:
        return 0.0
    size = max(abs(true), scale)
    exponent = min(int(mp.mag(size)), int(info.maxexp)) if size else int(info.minexp)
    exponent = max(exponent - 1, int(info.minexp)) - int(info.nmant)
    return float(abs(near - true) / mp.ldexp(1, exponent))


def relative(mp: Context, got: Any, exact: Real) -> float:
    """|got − exact| / |exact|; infinite where only one of them is 0 or finite."""
    if not (math.isfinite(got) and mp.isfinite(exact)):
        same = (math.isnan(got) and mp.isnan(exact)) or got == exact
        return 0.0 if same else math.inf
    error = abs(mp.mpf(float(got)) - exact)
    return float(error / abs(exact)) if exact else math.inf if error else 0.0


def subnormal(numbers: Sequence[Any]) -> bool:
    """Whether one of the numbers has lost digits because it is too small, or has overflowed."""
    return any(
        number.dtype.kind == "f"
        and (np.isinf(number) or 0 < abs(number) < np.finfo(number.dtype).tiny)
        for number in numbers
    )


def convention_at(op: Op, operands: Sequence[float], params: Params) -> Convention | None:
    """The convention of an operation at this point, told apart by the sign of zero."""
    point = (*operands, *params)
    defaults = tuple([param.default for param in op.params])
    for convention in op.conventions:
        at = (*convention.at, *defaults[len(convention.at) - len(operands) :])
        if len(at) == len(point) and all(map(_identical, at, point)):
            return convention
    return None


def _identical(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    same_sign = math.copysign(1, a) == math.copysign(1, b)
    return bool((a == b and same_sign) or (math.isnan(a) and math.isnan(b)))
