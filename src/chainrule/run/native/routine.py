"""What runs a graph: functions that are loaded, and all that a call of them needs."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.run.native.code.target import Library

if TYPE_CHECKING:
    from chainrule.run.native.emit.counters import Counters


class Recipe(NamedTuple):
    """What a graph became, besides its machine code: the same in every process.

    Attributes:
        entries: The functions that are called from outside, in the first module; none: all parts.
        parts: Functions of the other modules, whose places stand in the table.
        empty: How many places at the beginning of the table are filled by calls.
        constants: Arrays that the code reads; the next places.
        scratch: Bytes of scratch memory.
        instructions: How many instructions LLVM was given.
        kernels: How many loop nests there are.
    """

    entries: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    empty: int
    constants: tuple[np.ndarray[Any, Any], ...]
    scratch: int
    instructions: int
    kernels: int


class Routine(NamedTuple):
    """A way to run a graph.

    Attributes:
        tier: What kind of code it is; see `chainrule.run.native.report.CompileReport`.
        addresses: Of the functions; a single one where no work is left to NumPy.
        scratch: Bytes of scratch memory that it needs.
        context: Where the table of constants is.
        instructions: How many instructions LLVM was given.
        kernels: How many loop nests it has.
        code_bytes: Of the object files.
        seconds: What each stage took.
        keep: What must live as long as the code.
    """

    tier: str
    addresses: tuple[int, ...]
    scratch: int
    context: int
    instructions: int
    kernels: int
    code_bytes: int
    seconds: dict[str, float]
    keep: Any


def routine(
    recipe: Recipe,
    libraries: Sequence[Library],
    tier: str,
    seconds: dict[str, float],
    counters: Counters | None = None,
) -> Routine:
    """A routine of code that is loaded.

    Args:
        recipe: What the graph became.
        libraries: Its modules, loaded.
        tier: What kind of code they are.
        seconds: What each stage took.
        counters: Those of a profiling build.
    """
    parts = [
        library.address(name)
        for library, names in zip(libraries[1:], recipe.parts, strict=False)
        for name in names
    ]
    constants = [constant.ctypes.data for constant in recipe.constants]
    more = () if counters is None else (counters.address,)
    places = [*[None] * recipe.empty, *constants, *parts, *more]
    table = (ctypes.c_void_p * max(1, len(places)))(*places)
    return Routine(
        tier,
        tuple([libraries[0].address(name) for name in recipe.entries] or parts),
        recipe.scratch,
        ctypes.addressof(table),
        recipe.instructions,
        recipe.kernels,
        sum([library.code_bytes for library in libraries]),
        seconds,
        (libraries, recipe.constants, table, counters),
    )
