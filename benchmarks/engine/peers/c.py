"""C written by hand, and by machine for the random graph, compiled by gcc: the floor."""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engine import c_text
from benchmarks.engine.contender import Ready, UnfitError, plainly
from benchmarks.engine.works import BOTH, FORMULAS, Case, arguments, steps

FLAGS = {
    "exact": ["-O3", "-march=native", "-fopenmp"],
    "fast": ["-O3", "-march=native", "-ffast-math", "-fopenmp"],
    "counted": ["-O3", "-march=x86-64-v3", "-fopenmp"],
}
"""``counted`` is for valgrind, which does not know every instruction of new processors."""


_NUMBERS = itertools.count()
"""No two libraries of a process have one name: the second would be the first."""


def build(case: Case, way: str, what: str) -> Ready:
    """``way``: a kind of flags, or ``call`` for a function that Python calls with floats."""
    if way == "call":
        return _extension(case, what)
    match case.row:
        case "a":
            source = c_text.number(case.name, what)
        case "b":
            source = c_text.points(case.name, what, case.threads)
        case "c":
            source = c_text.rosenbrock(what)
        case "d":
            source = c_text.graph(steps(case), what)
        case _:
            raise UnfitError("not asked")
    library = ctypes.CDLL(str(_compiled(source + c_text.LOOP, f"work_{what}", FLAGS[way])))
    inputs, outputs = _memory(case, what)
    library.loop.restype = ctypes.c_double
    pointers = [
        (ctypes.c_void_p * len(group))(*(array.ctypes.data for array in group))
        for group in (inputs, outputs)
    ]
    size = ctypes.c_long(case.size)

    def loop(count: int) -> float:
        seconds: float = library.loop(*pointers, size, ctypes.c_long(count))
        return seconds

    def read(_: Any, keep: Any = inputs) -> Any:
        del keep
        found = [array[0] if len(array) == 1 else array for array in outputs]
        return plainly((found[0], found[1:]))

    return Ready(lambda: library.evaluate(*pointers, size), (), read, loop)


def warm() -> None:
    """gcc must be there."""
    subprocess.run(["gcc", "--version"], check=True, capture_output=True)


def _memory(case: Case, what: str) -> tuple[list[Any], list[Any]]:
    """Arrays to read and to write; numbers are arrays of one."""
    given = arguments(case)
    inputs = [np.array(x, np.float64).reshape(-1) for x in given]
    differentiated = inputs[:3] if case.name == "logistic loss" else inputs
    points = case.row == "b" and case.name != "logistic loss"
    outputs = [np.zeros(case.size if points else 1)]
    if what == BOTH:
        outputs += [np.zeros(len(x)) for x in differentiated]
    return inputs, outputs


def _compiled(source: str, name: str, flags: list[str]) -> Path:
    """A shared library in the working directory, which is the worker's own."""
    path = Path(f"{name}_{next(_NUMBERS)}.c").absolute()
    path.write_text(source, encoding="utf-8")
    library = path.with_suffix(".so")
    command = ["gcc", *flags, "-shared", "-fPIC", "-o", str(library), str(path), "-lmvec", "-lm"]
    subprocess.run(command, check=True)
    return library


def _extension(case: Case, what: str) -> Ready:
    """Floats in, (float, (float, …)) out, through Python's fast calls."""
    include = sysconfig.get_path("include")
    if case.row != "a" or not (Path(include) / "Python.h").exists():
        raise UnfitError("needs Python.h")
    name = f"floats_{what}"
    source = c_text.extension(name, case.name, what)
    library = _compiled(source, name, [*FLAGS["exact"], f"-I{include}"])
    spec = importlib.util.spec_from_file_location(name, library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    evaluate: Callable[..., Any] = module.evaluate
    return Ready(evaluate, FORMULAS[case.name].at, plainly)
