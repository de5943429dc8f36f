"""The functions of mathematics, compiled well, once for all graphs.

Code that LLVM writes down without a second look calls these in place of functions of its own, which
would be as plain as itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from chainrule import forks
from chainrule.run.native.code import target
from chainrule.run.native.emit.abreast import pack
from chainrule.run.native.emit.lanes import Define, Module
from chainrule.run.native.emit.mathematics import FUNCTIONS

_lock: Final = forks.lock()
_loaded: Final[dict[str, target.Library]] = {}
"""What has been compiled, by name. It stays until the process ends: code anywhere may call it."""


@cache
def _known() -> dict[str, tuple[Define, str, int]]:
    """How each function is defined, by the name that it has in modules."""
    scratch = Module(FUNCTIONS)
    return {
        define(scratch, kind, width): (define, kind, width)
        for define in (pack, *FUNCTIONS.values())
        for kind in ("double", "float")
        for width in sorted({1, target.processor().width})
    }


def provided(names: Iterable[str]) -> frozenset[str]:
    """Those of these functions that are mathematics; code that calls them may now be loaded."""
    known = _known()
    wanted = frozenset(names) & known.keys()
    with _lock:
        missing = sorted(wanted - _loaded.keys())
        if missing:
            module = Module(FUNCTIONS)
            for name in missing:
                define, kind, width = known[name]
                define(module, kind, width)
            library = target.load(module.text.replace("define internal", "define"))
            for name in missing:
                target.provide(name, library.address(name))
                _loaded[name] = library
    return wanted
