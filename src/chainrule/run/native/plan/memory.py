"""Where in scratch memory each array lies: arrays that are not needed at once share a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.run.native.plan.kernels import Foreign, Home, Kernel, Place, Plan, Together
from chainrule.run.native.slots import LINE


class Layout(NamedTuple):
    """Places in scratch memory.

    Attributes:
        offsets: In bytes, for each array of `Plan.scratch`.
        size: Bytes in all.
    """

    offsets: tuple[int, ...]
    size: int


def layout(plan: Plan) -> Layout:
    """A place for each array from the kernel that writes it to the last one that reads it."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for at, kernel in enumerate(plan.kernels):
        for number in _touched(kernel):
            first.setdefault(number, at)
            last[number] = at
    offsets = [0] * len(plan.scratch)
    free: list[tuple[int, int]] = []  # (start, size), in order
    end = 0
    gone: dict[int, list[int]] = {}
    for number, at in last.items():
        gone.setdefault(at, []).append(number)
    made: dict[int, list[int]] = {}
    for number, at in first.items():
        made.setdefault(at, []).append(number)
    for at in range(len(plan.kernels)):
        for number in made.get(at, ()):
            size = _rounded(plan, number)
            fitting = [(length, start) for start, length in free if length >= size]
            if fitting:
                length, start = min(fitting)
                free.remove((start, length))
                if length > size:
                    free.append((start + size, length - size))
            else:
                start, end = end, end + size
            offsets[number] = start
        free += [(offsets[number], _rounded(plan, number)) for number in gone.get(at, ())]
        free, end = _joined(free, end)
    size = max(
        (offset + _rounded(plan, number) for number, offset in enumerate(offsets)), default=0
    )
    return Layout(tuple(offsets), size)


def _rounded(plan: Plan, number: int) -> int:
    """Bytes of an array, up to a whole number of lines."""
    type = plan.scratch[number]
    size = type.dtype.itemsize
    for count in type.shape:
        size *= count
    return max(LINE, -(-size // LINE) * LINE)


def _joined(free: Sequence[tuple[int, int]], end: int) -> tuple[list[tuple[int, int]], int]:
    """Neighbours among free places made one; those at the end given back."""
    found: list[tuple[int, int]] = []
    for start, size in sorted(free):
        if found and sum(found[-1]) == start:
            found[-1] = (found[-1][0], found[-1][1] + size)
        else:
            found.append((start, size))
    if found and sum(found[-1]) == end:
        end = found.pop()[0]
    return found, end


def _touched(step: Kernel | Foreign | Together) -> list[int]:
    """The numbers of the arrays in scratch memory that a step of a plan reads or writes."""
    if isinstance(step, Together):
        return [number for kernel in step.kernels for number in _touched(kernel)]
    if isinstance(step, Foreign):
        buffers = [*step.operands]
    else:
        places: list[Place | None] = [*step.totals]
        places += [one.place for one in step.uniform]
        for box in step.boxes:
            places += [one.place for one in box.steps]
            places += [store.place for store in box.stores]
        buffers = [place.buffer for place in places if place is not None]
    return [buffer.number for buffer in buffers if buffer.home is Home.SCRATCH]
