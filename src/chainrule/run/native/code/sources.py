"""What decides which code a graph becomes besides the graph: our own sources, and versions."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import Final

import numpy as np

from chainrule.run.native.code.processor import folder_of

_ROOMS: Final = ("formula", "graph", "ops", "diff", "simplify", "run")
"""Where code may come from: the rooms that this one may import from, and this one."""


@functools.cache
def sources() -> str | None:
    """Text that changes with whatever may change the code; None where our sources are not files.

    Files are not read, as there are hundreds: each is told by its size, and when it was changed.
    """
    said = [sys.version, np.__version__]
    try:
        scipy = folder_of("scipy")  # some constants are computed by it
        if scipy is not None:
            said.append(_told((scipy / "version.py").stat()))
        ours = folder_of("chainrule")
        for room in _ROOMS:
            said += _files(f"{ours}/{room}")
    except OSError:
        return None
    return "\n".join(said)


def _files(folder: str) -> Iterator[str]:
    """The sources in a folder and below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.name + _told(entry.stat())
            elif "." not in entry.name and entry.name != "__pycache__":
                yield from _files(entry.path)


def _told(status: os.stat_result) -> str:
    return f" {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
