"""Records that calls read, of arguments and results, in memory; `layout` has their fields."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from chainrule.graph.types import Type
from chainrule.run.native.call import layout, python_api
from chainrule.run.native.call.signature import Step

Record = dict[int, Any]
"""Numbers, and memory to point to, by their offsets."""


class Table:
    """Records of one size, one after the other, in memory that stays where it is."""

    def __init__(self, records: Sequence[Record], size: int) -> None:
        self._records = records  # they hold what is pointed to
        self._memory = (ctypes.c_int64 * (len(records) * size // 8))()
        self.address = ctypes.addressof(self._memory)
        self.count = len(records)
        for place, record in enumerate(records):
            for offset, value in record.items():
                number = value if isinstance(value, int) else ctypes.addressof(value)
                self._memory[(place * size + offset) // 8] = number


def argument(type: Type) -> Record:
    """What is expected at one place."""
    kind = "array" if type.shape else type.dtype.name
    exact = np.ndarray if type.shape else _dtype(type).type
    return {
        **_array(0, type),
        layout.KIND: layout.ARGUMENT_KINDS.index(kind),
        layout.CLASS: id(exact),
    }


def steps(order: Sequence[Step], arrays: dict[int, int]) -> list[Record]:
    """The steps of the results; ``arrays`` are the numbers of those that are made, by slot."""
    last = {one.slot: place for place, one in enumerate(order) if one.kind == "array"}
    found = []
    for place, one in enumerate(order):
        kind, count = one.kind, one.size
        if kind == "array":
            kind, count = "last" if place == last[one.slot] else kind, arrays[one.slot]
        record = {layout.KIND: layout.STEP_KINDS.index(kind), layout.COUNT: count}
        if one.type is not None:
            record |= made_array(one.slot, one.type) | {layout.CLASS: one.type.dtype.itemsize}
        found.append(record)
    return found


def made_array(slot: int, type: Type) -> Record:
    """An array that is made for a result, or kept from an earlier one."""
    small = math.prod(type.shape) * type.dtype.itemsize <= _KEPT
    return _array(slot, type) | {layout.KEPT: int(small and python_api.are_counted())}


_KEPT: Final = 1 << 17
"""Bytes of an array that may be kept to be handed out again; for larger ones it does not pay."""


def _array(slot: int, type: Type) -> Record:
    return {
        layout.SLOT: slot,
        layout.DESCR: id(_dtype(type)),
        layout.NDIM: len(type.shape),
        layout.DIMS: (ctypes.c_int64 * len(type.shape))(*type.shape),
    }


def _dtype(type: Type) -> np.dtype[Any]:
    """The dtype object that NumPy gives its own arrays; it lives as long as NumPy."""
    return np.dtype(type.dtype.name)
