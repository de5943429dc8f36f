"""The functions of mathematics for plain numbers: compiled well, once for all graphs.

Code that LLVM writes down without a second look calls these in place of functions of its own, which
would be as plain as itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from typing import Final

from chainrule.run.native.code import target
from chainrule.run.native.emit.lanes import Define, Module
from chainrule.run.native.emit.mathematics import FUNCTIONS

_lock: Final = threading.Lock()
_loaded: Final[dict[str, target.Library]] = {}
"""What has been compiled, by name. It stays until the process ends: code anywhere may call it."""


@cache
def _known() -> dict[str, tuple[Define, str]]:
    """How each function is defined, by the name that it has in modules."""
    scratch = Module(FUNCTIONS)
    return {
        define(scratch, kind, 1): (define, kind)
        for define in FUNCTIONS.values()
        for kind in ("double", "float")
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
                define, kind = known[name]
                define(module, kind, 1)
            library = target.load(module.text.replace("define internal", "define"))
            for name in missing:
                target.provide(name, library.address(name))
                _loaded[name] = library
    return wanted
