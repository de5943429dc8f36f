"""What a function reads besides its arguments, so that a trace of it can be used again.

A function depends on its code, its defaults, what it encloses, and the globals it names, through
other functions too. All of it goes into a key: numbers and arrays by their bits, containers and
objects by what they hold, functions by their parts. What cannot be taken to pieces has no
fingerprint, and then nothing is kept: a trace is never used where it might be wrong.

The functions and classes of NumPy, SciPy, chainrule and of some modules of Python are taken as they
are. The other modules of Python have a state, or read files and clocks: no fingerprint.
"""

from __future__ import annotations

import builtins
import collections
import dis
import functools
import hashlib
import re
import sys
import types
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple, cast

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.ops.term import Function, Term

Key = Any

_MOST: Final = 10_000
"""Parts after which a function is not looked through any further."""
LARGE: Final = 4096
"""Bytes up to which an array is its own key."""
PLAIN: Final = frozenset({
    int, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented), range, re.Pattern,
    types.CodeType,
})  # fmt: skip
_BASES: Final = (tuple, list, dict, set, frozenset, int, float, str, bytes)
"""Classes written in C whose subclasses can be read: by their items, or as a plain value."""
OURS: Final = frozenset({"numpy", "scipy", "chainrule"})
STEADY: Final = OURS | {
    "__future__", "_bisect", "_collections", "_collections_abc", "_functools", "_heapq",
    "_operator", "abc", "bisect", "builtins", "cmath", "collections", "contextlib", "copy",
    "dataclasses", "enum", "fractions", "functools", "heapq", "itertools", "keyword", "math",
    "numbers", "operator", "re", "statistics", "string", "struct", "textwrap", "types", "typing",
    "warnings",
}  # fmt: skip
"""Modules whose functions do the same whenever they are called."""
DESCRIBING: Final = frozenset((*functools.WRAPPER_ASSIGNMENTS, "__wrapped__"))
"""Attributes that say what a function is called, and what it stands for."""
_CHANGING: Final = ("numpy.random", "scipy.stats")
_FORBIDDEN: Final = frozenset({
    input, open, globals, locals, vars, id, eval, exec, compile, breakpoint, __import__, setattr,
    delattr, np.load, np.loadtxt, np.genfromtxt, np.fromfile, np.memmap, np.geterr,
})  # fmt: skip
"""What asks the world, or reads names that cannot be told from the code."""
_BY_NAME: Final = frozenset({"getattr", "attrgetter", "methodcaller"})
"""What reads attributes by names that are not in the code: of modules they cannot be told."""
WRITTEN_IN_C: Final = frozenset(
    {types.BuiltinFunctionType, types.MethodDescriptorType, type(np.sum), type(np.load)}
) - {types.FunctionType}
TABLES: Final = tuple(map(id, (np.r_, np.c_, np.s_, np.index_exp, np.mgrid, np.ogrid)))
HEAP: Final = 1 << 9
"""The flag of classes that are made at run time: those written in Python, and some others."""


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
    reader = _Reader()
    try:
        return (reader.read(function), reader.modules())
    except UnsteadyError:
        return None


class Made:
    """A function that does what a request says with another function.

    What it does depends on these two alone, whatever else it remembers of earlier calls.

    Attributes:
        request: What it does with the function.
        function: The other function.
        base: What it is made of in the end: a function that is none of these.
        chain: The requests from there to here, this one left out; the last comes first.
    """

    __slots__ = ("__dict__", "__weakref__", "base", "chain", "function", "request")

    def __init__(self, function: Any, request: tuple[Any, ...]) -> None:
        functools.update_wrapper(cast("Any", self), function)
        self.function = function
        self.request = request
        inner = isinstance(function, Made)
        self.base: Any = function.base if inner else function
        self.chain: tuple[Any, ...] = (function.request, *function.chain) if inner else ()

    def with_chain(self, key: Key) -> Key:
        """The fingerprint of the function, from that of its base."""
        return (*self.chain, key) if self.chain else key

    @property
    def _name(self) -> str:
        return str(getattr(self, "__qualname__", type(self.base).__name__))

    def __reduce__(self) -> str:
        """As for functions: a copy is the same one, and others find it by its name."""
        return self._name

    def __repr__(self) -> str:
        return f"<{self.request[0]} of {self._name}>"


