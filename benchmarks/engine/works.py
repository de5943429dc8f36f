"""What is computed: each function once, in the words of whatever library is handed in as ``m``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.graphs import INPUTS, Step, random_steps

Numbers = np.ndarray[Any, np.dtype[np.float64]]

BOTH = "both"
VALUE = "value"
"""What is measured: value and gradient, or the function alone."""


@dataclass(frozen=True)
class Case:
    """One work of a row: which, of what size, on how many threads."""

    row: str
    name: str
    size: int = 0
    threads: int = 1

    @property
    def title(self) -> str:
        """As tables write it."""
        words = [self.name]
        if self.row == "b":
            words.append(f"{self.threads} thread" + "s" * (self.threads > 1))
        if self.row in "bcd":
            words.append(f"n = {self.size:,}")
        return ", ".join(words)


# --- rows a and b: small formulas -----------------------------------------------------------------

SQRT_TWO_PI = math.sqrt(2 * math.pi)


def product(_: Any, x: Any, y: Any) -> Any:
    """A product of sums."""
    return (x + y) * (x + 1)


def gauss(m: Any, x: Any) -> Any:
    """A square under a bell."""
    return x**2 * m.exp(-(x**2))


def normal(m: Any, x: Any, mu: Any, sigma: Any) -> Any:
    """The density of a normal distribution."""
    return m.exp(-(((x - mu) / sigma) ** 2) / 2) / (sigma * SQRT_TWO_PI)


POINTS = ((0.5, -1.0, 1.0), (1.5, 0.5, -1.0), (-0.75, 2.0, 1.0), (-1.25, -0.5, -1.0))
"""Places (p, q) and labels ±1 of the four fixed points of the logistic loss."""


def logistic(m: Any, w0: Any, w1: Any, b: Any) -> Any:
    """The logistic loss over four fixed points."""
    losses = [m.log(1 + m.exp(-y * (w0 * p + w1 * q + b))) for p, q, y in POINTS]
    return losses[0] + losses[1] + losses[2] + losses[3]


def logistic_sum(m: Any, w0: Any, w1: Any, b: Any, p: Any, q: Any, y: Any) -> Any:
    """The logistic loss over arrays of points."""
    return m.sum(m.log(1 + m.exp(-y * (w0 * p + w1 * q + b))))


@dataclass(frozen=True)
class Formula:
    """A function of numbers: its arguments' names, and where row a takes its gradient."""

    of: Callable[..., Any]
    names: tuple[str, ...]
    at: tuple[float, ...]


FORMULAS = {
    "product of sums": Formula(product, ("x", "y"), (2.5, 1.25)),
    "gauss": Formula(gauss, ("x",), (0.75,)),
    "normal pdf": Formula(normal, ("x", "mu", "sigma"), (0.5, 0.2, 1.25)),
    "logistic loss": Formula(logistic, ("w0", "w1", "b"), (0.3, -0.7, 0.1)),
}


# --- rows c and f: arrays -------------------------------------------------------------------------


def rosenbrock(m: Any, x: Any) -> Any:
    """Rosenbrock's function of a vector (Computer Journal 3, 1960; extended)."""
    return m.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bent(m: Any, x: Any) -> Any:
    """Rosenbrock's function and a term that makes every second derivative other than zero."""
    return rosenbrock(m, x) + m.log1p(m.sum(x**2))


HESSIAN = "Hessian"
HVP = "Hessian times ones"


# --- what the functions are given -----------------------------------------------------------------


@lru_cache(maxsize=1)
def steps(case: Case) -> list[Step]:
    """The random graph of row d."""
    return random_steps(case.size)


@lru_cache(maxsize=1)
def arguments(case: Case) -> tuple[Any, ...]:
    """Floats in row a; else arrays, and for the logistic sum three floats in front."""
    random = np.random.default_rng(1)
    if case.row == "a":
        return FORMULAS[case.name].at
    if case.row == "b":
        n = case.size
        if case.name == "logistic loss":
            p, q = random.normal(size=(2, n))
            return (*FORMULAS[case.name].at, p, q, random.choice([-1.0, 1.0], n))
        arrays = [random.uniform(-2, 2, n) for _ in FORMULAS[case.name].names]
        if case.name == "normal pdf":
            arrays[2] = random.uniform(0.5, 2, n)
        return tuple(arrays)
    if case.row == "d":
        return (np.linspace(0.1, 0.9, INPUTS),)
    return (random.uniform(-1.2, 1.2, case.size),)
