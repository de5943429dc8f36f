"""Large loops shared among threads: each runs a part of the outermost axis.

Sums of parts are kept apart and added up in order, so that a number of threads gives the same bits
every time. Which thread runs which part is settled when the code is made.
"""

from __future__ import annotations

import math
from typing import Final

from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.plan.kernels import (
    Box,
    Buffer,
    Foreign,
    Home,
    Kernel,
    Place,
    Plan,
    Step,
    Store,
    Together,
)

_LEAST: Final = 1 << 15
"""Elements for each thread: for fewer, waking it costs more than it saves."""


def shared(plan: Plan, threads: int) -> Plan:
    """The plan with its large loops in parts, as many as there are threads."""
    if threads == 1:
        return plan
    scratch = list(plan.scratch)
    steps: list[Kernel | Foreign | Together] = []
    for kernel in plan.kernels:
        if not isinstance(kernel, Kernel) or not kernel.sizes:
            steps.append(kernel)
            continue
        parts = min(threads, math.prod(kernel.sizes) // _LEAST, kernel.sizes[0])
        if parts < 2:
            steps.append(kernel)
        else:
            steps += _in_parts(kernel, parts, scratch)
    return plan._replace(kernels=tuple(steps), scratch=tuple(scratch))


def _in_parts(kernel: Kernel, parts: int, scratch: list[Type]) -> list[Kernel | Together]:
    """A kernel as several that run side by side, and one that adds up their sums."""
    size = kernel.sizes[0]
    whole = kernel.reduced == len(kernel.sizes)
    made, totals = [], []
    for part in range(parts):
        low, high = size * part // parts, size * (part + 1) // parts
        own = kernel.totals
        if whole and own:
            own = tuple([_new_number(place.buffer.type, scratch) for place in own])
            totals.append(own)
        boxes = [_clipped(box, low, high) for box in kernel.boxes]
        inside = tuple([box for box in boxes if box is not None])
        made.append(kernel._replace(boxes=inside, totals=own))
    found: list[Kernel | Together] = [Together(tuple(made))]
    if totals:
        found.append(_added(kernel, totals))
    return found


def _clipped(box: Box, low: int, high: int) -> Box | None:
    """What of a box lies between two indices of the outermost axis."""
    (first, last), *rest = box.ranges
    first, last = max(first, low), min(last, high)
    return box._replace(ranges=((first, last), *rest)) if first < last else None


def _new_number(type: Type, scratch: list[Type]) -> Place:
    scratch.append(type)
    return Place(Buffer(Home.SCRATCH, len(scratch) - 1, type), 0, ())


def _added(kernel: Kernel, totals: list[tuple[Place, ...]]) -> Kernel:
    """The sums of the parts, added up in order."""
    steps: list[Step] = []
    stores = []
    for at, place in enumerate(kernel.totals):
        type = place.buffer.type
        a, b = input_node("a", type), input_node("b", type)
        add = make(OPS["add"], (a, b))
        result = -1
        for own in totals:
            steps.append(Step(a, (), own[at]))
            if result >= 0:
                steps.append(Step(add, (result, len(steps) - 1)))
            result = len(steps) - 1
        stores.append(Store(result, place))
    return Kernel((), 0, (), (Box((), tuple(steps), tuple(stores), ()),), (), kernel.writes)
