"""The fingerprint of a function, taken again only where something may have changed since."""

from __future__ import annotations

import types
import weakref
from typing import Any, Final

from chainrule.api.fingerprint import Key, Made, fingerprint
from chainrule.api.guards import Holds, guard_of

_CHANGED: Final = -8
"""Fingerprints that are taken before a new guard is written for a function that has changed."""
_UNGUARDED: Final = -64
"""The same for a function that no guard could be written for."""


class Steady:
    """A fingerprint that a function had, and how to tell whether it still has it.

    Writing a guard takes as long as some fingerprints: it is done for functions that are used
    again, and less often for those that change. Safe to use from several threads.

    Attributes:
        key: The fingerprint.
        holds: Whether it is that of the function, its argument.
    """

    __slots__ = ("_taken", "holds", "key")

    def __init__(self, key: Key, *, changed: bool = False) -> None:
        self.key = key
        self.holds: Holds = self._compare
        self._taken = _CHANGED if changed else 0

    def loosen(self) -> None:
        """Take the fingerprint again where the guard says no though it is the same."""
        self.holds = self._compare
        self._taken = _CHANGED

    def _compare(self, function: Any) -> bool:
        if fingerprint(function) != self.key:
            return False
        self._taken += 1
        if self._taken > 1:
            guard = guard_of(function, self.key)
            if guard is None:
                self._taken = _UNGUARDED
            else:
                self.holds = guard.holds
        return True


_known: weakref.WeakKeyDictionary[types.FunctionType, tuple[Key, Holds] | int]
_known = weakref.WeakKeyDictionary()
"""Functions that were used before: fingerprint and guard, or how many fingerprints were taken."""


def fingerprint_of(function: Any) -> Key | None:
    """The fingerprint of a function that may have been used before; None: nobody can tell.

    >>> def scaled(x):
    ...     return factor * x
    >>> factor = 2.0
    >>> keys = [fingerprint_of(scaled) for _ in range(3)]
    >>> keys[2] is keys[1] and keys[1] == keys[0]
    True
    """
    if isinstance(function, Made):
        key = fingerprint_of(function.base)
        return None if key is None else (function.request, *function.chain, key)
    if function.__class__ is not types.FunctionType:
        return fingerprint(function)
    known = _known.get(function, 0)
    if isinstance(known, tuple):
        key, holds = known
        if holds(function):
            return key
        known = _CHANGED
    key = fingerprint(function)
    _known[function] = known + 1
    if key is not None and known > 0:
        guard = guard_of(function, key)
        # What lives as long as the function must not hold it: classes of the user's may.
        usable = guard is not None and guard.light
        _known[function] = (key, guard.holds) if guard and usable else _UNGUARDED
    return key
