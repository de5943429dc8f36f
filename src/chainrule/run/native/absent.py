"""Where no machine code can be made, NumPy runs every graph, and one warning says why."""

from __future__ import annotations

import warnings
from typing import Final

from chainrule import forks
from chainrule.errors import ChainruleWarning

ABSENT: Final = (ImportError, OSError)
"""What is raised where llvmlite, or the library in it, cannot be loaded."""

_lock: Final = forks.lock()
_said: Final[set[str]] = set()


def warn(why: str) -> None:
    """Say once in a process that there will be no machine code."""
    with _lock:
        first = not _said
        _said.add(why)
    if first:
        warnings.warn(
            f"W102 no machine code can be made here: {why}; NumPy runs all graphs",
            ChainruleWarning,
            stacklevel=5,
        )
