"""From the text of a module to code that is loaded: out of the cache, or through LLVM.

Where our own loader can place code (loader.py), it does; elsewhere LLVM's engine does, which needs
another kind of code. Only a miss, or the engine, has LLVM loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from chainrule.late import Late
from chainrule.run.native.code import cache
from chainrule.run.native.code.loader import Placed, RefusedError, available, of_process
from chainrule.run.native.code.processor import Loader, Processor, compiler, processor
from chainrule.run.native.code.sources import sources
from chainrule.run.native.stages import stage

__all__ = [
    "Library",
    "Processor",
    "assembly",
    "is_cached",
    "load",
    "optimised",
    "processor",
    "provide",
]

llvm: Any = Late("chainrule.run.native.code.llvm")
special: Any = Late("chainrule.run.native.emit.special")

_provided: Final[dict[str, int]] = {}


class Written(NamedTuple):
    """The text of a module that is written only where its code is not in the cache.

    Attributes:
        write: Gives the text.
        told: All that decides it besides our sources.
    """

    write: Callable[[], str]
    told: str


class _Loaded(Protocol):
    def address(self, name: str) -> int: ...


class Library:
    """Machine code that is loaded; it is gone when this object is.

    Attributes:
        code_bytes: Of its object file.
        is_cached: Whether it was made by an earlier process, or earlier in this one.
        name: What `recalled` finds it by; empty: nothing.
        externals: The functions of SciPy that it calls.
    """

    def __init__(
        self,
        loaded: _Loaded,
        code_bytes: int,
        is_cached: bool,
        name: str = "",
        externals: Iterable[str] = (),
    ) -> None:
        self._loaded = loaded
        self.code_bytes = code_bytes
        self.is_cached = is_cached
        self.name = name
        self.externals = tuple(externals)

    def address(self, name: str) -> int:
        """Where a function starts.

        Raises:
            KeyError: There is no function of this name.
        """
        return self._loaded.address(name)


def provide(name: str, address: int) -> None:
    """Make a function of this process known by a name that code may call."""
    _provided[name] = address


def load(
    text: str | Written,
    level: int = 2,
    externals: Iterable[str] = (),
    *,
    passes: int | None = None,
    seconds: dict[str, float] | None = None,
) -> Library:
    """Text of a module as loaded machine code, made by LLVM or found in the cache.

    Args:
        text: The module.
        level: How hard LLVM tries when it writes instructions down.
        externals: The functions of SciPy that it calls (special.py).
        passes: How hard it tries before that; by default, as hard.
        seconds: Takes the time of each stage.

    Raises:
        RuntimeError: What LLVM says of text that is wrong: a fault of ours.
        LookupError: The text calls a function that this process or SciPy does not have.
    """
    _know(externals)
    wanted = _wanted(text, level, passes, externals)
    times = {} if seconds is None else seconds
    if available():
        try:
            return _library(wanted, "own", times)
        except RefusedError:
            pass
    return _library(wanted, "engine", times)


def recalled(
    name: str, externals: Sequence[str], seconds: dict[str, float] | None = None
) -> Library | None:
    """Code that `load` has given this name, out of the cache; None: it is not there.

    Raises:
        RefusedError: It cannot be placed here.
        LookupError: As for `load`.
    """
    kept = cache.current()
    times = {} if seconds is None else seconds
    with stage(times, "cache"):
        code = None if kept is None or not available() else kept.get(name)
    if code is None:
        return None
    _know(externals)
    with stage(times, "load"):
        return Library(Placed(code, _address), len(code), True, name, externals)


def made_for() -> tuple[str, ...]:
    """What decides what a text becomes: LLVM, and the processor."""
    triple, name, features, _ = processor()
    return compiler(), triple, name, features


def _know(externals: Iterable[str]) -> None:
    if externals:
        _provided.update(special.addresses(externals))


def is_cached(text: str, level: int = 2, *, passes: int | None = None) -> bool:
    """Whether `load` would most likely find this in the cache."""
    kept = cache.current()
    wanted = _wanted(text, level, passes)
    return kept is not None and wanted.key("own" if available() else "engine") in kept


def optimised(text: str, level: int = 2) -> Any:
    """The module of this text after LLVM's passes; for reading."""
    return llvm.optimised(text, processor(), level)


def assembly(module: Any, level: int = 2) -> str:
    """The instructions of the processor as text; for reading."""
    text: str = llvm.assembly(module, processor(), level)
    return text


class _Wanted(NamedTuple):
    """What is asked of LLVM."""

    write: Callable[[], str]
    told: tuple[str, ...]
    level: int
    passes: int
    externals: tuple[str, ...]

    def key(self, loader: Loader) -> str:
        """Its name in the cache."""
        return cache.key(*made_for(), loader, f"{self.level} {self.passes}", *self.told)

    def made(self, loader: Loader, seconds: dict[str, float]) -> bytes:
        """It through LLVM."""
        known = processor()
        with stage(seconds, "optimise"):
            module = llvm.optimised(self.write(), known, self.passes, loader)
        with stage(seconds, "code"):
            code: bytes = llvm.machine_code(module, known, self.level, loader)
        return code


def _wanted(
    text: str | Written, level: int, passes: int | None, externals: Iterable[str] = ()
) -> _Wanted:
    if isinstance(text, Written):
        write, made_by = text.write, sources()
        told = (write(),) if made_by is None else ("written", made_by, text.told)
    else:
        write, told = (lambda: text), (text,)
    return _Wanted(write, told, level, level if passes is None else passes, tuple(externals))


def _library(wanted: _Wanted, loader: Loader, seconds: dict[str, float]) -> Library:
    kept = cache.current()
    code, key = None, ""
    if kept is not None:
        with stage(seconds, "cache"):
            key = wanted.key(loader)
            code = kept.get(key)
    is_cached = code is not None
    if code is None:
        code = wanted.made(loader, seconds)
        if kept is not None:
            with stage(seconds, "cache"):
                kept.put(key, code)
    with stage(seconds, "load"):
        loaded: _Loaded
        if loader == "own":
            loaded = Placed(code, _address)
        else:
            loaded = llvm.Engine(code, processor(), _provided)
    name = key if loader == "own" else ""
    return Library(loaded, len(code), is_cached, name, wanted.externals)


def _address(name: str) -> int | None:
    """Where a function starts that code may call."""
    return _provided.get(name) or of_process(name)
