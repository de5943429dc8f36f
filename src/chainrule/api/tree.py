"""Nested structures of arrays: taken apart into leaves, and put together again.

Tuples, lists, dicts, named tuples, dataclasses and None are structure; everything else is a leaf.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np

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

    def paths(self) -> list[tuple[Hashable, ...]]:
        """For each leaf the keys that lead to it.

        >>> flatten({"w": [1.0, 2.0], "b": None})[1].paths()
        [('w', 0), ('w', 1)]
        """
        if self.kind is None:
            return [()]
        pairs = zip(self.keys, self.parts, strict=True)
        return [(key, *path) for key, part in pairs for path in part.paths()]

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
        if issubclass(kind, dict):
            return _rebuilt_dict(kind, zip(self.keys, values, strict=True))
        if issubclass(kind, tuple):
            return tuple.__new__(kind, values)
        return _rebuilt(kind, zip(self.keys, values, strict=True))

    def kinds(self) -> Iterator[type]:
        """The classes of the containers."""
        if self.kind is not None:
            yield self.kind
            for part in self.parts:
                yield from part.kinds()

    def odd_keys(self) -> list[Hashable]:
        """Keys that are neither whole numbers nor text; they may be equal and yet not the same."""
        found: list[Hashable] = []
        pending = [self]
        for part in pending:
            if part.parts:
                found += [key for key in part.keys if key.__class__ not in _KEYS]
                pending += part.parts
        return found


_NONE = type(None)
LEAF = Structure(None, (), ())
_KEYS: Final = frozenset({int, str})
_PLAIN: Final = frozenset({float, int, bool, str, np.ndarray, np.float64, np.float32})
"""Classes of leaves, told at once."""


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """The leaves in order, and the structure without them.

    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": None})
    >>> leaves
    [1.0, 2.0]
    >>> structure.build([3, 4])
    {'w': [3, 4], 'b': None}
    """
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves)


def place_of(path: Sequence[Hashable]) -> str:
    """A path as one writes it behind the name of the whole.

    >>> place_of(("w", 0))
    "['w'][0]"
    """
    return "".join([f"[{key!r}]" for key in path])


def at_place(path: Sequence[Hashable]) -> str:
    """The same in a sentence; nothing for the whole."""
    return f" at {place_of(path)}" if path else ""


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The structure with a function applied to each leaf."""
    leaves, structure = flatten(value)
    return structure.build([function(leaf) for leaf in leaves])


def matching(value: Any, structure: Structure, what: str) -> list[Any]:
    """The leaves of a value that must have this structure; dicts may have another order.

    Raises:
        GraphError: E239 when it has another structure.
    """
    leaves: list[Any] = []
    if not _match(value, structure, leaves):
        problem = f"{what} must be structured like what it belongs to, got {shown(value)}"
        raise GraphError("E239", problem)
    return leaves


def _match(value: Any, structure: Structure, leaves: list[Any]) -> bool:
    found = _parts(value)
    if found is None:
        leaves.append(value)
        return structure.kind is None
    keys, parts = found
    if value.__class__ is not structure.kind:
        return False
    if keys != structure.keys:
        by_key = dict(zip(keys, parts, strict=True))
        if by_key.keys() != set(structure.keys):
            return False
        parts = [by_key[key] for key in structure.keys]
    pairs = zip(parts, structure.parts, strict=True)
    return all(_match(part, inner, leaves) for part, inner in pairs)


def covered(prefix: Any, structure: Structure) -> list[Any] | None:
    """For each leaf what a prefix of the structure says of it; None where it is no prefix.

    A prefix has a value in place of a part, which goes for all leaves of that part; a None is such
    a value.

    >>> covered({"w": 0, "b": None}, flatten({"b": (1.0, 2.0), "w": 3.0})[1])
    [None, None, 0]
    """
    found: list[Any] = []
    return found if _cover(prefix, structure, found) else None


def _cover(prefix: Any, structure: Structure, found: list[Any]) -> bool:
    held = None if prefix is None else _parts(prefix)
    if held is None:
        found += [prefix] * structure.leaves
        return True
    by_key = dict(zip(*held, strict=True))
    if prefix.__class__ is not structure.kind or by_key.keys() != set(structure.keys):
        return False
    pairs = zip(structure.keys, structure.parts, strict=True)
    return all(_cover(by_key[key], part, found) for key, part in pairs)


def _flatten(value: Any, leaves: list[Any]) -> Structure:
    if value.__class__ in _PLAIN:
        leaves.append(value)
        return LEAF
    found = _parts(value)
    if found is None:
        leaves.append(value)
        return LEAF
    keys, parts = found
    return Structure(value.__class__, keys, tuple([_flatten(part, leaves) for part in parts]))


def _parts(value: Any) -> tuple[tuple[Hashable, ...], Sequence[Any]] | None:
    """The keys and the parts of a container; None for a leaf."""
    kind = value.__class__
    if kind is tuple or kind is list:
        return tuple(range(len(value))), value
    if value is None:
        return (), ()
    if isinstance(value, dict):
        return tuple(value), list(dict.values(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._fields, value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple([field.name for field in dataclasses.fields(value)])
        return names, [getattr(value, name) for name in names]
    return None


def _rebuilt_dict(kind: type, items: Iterable[tuple[Hashable, Any]]) -> Any:
    """A dict of this class; its own ``__init__`` does not run."""
    if kind is dict:
        return dict(items)
    made: Any = cast("Any", kind).__new__(kind)
    for key, value in items:
        made[key] = value
    return made


def _rebuilt(kind: type, fields: Iterable[tuple[Hashable, Any]]) -> Any:
    """A dataclass with these fields; its own ``__init__`` does not run, as it may want numbers."""
    made: Any = object.__new__(kind)
    for name, value in fields:
        object.__setattr__(made, str(name), value)
    return made
