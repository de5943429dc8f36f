"""A type whose objects are called as quickly as functions written in C (PEP 590).

Such an object holds the address of the function that a call runs. Neither a class written in
Python nor a subclass of ``functools.partial`` comes near: the first adds about 150 ns to a call,
the second 25 to 50.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

from chainrule.run.native.call import python_api


class _Member(ctypes.Structure):
    """``PyMemberDef``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Slot(ctypes.Structure):
    """``PyType_Slot``."""

    _fields_ = (("slot", ctypes.c_int), ("value", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    """``PyType_Spec``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    )


# Numbers of CPython's headers, part of its stable binary interface.
_READONLY, _SSIZE = 1, 19  # structmember.h: READONLY, T_PYSSIZET
_CALL_SLOT, _MEMBERS_SLOT = 50, 72  # typeslots.h: Py_tp_call, Py_tp_members
_BASETYPE, _HAVE_VECTORCALL, _DEFAULT = 1 << 10, 1 << 11, 1 << 18  # object.h: Py_TPFLAGS_…

_FLAGS_AT: Final = python_api.HEAD + 8 + 8 * 18
"""``tp_flags`` in ``PyTypeObject``: behind the size and 18 fields, since Python 3.8."""

_kept: Final[list[object]] = []
"""What types may go on pointing to."""


def callable_type(name: str, base: type, size: int) -> type:
    """A subclass of ``base`` with ``size`` bytes behind the fields of ``base``, all zero in a new
    object; the first 8 are for the address of the function that a call runs. Without one a call
    raises TypeError.
    """
    start = base.__basicsize__
    members = (_Member * 2)(_Member(b"__vectorcalloffset__", _SSIZE, start, _READONLY, None))
    call = python_api.address(ctypes.pythonapi.PyVectorcall_Call)
    slots = (_Slot * 3)(_Slot(_MEMBERS_SLOT, ctypes.addressof(members)), _Slot(_CALL_SLOT, call))
    flags = _DEFAULT | _BASETYPE | _HAVE_VECTORCALL
    spec = _Spec(name.encode(), start + size, 0, flags, slots)
    _kept.append((members, slots, spec))
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Spec), ctypes.py_object)(
        ("PyType_FromSpecWithBases", ctypes.pythonapi)
    )
    made: type = make(spec, (base,))
    return made


def inherit(cls: type, base: type) -> None:
    """Let the objects of a subclass be called as quickly as those of ``base``, where it has no
    ``__call__`` of its own. CPython does that by itself since 3.12; 3.11 does it only for types
    that cannot be changed, and calls others through a tuple of the arguments.
    """
    if sys.version_info >= (3, 12) or _call(cls) is not _call(base):
        return
    flags = ctypes.c_ulong.from_address(id(cls) + _FLAGS_AT)
    get_flags = ctypes.PYFUNCTYPE(ctypes.c_ulong, ctypes.py_object)(
        ("PyType_GetFlags", ctypes.pythonapi)
    )
    if flags.value == get_flags(cls):
        flags.value |= _HAVE_VECTORCALL


def _call(cls: type) -> Any:
    return next(vars(parent)["__call__"] for parent in cls.__mro__ if "__call__" in vars(parent))
