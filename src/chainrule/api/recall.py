"""Arguments like those of the last call, told at once: the same containers, dtypes and shapes.

Taking arguments apart and asking for the plan of their kind costs as much as twenty small
operations. Where a call is like the one before it, a function made for that kind checks it and
hands the arrays out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from chainrule.api.tracing import Arguments
from chainrule.api.tree import Structure
from chainrule.graph.types import FLOAT64, Type

Match = Callable[[tuple[Any, ...], Mapping[str, Any]], list[Any] | None]
"""From (positional, keyword) arguments to the leaves that are arrays, as a program takes them; None
for arguments of another kind."""

_STEADY: Final = (int, str, bool, type(None))
"""Classes of leaves that are no arrays and are compared by value."""


def match_of(arguments: Arguments) -> Match | None:
    """A function that tells arguments of this kind; None where that takes a closer look.

    >>> from chainrule.api.tracing import arguments_of
    >>> match = match_of(arguments_of(lambda p, n: p, ({"w": np.ones(2)}, 3), {}))
    >>> match(({"w": np.zeros(2)}, 3), {}), match(({"w": np.zeros(2)}, 4), {})
    ([array([0., 0.])], None)
    """
    positional, keywords = arguments.structure.parts
    if keywords.parts:
        return None
    writer = _Writer(arguments)
    if not writer.take("args", positional):
        return None
    lines = "\n".join([" if kwargs: return None", *writer.lines])
    # Nothing of the user's goes into the source: keys, dtypes and values are looked up by number.
    source = f"def match(args, kwargs):\n{lines}\n return [{', '.join(writer.arrays)}]"
    exec(compile(source, "<match>", "exec"), writer.scope)
    match: Match = writer.scope["match"]
    return match


class _Writer:
    """The lines of a function that takes one kind of arguments apart."""

    def __init__(self, arguments: Arguments) -> None:
        self._leaves = iter(zip(arguments.values, arguments.types, strict=True))
        self.scope: dict[str, Any] = {"ndarray": np.ndarray, "float64": np.float64}
        self.lines: list[str] = []
        self.arrays: list[str] = []
        self._count = 0

    def take(self, name: str, structure: Structure) -> bool:
        """Check what a variable holds; whether that can be told."""
        kind = structure.kind
        if kind is None:
            return self._leaf(name, *next(self._leaves))
        if kind is not tuple and kind is not list and kind is not dict:
            return False
        parts = [self._named() for _ in structure.parts]
        self.lines.append(f" if {name}.__class__ is not {kind.__name__}: return None")
        if kind is dict:
            keys = self._held(list(structure.keys))
            self.lines.append(f" if list({name}) != {keys}: return None")
            if any(key.__class__ is not str for key in structure.keys):
                return False  # numbers may be equal to keys of other classes
        else:
            self.lines.append(f" if len({name}) != {len(parts)}: return None")
        if parts:
            values = f"{name}.values()" if kind is dict else name
            self.lines.append(f" {', '.join(parts)}, = {values}")
        return all(self.take(*pair) for pair in zip(parts, structure.parts, strict=True))

    def _leaf(self, name: str, value: Any, type: Type | None) -> bool:
        cls = value.__class__
        if type is None:
            if cls not in _STEADY:
                return False
            held, kind = self._held(value), self._held(cls)
            test = f"{name}.__class__ is not {kind} or {name} != {held}"
        elif cls is float:
            assert type is FLOAT64
            test = f"{name}.__class__ is not float"
            self.arrays.append(f"float64({name})")
        elif cls is np.ndarray:
            dtype, shape = self._held(type.dtype), self._held(type.shape)
            test = f"{name}.__class__ is not ndarray or {name}.dtype != {dtype}"
            test = f"{test} or {name}.shape != {shape}"
            self.arrays.append(name if type.shape else f"{name}[()]")
        else:
            return False
        self.lines.append(f" if {test}: return None")
        return True

    def _named(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _held(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name
