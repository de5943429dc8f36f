"""A graph of numbers over points: arrays go in and come out, each point is computed alike."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule import forks
from chainrule.late import Late
from chainrule.run.native.request import Request
from chainrule.run.native.routine import Routine
from chainrule.run.native.slots import NONE, POINTS, Given, address, filled, scratch_of

if TYPE_CHECKING:
    from chainrule.run.native import compiling, pool
else:
    compiling = Late("chainrule.run.native.compiling")
    pool = Late("chainrule.run.native.pool")

_LEAST: Final = 4096
"""Points for each thread: for fewer, starting it costs more than it saves."""


class Points:
    """Runs a graph of numbers over points. Safe to call from several threads.

    Args:
        request: The graph, which is of numbers, and how it is compiled.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._routines: dict[tuple[bool, ...], Routine | None] = {}
        self._lock = forks.lock()

    def __call__(
        self, values: Sequence[Any], shape: tuple[int, ...], given: Given = NONE
    ) -> list[Any] | None:
        """The results, each of the shape of the points; None where there is no code for points.

        Args:
            values: One for each input: a number, or an array that broadcasts to ``shape``.
            shape: The shape of the points.
            given: Memory for results; it may be left unused.
        """
        routine = self._routine(tuple([np.ndim(value) > 0 for value in values]))
        if routine is None:
            return None
        whole = [
            np.ascontiguousarray(np.broadcast_to(value, shape)) if np.ndim(value) else value[()]
            for value in values
        ]
        results = [
            given[at] if at in given else np.empty(shape, type.dtype)
            for at, type in enumerate(self._request.types)
        ]
        inputs, outputs = filled(whole), filled(results)
        function = POINTS(routine.addresses[0])

        def part(low: int, high: int) -> None:
            scratch = scratch_of(routine.scratch)
            places = address(inputs), address(outputs), address(scratch)
            function(*places, routine.context, low, high)

        count = results[0].size
        parts = max(1, min(self._request.options.threads, count // _LEAST))
        if parts == 1:
            part(0, count)
            return results
        bounds = [count * at // parts for at in range(parts + 1)]
        shares = [functools.partial(part, *ends) for ends in pairwise(bounds)]
        pool.together(shares, keep=(whole, results))
        return results

    def _routine(self, moving: tuple[bool, ...]) -> Routine | None:
        """The code for points in which these inputs vary; it is made when it is first needed.
        None: NumPy does it.
        """
        with self._lock:
            if moving not in self._routines:
                self._routines[moving] = self._request.recalled(moving) or self._made(moving)
            return self._routines[moving]

    def _made(self, moving: tuple[bool, ...]) -> Routine | None:
        request = self._request
        if request.planned.numbers is None:
            return None
        text = compiling.text_of(request.planned, moving)
        return compiling.compiled(request.planned, text, request.name(moving))
