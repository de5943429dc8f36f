"""Elementary functions as instructions, for one number or for the lanes of a vector.

Hand ``Module(FUNCTIONS)`` out, and `Code.call` finds them here. They use the operations of IEEE 754
and the fused multiply-add alone, so each width gives the same bits; where the processor has no
fused multiply-add, the C library's is called, which is slow and right. Infinities, NaN and the
signs of zeros are those of NumPy. The C library computes sin, cos and tan beyond 2²⁰, and fmod
where the quotient is beyond 2⁵³.

The polynomials are in ``coefficients.py``; ``benchmarks/polynomials.py`` says what each is for and
finds it anew.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from chainrule.run.native.emit.lanes import Code, Define, Value
from chainrule.run.native.emit.mathematics.base import Rule, function

_RULES: Final[Mapping[str, tuple[str, int, float]]] = {
    # the room, operands, and the largest error seen, in units in the last place of float64
    "exp": ("exponentials", 1, 0.9),
    "exp2": ("exponentials", 1, 0.9),
    "expm1": ("exponentials", 1, 1.2),
    "log": ("logarithms", 1, 1.0),
    "log2": ("logarithms", 1, 1.2),
    "log10": ("logarithms", 1, 1.0),
    "log1p": ("logarithms", 1, 1.5),
    "sin": ("circular", 1, 0.8),
    "cos": ("circular", 1, 0.9),
    "tan": ("circular", 1, 1.0),
    "asin": ("arcs", 1, 1.2),
    "acos": ("arcs", 1, 1.1),
    "atan": ("arcs", 1, 0.8),
    "sinh": ("hyperbolic", 1, 1.3),
    "cosh": ("hyperbolic", 1, 1.2),
    "tanh": ("hyperbolic", 1, 0.9),
    "asinh": ("areas", 1, 1.2),
    "acosh": ("areas", 1, 1.5),
    "atanh": ("areas", 1, 1.0),
    "cbrt": ("powers", 1, 0.51),
    "hypot": ("powers", 2, 1.0),
    "atan2": ("arcs", 2, 0.8),
    "pow": ("powers", 2, 1.0),
    "fmod": ("remainders", 2, 0.0),
    "erf": ("errors", 1, 1.3),
    "erfc": ("errors", 1, 1.6),
}


def _rule(room: str, name: str) -> Rule:
    """A rule whose room is loaded when it is first used: most graphs need few."""

    def rule(code: Code, *operands: Value) -> Value:
        found = importlib.import_module(f"{__name__}.{room}")
        result: Value = getattr(found, name)(code, *operands)
        return result

    return rule


FUNCTIONS: Final[Mapping[str, Define]] = {
    name: function(name, _rule(room, name), operands)
    for name, (room, operands, _) in _RULES.items()
}
"""What defines a function in a module, by the C library's name."""

OPERANDS: Final[Mapping[str, int]] = {name: operands for name, (_, operands, _) in _RULES.items()}
"""How many operands each function has."""

ULPS: Final[Mapping[str, float]] = {name: error for name, (_, _, error) in _RULES.items()}
"""The largest error of each function for float64, in units in the last place; the tests hold it.

For float32 the double result is rounded: `ULPS_FLOAT32` for all.
"""

ULPS_FLOAT32: Final = 0.501
