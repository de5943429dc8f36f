"""How accurate the operations are: every kernel and every partial derivative against mpmath.

Errors are in units in the last place (ulps): the distance between two neighbouring numbers of the
dtype at the exact result, down to the spacing of the subnormal numbers. `benchmarks.operations`
writes them on the page of operations; the tests in ``tests/ops`` hold the same measurements to the
bounds that the blocks of the operations declare.

What is claimed, and what is not:

- Where a result is undefined for real numbers it is NaN; nothing is claimed about the derivative.
- Where a result has overflowed, or has lost digits because it is subnormal, nothing is claimed
  about a derivative that is computed from the result.
- At singular points the conventions of the block decide.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.exact import Exact, Point, expected, grid, mp, params_of
from chainrule.check.rounding import convention_at
from chainrule.diff.rules import Partial, partials_of
from chainrule.graph import walk
from chainrule.graph.op import Op, Params
from chainrule.graph.types import Type
from chainrule.run.kernels import LinearMap, kernel, local_derivatives

# --- errors ---------------------------------------------------------------------------------------


def ulps(computed: float, exact: Exact, dtype: str, scale: float = 0.0) -> float:
    """The error of a computed number in units in the last place of the exact one.

    ``scale`` takes the place of an exact result that is smaller.

    Infinity counts as the power of two that follows the largest finite number, so that rounding
    across the border of overflow is an error of an ulp or less.
    """
    if exact is None:
        return 0.0
    if math.isnan(computed) or mp.isnan(exact):
        return 0.0 if math.isnan(computed) and mp.isnan(exact) else math.inf
    if computed == exact:
        return 0.0
    info = np.finfo(dtype)
    with mp.workdps(50):
        border = mp.ldexp(1, int(info.maxexp))
        bounded = [max(min(mp.mpf(number), border), -border) for number in (computed, exact)]
        size = max(abs(bounded[1]), mp.mpf(scale))
        if size < info.tiny:
            spacing = mp.mpf(float(info.smallest_subnormal))
        else:
            spacing = mp.ldexp(1, int(mp.mag(size)) - 1 - int(info.nmant))
            if size >= border:
                spacing = mp.ldexp(1, int(info.maxexp) - 1 - int(info.nmant))
        return float(abs(bounded[0] - bounded[1]) / spacing)


@dataclass(frozen=True)
class Measured:
    """One point of an operation: what came out and how far it is from the truth.

    Attributes:
        value: The computed value and its error in ulps.
        partials: The computed partial derivatives and their errors in ulps.
    """

    op: Op
    params: Params
    dtype: str
    point: Point
    value: tuple[float, float]
    partials: tuple[tuple[float, float], ...]


def evaluate(
    op: Op, params: Params, dtype: str, operands: Sequence[Any]
) -> tuple[Any, tuple[Any, ...]]:
    """Value and partial derivatives of an operation as the interpreter computes them."""
    type = Type.of(dtype)
    with np.errstate(all="ignore"):
        out = kernel(op, params)(*operands)
        partials = []
        for local in local_derivatives(op, (type,) * len(operands), type, params):
            assert not isinstance(local, LinearMap)  # only pointwise operations have an exact twin
            if local is None:
                partials.append(np.zeros_like(out))
                continue
            factor = local.factor(out, *operands)
            if local.guard is not None:
                factor = np.where(local.guard(out, *operands), factor, out.dtype.type(0))
            partials.append(np.broadcast_to(factor, np.shape(out)))
    return out, tuple(partials)


def _left(x: float) -> float:
    return 1.0 if x < 0 else 0.0


def _dip(x: float) -> float:
    return 0.1 if -2 < x < -0.5 else 0.0


def _softer(a: float, b: float) -> float:
    return math.log1p(math.exp(-abs(a - b))) if max(a, b) < 0 and math.isfinite(a - b) else 0.0


def _overflowing(x: float) -> float:
    """The largest numbers of both dtypes have no distance; their angle's slope, subnormal, is 0."""
    return 1e-290 if x > 8e307 else 1e-30 if 1e38 < x < 4e38 else 0.0


