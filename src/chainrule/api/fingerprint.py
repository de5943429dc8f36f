"""What a function reads besides its arguments, so that a trace of it can be used again.

A function depends on its code, its defaults, what it encloses, and the globals it names, through
other functions too. All of it goes into a key: numbers and arrays by their bits, containers and
objects by what they hold, functions by their parts. What cannot be taken to pieces has no
fingerprint, and then nothing is kept: a trace is never used where it might be wrong.

The parts of Python, NumPy, SciPy and chainrule itself are taken as they are; those with a state of
their own, such as random numbers and clocks, have no fingerprint.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import sys
import types
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.ops.term import Function, Term

Key = Any

_MOST: Final = 10_000
"""Parts after which a function is not looked through any further."""
_LARGE: Final = 4096
"""Bytes up to which an array is its own key."""
_PLAIN: Final = (int, str, bytes, bool, type(None), type(Ellipsis), complex, range)
_STEADY: Final = frozenset({"numpy", "scipy", "chainrule", "builtins", *sys.stdlib_module_names})
"""Modules whose functions do the same whenever they are called."""
_CHANGING: Final = frozenset({
    "random", "time", "datetime", "os", "secrets", "uuid", "threading", "socket", "sys", "io",
    "tempfile", "subprocess", "multiprocessing", "asyncio", "contextvars", "gc", "inspect",
    "numpy.random", "weakref", "queue", "select", "signal", "getpass", "platform", "locale",
})  # fmt: skip
_IMPURE: Final = frozenset(
    {input, open, globals, locals, vars, id, eval, exec, iter, next, __import__, breakpoint}
)


class UnsteadyError(Exception):
    """Something has no fingerprint."""


def fingerprint(function: Any) -> Key | None:
    """A key that is equal only while the function does the same; None: nobody can tell.

    >>> def scaled(x):
    ...     return factor * x
    >>> factor = 2.0
    >>> before = fingerprint(scaled)
    >>> fingerprint(scaled) == before
    True
    >>> factor = 3.0
    >>> fingerprint(scaled) == before
    False
    """
    try:
        return _Reader().read(function)
    except UnsteadyError:
        return None


class _Reader:
    """One walk through everything a function reads."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._held: list[Any] = []
        self._names: set[str] = set()

    def read(self, value: Any) -> Key:
        kind = value.__class__
        if kind in _PLAIN:
            return (kind, value)
        if kind is float:
            return (kind, value.hex())
        if kind is types.BuiltinFunctionType or kind is types.MethodDescriptorType:
            return _builtin(value)
        if kind is np.ufunc:
            return value
        seen = self._seen.get(id(value))
        if seen is not None:
            return ("again", seen)
        self._seen[id(value)] = len(self._seen)
        self._held.append(value)
        if len(self._held) > _MOST:
            raise UnsteadyError
        return self._parts(value, kind)

    def _parts(self, value: Any, kind: type) -> Key:
        if kind is types.FunctionType:
            return self._function(value)
        if isinstance(value, (np.ndarray, np.generic)):
            if value.dtype == object:
                return (kind, value.shape, tuple(self.read(part) for part in value.flat))
            return (kind, value.dtype.str, value.shape, _bits(value))
        if kind in (tuple, list):
            return (kind, tuple([self.read(part) for part in value]))
        if kind is dict:
            return (kind, tuple([(self.read(key), self.read(part)) for key, part in value.items()]))
        if kind in (set, frozenset):
            return (kind, frozenset(self.read(part) for part in value))
        if kind is types.MethodType:
            return (kind, self.read(value.__func__), self.read(value.__self__))
        if kind is functools.partial:
            return (kind, self.read(value.func), self.read(value.args), self.read(value.keywords))
        if kind is types.ModuleType:
            return self._module(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, Term):
            return (kind, value.node)
        if isinstance(value, (Function, Dag, np.dtype)):
            return value
        if isinstance(value, (property, staticmethod, classmethod)):
            inner = value.fget if isinstance(value, property) else value.__func__
            return (kind, self.read(inner))
        return self._object(value)

    def _function(self, function: types.FunctionType) -> Key:
        code = function.__code__
        parts: list[Key] = [code, function.__qualname__]
        if function.__closure__:
            parts += [self._cell(cell) for cell in function.__closure__]
        elif _is_steady(function):
            return function
        parts.append(self.read(function.__defaults__))
        parts.append(self.read(function.__kwdefaults__))
        if function.__dict__:
            parts.append(self.read({k: v for k, v in vars(function).items() if k != "__wrapped__"}))
        known = function.__globals__
        for name in names_of(code):
            self._names.add(name)
            if name in known:
                parts.append((name, self.read(known[name])))
            elif hasattr(builtins, name):
                parts.append((name, self.read(getattr(builtins, name))))
        return tuple(parts)

    def _cell(self, cell: types.CellType) -> Key:
        try:
            return self.read(cell.cell_contents)
        except ValueError:  # empty: a function that is being defined
            return ("empty",)

    def _module(self, module: types.ModuleType) -> Key:
        if not _steady(module.__name__):
            raise UnsteadyError
        if _root(module.__name__) in _STEADY:
            if any(
                not _steady(f"{module.__name__}.{name}")
                for name in self._names
                if isinstance(getattr(module, name, None), types.ModuleType)
            ):
                raise UnsteadyError
            return module
        held = vars(module)
        return (module, tuple([(n, self.read(held[n])) for n in sorted(self._names & held.keys())]))

    def _class(self, cls: type) -> Key:
        if not cls.__flags__ & (1 << 9) or _root(cls.__module__) in _STEADY:  # not a heap type
            return cls
        skipped = ("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__")
        held = [
            (name, self.read(part))
            for base in cls.__mro__
            if base.__flags__ & (1 << 9) and _root(base.__module__) not in _STEADY
            for name, part in vars(base).items()
            if name not in skipped and not isinstance(part, types.GetSetDescriptorType)
        ]
        return (cls, tuple(held))

    def _object(self, value: Any) -> Key:
        """An object of a class written in Python: its class and what it holds."""
        cls = value.__class__
        if not cls.__flags__ & (1 << 9) or _root(cls.__module__) in _STEADY - {"chainrule"}:
            raise UnsteadyError
        held: list[Key] = []
        if hasattr(value, "__dict__"):
            held.append(self.read(dict(vars(value))))
        for base in cls.__mro__:
            for name in getattr(base, "__slots__", ()):
                if name not in ("__weakref__", "__dict__") and hasattr(value, name):
                    held += [(name, self.read(getattr(value, name)))]
        return (self.read(cls), tuple(held))


def _bits(array: Any) -> bytes:
    """What an array holds; of a large one a digest that no other array has."""
    if array.nbytes <= _LARGE:
        return bytes(array.tobytes())
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=32).digest()


def _is_steady(function: types.FunctionType) -> bool:
    """Whether a function is a part of Python, NumPy, SciPy or chainrule without a state."""
    module = function.__module__
    if _root(module) not in _STEADY or not _steady(module):
        return False
    return getattr(sys.modules.get(module), "__dict__", None) is function.__globals__


def _builtin(value: Any) -> Key:
    """A function written in C: those that belong to an object or ask the world change."""
    owner = getattr(value, "__self__", None)
    if value in _IMPURE or not _steady(getattr(value, "__module__", None) or "builtins"):
        raise UnsteadyError
    if owner is not None and not isinstance(owner, types.ModuleType):
        raise UnsteadyError
    return value


def _root(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _steady(module: str) -> bool:
    return module not in _CHANGING and _root(module) not in _CHANGING


@functools.lru_cache(maxsize=4096)
def names_of(code: types.CodeType) -> tuple[str, ...]:
    """The globals and attributes that code names, in functions inside of it too."""
    return tuple(dict.fromkeys(_names(code)))


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _names(part)
