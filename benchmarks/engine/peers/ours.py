"""chainrule; the only room that knows how its compiled functions are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.engine.contender import Ready, only, plainly
from benchmarks.engine.reference import Result
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
            graph = cr.trace(_logistic)(*given)
            return _graph(graph, what, given, case.threads, FORMULAS[case.name].names)
        case "c":
            return _function(lambda x: rosenbrock(np, x), what, given)
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


def _logistic(w0: Any, w1: Any, b: Any, p: Any, q: Any, y: Any) -> Any:
    return logistic_sum(np, w0, w1, b, p, q, y)


def _graph(
    graph: cr.Graph,
    what: str,
    given: tuple[Any, ...],
    threads: int,
    wrt: Sequence[str] | None = None,
) -> Ready:
    fast = _compiled(graph.gradient(wrt) if what == BOTH else graph, threads)
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


def _function(function: Any, what: str, given: tuple[Any, ...]) -> Ready:
    return _jitted(cr.value_and_grad(function) if what == BOTH else function, given, plainly)


def _jitted(function: Any, given: tuple[Any, ...], read: Callable[[Any], Result]) -> Ready:
    fast = cr.jit(function)
    return Ready(fast, given, read, wait=lambda: _wait(fast))


def _second(name: str, x: Any) -> Ready:
    def function(x: Any) -> Any:
        return bent(np, x)

    if name == HESSIAN:
        return _jitted(cr.hessian(function), (x,), only)
    ones = np.ones(len(x))
    return _jitted(lambda x, v: cr.hvp(function, (x,), (v,)), (x, ones), only)


# --- what changes with the engine -----------------------------------------------------------------


def _compiled(graph: cr.Graph, threads: int) -> Any:
    """It can be called at once: how long the optimised code takes is a column of its own."""
    compile = getattr(graph, "compile", None)
    return graph if compile is None else compile(budget=0, threads=threads)


def _wait(fast: Any) -> None:
    wait = getattr(fast, "wait", None)
    if wait is not None:
        wait()
