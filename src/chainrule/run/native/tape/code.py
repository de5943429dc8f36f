"""The steps of tapes as machine code in this process.

Tapes need no code of their own: only steps that no earlier graph needed are compiled.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from chainrule import forks
from chainrule.run.native.code.target import Library, load
from chainrule.run.native.tape.steps import Step
from chainrule.run.native.tape.text import module_of

LEVEL: Final = 0
"""How hard LLVM tries. A step is a few instructions: the least effort is four times as quick as the
next one, and its code hardly slower."""

_lock: Final = forks.lock()
_addresses: Final[dict[Step, int]] = {}
_libraries: Final[list[Library]] = []
"""They live as long as the process, as the steps do."""


def install(steps: Sequence[Step], library: Library) -> None:
    """Have tapes made from now on use this code of steps.

    Args:
        steps: The steps.
        library: The module of `module_of` these steps, loaded.
    """
    with _lock:
        _libraries.append(library)
        table = ctypes.CFUNCTYPE(ctypes.c_void_p)(library.address("steps"))()
        found = (ctypes.c_uint64 * len(steps)).from_address(table)
        _addresses.update(zip(steps, found, strict=True))


def addresses(steps: Sequence[Step]) -> list[int]:
    """Where these steps start; those that are missing are compiled."""
    with _lock:
        missing = [step for step in dict.fromkeys(steps) if step not in _addresses]
        if missing:
            module = module_of(missing)
            install(missing, load(module.text, LEVEL, module.externals))
        return [_addresses[step] for step in steps]
