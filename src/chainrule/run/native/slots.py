"""Arguments and results as compiled code takes them: slots with numbers, or with addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from chainrule.graph.types import Type
from chainrule.run.native.call import python_api

LINE: Final = 64
"""Arrays in scratch memory begin at multiples of this many bytes: a line of the processor's cache,
and the widest vector."""

Array = np.ndarray[Any, Any]

Evaluate = Callable[..., None]
"""A compiled function: (inputs, outputs, scratch, context), all addresses."""

EVALUATE: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
"""What `Evaluate` is to ctypes; calls let other threads run."""


POINTS: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, ctypes.c_int64, ctypes.c_int64)
"""A compiled function over points: the same, then the first point and the one after the last."""


def _address_read(array: Array) -> int:
    address: int = ctypes.c_size_t.from_address(id(array) + python_api.DATA).value
    return address


def _address_asked(array: Array) -> int:
    return array.ctypes.data


address: Final = _address_read if python_api.available() else _address_asked
"""Where the first element of an array is. Asking NumPy takes ten times as long as reading it."""


def fill(slots: Array, values: Sequence[Any]) -> None:
    """Write values into slots: numbers, and arrays in order, which must outlive them."""
    for at, value in enumerate(values):
        if value.__class__ is np.ndarray:
            slots[at] = address(value)
        else:
            slots[at : at + 1].view(np.asarray(value).dtype)[0] = value


def filled(values: Sequence[Any]) -> Array:
    """New slots with these values; see `fill`."""
    slots = np.zeros(max(1, len(values)), np.int64)
    fill(slots, values)
    return slots


def number_in(slots: Array, at: int, type: Type) -> Array:
    """The number in a slot, as an array without axes that lies there."""
    return slots[at : at + 1].view(type.dtype)[:1].reshape(())


Given = Mapping[int, Array]
"""Memory for some outputs, by position: arrays in order and aligned, of the right type."""

NONE: Final[Given] = MappingProxyType({})


def results_for(types: Sequence[Type], given: Given = NONE) -> tuple[list[Array], Array]:
    """Memory for results of these types, new where none is given, and the slots that say where.

    The array of a number lies in its slot.
    """
    slots = np.zeros(len(types), np.int64)
    results = []
    for at, type in enumerate(types):
        if type.shape:
            result = given[at] if at in given else np.empty(type.shape, type.dtype)
            slots[at] = address(result)
        else:
            result = number_in(slots, at, type)
        results.append(result)
    return results, slots


def scratch_of(size: int) -> Array:
    """Scratch memory of this size, at the beginning of a line."""
    memory = np.empty(size + LINE, np.uint8)
    return memory[-address(memory) % LINE :]
