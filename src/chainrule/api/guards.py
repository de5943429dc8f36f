"""Checks that a function still reads what it read: its fingerprint, told without taking it again.

A fingerprint walks through everything a function reads. Where nothing has changed since, a function
written for this one function says so at the cost of a comparison for each thing: it goes the same
ways, through globals, cells, defaults and attributes, and finds numbers, text, code and functions
written in C that are the same objects, containers that hold the same, and arrays with the same
bits. What cannot be looked through like that has no guard; then the fingerprint is taken each time.

A guard holds only what the fingerprint holds as well, and finds all the rest on its ways: nothing
lives longer for it, and an object in the place of another is never taken for it.
"""

from __future__ import annotations

import builtins
import collections
import functools
import operator
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.fingerprint import (
    DESCRIBING,
    HEAP,
    LARGE,
    OURS,
    PLAIN,
    SKIPPED,
    SLOTS,
    STEADY,
    TABLES,
    WRITTEN_IN_C,
    Key,
    Made,
    UnsteadyError,
    bits_of,
    fingerprint,
    is_known,
    is_part,
    names_of,
    root_of,
)
from chainrule.graph.dag import Dag
from chainrule.ops.term import Function, Term

Holds = Callable[[Any], bool]

_MOST: Final = 1000
"""Lines after which the fingerprint is as good."""
_FIRM: Final = PLAIN | WRITTEN_IN_C | {float, complex, Decimal, np.ufunc}
_MISSING: Final = (KeyError, ValueError, AttributeError, TypeError, RuntimeError)
"""What goes wrong where something is not there any more."""
_LONG: Final = 8
"""Items up to which a container of firm values is compared item by item, in one expression."""


class Guard(NamedTuple):
    """A check of what one function reads.

    Attributes:
        holds: Whether the function, its argument, still reads the same.
        light: Whether it holds nothing of the user's but numbers, text and code.
    """

    holds: Holds
    light: bool


def guard_of(function: Any, key: Key) -> Guard | None:
    """A check that the fingerprint of a function is still this one; None where there is none.

    >>> def scaled(x):
    ...     return factor * x
    >>> factor = 2.0
    >>> holds = guard_of(scaled, fingerprint(scaled)).holds
    >>> holds(scaled)
    True
    >>> factor = 3.0
    >>> holds(scaled)
    False
    """
    writer = _Writer()
    try:
        guard = writer.write(function)
    except (UnsteadyError, _UnguardedError, *_MISSING):  # such as a cell or a slot without value
        return None
    # What was written down is what the key is of: nothing has changed in between.
    return guard if fingerprint(function) == key and guard.holds(function) else None


class _UnguardedError(Exception):
    """Something that no guard looks through."""


@functools.lru_cache(maxsize=256)
def _code(source: str) -> types.CodeType:
    return compile(source, "<guard>", "exec")