VALUE_SCALE: Final[dict[str, Callable[..., float]]] = {
    "lgamma": _left,
    "digamma": _left,
    "polygamma": lambda x, order: math.pi ** (order + 1) if x < 0 else 0.0,
    "logaddexp": _softer,
}
"""Near a zero of the function where no formula keeps relative accuracy, errors are measured in ulps
of this size instead: the size of the terms whose difference the result is."""

SLOPE_SCALE: Final[dict[str, Callable[..., float]]] = {
    "lgamma": _left,
    "gamma": lambda x: abs(float(mp.gamma(x))) if x < 0 and x != math.floor(x) else 0.0,
    "polygamma": lambda x, order: math.pi ** (order + 2) if x < 0 else 0.0,
    "atan2": lambda y, x: _overflowing(max(abs(y), abs(x))),
    "silu": _dip,
    "gelu": _dip,
    "gelu_tanh": _dip,
}
"""The same for derivatives."""


def _scale(table: dict[str, Callable[..., float]], op: Op, point: Point, params: Params) -> float:
    scale = table.get(op.name)
    return scale(*point, *params) if scale is not None and all(map(math.isfinite, point)) else 0.0


def _beyond(op: Op, point: Point, dtype: str) -> bool:
    """Where y x^(y − 1) is not to be had: the power overflows, or y − 1 has lost its last bit."""
    if op.name != "general_power" or not all(map(math.isfinite, point)) or point[1] == 0:
        return False
    x, y = point
    if x == 0:
        return abs(y) < 1e-3
    largest = math.log(float(np.finfo(dtype).max))
    return (y - 1) * math.log(abs(x)) > largest or (x < 0 and abs(y) >= 2**24)


def _uses_result(op: Op, params: Params, dtype: str) -> tuple[bool, ...]:
    """For each operand whether the partial derivative is computed from the result."""
    type = Type.of(dtype)
    rules = partials_of(op, (type,) * len(op.operands), type, params)
    return tuple(
        isinstance(partial, Partial) and rules.out in walk.depth_first([partial.factor])
        for partial in rules.partials
    )


def measure(
    op: Op, params: Params, dtype: str, evaluate: Callable[..., Any] = evaluate
) -> Iterator[Measured]:
    """Measure an operation on its grid, computed by the interpreter or as ``evaluate`` does it."""
    points = grid(op, dtype)
    columns = [np.array(column, dtype) for column in zip(*points, strict=True)]
    out, partials = evaluate(op, params, dtype, columns)
    info = np.finfo(dtype)
    assert op.accuracy is not None
    from_result = _uses_result(op, params, dtype)
    for row, point in enumerate(points):
        chosen = convention_at(op, point, params) is not None
        value, slopes = expected(op, point, params)
        result = float(out[row])
        errors = []
        steepness = _scale(SLOPE_SCALE, op, point, params)
        finite = all(map(math.isfinite, point))
        abnormal = math.isinf(result) or (value is not None and 0 < abs(value) < info.tiny)
        for at, (partial, slope) in enumerate(zip(partials, slopes, strict=True)):
            number = float(partial[row])
            beyond = at == 0 and _beyond(op, point, dtype)
            if not chosen and finite and (beyond or (abnormal and from_result[at])):
                slope = None
            errors.append((number, ulps(number, slope, dtype, steepness)))
        size = _scale(VALUE_SCALE, op, point, params)
        error = ulps(result, value, dtype, size)
        yield Measured(op, params, dtype, point, (result, error), tuple(errors))


@functools.cache
def measurements(op: Op, dtype: str) -> tuple[Measured, ...]:
    return tuple(itertools.chain.from_iterable(measure(op, p, dtype) for p in params_of(op)))


def worst(op: Op, dtype: str) -> tuple[float, float]:
    """The largest errors on the grid: of the value, and of the derivatives."""
    rows = measurements(op, dtype)
    slopes = (error for row in rows for _, error in row.partials)
    return max(row.value[1] for row in rows), max(slopes)
