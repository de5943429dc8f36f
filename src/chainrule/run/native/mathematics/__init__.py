"""Elementary functions as instructions, for one number or for the lanes of a vector.

Hand ``Module(FUNCTIONS)`` out, and `Code.call` finds them here. They use the operations of IEEE 754
and the fused multiply-add alone, so each width gives the same bits; where the processor has no
fused multiply-add, the C library's is called, which is slow and right. Infinities, NaN and the
signs of zeros are those of NumPy. The C library computes sin, cos and tan beyond 2²⁰.

The polynomials are in ``coefficients.py``; ``benchmarks/polynomials.py`` says what each is for and
finds it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainrule.run.native.lanes import Define
from chainrule.run.native.mathematics import (
    arcs,
    areas,
    circular,
    errors,
    exponentials,
    hyperbolic,
    logarithms,
    powers,
)
from chainrule.run.native.mathematics.base import Rule, function

_RULES: Final[Mapping[str, tuple[Rule, int, float]]] = {
    # operands, and the largest error seen, in units in the last place of float64
    "exp": (exponentials.exp, 1, 0.9),
    "exp2": (exponentials.exp2, 1, 0.9),
    "expm1": (exponentials.expm1, 1, 1.2),
    "log": (logarithms.log, 1, 1.0),
    "log2": (logarithms.log2, 1, 1.2),
    "log10": (logarithms.log10, 1, 1.0),
    "log1p": (logarithms.log1p, 1, 1.5),
    "sin": (circular.sin, 1, 0.8),
    "cos": (circular.cos, 1, 0.9),
    "tan": (circular.tan, 1, 1.0),
    "asin": (arcs.asin, 1, 1.2),
    "acos": (arcs.acos, 1, 1.1),
    "atan": (arcs.atan, 1, 0.8),
    "sinh": (hyperbolic.sinh, 1, 1.3),
    "cosh": (hyperbolic.cosh, 1, 1.2),
    "tanh": (hyperbolic.tanh, 1, 0.9),
    "asinh": (areas.asinh, 1, 1.2),
    "acosh": (areas.acosh, 1, 1.5),
    "atanh": (areas.atanh, 1, 1.0),
    "cbrt": (powers.cbrt, 1, 0.51),
    "hypot": (powers.hypot, 2, 1.0),
    "atan2": (arcs.atan2, 2, 0.8),
    "pow": (powers.pow, 2, 1.0),
    "erf": (errors.erf, 1, 1.3),
    "erfc": (errors.erfc, 1, 1.6),
}

FUNCTIONS: Final[Mapping[str, Define]] = {
    name: function(name, rule, operands) for name, (rule, operands, _) in _RULES.items()
}
"""What defines a function in a module, by the C library's name."""

OPERANDS: Final[Mapping[str, int]] = {name: operands for name, (_, operands, _) in _RULES.items()}
"""How many operands each function has."""

ULPS: Final[Mapping[str, float]] = {name: error for name, (_, _, error) in _RULES.items()}
"""The largest error of each function for float64, in units in the last place; the tests hold it.

For float32 the double result is rounded: `ULPS_FLOAT32` for all.
"""

ULPS_FLOAT32: Final = 0.501
