"""autograd: NumPy recorded anew in each call."""

from __future__ import annotations

import autograd
import autograd.numpy as anp

from benchmarks.engine.contender import Ready, UnfitError, plainly
from benchmarks.engine.works import (
    BOTH,
    FORMULAS,
    Case,
    arguments,
    logistic_sum,
    rosenbrock,
)


def build(case: Case, way: str, what: str) -> Ready:
    """Nothing to build."""
    del way
    given = arguments(case)
    argnums: object = tuple(range(len(given)))
    match case.row:
        case "a" | "b" if case.row == "a" or case.name != "logistic loss":
            formula = FORMULAS[case.name]

            def function(*x: object) -> object:
                return formula.of(anp, *x)
        case "b":
            argnums = (0, 1, 2)

            def function(*x: object) -> object:
                return logistic_sum(anp, *x)
        case "c":
            argnums = 0

            def function(*x: object) -> object:
                return rosenbrock(anp, *x)
        case _:
            raise UnfitError("not asked")
    if what != BOTH:
        return Ready(function, given, plainly)
    if case.row == "b" and case.name != "logistic loss":
        # One pull of ones for all points; the value is not recorded twice.
        from autograd.core import make_vjp  # noqa: PLC0415
        from autograd.extend import vspace  # noqa: PLC0415

        def points(*x: object) -> object:
            pull, value = make_vjp(lambda every: function(*every), x)
            return value, pull(vspace(value).ones())

        return Ready(points, given, plainly)
    return Ready(autograd.value_and_grad(function, argnums), given, plainly)


def warm() -> None:
    """Nothing to load."""
