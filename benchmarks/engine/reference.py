"""What the right numbers are: mpmath, SciPy's Rosenbrock, and formulas derived with pencil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

from benchmarks.engine.works import (
    FORMULAS,
    HESSIAN,
    SQRT_TWO_PI,
    Case,
    Numbers,
    arguments,
    steps,
)
from benchmarks.graphs import FORMS, INPUTS, Step

PRECISE = 2_000
"""Graphs of more steps are computed in floating point, by the same sweep."""


@dataclass(frozen=True)
class Result:
    """A value and derivatives, one array for each argument; no value for second derivatives."""

    value: Numbers | None
    derivatives: tuple[Numbers, ...]

    def distance(self, other: Result) -> float:
        """The largest difference, in parts of the largest number of each array."""
        pairs = list(zip(self.derivatives, other.derivatives, strict=True))
        if self.value is not None and other.value is not None:
            pairs.append((self.value, other.value))
        worst = 0.0
        for mine, right in pairs:
            if np.shape(mine) != np.shape(right) or not np.all(np.isfinite(mine)):
                return float("inf")
            scale = float(np.max(np.abs(right))) or 1.0
            worst = max(worst, float(np.max(np.abs(mine - right))) / scale)
        return worst


def reference(case: Case) -> Result:
    """The right value and derivatives of a case."""
    given = arguments(case)
    match case.row:
        case "a":
            return _formula(case.name, given)
        case "b":
            return _closed(case.name, given)
        case "c":
            return _result(rosen(given[0]), rosen_der(given[0]))
        case "d":
            return _graph(steps(case), given[0])
        case _:
            return _second(case.name, given[0])


def _result(value: Any, *derivatives: Any) -> Result:
    numbers = tuple(np.asarray(found, np.float64) for found in derivatives)
    return Result(None if value is None else np.asarray(value, np.float64), numbers)


def _formula(name: str, at: tuple[float, ...]) -> Result:
    """mpmath's numerical derivatives, with 50 digits."""
    of = FORMULAS[name].of
    with mpmath.workdps(50):
        point = tuple(map(mpmath.mpf, at))
        orders = [tuple(int(i == j) for j in range(len(at))) for i in range(len(at))]
        found = [mpmath.diff(lambda *x: of(mpmath.mp, *x), point, order) for order in orders]
        return _result(float(of(mpmath.mp, *point)), *map(float, found))


# --- over many points -----------------------------------------------------------------------------


def _product(x: Numbers, y: Numbers) -> Result:
    return _result((x + y) * (x + 1), (x + 1) + (x + y), x + 1)


def _gauss(x: Numbers) -> Result:
    bell = np.exp(-(x**2))
    return _result(x**2 * bell, 2 * x * (1 - x**2) * bell)


def _normal(x: Numbers, mu: Numbers, sigma: Numbers) -> Result:
    z = (x - mu) / sigma
    value = np.exp(-(z**2) / 2) / (sigma * SQRT_TWO_PI)
    slope = z * value / sigma
    return _result(value, -slope, slope, (z**2 - 1) * value / sigma)


def _logistic(w0: float, w1: float, b: float, p: Numbers, q: Numbers, y: Numbers) -> Result:
    margins = y * (w0 * p + w1 * q + b)
    pull = -y / (1 + np.exp(margins))
    value = np.sum(np.logaddexp(0, -margins))
    return _result(value, np.sum(pull * p), np.sum(pull * q), np.sum(pull))


def _closed(name: str, given: tuple[Any, ...]) -> Result:
    match name:
        case "product of sums":
            return _product(*given)
        case "gauss":
            return _gauss(*given)
        case "normal pdf":
            return _normal(*given)
        case _:
            return _logistic(*given)


# --- the random graph -----------------------------------------------------------------------------


class _Functions:
    """The functions of the forms, in mpmath or in floats."""

    def __init__(self, library: Any) -> None:
        self.sin, self.cos, self.exp, self.tanh = (
            library.sin,
            library.cos,
            library.exp,
            library.tanh,
        )
        self.log1p = library.log1p


def _partials(m: Any, form: int, a: Any, b: Any) -> tuple[Any, Any]:
    """The derivatives of a form by its two operands."""
    match form:
        case 0:
            return 0.5, 0.5
        case 1:
            return 1, -0.5
        case 2:
            return 0.7 * b, 0.7 * a
        case 3:
            return 1 / (1 + b * b), -2 * a * b / (1 + b * b) ** 2
        case 4:
            return m.cos(a), 0
        case 5:
            return -2 * a * m.exp(-a * a), 0
        case 6:
            return 2 * a / (1 + a * a), 0
        case _:
            return 1 - m.tanh(a) ** 2, 0


def _graph(made: list[Step], at: Numbers) -> Result:
    """One sweep up and one down."""
    precise = len(made) <= PRECISE
    m = _Functions(mpmath.mp if precise else np)
    with mpmath.workdps(30):
        values: list[Any] = [mpmath.mpf(float(x)) if precise else float(x) for x in at]
        for form, a, b in made:
            values.append(FORMS[form](m, values[a], values[b]))
        adjoints: list[Any] = [0] * len(values)
        adjoints[-INPUTS:] = [1 / INPUTS] * INPUTS
        for place in range(len(made) - 1, -1, -1):
            form, a, b = made[place]
            adjoint = adjoints[INPUTS + place]
            if adjoint:
                by_a, by_b = _partials(m, form, values[a], values[b])
                adjoints[a] += adjoint * by_a
                adjoints[b] += adjoint * by_b
        value = sum(values[-INPUTS:]) / INPUTS
        return _result(float(value), [float(found) for found in adjoints[:INPUTS]])


# --- second derivatives ---------------------------------------------------------------------------


def _second(name: str, x: Numbers) -> Result:
    """Of log1p(x·x): 2/(1 + x·x) I − 4 x xᵀ/(1 + x·x)²."""
    bottom = 1 + x @ x
    ones = np.ones(len(x))
    if name == HESSIAN:
        bent = 2 / bottom * np.eye(len(x)) - 4 / bottom**2 * np.outer(x, x)
        return _result(None, rosen_hess(x) + bent)
    return _result(None, rosen_hess_prod(x, ones) + 2 / bottom - 4 / bottom**2 * x * x.sum())