class _Writer:
    """The lines of a check. Values of the user's are looked up by number, none are in the text."""

    def __init__(self) -> None:
        self._scope: dict[str, Any] = {}
        self._numbers: dict[int, str] = {}
        self._lines: list[str] = []
        self._count = 0
        self._light = True
        self._seen: dict[int, str] = {}
        self._alive: list[Any] = []
        self._alike: dict[Any, list[str]] = {}
        self._pending: collections.deque[tuple[str, Any]] = collections.deque()
        self._spaces: dict[int, str] = {}
        self._looked_up: set[tuple[str, str]] = set()
        self._names: dict[str, None] = {}
        self._modules: dict[types.ModuleType, set[str]] = {}
        self._bases: set[type] = set()

    def write(self, function: Any) -> Guard:
        self._enter(self._new(), function)
        while self._pending or self._modules_left():
            while self._pending:
                self._parts(*self._pending.popleft())
                if len(self._lines) > _MOST:
                    raise _UnguardedError
        for names in self._alike.values():
            if len(names) > 1:
                identities = f"{self._held(len)}({{*map({self._held(id)}, ({', '.join(names)}))}})"
                self._require(f"{identities} != {len(names)}")
        source = "\n".join(
            [
                "def holds(v1):",
                " try:",
                *self._lines,
                "  return True",
                f" except {self._held(_MISSING)}:",
                "  return False",
            ]
        )
        exec(_code(source), self._scope)
        return Guard(self._scope.pop("holds"), self._light)

    # --- lines ----------------------------------------------------------------------------------

    def _new(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _held(self, value: Any) -> str:
        """The name of a value that the check compares with."""
        name = self._numbers.get(id(value))
        if name is None:
            self._numbers[id(value)] = name = f"c{len(self._scope)}"
            self._scope[name] = value
        return name

    def _let(self, expression: str) -> str:
        name = self._new()
        self._lines.append(f"  {name} = {expression}")
        return name

    def _require(self, wrong: str) -> None:
        self._lines.append(f"  if {wrong}: return False")

    def _same(self, expression: str, value: Any) -> None:
        self._require(f"{expression} is not {self._held(value)}")

    def _take(self, expression: str, value: Any) -> None:
        """Check what an expression gives."""
        if self._is_firm(value):
            self._same(expression, value)
        elif id(value) in self._seen:
            self._require(f"{expression} is not {self._seen[id(value)]}")
        else:
            self._enter(self._let(expression), value)

    def _enter(self, name: str, value: Any) -> None:
        self._seen[id(value)] = name
        self._alive.append(value)
        self._pending.append((name, value))

    def _is_firm(self, value: Any) -> bool:
        """Whether the same object is always the same thing."""
        kind = value.__class__
        if kind in _FIRM:
            return True
        if kind is types.ModuleType:
            self._modules.setdefault(value, set())
            steady = root_of(value.__name__) in STEADY
            self._light &= steady or sys.modules.get(value.__name__) is value
            return True
        if kind is tuple or kind is frozenset:
            return all(map(self._is_firm, value))
        if kind is types.FunctionType:
            return not value.__closure__ and is_part(value)
        if kind is slice:
            return self._is_firm((value.start, value.stop, value.step))
        if isinstance(value, type):
            return _is_steady_class(value)
        if isinstance(value, (np.number, np.bool_)):
            return bool(kind.__module__ == "numpy")
        if isinstance(value, (Function, Dag)):
            self._light = False
            return True
        return isinstance(value, (np.dtype, *SLOTS)) or id(value) in TABLES

    # --- what is looked through -------------------------------------------------------------------

    def _parts(self, name: str, value: Any) -> None:
        kind = value.__class__
        if isinstance(value, type):
            self._class(name, value)
            return
        self._same(f"{name}.__class__", kind)
        same = value.__code__ if kind is types.FunctionType else kind
        self._alike.setdefault(id(same), []).append(name)
        if kind is types.FunctionType:
            self._function(name, value)
        elif isinstance(value, Made):
            self._light = False
            self._same(f"{name}.request", value.request)
            self._take(f"{name}.function", value.function)
            self._items(self._let(f"{name}.__dict__"), vars(value), DESCRIBING)
        elif kind is np.ndarray:
            self._array(name, value)
        elif kind in (tuple, list, collections.deque):
            self._sequence(name, value)
        elif kind is set:
            self._keys(name, value)
        elif kind in (dict, collections.OrderedDict, collections.defaultdict):
            self._items(name, value)
            if kind is collections.defaultdict:
                self._take(f"{name}.default_factory", value.default_factory)
        elif kind is types.SimpleNamespace:
            self._items(self._let(f"{name}.__dict__"), vars(value))
        elif kind in _FIELDS:
            for field in _FIELDS[kind]:
                self._take(f"{name}.{field}", getattr(value, field))
        else:
            self._object(name, value)

    def _function(self, name: str, function: types.FunctionType) -> None:
        ours = is_part(function)
        code = function.__code__
        self._require(
            f"{name}.__code__ is not {self._held(code)}"
            f" or {name}.__qualname__ != {self._held(function.__qualname__)}"
        )
        self._take(f"{name}.__defaults__", function.__defaults__)
        self._take(f"{name}.__kwdefaults__", function.__kwdefaults__)
        if vars(function):
            self._items(self._let(f"{name}.__dict__"), vars(function), DESCRIBING)
        else:
            self._require(f"{name}.__dict__")
        if function.__closure__:
            cells = [self._new() for _ in function.__closure__]
            self._lines.append(f"  {', '.join(cells)}, = {name}.__closure__")
            for cell, held in zip(cells, function.__closure__, strict=True):
                self._take(f"{cell}.cell_contents", held.cell_contents)
        if not ours:
            self._globals(name, function)

    def _globals(self, name: str, function: types.FunctionType) -> None:
        """What names of the code stand for."""
        named = names_of(function.__code__)
        self._names.update(dict.fromkeys(named.attributes))
        known = function.__globals__
        if id(known) in self._spaces:
            space = self._spaces[id(known)]
            self._require(f"{name}.__globals__ is not {space}")
        else:
            space = self._spaces[id(known)] = self._let(f"{name}.__globals__")
        for word in named.globals:
            self._name(space, known, word)
            if word not in known:
                self._name(self._held(vars(builtins)), vars(builtins), word)
        for word in named.imported:
            self._name(self._held(sys.modules), sys.modules, word)

    def _name(self, space: str, known: Mapping[str, Any], word: str) -> None:
        """What a name stands for in a namespace, or that it is not in there."""
        if (space, word) in self._looked_up:
            return
        self._looked_up.add((space, word))
        key = self._held(word)
        if word in known:
            self._take(f"{space}[{key}]", known[word])
        else:
            self._require(f"{key} in {space}")

    def _modules_left(self) -> bool:
        """Look up what the code names of the modules that were met."""
        left = [
            (module, word)
            for module, done in self._modules.items()
            for word in self._names
            if word not in done
        ]
        for module, word in left:
            if not self._modules[module] and root_of(module.__name__) not in STEADY:
                self._name(self._held(vars(module)), vars(module), "__getattr__")
            self._modules[module].add(word)
            if not is_known(module, word):
                raise _UnguardedError
            self._name(self._held(vars(module)), vars(module), word)
        return bool(left)

    def _array(self, name: str, array: Any) -> None:
        if array.dtype.hasobject:
            raise _UnguardedError
        small = array.nbytes <= LARGE
        bits = f"{name}.tobytes()" if small else f"{self._held(bits_of)}({name})"
        self._require(
            f"{name}.dtype is not {self._held(array.dtype)}"
            f" or {name}.shape != {self._held(array.shape)}"
            f" or {bits} != {self._held(bits_of(array))}"
        )

    def _sequence(self, name: str, value: Collection[Any]) -> None:
        if len(value) > _LONG and all(map(self._is_firm, value)):
            self._all_same(name, value)
        elif value:
            parts = [self._new() for _ in value]
            self._lines.append(f"  {', '.join(parts)}, = {name}")
            for part, held in zip(parts, value, strict=True):
                self._take(part, held)
        else:
            self._require(name)

    def _keys(self, name: str, value: Collection[Any]) -> None:
        """What a set or a dict holds: the same objects, in the same order."""
        if not all(map(self._is_firm, value)):
            raise _UnguardedError
        self._all_same(name, value)

    def _all_same(self, name: str, values: Iterable[Any]) -> None:
        """The same objects in the same order."""
        held = tuple(values)
        self._require(f"{self._held(len)}({name}) != {len(held)}")
        same = f"{self._held(map)}({self._held(operator.is_)}, {name}, {self._held(held)})"
        self._require(f"not {self._held(all)}({same})")

    def _items(
        self, name: str, held: Mapping[Any, Any], ignored: Collection[str] = frozenset()
    ) -> None:
        """The keys of a dict, and what is there but for some of them."""
        self._keys(name, held)
        values = [self._new() for _ in held]
        if values:
            self._lines.append(f"  {', '.join(values)}, = {name}.values()")
        for (key, part), value in zip(held.items(), values, strict=True):
            if key not in ignored:
                self._take(value, part)

    def _class(self, name: str, cls: type) -> None:
        """A class of the user's, with all that its bases hold."""
        self._light = False
        self._same(name, cls)
        self._take(f"{name}.__class__", cls.__class__)
        self._same(f"{name}.__mro__", cls.__mro__)
        for base in cls.__mro__:
            users = base.__flags__ & HEAP and root_of(base.__module__) not in STEADY
            if users and base not in self._bases:
                self._bases.add(base)
                self._items(self._let(f"{self._held(base)}.__dict__"), vars(base), SKIPPED)

    def _object(self, name: str, value: Any) -> None:
        """An object that holds its parts by name, of a class written in Python; a named tuple."""
        cls = type(value)
        bases = [base for base in cls.__mro__ if base is not object]
        in_c = [base for base in bases if not base.__flags__ & HEAP]
        plain = (
            cls is value.__class__
            and not isinstance(value, Term)
            and cls.__getattribute__ in (object.__getattribute__, tuple.__getattribute__)
            and root_of(cls.__module__) not in STEADY - {"chainrule"}
            and (not in_c or (in_c == [tuple] and cls.__iter__ is tuple.__iter__))
        )
        if not plain:
            raise _UnguardedError
        self._take(f"{name}.__class__", cls)
        if in_c:
            self._sequence(name, value)
        for base in bases:
            for part in vars(base).values():
                if isinstance(part, types.MemberDescriptorType):
                    slot = part.__get__
                    self._take(f"{self._held(slot)}({name})", slot(value))
        if hasattr(value, "__dict__"):
            self._items(self._let(f"{name}.__dict__"), vars(value))


_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    types.MethodType: ("__func__", "__self__"),
    functools.partial: ("func", "args", "keywords"),
    property: ("fget", "fset"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
}
"""What objects of some classes are made of."""


def _is_steady_class(cls: type) -> bool:
    return not cls.__flags__ & HEAP or root_of(cls.__module__) in sys.stdlib_module_names | OURS
