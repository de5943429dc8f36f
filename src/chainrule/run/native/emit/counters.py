"""Calls and time of each kernel, counted by the code itself in a profiling build.

Time is what the processor's counter says, which a kernel can read at the cost of a few additions;
how long one tick of it is follows from the system's clock, which is read at the beginning and when
somebody asks.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from chainrule import forks
from chainrule.run.native.code import target
from chainrule.run.native.emit.lanes import Module

_CLOCKS: Final = {
    "x86_64": "llvm.readcyclecounter",
    "i686": "llvm.readcyclecounter",
    "aarch64": "llvm.readsteadycounter",
    "arm64": "llvm.readsteadycounter",
}
"""What reads a counter that every program may read, and that no saving of power slows down."""

_LEAST: Final = 0.02
"""Seconds between two looks at both clocks, so that their ratio is right to a thousandth."""

_ROW: Final = 8
"""Numbers from one kernel to the next: a line of the cache, so that threads do not disturb others
that are in another kernel."""


class Counters:
    """How often each kernel of a graph ran, and for how long. Any number of threads may count.

    Attributes:
        address: Where machine code finds them: a line of 64 bytes for each kernel, calls first,
            then ticks.
    """

    def __init__(self, count: int) -> None:
        """Counters for so many kernels, all 0."""
        memory = np.zeros((count + 1) * _ROW, np.int64)
        skip = -memory.ctypes.data % 64 // 8
        self._counts = memory[skip : skip + count * _ROW].reshape(count, _ROW)
        self.address: int = self._counts.ctypes.data
        self._seconds = [0.0] * count
        self._lock = forks.lock()
        self._start = time.perf_counter(), _reader().read()

    def add(self, number: int, seconds: float) -> None:
        """Count a call that was not made by machine code."""
        with self._lock:
            self._counts[number, 0] += 1
            self._seconds[number] += seconds

    def read(self) -> list[tuple[int, float]]:
        """Calls and seconds of each kernel so far."""
        clock, ticks = self._start
        left = clock + _LEAST - time.perf_counter()
        if left > 0:
            time.sleep(left)
        found = self._counts[:, :2].tolist()
        passed = _reader().read() - ticks
        tick = (time.perf_counter() - clock) / passed if passed > 0 else 0.0
        return [
            (calls, ticks * tick + seconds)
            for (calls, ticks), seconds in zip(found, self._seconds, strict=True)
        ]


# --- as instructions ------------------------------------------------------------------------------


def _clock(module: Module) -> str:
    """The instruction that reads the counter of this processor; 0 where none may be read."""
    name = _CLOCKS.get(target.processor().triple.partition("-")[0])
    if name is None:
        return "add i64 0, 0"
    module.declare(name, f"i64 @{name}()")
    return f"call i64 @{name}()"


class _Reader(NamedTuple):
    """What reads the counter, and the code that holds it."""

    read: Callable[[], int]
    library: target.Library


@functools.cache
def _reader() -> _Reader:
    module = Module()
    clock = _clock(module)
    text = f"define i64 @ticks() nounwind {{\n  %now = {clock}\n  ret i64 %now\n}}"
    module.define("ticks", text)
    library = target.load(module.text)
    return _Reader(ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("ticks")), library)


def counted(
    module: Module, lines: list[str], number: int, entry: int, name: str = "it"
) -> list[str]:
    """The lines, with what counts them as a call of a kernel around.

    Args:
        module: Where they will stand.
        lines: Instructions of a function that has ``%context``.
        number: The kernel.
        entry: Where in the table of constants the address of the counters is.
        name: Keeps names in the function apart.
    """
    module.define("count", _count(module, entry))
    return [
        f"  %{name}.start = {_clock(module)}",
        *lines,
        f"  call void @count(ptr %context, i64 {number}, i64 %{name}.start)",
    ]


def _count(module: Module, entry: int) -> str:
    """Adds a call and its time to the counters of a kernel."""
    return f"""\
define internal void @count(ptr %context, i64 %number, i64 %start) nounwind {{
  %now = {_clock(module)}
  %time = sub i64 %now, %start
  %at = getelementptr ptr, ptr %context, i64 {entry}
  %counters = load ptr, ptr %at, align 8
  %row = mul i64 %number, {_ROW}
  %calls = getelementptr i64, ptr %counters, i64 %row
  %ticks = getelementptr i64, ptr %calls, i64 1
  %before = atomicrmw add ptr %calls, i64 1 monotonic
  %then = atomicrmw add ptr %ticks, i64 %time monotonic
  ret void
}}"""
