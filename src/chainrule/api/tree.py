"""Nested structures of arrays: taken apart into leaves, and put together again.

Tuples, lists, dicts, named tuples, dataclasses and None are structure; everything else is a leaf.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from chainrule.errors import GraphError, shown


class Structure(NamedTuple):
    """How a structure was made, without its leaves; equal structures are equal and hashable.

    Attributes:
        kind: The class of the container; None for a leaf.
        keys: The names of the parts: indices, keys of a dict, or names of fields.
        parts: The structures of the parts.
    """

    kind: type | None
    keys: tuple[Hashable, ...]
    parts: tuple[Structure, ...]

    @property
    def leaves(self) -> int:
        """The number of leaves."""
        return 1 if self.kind is None else sum(part.leaves for part in self.parts)

    def build(self, leaves: Sequence[Any]) -> Any:
        """The structure with these leaves."""
        return self.fill(iter(leaves))

    def fill(self, leaves: Iterator[Any]) -> Any:
        """The structure with as many of these leaves as it has."""
        kind = self.kind
        if kind is None:
            return next(leaves)
        values = [part.fill(leaves) for part in self.parts]
        if kind is _NONE:
            return None
        if kind is tuple or kind is list:
            return kind(values)
        named = dict(zip(self.keys, values, strict=True))
        if issubclass(kind, dict):
            return OrderedDict(named) if issubclass(kind, OrderedDict) else named
        if issubclass(kind, tuple):
            return kind(*values)
        return _rebuilt(kind, named)


_NONE = type(None)
LEAF = Structure(None, (), ())


class Leaf(NamedTuple):
    """A leaf with the keys that lead to it."""

    path: tuple[Hashable, ...]
    value: Any


def flatten(value: Any) -> tuple[list[Leaf], Structure]:
    """The leaves in order, and the structure without them.

    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": None})
    >>> [leaf.path for leaf in leaves]
    [('w', 0), ('w', 1)]
    >>> structure.build([3, 4])
    {'b': None, 'w': [3, 4]}
    """
    leaves: list[Leaf] = []
    return leaves, _flatten(value, (), leaves)


def leaves_of(value: Any) -> list[Any]:
    """The leaves alone."""
    return [leaf.value for leaf in flatten(value)[0]]


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The structure with a function applied to each leaf."""
    leaves, structure = flatten(value)
    return structure.build([function(leaf.value) for leaf in leaves])


def matching(value: Any, structure: Structure, what: str) -> list[Any]:
    """The leaves of a value that must have this structure.

    Raises:
        GraphError: E239 when it has another one.
    """
    leaves, found = flatten(value)
    if found != structure:
        problem = f"{what} must be structured like what it belongs to, got {shown(value)}"
        raise GraphError("E239", problem)
    return [leaf.value for leaf in leaves]


def _flatten(value: Any, path: tuple[Hashable, ...], leaves: list[Leaf]) -> Structure:
    kind = value.__class__
    if value is None:
        return Structure(_NONE, (), ())
    if kind is tuple or kind is list:
        keys: tuple[Hashable, ...] = tuple(range(len(value)))
        values = value
    elif isinstance(value, dict):
        keys = tuple(_ordered(value))
        values = [value[key] for key in keys]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        keys, values = tuple(value._fields), value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        keys = tuple(field.name for field in dataclasses.fields(value))
        values = [getattr(value, str(key)) for key in keys]
    else:
        leaves.append(Leaf(path, value))
        return LEAF
    parts = [_flatten(part, (*path, key), leaves) for key, part in zip(keys, values, strict=True)]
    return Structure(kind, keys, tuple(parts))


def _ordered(value: dict[Any, Any]) -> list[Any]:
    """Keys in order; strings sorted, so that equal dicts have equal structures."""
    keys = list(value)
    return sorted(keys) if all(isinstance(key, str) for key in keys) else keys


def _rebuilt(kind: type, fields: dict[Any, Any]) -> Any:
    """A dataclass with these fields; its own ``__init__`` does not run, as it may want numbers."""
    made = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(made, str(name), value)
    return made
