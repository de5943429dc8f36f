"""The stages from a graph to machine code, and what each takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

STAGES: Final = ("simplify", "fuse", "memory", "emit", "cache", "optimise", "code", "load")


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the time that a stage takes to those of before."""
    start = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start
