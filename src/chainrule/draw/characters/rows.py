"""Whole numbers as near to each other as bounds between them allow.

The sum of ``weight·|a − b − apart|`` is made smallest under ``a − b ≥ least``. Such a sum is
smallest where moving no set of numbers by one makes it smaller, and the best set to move is a
smallest cut (Murota, Discrete Convex Analysis, 2003, section 10.3).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from itertools import pairwise
from typing import Final

_INFINITE: Final = 10**12


class Rows:
    """Numbers known by their keys.

    >>> rows = Rows()
    >>> rows.bound("b", "a", 2)
    >>> rows.bound("c", "b", 2)
    >>> rows.pull("c", "a", 7, 1)
    >>> found = rows.settle()
    >>> found["c"] - found["a"]
    7
    """

    def __init__(self) -> None:
        self._index: dict[Hashable, int] = {}
        self._pulls: list[tuple[int, int, int, int]] = []
        self._bounds: list[tuple[int, int, int]] = []

    def pull(self, a: Hashable, b: Hashable, apart: int, weight: int) -> None:
        """Let ``a − b`` be near ``apart``."""
        self._pulls.append((self._number(a), self._number(b), apart, weight))

    def bound(self, a: Hashable, b: Hashable, least: int) -> None:
        """Let ``a − b`` be ``least`` or more; bounds must not contradict each other."""
        self._bounds.append((self._number(a), self._number(b), least))

    def settle(self) -> dict[Hashable, int]:
        """The numbers."""
        values = [0] * len(self._index)
        below = True
        while below:
            below = False
            for a, b, least in self._bounds:
                if values[a] - values[b] < least:
                    values[a] = values[b] + least
                    below = True
        moved = True
        while moved:
            moved = False
            for step in (1, -1):
                chosen = self._chosen(values, step)
                moved |= bool(chosen)
                for number in chosen:
                    values[number] += step
        return {key: values[number] for key, number in self._index.items()}

    def _number(self, key: Hashable) -> int:
        return self._index.setdefault(key, len(self._index))

    def _chosen(self, values: list[int], step: int) -> list[int]:
        """The best set to move by a step; empty: no set makes the sum smaller."""
        source, sink = len(values), len(values) + 1
        # What it costs if the first of a pair moves and the second does not; the source moves.
        room: list[dict[int, int]] = [{} for _ in range(len(values) + 2)]

        def join(a: int, b: int, cost: int) -> None:
            if cost:
                room[a][b] = room[a].get(b, 0) + cost
                room[b].setdefault(a, 0)

        alone = [0] * len(values)
        for a, b, apart, weight in self._pulls:
            away = values[a] - values[b] - apart
            only_a = weight * (abs(away + step) - abs(away))
            only_b = weight * (abs(away - step) - abs(away))
            # only_a·x(1 − y) + only_b·(1 − x)y, written with one product that is not negative.
            alone[a] -= only_b
            alone[b] += only_b
            join(a, b, only_a + only_b)
        for a, b, least in self._bounds:
            if values[a] - values[b] == least:
                join(*((b, a) if step > 0 else (a, b)), _INFINITE)
        for number, cost in enumerate(alone):
            join(*((source, number) if cost < 0 else (number, sink)), abs(cost))
        return [number for number in _source_side(room, source, sink) if number != source]


def _source_side(room: list[dict[int, int]], source: int, sink: int) -> dict[int, int]:
    """The side of the source in a smallest cut, by largest flow (Edmonds and Karp, 1972)."""
    while sink in (reached := _reached(room, source, sink)):
        way = [sink]
        while way[-1] != source:
            way.append(reached[way[-1]])
        flow = min(room[a][b] for b, a in pairwise(way))
        for b, a in pairwise(way):
            room[a][b] -= flow
            room[b][a] += flow
    return reached


def _reached(room: list[dict[int, int]], source: int, sink: int) -> dict[int, int]:
    """What has a way with room from the source, each with the one before it."""
    reached = {source: source}
    waiting = deque([source])
    while waiting and sink not in reached:
        here = waiting.popleft()
        for there, free in room[here].items():
            if free and there not in reached:
                reached[there] = here
                waiting.append(there)
    return reached
