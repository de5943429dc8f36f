"""The frame: memory for values that leave the function, or the vector, in which they are made."""

from __future__ import annotations

from collections.abc import Sequence


class Frame:
    """Places for values, by the numbers of their steps.

    Values that come together in a vector lie side by side; their place is used again when all of
    them are gone.

    Attributes:
        size: Bytes so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._offsets: dict[int, int] = {}
        self._areas: dict[int, tuple[int, int]] = {}  # where it starts, and its bytes
        self._left: dict[int, int] = {}
        self._free: dict[int, list[int]] = {}

    def __contains__(self, step: int) -> bool:
        return step in self._offsets

    def __getitem__(self, step: int) -> int:
        """Where the value of a step lies, in bytes."""
        return self._offsets[step]

    def add(self, steps: Sequence[int], size: int, stride: int = 0) -> None:
        """Find a place for the values of steps.

        Args:
            steps: One step, or those that are lanes of one vector.
            size: Bytes of the place.
            stride: Bytes from one lane to the next.
        """
        free = self._free.setdefault(size, [])
        if free:
            start = free.pop()
        else:
            start, self.size = self.size, self.size + size
        self._left[start] = len(steps)
        for lane, step in enumerate(steps):
            self._offsets[step] = start + lane * stride
            self._areas[step] = start, size

    def remove(self, step: int) -> None:
        """Nobody reads the value of a step any more."""
        start, size = self._areas[step]
        self._left[start] -= 1
        if not self._left[start]:
            self._free[size].append(start)