class _Reader:
    """One walk through everything a function reads."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._held: list[Any] = []
        self._by_name = False
        self._names: dict[str, None] = {}
        self._modules: dict[types.ModuleType, set[str]] = {}

    def read(self, value: Any) -> Key:
        kind = value.__class__
        if kind in PLAIN:
            return (kind, value)
        if kind is float:
            return (kind, value.hex())
        if kind in WRITTEN_IN_C:
            return self._builtin(value)
        if kind is np.ufunc:
            return value
        if kind is types.ModuleType:
            self._modules.setdefault(value, set())
            return value
        seen = self._seen.get(id(value))
        if seen is not None:
            return ("again", seen)
        self._seen[id(value)] = len(self._seen)
        self._held.append(value)
        if len(self._held) > _MOST:
            raise UnsteadyError
        return self._parts(value, kind)

    def modules(self) -> Key:
        """What the code names of the modules that were met; that may lead to further ones."""
        found: list[Key] = []
        if self._modules and self._by_name:
            raise UnsteadyError
        while True:
            pending = [
                (module, name)
                for module, done in self._modules.items()
                for name in self._names
                if name not in done
            ]
            if not pending:
                return tuple(found)
            for module, name in pending:
                self._modules[module].add(name)
                if not is_known(module, name):
                    raise UnsteadyError
                if root_of(module.__name__) == "chainrule":
                    getattr(module, name, None)  # it loads what is first used
                if name in vars(module):
                    found.append((module, name, self.read(vars(module)[name])))

    def _parts(self, value: Any, kind: type) -> Key:
        if kind is types.FunctionType:
            return self._function(value)
        if isinstance(value, Made):
            return (value.request, self.read(value.function), self.read(attributes_of(value)))
        if isinstance(value, (np.ndarray, np.generic)):
            return self._array(value, kind)
        if kind in (tuple, list, dict, set, frozenset, collections.deque, collections.OrderedDict):
            return (kind, self._items(value))
        if kind is collections.defaultdict:
            return (kind, self.read(value.default_factory), self._items(value))
        if kind in (types.SimpleNamespace, types.MappingProxyType):
            return (kind, self.read(dict(vars(value) if hasattr(value, "__dict__") else value)))
        if kind is types.MethodType:
            return (kind, self.read(value.__func__), self.read(value.__self__))
        if kind is functools.partial:
            return (kind, self.read(value.func), self.read(value.args), self.read(value.keywords))
        if kind in (complex, Fraction, Decimal, types.GenericAlias, types.UnionType):
            return (kind, repr(value))
        if kind is slice:
            return (kind, self.read((value.start, value.stop, value.step)))
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, Term):
            return (kind, value.node)
        if isinstance(value, (Function, Dag, np.dtype)) or id(value) in TABLES:
            return value
        if kind is property:
            return (kind, self.read((value.fget, value.fset)))
        if kind in (staticmethod, classmethod):
            return (kind, self.read(value.__func__))
        if kind is functools.cached_property:
            return (kind, self.read(value.func))
        return self._object(value)

    def _items(self, value: Any) -> Key:
        """What a container holds."""
        if isinstance(value, dict):
            return tuple([(self.read(key), self.read(part)) for key, part in dict.items(value)])
        parts = [self.read(part) for part in value]
        return frozenset(parts) if isinstance(value, (set, frozenset)) else tuple(parts)

    def _array(self, value: Any, kind: type) -> Key:
        held = self.read(dict(vars(value))) if hasattr(value, "__dict__") else None
        if kind is not np.ndarray and root_of(kind.__module__) != "numpy":
            held = (held, self.read(kind))
        if value.dtype == object:
            return (kind, held, value.shape, tuple([self.read(part) for part in value.flat]))
        if value.dtype.hasobject:
            raise UnsteadyError
        return (kind, held, value.dtype, value.shape, bits_of(value))

    def _function(self, function: types.FunctionType) -> Key:
        if function in _FORBIDDEN:
            raise UnsteadyError
        code = function.__code__
        ours = is_part(function)
        if ours and not function.__closure__:
            return function
        parts: list[Key] = [code, function.__qualname__]
        parts += [self._cell(cell) for cell in function.__closure__ or ()]
        parts.append(self.read(function.__defaults__))
        parts.append(self.read(function.__kwdefaults__))
        if function.__dict__:
            parts.append(self.read(attributes_of(function)))
        if ours:
            return tuple(parts)
        named = names_of(code)
        self._names.update(dict.fromkeys(named.attributes))
        if not _BY_NAME.isdisjoint(named.globals + named.attributes):
            self._by_name = True
        known = function.__globals__
        for name in named.globals:
            if name in known:
                parts.append((name, self.read(known[name])))
            elif hasattr(builtins, name):
                parts.append((name, self.read(getattr(builtins, name))))
        for name in named.imported:
            if name not in sys.modules:
                raise UnsteadyError
            parts.append((name, self.read(sys.modules[name])))
        return tuple(parts)

    def _builtin(self, value: Any) -> Key:
        """A function written in C: those that belong to an object or ask the world change."""
        owner = getattr(value, "__self__", None)
        if isinstance(owner, type):  # such as dict.fromkeys
            return (value.__name__, self.read(owner))
        if owner is not None and not isinstance(owner, types.ModuleType):
            raise UnsteadyError
        if value in _FORBIDDEN or not _is_steady(getattr(value, "__module__", None) or "builtins"):
            raise UnsteadyError
        return value

    def _cell(self, cell: types.CellType) -> Key:
        try:
            held = cell.cell_contents
        except ValueError:  # empty: a function that is being defined
            return ("empty",)
        return self.read(held)

    def _class(self, cls: type) -> Key:
        if not cls.__flags__ & HEAP or root_of(cls.__module__) in sys.stdlib_module_names | OURS:
            if not _is_steady(cls.__module__) or cls in _FORBIDDEN:
                raise UnsteadyError
            return cls
        held = [
            (base, name, self.read(part))
            for base in cls.__mro__
            if base.__flags__ & HEAP and root_of(base.__module__) not in STEADY
            for name, part in vars(base).items()
            if name not in SKIPPED and not isinstance(part, SLOTS)
        ]
        return (cls, self.read(type(cls)), tuple(held))

    def _object(self, value: Any) -> Key:
        """An object of a class written in Python: its class and what it holds."""
        cls = value.__class__
        if cls.__module__ == "dataclasses" and not getattr(value, "__dict__", True):
            return cls  # what stands for a default that is made anew
        if not cls.__flags__ & HEAP or root_of(cls.__module__) in STEADY - {"chainrule"}:
            raise UnsteadyError
        held: list[Key] = []
        for base in cls.__mro__:
            if not base.__flags__ & HEAP and base is not object:
                if base not in _BASES:
                    raise UnsteadyError
                plain = isinstance(value, (int, float, str, bytes))
                held.append((base, self.read(base(value)) if plain else self._items(value)))
            for name, part in vars(base).items():
                if isinstance(part, types.MemberDescriptorType) and hasattr(value, name):
                    held.append((name, self.read(part.__get__(value))))
        if hasattr(value, "__dict__"):
            held.append(self.read(dict(vars(value))))
        return (self.read(cls), tuple(held))


SLOTS: Final = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    # The class of fields of named tuples has no name of its own, and mypy knows no fields of one.
    type(NamedTuple("_Pair", [("first", int)]).first),  # type: ignore[attr-defined]
)
SKIPPED: Final = frozenset({
    "__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "_abc_impl",
    "__dataclass_fields__", "__dataclass_params__", "__parameters__", "__orig_bases__",
})  # fmt: skip


def attributes_of(function: Any) -> dict[str, Any]:
    """What was set on a function besides what describes it."""
    return {name: part for name, part in vars(function).items() if name not in DESCRIBING}


def bits_of(array: Any) -> bytes:
    """What an array holds; of a large one a digest that no other array has."""
    bits = bytes(array.tobytes())
    return bits if len(bits) <= LARGE else hashlib.blake2b(bits, digest_size=32).digest()


def is_part(function: types.FunctionType) -> bool:
    """Whether a function was written in a module that does the same whenever it is called."""
    name = function.__globals__.get("__name__")  # functools.wraps changes __module__
    if not isinstance(name, str):
        return False
    if not _is_steady(name):
        if root_of(name) in sys.stdlib_module_names | OURS:
            raise UnsteadyError
        return False
    return getattr(sys.modules.get(name), "__dict__", None) is function.__globals__


def root_of(module: str | None) -> str:
    return (module or "").partition(".")[0]


@functools.lru_cache(maxsize=4096)
def _is_steady(module: str | None) -> bool:
    return root_of(module) in STEADY and not f"{module}.".startswith(
        tuple([f"{changing}." for changing in _CHANGING])
    )


def is_known(module: types.ModuleType, name: str) -> bool:
    """Whether what a module has by a name is told by what it holds now."""
    found = _is_told(module.__name__, name)
    return "__getattr__" not in vars(module) if found is None else found


@functools.lru_cache(maxsize=4096)
def _is_told(module: str, name: str) -> bool | None:
    """The same for the modules that are taken as they are; None for others."""
    if root_of(module) in sys.stdlib_module_names | OURS:
        return _is_steady(module) and _is_steady(f"{module}.{name}")
    return None


class Named(NamedTuple):
    """What code names.

    Attributes:
        globals: Names that it looks up, in functions inside of it too.
        attributes: Names behind a dot.
        imported: Modules that it imports when it runs.
    """

    globals: tuple[str, ...]
    attributes: tuple[str, ...]
    imported: tuple[str, ...]


_LOOKED_UP: Final = frozenset({
    "LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "STORE_NAME", "DELETE_GLOBAL", "DELETE_NAME",
})  # fmt: skip
_BEHIND_A_DOT: Final = frozenset({
    "LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR", "IMPORT_FROM", "IMPORT_NAME",
})  # fmt: skip


@functools.lru_cache(maxsize=4096)
def names_of(code: types.CodeType) -> Named:
    """The globals, attributes and modules that code names, in functions inside of it too."""
    looked_up: dict[str, None] = {}
    behind_a_dot: dict[str, None] = {}
    imported: list[str] = []
    for one in _codes(code):
        named = [part for part in dis.get_instructions(one) if part.opcode in dis.hasname]
        for part in named:
            if part.opname not in _BEHIND_A_DOT:
                looked_up[part.argval] = None
            if part.opname not in _LOOKED_UP:  # an instruction of a later Python may be both
                behind_a_dot[part.argval] = None
            if part.opname == "IMPORT_NAME":
                imported.append(part.argval)
    modules = [name[:end] for name in imported for end in _ends(name)]
    return Named(tuple(looked_up), tuple(behind_a_dot), tuple(dict.fromkeys(modules)))


def _ends(name: str) -> list[int]:
    """Where the parts of a dotted name end."""
    return [*(match.start() for match in re.finditer(r"\.", name)), len(name)]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _codes(part)
