"""CasADi: SX for numbers, MX for arrays; its own machine or C through gcc; calls or buffers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import casadi
import numpy as np

from benchmarks.engine.contender import Ready, UnfitError, only, plainly
from benchmarks.engine.works import (
    BOTH,
    FORMULAS,
    HESSIAN,
    Case,
    arguments,
    bent,
    rosenbrock,
    steps,
)
from benchmarks.graphs import INPUTS, mean_of_last

_FUNCTIONS = SimpleNamespace(
    exp=casadi.exp,
    log=casadi.log,
    sin=casadi.sin,
    tanh=casadi.tanh,
    log1p=casadi.log1p,
    sum=casadi.sum1,
)


def build(case: Case, way: str, what: str) -> Ready:
    """``way``: ``call`` and ``buffer`` run on its machine, ``gcc`` is buffers of compiled C."""
    given = arguments(case)
    kind = casadi.MX if way.endswith("mx") else casadi.SX
    match case.row:
        case "a":
            inputs = [kind.sym(name) for name in FORMULAS[case.name].names]
            value = FORMULAS[case.name].of(_FUNCTIONS, *inputs)
        case "c":
            inputs = [kind.sym("x", case.size)]
            value = rosenbrock(_FUNCTIONS, inputs[0])
        case "d":
            inputs = [kind.sym("x", INPUTS)]
            value = mean_of_last(steps(case), [inputs[0][i] for i in range(INPUTS)], _FUNCTIONS)
        case "f":
            return _second(case, way, kind)
        case _:
            raise UnfitError("not asked")
    results = [value]
    if what == BOTH:
        results += [casadi.gradient(value, x) for x in inputs]
    function = casadi.Function("work", inputs, results, _options(way))
    if way == "call":
        return Ready(function, given, lambda r: _floats(r if isinstance(r, (tuple, list)) else [r]))
    return _buffers(function, given, lambda found: plainly(_shaped(found)))


def warm() -> None:
    """Nothing to load."""


def _options(way: str) -> dict[str, Any]:
    if not way.startswith("gcc"):
        return {}
    flags = {"flags": ["-O3", "-march=native"], "compiler": "gcc"}
    return {"jit": True, "compiler": "shell", "jit_options": flags}


def _floats(found: Any) -> Any:
    return plainly(_shaped([np.array(part, np.float64).ravel() for part in found]))


def _shaped(found: list[Any]) -> tuple[Any, Any]:
    """The value a number, and derivatives by numbers as numbers."""
    parts = [part[0] if len(part) == 1 else part for part in found]
    return parts[0], tuple(parts[1:])


def _buffers(function: Any, given: tuple[Any, ...], read: Any) -> Ready:
    """Memory that stays: the call reads and writes it in place."""
    buffer, trigger = function.buffer()
    inputs: list[Any] = [np.array(x, np.float64).reshape(-1) for x in given]
    outputs: list[Any] = [np.zeros(function.nnz_out(i)) for i in range(function.n_out())]
    for place, memory in enumerate(inputs):
        buffer.set_arg(place, memoryview(memory))
    for place, memory in enumerate(outputs):
        buffer.set_res(place, memoryview(memory))

    def result(_: Any, keep: Any = (buffer, inputs, function)) -> Any:
        del keep
        return read(outputs)

    return Ready(trigger, (), result)


def _second(case: Case, way: str, kind: Any) -> Ready:
    x = kind.sym("x", case.size)
    value = bent(_FUNCTIONS, x)
    given = arguments(case)
    if case.name == HESSIAN:
        wanted = casadi.densify(casadi.hessian(value, x)[0])
        function = casadi.Function("work", [x], [wanted], _options(way))
        return _buffers(function, given, lambda f: only(f[0].reshape(case.size, case.size)))
    v = kind.sym("v", case.size)
    wanted = casadi.densify(casadi.jtimes(casadi.gradient(value, x), x, v))
    function = casadi.Function("work", [x, v], [wanted], _options(way))
    return _buffers(function, (*given, np.ones(case.size)), lambda f: only(f[0]))
