"""chainrule; the only room that knows how its compiled functions are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
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
    given = arguments(case)
    both = what == BOTH
    match case.row:
        case "a":
            return _ready(_compiled(_formula(case), both), given)
        case "b":
            logistic = case.name == "logistic loss"
            graph = cr.trace(_logistic)(*given) if logistic else _formula(case)
            wrt = FORMULAS[case.name].names if logistic else None
            fast = _compiled(graph, both and (wrt or True), case.threads)
            return (
                _with_memory(fast, given) if way == "out" and not logistic else _ready(fast, given)
            )
        case "c" if way == "jit":
            function = partial(rosenbrock, np)
            return _ready(cr.jit(cr.value_and_grad(function) if both else function), given)
        case "c":
            return _ready(_compiled(cr.trace(partial(rosenbrock, np))(*given), both), given)
        case "d":
            inputs = cr.inputs([f"x{i}" for i in range(INPUTS)])
            graph = cr.graph(mean_of_last(steps(case), inputs, cr))
            return _graph_of_inputs(graph, both, given[0].tolist())
        case _:
            return _second(case.name, way, given[0])


def warm() -> None:
    """The compiler loaded."""
    fast = _compiled(cr.parse("x*y"), True)
    fast(1.0, 2.0)
    fast.wait()


def _formula(case: Case) -> cr.Graph:
    formula = FORMULAS[case.name]
    return cr.graph(formula.of(cr, *cr.inputs(" ".join(formula.names))))


def _logistic(w0: Any, w1: Any, b: Any, p: Any, q: Any, y: Any) -> Any:
    return logistic_sum(np, w0, w1, b, p, q, y)


def _compiled(graph: cr.Graph, gradient: bool | Sequence[str], threads: int = 1) -> Any:
    """It can be called at once: how long the optimised code takes is a column of its own."""
    return graph.compile(gradient=gradient, budget=0, threads=threads)


def _ready(fast: Any, given: tuple[Any, ...], read: Callable[[Any], Result] = plainly) -> Ready:
    return Ready(fast, given, read, wait=fast.wait)


def _with_memory(fast: Any, given: tuple[Any, ...]) -> Ready:
    """Results go into the same arrays every time."""
    out = _like(fast(*given))
    return _ready(_Into(fast, out), given)


class _Into:
    """A compiled graph with memory for its results."""

    def __init__(self, fast: Any, out: Any) -> None:
        self.wait = fast.wait
        self._run = partial(fast, out=out)

    def __call__(self, *given: Any) -> Any:
        return self._run(*given)


def _like(results: Any) -> Any:
    """New arrays in the structure of results."""
    if isinstance(results, tuple):
        return tuple([_like(result) for result in results])
    return np.empty_like(results)


def _graph_of_inputs(graph: cr.Graph, both: bool, given: list[float]) -> Ready:
    """Inputs that the output does not reach are no arguments of the graph."""
    reached = [int(name.removeprefix("x")) for name in graph.arguments]
    fast = _compiled(graph, both)
    if not both:
        return _ready(fast, tuple(given[i] for i in reached))

    def read(result: Any) -> Any:
        value, found = result
        derivatives = np.zeros(len(given))
        derivatives[reached] = found
        return plainly((value, derivatives))

    return _ready(fast, tuple(given[i] for i in reached), read)


def _second(name: str, way: str, x: Any) -> Ready:
    def function(x: Any) -> Any:
        return bent(np, x)

    ones = np.ones(len(x))
    given = (x,) if name == HESSIAN else (x, ones)
    wanted = cr.hessian(function) if name == HESSIAN else _times(function)
    if way == "jit":
        return _ready(cr.jit(wanted), given, only)
    return _ready(_compiled(cr.trace(wanted)(*given), False), given, only)


def _times(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, v: cr.hvp(function, (x,), (v,))
