"""``np.array`` and its like, and ``scipy.linalg``, take symbolic arrays while a function is traced.

NumPy asks nobody before it makes an array of objects of a list of symbolic values, and functions
that begin with ``x = np.asarray(x)`` are common. SciPy's linear algebra asks nobody at all. So for
as long as a trace runs these names stand for functions that look first: what holds a symbolic array
is stacked, or goes to our counterpart, and everything else goes on to NumPy and SciPy, in all
threads. Who took a function out of its module before keeps NumPy's or SciPy's own; that of SciPy
raises an error which says so.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import numpy as np
import scipy

from chainrule import forks
from chainrule.api.places import refused_by_scipy
from chainrule.api.protocols import call_scipy
from chainrule.ops.composite.shaping import astype
from chainrule.ops.composite.table import LINALG, as_term, kind_of
from chainrule.ops.term import Term

_NAMES: Final = ("array", "asarray", "asanyarray", "ascontiguousarray")
_DEEPEST: Final = 8
"""Nested lists are looked through so deep."""
_lock: Final = threading.RLock()
forks.wait_for(_lock)  # what is replaced halfway could not be put back
_running = 0
_own: list[tuple[ModuleType, str, Any]] = []


@contextmanager
def constructors() -> Iterator[None]:
    """While this lasts, ``np.array`` and its like and ``scipy.linalg`` take symbolic arrays."""
    global _running  # noqa: PLW0603 - how many traces run, in all threads
    with _lock:
        if _running == 0:
            _replace(np, _NAMES, _looking)
            if "scipy.linalg" in sys.modules:
                _replace(sys.modules["scipy.linalg"], LINALG, _leading)
            else:
                vars(scipy)["linalg"] = _LATER
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                for module, name, function in _own:
                    setattr(module, name, function)
                _own.clear()
                if vars(scipy).get("linalg") is _LATER:
                    del vars(scipy)["linalg"]


def _replace(
    module: ModuleType, names: Iterable[str], by: Callable[[Callable[..., Any]], Any]
) -> None:
    """Put functions of a module out of the way until no trace runs any more."""
    for name in names:
        function = getattr(module, name)
        _own.append((module, name, function))
        setattr(module, name, by(function))


class _Later(ModuleType):
    """In place of ``scipy.linalg``, which takes long to import, until somebody asks for it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _lock:
            loaded = "scipy.linalg" in sys.modules
            module = importlib.import_module("scipy.linalg")
            if not loaded and _running:
                _replace(module, LINALG, _leading)
        return getattr(module, name)


_LATER: Final = _Later("scipy.linalg")


@functools.cache
def _leading(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SciPy that goes to our counterpart where an argument is symbolic."""

    @functools.wraps(function)
    def leading(*positional: Any, **options: Any) -> Any:
        if _symbolic([*positional, *options.values()], 3):
            return call_scipy(function, positional, options)
        return function(*positional, **options)

    return leading


@functools.cache
def _looking(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function, assigned=("__name__", "__doc__"))
    def constructor(*positional: Any, **options: Any) -> Any:
        value = positional[0] if positional else options.get("object", options.get("a"))
        if not _symbolic(value, _DEEPEST):
            return function(*positional, **options)
        refused = refused_by_scipy()
        if refused is not None:
            raise refused
        dtype = options.get("dtype") if len(positional) < 2 else positional[1]
        term = as_term(value, kind_of(list(_terms(value))))
        found = term if dtype is None else astype(term, dtype)
        least = options.get("ndmin", 0)
        return found.reshape((1,) * (least - found.ndim) + found.shape) if least else found

    return constructor


def _symbolic(value: Any, depth: int) -> bool:
    """Whether there is a symbolic array in nested lists, or in an array of objects."""
    if isinstance(value, Term):
        return True
    if isinstance(value, (list, tuple)):
        return depth > 0 and any(_symbolic(part, depth - 1) for part in value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return any(isinstance(part, Term) for part in value.flat)
    return False


def _terms(value: Any) -> Iterator[Term]:
    if isinstance(value, Term):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _terms(part)
    elif isinstance(value, np.ndarray):
        yield from (part for part in value.flat if isinstance(part, Term))
