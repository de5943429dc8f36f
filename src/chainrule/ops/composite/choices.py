"""One of several values for each element, by conditions or by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.ops import select as primitive
from chainrule.ops.composite.indexing import nonzero
from chainrule.ops.composite.table import as_term, covers, kind_of, term, truth
from chainrule.ops.term import Term


def _condition(value: Any) -> Any:
    """A condition; a number holds where it is not 0."""
    return truth(value) if isinstance(value, Term) else np.asarray(value).astype(bool)


_MISSING: Any = object()


@covers(np.where)
def where(condition: Any, x: Any = _MISSING, y: Any = _MISSING) -> Any:
    """``x`` where the condition holds, else y; the branch not taken contributes nothing."""
    if x is _MISSING and y is _MISSING:
        nonzero(condition)
    if x is _MISSING or y is _MISSING:
        raise GraphError("E211", "where takes a condition and two values")
    return primitive.where(_condition(condition), *[_plain(value) for value in (x, y)])


_WEAK = (bool, int, float)


def _plain(value: Any) -> Any:
    """A term or a number as it is; anything else as an array."""
    return value if isinstance(value, (Term, *_WEAK)) else np.asarray(value)


@covers(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """For each element the choice of the first condition that holds, or the default."""
    if len(condlist) != len(choicelist) or not condlist:
        counts = f"{len(condlist)} conditions and {len(choicelist)} choices"
        raise GraphError("E203", f"select needs a choice for each condition, got {counts}")
    choices = [_plain(choice) for choice in (*choicelist, default)]
    made = choices.pop()
    if not isinstance(made, Term):
        # A constant of the dtype in which all meet: numbers alone would meet too early.
        dtype = np.result_type(*[x if isinstance(x, _WEAK) else x.dtype for x in (*choices, made)])
        kind = kind_of((*condlist, *choices))
        made = as_term(np.asarray(made).astype(dtype), kind)
    for condition, choice in reversed([*zip(condlist, choices, strict=True)]):
        holds = condition if isinstance(condition, Term) else np.asarray(condition)
        made = primitive.where(holds, choice, made)
    return made


@covers(np.choose)
def choose(a: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """For each element of ``a`` the choice of this number.

    Args:
        a: Numbers of choices; symbolic ones outside count as the nearest, unless they wrap.
        choices: What they choose from; all broadcast together.
        mode: ``"raise"`` for known numbers outside, ``"wrap"`` or ``"clip"``.
    """
    count = len(choices)
    if mode not in ("raise", "wrap", "clip") or not count:
        raise GraphError("E212", "choose takes choices, and mode 'raise', 'wrap' or 'clip'")
    numbers: Any = a if isinstance(a, Term) else np.asarray(a)
    if numbers.dtype.kind not in "iu":
        raise GraphError("E202", f"choose needs whole numbers, got {numbers.dtype}")
    if not isinstance(numbers, Term) and mode == "raise" and ((a < 0) | (a >= count)).any():
        raise GraphError("E203", f"choose: a number outside of {count} choices")
    if mode == "wrap":
        numbers = numbers % count
    conditions = [numbers <= at for at in range(count - 1)]
    if count == 1:
        conditions, choices = [numbers <= 0], [choices[0], choices[0]]
    return select(conditions, choices[:-1], choices[-1])


@covers(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """For each element the function of the last condition that holds, or else a last one, or 0.

    Every function is called with all of ``x``; the branch not taken contributes nothing.
    """
    values = term(x)
    single = isinstance(condlist, (Term, bool, np.bool_)) or np.ndim(condlist[0]) < values.ndim
    conditions = [condlist] if single else list(condlist)
    functions = list(funclist)
    if len(functions) not in (len(conditions), len(conditions) + 1):
        counts = f"{len(conditions)} conditions and {len(functions)} functions"
        raise GraphError("E203", f"piecewise needs a function for each condition, got {counts}")

    def made(function: Any) -> Any:
        found = function(values, *args, **kw) if callable(function) else function
        return primitive.convert(as_term(found, values.__class__), values.dtype)

    found = made(functions[len(conditions)] if len(functions) > len(conditions) else 0)
    for condition, function in zip(conditions, functions, strict=False):
        found = primitive.where(_condition(condition), made(function), found)
    return found
