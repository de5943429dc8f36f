"""Compiled code called through ctypes: what callable.py does, for any Python and any NumPy."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np

from chainrule.run.native.call.signature import Argument, Step, made_arrays

_FORMATS: Final = {"float64": "d", "float32": "f", "int64": "q", "int32": "i", "bool": "?"}
"""A number in the first bytes of its slot, as `struct` writes it."""

_RELEASED: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
_LOCKED: Final = ctypes.PYFUNCTYPE(None, *[ctypes.c_void_p] * 4)


def accepted(arguments: Sequence[Argument], values: Sequence[Any]) -> bool:
    """Whether compiled code takes these values as they are."""
    return len(arguments) == len(values) and all(
        argument.accepts(value) for argument, value in zip(arguments, values, strict=True)
    )


class Compiled(Protocol):
    """What is known of compiled code; see `Context`."""

    arguments: tuple[Argument, ...]
    outputs: int
    steps: tuple[Step, ...]
    tier: tuple[int, int, int]
    release_gil: bool


def run(code: Compiled, values: Sequence[Any]) -> Any:
    """The results for values that are accepted."""
    evaluate, scratch, table = code.tier
    inputs = bytearray(8 * len(code.arguments))
    for place, (argument, value) in enumerate(zip(code.arguments, values, strict=True)):
        if argument.type.shape:
            struct.pack_into("q", inputs, 8 * place, value.ctypes.data)
        else:
            struct.pack_into(_FORMATS[argument.type.dtype.name], inputs, 8 * place, value)
    outputs = bytearray(8 * code.outputs)
    arrays = {
        slot: np.empty(type.shape, dtype=type.dtype)
        for slot, type in made_arrays(code.steps).items()
    }
    for slot, array in arrays.items():
        struct.pack_into("q", outputs, 8 * slot, array.ctypes.data)
    room = np.empty(scratch + 64, dtype=np.uint8)
    start = (room.ctypes.data + 63) // 64 * 64
    prototype = _RELEASED if code.release_gil else _LOCKED
    prototype(evaluate)(_start(inputs), _start(outputs), start, table)
    stack: list[Any] = []
    for step in code.steps:
        if step.type is None:
            first = len(stack) - step.size
            stack[first:] = [tuple(stack[first:])]
        elif step.kind == "array":
            stack.append(arrays[step.slot])
        else:
            form = _FORMATS[step.type.dtype.name]
            numbers = [
                struct.unpack_from(form, outputs, 8 * slot)[0]
                for slot in range(step.slot, step.slot + step.size)
            ]
            if step.kind == "floats":
                stack.append(tuple(numbers))
            elif step.kind == "cells":
                stack.append(np.array(numbers, dtype=step.type.dtype).reshape(step.type.shape))
            else:
                stack.append(
                    step.type.dtype.type(numbers[0]) if step.kind == "scalar" else numbers[0]
                )
    return stack[0]


def _start(memory: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory)) if memory else 0
