"""chainrule; the only room that knows how its compiled functions are made."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule as cr
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


def build(case: Case, way: str, what: str) -> Ready:
    """By the public functions, as a user would."""
    del way
    given = arguments(case)
    match case.row:
        case "a":
            return _graph(_formula(case), what, given, 1)
        case "b" if case.name != "logistic loss":
            return _graph(_formula(case), what, given, case.threads)
        case "b":
            return _function(lambda *a: logistic_sum(np, *a), what, given, (0, 1, 2), case.threads)
        case "c":
            return _function(lambda x: rosenbrock(np, x), what, given, 0, 1)
        case "d":
            inputs = cr.inputs([f"x{i}" for i in range(INPUTS)])
            graph = cr.graph(mean_of_last(steps(case), inputs, cr))
            return _graph_of_inputs(graph, what, given[0].tolist())
        case _:
            return _second(case.name, given[0])


def warm() -> None:
    """The compiler loaded."""
    fast = _compiled(cr.parse("x*y"), 1)
    fast(1.0, 2.0)
    _wait(fast)


def _formula(case: Case) -> cr.Graph:
    formula = FORMULAS[case.name]
    return cr.graph(formula.of(cr, *cr.inputs(" ".join(formula.names))))


def _graph(graph: cr.Graph, what: str, given: tuple[Any, ...], threads: int) -> Ready:
    fast = _compiled(graph.gradient() if what == BOTH else graph, threads)
    return Ready(fast, given, plainly, wait=lambda: _wait(fast))


def _graph_of_inputs(graph: cr.Graph, what: str, given: list[float]) -> Ready:
    """Inputs that the output does not reach are no arguments of the graph."""
    reached = [int(name.removeprefix("x")) for name in graph.arguments]
    fast = _compiled(graph.gradient() if what == BOTH else graph, 1)

    def read(result: Any) -> Any:
        value, found = result
        derivatives = np.zeros(len(given))
        derivatives[reached] = found
        return plainly((value, derivatives))

    return Ready(fast, tuple(given[i] for i in reached), read, wait=lambda: _wait(fast))


def _function(
    function: Any, what: str, given: tuple[Any, ...], argnums: Any, threads: int
) -> Ready:
    fast = _jit(cr.value_and_grad(function, argnums) if what == BOTH else function, threads)
    return Ready(fast, given, plainly, wait=lambda: _wait(fast))


def _second(name: str, x: Any) -> Ready:
    def function(x: Any) -> Any:
        return bent(np, x)

    if name == HESSIAN:
        fast = _jit(cr.hessian(function), 1)
        return Ready(fast, (x,), only, wait=lambda: _wait(fast))
    fast = _jit(lambda x, v: cr.hvp(function, (x,), (v,)), 1)
    return Ready(fast, (x, np.ones(len(x))), only, wait=lambda: _wait(fast))


# --- what changes with the engine -----------------------------------------------------------------


def _compiled(graph: cr.Graph, threads: int) -> Any:
    compile = getattr(graph, "compile", None)
    return graph if compile is None else compile(threads=threads)


def _jit(function: Any, threads: int) -> Any:
    del threads
    return cr.jit(function)


def _wait(fast: Any) -> None:
    wait = getattr(fast, "wait", None)
    if wait is not None:
        wait()
