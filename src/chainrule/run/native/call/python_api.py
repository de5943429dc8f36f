"""Where CPython and NumPy keep what compiled code reads and calls: addresses and offsets.

The offsets are those of the public structures (``PyFloatObject``, ``PyTupleObject``, NumPy's
``PyArrayObject_fields`` and ``arrayscalars.h``), counted from the size of an object's head, which
the build of Python decides: 16 bytes as a rule, 32 where threads run without a lock. `available`
compares each of them with live objects before anything relies on it.

The functions of NumPy are found by their numbers in the table ``_ARRAY_API``, which never change
within one binary interface (``numpy/__multiarray_api.h``, ``numpy_api.py`` in NumPy's sources).
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sys
import weakref
from typing import Any, Final

import numpy as np

HEAD: Final = getattr(object, "__basicsize__", 16)
"""Bytes before the first field of an object."""
TYPE: Final = HEAD - 8
"""The type of an object."""
FLOAT: Final = getattr(float, "__basicsize__", 24) - 8
"""The number in a Python float."""
SIZE: Final = HEAD
"""How many items a tuple has."""
ITEMS: Final = getattr(tuple, "__basicsize__", 24)
"""The first item of a tuple."""

# NumPy's scalars keep their number, and its arrays the pointer to their data, behind the head.
NUMBER: Final = HEAD
DATA: Final = HEAD
DIMENSIONS: Final = HEAD + 8
SHAPE: Final = HEAD + 16
BASE: Final = HEAD + 32
DESCRIPTION: Final = HEAD + 40
FLAGS: Final = HEAD + 48
WEAK: Final = HEAD + 56

COUNT: Final = 0
"""How many hold an object, where `are_counted`; its lower 32 bits."""

ELEMENT: Final = HEAD + 8
"""Eight bytes of a dtype that say what an element is: three letters, for its kind, its C type and
its byte order, and the number of its C type."""

CONTIGUOUS_AND_ALIGNED: Final = 0x0001 | 0x0100
"""``NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED``."""
NEW: Final = CONTIGUOUS_AND_ALIGNED | 0x0400 | 0x0004
"""Those of an array as NumPy makes it, with ``NPY_ARRAY_WRITEABLE | NPY_ARRAY_OWNDATA``."""

_NUMPY: Final = {"PyArray_Scalar": 60, "PyArray_NewFromDescr": 94}
"""Functions by their numbers in NumPy's table."""
_VERSION, _NDARRAY = 0, 2
"""The numbers there of ``PyArray_GetNDArrayCVersion`` and of ``PyArray_Type``."""
_MAJOR: Final = 0x02
"""NumPy's binary interface, as ``PyArray_GetNDArrayCVersion`` says it, without the minor part."""

_PYTHON: Final = (
    "PyErr_Clear",
    "PyErr_NoMemory",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyFloat_FromDouble",
    "PyLong_AsDouble",
    "PyLong_AsLongLongAndOverflow",
    "PyLong_FromLongLong",
    "PyMem_RawFree",
    "PyMem_RawMalloc",
    "PyObject_Vectorcall",
    "PyTuple_New",
    "Py_DecRef",
    "Py_EnterRecursiveCall",
    "Py_IncRef",
    "Py_LeaveRecursiveCall",
)


@functools.cache
def symbols() -> dict[str, int]:
    """The addresses of what compiled code calls and compares with, by name."""
    found = {name: address(getattr(ctypes.pythonapi, name)) for name in _PYTHON}
    found |= {name: _table()[number] for name, number in _NUMPY.items()}
    return found | {
        "PyFloat_Type": id(float),
        "PyLong_Type": id(int),
        "PyArray_Type": id(np.ndarray),
        "_Py_TrueStruct": id(True),
        "_Py_FalseStruct": id(False),
    }


def address(function: Any) -> int:
    """Where a foreign function starts."""
    start = ctypes.cast(function, ctypes.c_void_p).value
    assert start is not None
    return start


@functools.cache
def available() -> bool:
    """Whether this Python and this NumPy are laid out as compiled code expects."""
    try:
        return (
            sys.implementation.name == "cpython"
            and ctypes.sizeof(ctypes.c_void_p) == 8
            and all(symbols().values())
            and _python_fits()
            and _numpy_fits()
        )
    except (AttributeError, ImportError, KeyError, OSError, TypeError, ValueError):
        return False


@functools.cache
def are_counted() -> bool:
    """Whether an object begins with how many hold it, which nobody changes while a call reads it:
    not where threads run without a lock.
    """
    array = np.zeros(3)
    before = _read(ctypes.c_int32, array, COUNT)
    holder = [array]
    return HEAD == 16 and before > 0 and _read(ctypes.c_int32, holder[0], COUNT) == before + 1


def _table() -> Any:
    """NumPy's functions, as the capsule it offers to other modules holds them."""
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    module = importlib.import_module("numpy._core._multiarray_umath")
    start = pointer(vars(module)["_ARRAY_API"], None)
    return ctypes.cast(start, ctypes.POINTER(ctypes.c_size_t))


def _read(kind: Any, holder: object, offset: int) -> Any:
    return kind.from_address(id(holder) + offset).value


def _python_fits() -> bool:
    number, items = 1234.5, (object(), object())
    return bool(
        _read(ctypes.c_size_t, number, TYPE) == id(float)
        and _read(ctypes.c_size_t, items, TYPE) == id(tuple)
        and _read(ctypes.c_double, number, FLOAT) == number
        and _read(ctypes.c_size_t, items, ITEMS) == id(items[0])
        and _read(ctypes.c_size_t, items, ITEMS + 8) == id(items[1])
    )


def _numpy_fits() -> bool:
    table = _table()
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(table[_VERSION])()
    array = np.zeros((2, 3), dtype=np.float32)
    view, reference = array[1:], weakref.ref(array)
    return bool(
        version >> 24 == _MAJOR
        and table[_NDARRAY] == id(np.ndarray)
        and _read(ctypes.c_size_t, array, DATA) == array.ctypes.data
        and _read(ctypes.c_int, array, DIMENSIONS) == 2
        and (ctypes.c_ssize_t * 2).from_address(_read(ctypes.c_size_t, array, SHAPE))[:] == [2, 3]
        and _read(ctypes.c_size_t, array, BASE) == 0
        and _read(ctypes.c_size_t, view, BASE) == id(array)
        and _read(ctypes.c_size_t, array, WEAK) == id(reference)
        and _read(ctypes.c_size_t, array, DESCRIPTION) == id(np.dtype(np.float32))
        and _read(ctypes.c_int, array, FLAGS) == array.flags.num
        and _read(ctypes.c_char * 3, array.dtype, ELEMENT) == b"ff="
        and _read(ctypes.c_int, array.dtype, ELEMENT + 4) == array.dtype.num
        and _read(ctypes.c_double, np.float64(1234.5), NUMBER) == 1234.5
        and _read(ctypes.c_float, np.float32(1234.5), NUMBER) == 1234.5
        and _read(ctypes.c_int64, np.int64(-(2**40)), NUMBER) == -(2**40)
        and _read(ctypes.c_int32, np.int32(-(2**20)), NUMBER) == -(2**20)
        and _read(ctypes.c_ubyte, np.True_, NUMBER) == 1
    )
