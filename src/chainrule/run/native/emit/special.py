"""SciPy's special functions as addresses of C functions, so that machine code calls no Python.

SciPy offers them to Cython code, in capsules that state the C signature; they are looked up there
by name and signature. Importing them takes a quarter of a second, so that is done for code only
that calls one.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterable
from typing import Any, Final

NAMES: Final = {"erfinv": "erfinv", "digamma": "psi"}
"""The functions of one number that are SciPy's: the name in rules, and the name in SciPy."""

_SIGNATURE: Final = b"double (double, int __pyx_skip_dispatch)"
"""The second argument is Cython's, and always 0."""


def symbol(name: str) -> str:
    """What a function is called in machine code."""
    return f"scipy_{name}"


@functools.cache
def address(name: str) -> int | None:
    """Where a function starts; None: this SciPy does not offer it with the signature we need."""
    offered = _offered()
    # A function for several types is there once for each type, with a number in front.
    for prefix in ("", *(f"__pyx_fuse_{number}" for number in range(8))):
        capsule = offered.get(prefix + NAMES[name])
        if capsule is not None and _capsule_name(capsule) == _SIGNATURE:
            found: int = _capsule_pointer(capsule, _SIGNATURE)
            return found
    return None


def addresses(names: Iterable[str]) -> dict[str, int]:
    """Symbol → address, for code that calls these functions.

    Raises:
        LookupError: SciPy does not offer one of them.
    """
    found = {}
    for name in names:
        start = address(name)
        if start is None:
            raise LookupError(f"SciPy offers no C function {NAMES[name]} of one number")
        found[symbol(name)] = start
    return found


def _offered() -> dict[str, Any]:
    """The capsules by name; none where SciPy has no such module."""
    try:
        module = importlib.import_module("scipy.special.cython_special")
    except ImportError:
        return {}
    capsules: dict[str, Any] = getattr(module, "__pyx_capi__", {})
    return capsules


_capsule_name: Final = ctypes.pythonapi["PyCapsule_GetName"]
_capsule_name.restype = ctypes.c_char_p
_capsule_name.argtypes = [ctypes.py_object]

_capsule_pointer: Final = ctypes.pythonapi["PyCapsule_GetPointer"]
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
