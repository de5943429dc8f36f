"""JAX: ``jit`` of ``value_and_grad``, in double precision; a call ends when its result is there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engine.contender import Ready, only, plainly
from benchmarks.engine.works import (
    BOTH,
    FORMULAS,
    HESSIAN,
    Case,
    arguments,
    bent,
    logistic_sum,
    rosenbrock,
    steps,
)
from benchmarks.graphs import INPUTS, mean_of_last

jax.config.update("jax_enable_x64", True)


def build(case: Case, way: str, what: str) -> Ready:
    """Traced here; compiled in the first call."""
    del way
    given = arguments(case)
    if case.row == "a":
        formula = FORMULAS[case.name]
        return _ready(lambda *x: formula.of(jnp, *x), what, given, _all(given))
    given = tuple(jnp.asarray(a) if hasattr(a, "shape") else a for a in given)
    match case.row:
        case "b" if case.name != "logistic loss":
            formula = FORMULAS[case.name]
            each = _wanted(lambda *x: formula.of(jnp, *x), what, _all(given))
            return _jitted(jax.vmap(each), given, plainly)
        case "b":
            return _ready(lambda *a: logistic_sum(jnp, *a), what, given, (0, 1, 2))
        case "c":
            return _ready(lambda x: rosenbrock(jnp, x), what, given, 0)
        case "d":
            made = steps(case)
            return _ready(
                lambda x: mean_of_last(made, [x[i] for i in range(INPUTS)], jnp), what, given, 0
            )
        case _:
            return _second(case.name, given[0])


def warm() -> None:
    """The compiler loaded."""
    jax.block_until_ready(jax.jit(lambda x: x + 1)(1.0))


def _all(given: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(range(len(given)))


def _wanted(function: Any, what: str, argnums: Any) -> Any:
    return jax.value_and_grad(function, argnums) if what == BOTH else function


def _ready(function: Any, what: str, given: tuple[Any, ...], argnums: Any) -> Ready:
    return _jitted(_wanted(function, what, argnums), given, plainly)


def _jitted(function: Any, given: tuple[Any, ...], read: Any) -> Ready:
    fast = jax.jit(function)
    wait = jax.block_until_ready
    return Ready(lambda *x: wait(fast(*x)), given, read)


def _second(name: str, x: Any) -> Ready:
    def function(x: Any) -> Any:
        return bent(jnp, x)

    if name == HESSIAN:
        return _jitted(jax.hessian(function), (x,), only)

    def hvp(x: Any, v: Any) -> Any:
        return jax.jvp(jax.grad(function), (x,), (v,))[1]

    return _jitted(hvp, (x, jnp.ones(len(x))), only)
