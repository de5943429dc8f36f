"""SymPy: ``lambdify`` of the value and its symbolic derivatives, common parts named."""

from __future__ import annotations

from typing import Any

import sympy

from benchmarks.engine.contender import Ready, UnfitError, plainly
from benchmarks.engine.works import BOTH, FORMULAS, Case, arguments


def build(case: Case, way: str, what: str) -> Ready:
    """Python code: of ``math`` for numbers, of NumPy for arrays."""
    del way
    if case.row not in "ab" or (case.row == "b" and case.name == "logistic loss"):
        raise UnfitError("not asked")
    formula = FORMULAS[case.name]
    symbols = sympy.symbols(formula.names)
    value = formula.of(sympy, *symbols)
    modules = "math" if case.row == "a" else "numpy"
    if what != BOTH:
        return Ready(sympy.lambdify(symbols, value, modules, cse=True), arguments(case), plainly)
    wanted = [value, [sympy.diff(value, symbol) for symbol in symbols]]
    fast: Any = sympy.lambdify(symbols, wanted, modules, cse=True)
    return Ready(fast, arguments(case), plainly)


def warm() -> None:
    """Nothing to load."""
