"""The machine code behind every native callable, as LLVM's text: one function for all signatures.

``chainrule_call`` has the shape of CPython's vector call (PEP 590). It reads from the callable
which function to run and which kinds of arguments that takes (a *context*, made by `Context` in
call.py), and hands what is not exactly of these kinds to the slow path.

The memory of a call: input slots, output slots, the arrays that are made, a stack of results, and
the scratch of the evaluation. It lies on the processor's stack while it is small, else in a block
that is parked at the context between calls; a thread that finds none there makes its own.
"""

from __future__ import annotations

import re
from typing import Final

from chainrule.run.native.call import parts as call_parts
from chainrule.run.native.call import python_api as api
from chainrule.run.native.call import quick as call_quick

FRAME: Final = 3072
"""Bytes that a call takes from the processor's stack; with all else below one page of 4096, which
is as much as Windows lets a function take without asking."""

# Fields of a callable, behind the part that Python manages.
VECTORCALL, CONTEXT, SLOW, CALLABLE_SIZE = 0, 8, 16, 24

# Fields of a context. Those that end in AT say where in the memory of a call something starts.
TIER, PARKED, RELEASE, ARGUMENTS, ARGUMENT_COUNT, MADE, MADE_COUNT, STEPS, STEP_COUNT = range(
    0, 72, 8
)
OUTPUTS_AT, HELD_AT, STACK_AT, SCRATCH_AT, CONTEXT_SIZE = range(72, 112, 8)

# Fields of a tier: what a swap changes at once.
EVALUATE, SCRATCH, TABLE, TIER_SIZE = 0, 8, 16, 24

# Fields of an argument, of an array to make and of a step of the results: one layout.
KIND, SLOT, COUNT, CLASS, DESCR, NDIM, DIMS, RECORD_SIZE = range(0, 64, 8)

ARGUMENT_KINDS: Final = ("float64", "float32", "int64", "int32", "bool", "array")
"""The kinds of arguments by their numbers."""
STEP_KINDS: Final = (*ARGUMENT_KINDS, "scalar", "cells", "floats", "tuple")
"""What a step of the results does; see `signature.Step`."""


def text(base: int) -> str:
    """The module; its externals are the names in ``python_api.symbols()``.

    Args:
        base: Where the fields of a callable start.
    """
    numbers = {name: value for name, value in globals().items() if isinstance(value, int)}
    numbers |= {f"A_{name}": value for name, value in vars(api).items() if isinstance(value, int)}
    numbers |= {name: base + numbers[name] for name in ("CONTEXT", "SLOW")}
    numbers |= {f"IS_{kind.upper()}": place for place, kind in enumerate(STEP_KINDS)}
    lines = []
    for line in (call_parts.SOURCE + call_quick.SOURCE).splitlines():
        if line.islower() and " = read " not in line:  # no number: quicker than to search
            lines.append(line)
            continue
        read = _READ.fullmatch(line)
        if read:
            name, kind, holder, field = read.groups()
            lines.append(f"  {name}.at = getelementptr i8, ptr {holder}, i64 {numbers[field]}")
            lines.append(f"  {name} = load {kind}, ptr {name}.at")
        else:
            lines.append(_NUMBER.sub(lambda found: str(numbers[found[1]]), line))
    return "\n".join(lines) + "\n"


_READ: Final = re.compile(r" *(%[\w.]+) = read (\w+) (%[\w.]+) (\w+)")
"""``%x = read kind holder FIELD``: a field of what a pointer points to."""
_NUMBER: Final = re.compile(r"(?<![\w@%.])([A-Z][A-Z0-9_]+)\b")
"""A number by its name."""
