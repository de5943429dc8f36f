"""Calls like one before: told at once, and run without a look at what they are made of.

Taking arguments apart and asking for the plan of their kind costs as much as twenty small
operations. For arguments of a kind that was met before, a function made for that kind checks them,
hands the arrays to the program, and puts its results together.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from chainrule.api.tracing import Arguments
from chainrule.api.tree import Structure
from chainrule.graph.node import Node
from chainrule.graph.types import FLOAT64, Type
from chainrule.run.owning import owned

Again = Callable[[tuple[Any, ...], Mapping[str, Any]], Any]
"""From (positional, keyword) arguments to the result of the call, or to ``OTHER``."""

OTHER: Final = object()
"""In place of the result of a call of another kind."""

_STEADY: Final = (int, str, bool, type(None))
"""Classes of leaves that are no arrays and are compared by value."""


class Watched(Protocol):
    """What tells whether a function is still what it was."""

    @property
    def holds(self) -> Callable[[Any], bool]:
        """Asked at every call."""


class Ready(NamedTuple):
    """What is run for one kind of arguments.

    Attributes:
        function: The function that it stands for.
        steady: Tells whether it still does.
        run: From the arguments that are arrays to the results that are.
        fresh: Whether these results belong to the caller alone.
        results: The leaves of the result: nodes where they are computed.
        structure: Of the result.
    """

    function: Any
    steady: Watched
    run: Callable[..., Sequence[Any]]
    fresh: bool
    results: Sequence[Any]
    structure: Structure


def again_of(arguments: Arguments, ready: Ready) -> Again | None:
    """A function that makes calls like this one; None where arguments take a closer look.

    >>> from chainrule.api.tracing import arguments_of
    >>> from chainrule.api.tree import LEAF
    >>> from chainrule.graph.node import input_node
    >>> x = input_node("x", FLOAT64)
    >>> always = types.SimpleNamespace(holds=lambda function: True)
    >>> ready = Ready(None, always, lambda x: [2 * x], True, [x], LEAF)
    >>> again = again_of(arguments_of(lambda x, n: x, (1.0, 3), {}), ready)
    >>> again((5.0, 3), {}), again((5.0, 4), {}) is OTHER
    (np.float64(10.0), True)
    """
    positional, keywords = arguments.structure.parts
    writer = _Writer(arguments)
    if not writer.take("args", positional):
        return None
    if not keywords.parts:
        writer.refuse("kwargs")
    elif not writer.take("kwargs", keywords):
        return None
    writer.run(ready)
    # Nothing of the user's goes into the source: keys, dtypes and values are looked up by number.
    exec(_code("\n".join(["def again(args, kwargs):", *writer.lines])), writer.scope)
    again: Again = writer.scope.pop("again")
    return again


@functools.lru_cache(maxsize=256)
def _code(source: str) -> types.CodeType:
    return compile(source, "<again>", "exec")


class _Writer:
    """The lines of a function that takes one kind of arguments apart."""

    def __init__(self, arguments: Arguments) -> None:
        self._leaves = iter(zip(arguments.values, arguments.types, strict=True))
        self.scope: dict[str, Any] = {
            "ndarray": np.ndarray,
            "float64": np.float64,
            "OTHER": OTHER,
        }
        self.lines: list[str] = []
        self._arrays: list[str] = []
        self._count = 0

    # --- arguments --------------------------------------------------------------------------------

    def refuse(self, test: str) -> None:
        """Leave calls of another kind alone."""
        self.lines.append(f" if {test}: return OTHER")

    def take(self, name: str, structure: Structure) -> bool:
        """Check what a variable holds; whether that can be told."""
        kind = structure.kind
        if kind is None:
            return self._leaf(name, *next(self._leaves))
        if kind is type(None):
            self.refuse(f"{name} is not None")
            return True
        if kind is not tuple and kind is not list and kind is not dict:
            return False
        parts = [self._named() for _ in structure.parts]
        self.refuse(f"{name}.__class__ is not {kind.__name__}")
        if kind is dict:
            self.refuse(f"list({name}) != {self._held(list(structure.keys))}")
            if any(key.__class__ is not str for key in structure.keys):
                return False  # numbers may be equal to keys of other classes
        else:
            self.refuse(f"len({name}) != {len(parts)}")
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
            self.refuse(f"{name}.__class__ is not {kind} or {name} != {held}")
        elif cls is float or cls is np.float64:
            assert type is FLOAT64
            self.lines.append(f" if {name}.__class__ is float: {name} = float64({name})")
            self.lines.append(f" elif {name}.__class__ is not float64: return OTHER")
            self._arrays.append(name)
        elif cls is np.ndarray:
            dtype, shape = self._held(type.dtype), self._held(type.shape)
            test = f"{name}.__class__ is not ndarray or {name}.dtype != {dtype}"
            self.refuse(f"{test} or {name}.shape != {shape}")
            self._arrays.append(name if type.shape else f"{name}[()]")
        else:
            return False
        return True

    # --- results ----------------------------------------------------------------------------------

    def run(self, ready: Ready) -> None:
        """Compute the results from the arguments that were taken."""
        self.refuse(f"not {self._held(ready.steady)}.holds({self._held(ready.function)})")
        computed = [isinstance(result, Node) for result in ready.results]
        names = [self._named() if own else "" for own in computed]
        made = f"{self._held(ready.run)}({', '.join(self._arrays)})"
        if not ready.fresh:
            made = f"{self._held(owned)}({made}, [{', '.join(self._arrays)}])"
        self.lines.append(f" [{', '.join(filter(None, names))}] = {made}")
        leaves = iter(
            [name or self._given(result) for name, result in zip(names, ready.results, strict=True)]
        )
        self.lines.append(f" return {self._built(ready.structure, leaves)}")

    def _given(self, result: Any) -> str:
        """A result that is the same at every call."""
        held = self._held(result)
        return f"{held}.copy()" if isinstance(result, np.ndarray) else held

    def _built(self, structure: Structure, leaves: Iterator[str]) -> str:
        """The expression that makes a structure of its leaves."""
        kind = structure.kind
        if kind is None:
            return next(leaves)
        if kind is type(None):
            return "None"
        if kind is tuple or kind is list:
            parts = "".join([f"{self._built(part, leaves)}, " for part in structure.parts])
            return f"({parts})" if kind is tuple else f"[{parts}]"
        if kind is dict:
            items = zip(structure.keys, structure.parts, strict=True)
            pairs = [f"{self._held(key)}: {self._built(part, leaves)}" for key, part in items]
            return f"{{{', '.join(pairs)}}}"
        own = "".join([f"{next(leaves)}, " for _ in range(structure.leaves)])
        return f"{self._held(structure.build)}(({own}))"

    # --- names ------------------------------------------------------------------------------------

    def _named(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _held(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name
