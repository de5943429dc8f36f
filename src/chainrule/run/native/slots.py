"""Arguments and results as compiled code takes them: slots with numbers, or with addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from chainrule.graph.types import Type
from chainrule.run.native.plan.memory import LINE

Evaluate = Callable[..., None]
"""A compiled function: (inputs, outputs, scratch, context), all addresses."""

EVALUATE: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
"""What `Evaluate` is to ctypes; calls let other threads run."""


POINTS: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, ctypes.c_int64, ctypes.c_int64)
"""A compiled function over points: the same, then the first point and the one after the last."""


def filled(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Slots for these values: numbers of NumPy's, and arrays in order, which must outlive them."""
    slots = np.zeros(max(1, len(values)), np.int64)
    for at, value in enumerate(values):
        if value.__class__ is np.ndarray:
            slots[at] = value.ctypes.data
        else:
            slots[at : at + 1].view(np.asarray(value).dtype)[0] = value
    return slots


Given = Mapping[int, np.ndarray[Any, Any]]
"""Memory for some outputs, by position: arrays in order and aligned, of the right type."""

NONE: Final[Given] = MappingProxyType({})


def results_for(
    types: Sequence[Type], given: Given = NONE
) -> tuple[list[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """Memory for results of these types, new where none is given, and the slots that say where.

    The array of a number lies in its slot.
    """
    slots = np.zeros(len(types), np.int64)
    results = []
    for at, type in enumerate(types):
        if type.shape:
            result = given[at] if at in given else np.empty(type.shape, type.dtype)
            slots[at] = result.ctypes.data
        else:
            result = slots[at : at + 1].view(type.dtype)[:1].reshape(())
        results.append(result)
    return results, slots


def scratch_of(size: int) -> np.ndarray[Any, Any]:
    """Scratch memory of this size, at the beginning of a line."""
    memory = np.empty(size + LINE, np.uint8)
    return memory[-memory.ctypes.data % LINE :]
