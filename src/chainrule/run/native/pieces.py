"""Kernels of many boxes as several kernels: LLVM takes more than linear time for one function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from chainrule.run.native.kernels import Box, Foreign, Kernel, Plan, Step, Together

_LONGEST: Final = 300
"""About how many steps, stores and sums the boxes of a kernel have, where there are several."""


def in_pieces(plan: Plan) -> Plan:
    """The plan with its long kernels cut."""
    found: list[Kernel | Foreign | Together] = []
    for kernel in plan.kernels:
        found += _pieces(kernel) if isinstance(kernel, Kernel) else [kernel]
    return plan._replace(kernels=tuple(found))


def _pieces(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel in pieces; each has the uniform values that its boxes need."""
    boxes: list[Box] = []
    length, continues = 0, False
    for box in kernel.boxes:
        own = len(box.steps) + len(box.stores) + len(box.sums)
        if boxes and length + own > _LONGEST:
            yield _piece(kernel, boxes, continues)
            boxes, length, continues = [], 0, True
        boxes.append(box)
        length += own
    yield _piece(kernel, boxes, continues) if continues else kernel


def _piece(kernel: Kernel, boxes: Sequence[Box], continues: bool) -> Kernel:
    shift = len(kernel.uniform)
    ends = {x for box in boxes for step in box.steps for x in step.operands}
    ends |= {store.step for box in boxes for store in box.stores}
    ends |= {total.step for box in boxes for total in box.sums}
    needed = {x for x in ends if x < shift}
    for at in reversed(range(shift)):
        if at in needed:
            needed.update(kernel.uniform[at].operands)
    kept = sorted(needed)
    place = {at: number for number, at in enumerate(kept)}

    def moved(at: int) -> int:
        return place[at] if at < shift else at - shift + len(kept)

    def step(one: Step) -> Step:
        return one._replace(operands=tuple(map(moved, one.operands)))

    return kernel._replace(
        uniform=tuple([step(kernel.uniform[at]) for at in kept]),
        boxes=tuple(
            [
                box._replace(
                    steps=tuple(map(step, box.steps)),
                    stores=tuple([s._replace(step=moved(s.step)) for s in box.stores]),
                    sums=tuple([s._replace(step=moved(s.step)) for s in box.sums]),
                )
                for box in boxes
            ]
        ),
        continues=continues,
    )
