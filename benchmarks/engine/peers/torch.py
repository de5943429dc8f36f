"""PyTorch on the CPU: each call records its operations anew, or ``torch.compile`` of the same."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.engine.contender import Ready, UnfitError, only, plainly
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
from benchmarks.graphs import mean_of_last

torch.set_default_dtype(torch.float64)


def build(case: Case, way: str, what: str) -> Ready:
    """Nothing to build, unless compiled."""
    torch.set_num_threads(case.threads)
    given = arguments(case)
    function: Any
    match case.row:
        case "a":
            return _numbers(case, what, given)
        case "b" if case.name != "logistic loss":
            formula = FORMULAS[case.name]
            function, argnums = lambda *x: formula.of(torch, *x), tuple(range(len(given)))
        case "b":
            function, argnums = lambda *x: logistic_sum(torch, *x), (0, 1, 2)
        case "c":
            function, argnums = lambda x: rosenbrock(torch, x), (0,)
        case "d":
            made = steps(case)
            function, argnums = lambda x: mean_of_last(made, x.unbind(), torch), (0,)
        case _:
            return _second(case.name, torch.asarray(given[0]))
    tensors = tuple(torch.tensor(a) for a in given)
    if way == "compile":
        function = torch.compile(function)
    if what != BOTH:

        def alone(*x: Any) -> Any:
            with torch.no_grad():
                return function(*x)

        return Ready(alone, tensors, plainly)
    wanted = tuple(tensors[i].requires_grad_() for i in argnums)

    def both(*x: Any) -> Any:
        value = function(*x)
        return value.detach(), torch.autograd.grad(value.sum(), wanted)

    return Ready(both, tensors, plainly)


def warm() -> None:
    """The compiler is loaded by the first function compiled; nothing else is needed."""
    x = torch.tensor(1.0, requires_grad=True)
    torch.autograd.grad(x * x, x)


def _numbers(case: Case, what: str, given: tuple[Any, ...]) -> Ready:
    """From Python's floats to Python's floats."""
    formula = FORMULAS[case.name]

    def both(*numbers: float) -> Any:
        x = [torch.tensor(number, requires_grad=True) for number in numbers]
        value = formula.of(torch, *x)
        return value.item(), tuple(g.item() for g in torch.autograd.grad(value, x))

    def alone(*numbers: float) -> Any:
        return formula.of(torch, *map(torch.tensor, numbers)).item()

    return Ready(both if what == BOTH else alone, given, plainly)


def _second(name: str, x: Any) -> Ready:
    def function(x: Any) -> Any:
        return bent(torch, x)

    if not hasattr(torch, "func"):
        raise UnfitError("needs torch.func")
    if name == HESSIAN:
        return Ready(torch.func.hessian(function), (x,), only)
    gradient = torch.func.grad(function)
    ones = torch.ones(len(x))
    return Ready(lambda x: torch.func.jvp(gradient, (x,), (ones,))[1], (x,), only)
