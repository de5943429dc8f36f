"""What the code behind native callables, and the objects it reads, agree on: numbers of fields."""

from __future__ import annotations

from typing import Final

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

# Fields of an argument, of an array to make and of a step of the results: one layout. The last ones
# say whether arrays are kept to be handed out again, and hold them.
KIND, SLOT, COUNT, CLASS, DESCR, NDIM, DIMS, KEPT, LAST, BEFORE, RECORD_SIZE = range(0, 88, 8)

ARGUMENT_KINDS: Final = ("float64", "float32", "int64", "int32", "bool", "array")
"""The kinds of arguments by their numbers."""
STEP_KINDS: Final = (*ARGUMENT_KINDS, "last", "scalar", "cells", "floats", "tuple")
"""What a step of the results does; see `signature.Step`. ``last`` pushes an array that is not
pushed once more: the call hands over its own hold."""
