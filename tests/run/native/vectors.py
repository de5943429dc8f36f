"""Functions of our own, or of the C library, as callables over NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.run.native.code import target
from chainrule.run.native.emit.lanes import SIZES, Code, Define, Module, Value

KINDS = {"float64": "double", "float32": "float"}

Vectorised = Callable[..., np.ndarray[Any, Any]]


def vectorised(
    functions: Mapping[str, Define],
    name: str,
    operands: int,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    widths: tuple[int, ...] = (1, 4, 8),
) -> dict[tuple[str, int], Vectorised]:
    """A function of arrays for each dtype and width, all compiled at once."""
    module = Module(functions)
    for dtype in dtypes:
        for width in widths:
            loop(module, name, operands, KINDS[dtype], width)
    library = target.load(module.text)
    return {
        (dtype, width): _callable(library, f"{name}_{KINDS[dtype]}_{width}", dtype, width, operands)
        for dtype in dtypes
        for width in widths
    }


def loop(module: Module, name: str, operands: int, kind: str, width: int) -> None:
    code = Code(module, width)
    type, size = code.type(kind), SIZES[kind]
    given = []
    for number in range(operands):
        code.add_line(f"  %p{number} = getelementptr {kind}, ptr %in{number}, i64 %i")
        code.add_line(f"  %x{number} = load {type}, ptr %p{number}, align {size}")
        given.append(Value(f"%x{number}", kind))
    result = code.call(name, *given)
    arguments = "".join(f"ptr noalias %in{number}, " for number in range(operands))
    body = "\n".join(code.lines)
    full = f"{name}_{kind}_{width}"
    module.define(
        full,
        f"""define void @{full}({arguments}ptr noalias %out, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{body}
  %q = getelementptr {kind}, ptr %out, i64 %i
  store {type} {result.text}, ptr %q, align {size}
  %next = add nuw nsw i64 %i, {width}
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}""",
    )


def _callable(
    library: target.Library, full: str, dtype: str, width: int, operands: int
) -> Vectorised:
    run = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (operands + 1), ctypes.c_int64)(
        library.address(full)
    )

    def call(*arrays: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        size = arrays[0].size
        room = -(-size // width) * width
        padded = []
        for array in arrays:
            copy = np.ones(room, dtype)
            copy[:size] = array
            padded.append(copy)
        out = np.empty(room, dtype)
        run(*[array.ctypes.data for array in padded], out.ctypes.data, room)
        return out[:size]

    call.library = library  # type: ignore[attr-defined]
    call.run = run  # type: ignore[attr-defined]
    return call
