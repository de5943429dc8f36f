"""A process that holds one library's functions of one case and times them when asked.

Lines of JSON come in, one answer goes out for each; what libraries print goes to standard error.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.engine.contender import Ready, UnfitError
from benchmarks.engine.works import BOTH, Case, arguments, steps

_SWITCH = """#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void end(void) { CALLGRIND_DUMP_STATS; CALLGRIND_STOP_INSTRUMENTATION; }
"""


class Worker:
    """The functions that were built, by what they compute."""

    def __init__(self) -> None:
        self._timers: dict[str, Callable[[int], float]] = {}
        self._counts: dict[str, int] = {}
        self._ready: list[Ready] = []  # what is called may lean on memory that these hold
        self._case: Case | None = None
        self._room: ModuleType | None = None
        self._way = ""
        self._switch: Any = None

    def load(self, peer: str, way: str, case: dict[str, Any]) -> dict[str, Any]:
        """Import the library and make the inputs."""
        self._case = Case(**case)
        self._way = way
        self._counts.clear()
        arguments(self._case)
        if self._case.row == "d":
            steps(self._case)
        try:
            self._room = importlib.import_module(f"benchmarks.engine.peers.{peer}")
            self._room.warm()
        except (ImportError, FileNotFoundError) as error:
            return {"missing": str(error)}
        return {}

    def build(self, what: str, save: str) -> dict[str, Any]:
        """Build, call once, save the result; seconds of each."""
        assert self._room is not None
        start = time.perf_counter()
        try:
            ready: Ready = self._room.build(self._case, self._way, what)
        except UnfitError as reason:
            return {"unfit": str(reason)}
        built = time.perf_counter()
        self._ready.append(ready)
        result = ready.call(*ready.arguments)
        called = time.perf_counter()
        if what == BOTH:
            self._save(ready, result, save)
        waited = time.perf_counter()
        if ready.wait is not None:
            ready.wait()
        waited = time.perf_counter() - waited
        if what == BOTH and ready.wait is not None:
            self._save(ready, ready.call(*ready.arguments), f"{save}-again")
        self._timers[what] = ready.loop or _timer(ready)
        return {"build": built - start, "first": called - built, "wait": waited}

    @staticmethod
    def _save(ready: Ready, result: Any, path: str) -> None:
        found = ready.read(result)
        named = {f"d{i}": part for i, part in enumerate(found.derivatives)}
        if found.value is not None:
            named["value"] = found.value
        write: Any = np.savez
        write(f"{path}.npz", **named)

    def measure(self, what: str, seconds: float) -> dict[str, Any]:
        """Seconds of a call, from as many as fit into a round."""
        timer = self._timers[what]
        count = self._counts.get(what)
        if count is None:
            once = count = 1
            while (once_took := timer(once)) < seconds / 10:
                once *= 4
            count = max(1, round(seconds * once / once_took))
            self._counts[what] = count
        return {"seconds": timer(count) / count}

    def count(self, what: str, calls: int) -> dict[str, Any]:
        """Run so many calls under callgrind, which writes what it counted into a file."""
        if self._switch is None:
            self._switch = _switch()
        timer = self._timers[what]
        self._switch.begin()
        timer(calls)
        self._switch.end()
        return {}


def _switch() -> Any:
    """Callgrind turned on and off from within."""
    Path("switch.c").write_text(_SWITCH, encoding="utf-8")
    library = Path("switch.so").absolute()
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), "switch.c"], check=True)
    return ctypes.CDLL(str(library))


def _timer(ready: Ready) -> Callable[[int], float]:
    """Python's loop around a plain call with local names."""
    names = [f"a{i}" for i in range(len(ready.arguments))]
    held = {"_held": (ready.call, *ready.arguments)}
    setup = f"({', '.join(['call', *names])},) = _held"
    return timeit.Timer(f"call({', '.join(names)})", setup, globals=held).timeit


def main() -> None:
    """Answer until the other side closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        asked = json.loads(line)
        verb = getattr(worker, asked.pop("do"))
        try:
            answer = verb(**asked)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
