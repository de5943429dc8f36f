"""Kernels of many boxes as several kernels: LLVM takes more than linear time for one function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Final

from chainrule.run.native.plan.kernels import Box, Foreign, Kernel, Plan, Step, Together

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
    needed: set[int] = set()
    length, continues = 0, False
    for box in kernel.boxes:
        own = len(box.steps) + len(box.stores) + len(box.sums)
        uniform = _uniform(kernel, box, needed)
        if boxes and length + own + len(uniform) > _LONGEST:
            yield _piece(kernel, boxes, needed, continues)
            boxes, needed, length, continues = [], set(), 0, True
            uniform = _uniform(kernel, box, needed)
        boxes.append(box)
        needed |= uniform
        length += own + len(uniform)
    yield _piece(kernel, boxes, needed, continues) if continues else kernel


def _uniform(kernel: Kernel, box: Box, known: Set[int]) -> set[int]:
    """The numbers of the uniform values that a box needs besides those that are known."""
    todo = [x for step in box.steps for x in step.operands]
    todo += [store.step for store in box.stores] + [total.step for total in box.sums]
    found: set[int] = set()
    while todo:
        at = todo.pop()
        if at < len(kernel.uniform) and at not in known and at not in found:
            found.add(at)
            todo += kernel.uniform[at].operands
    return found


def _piece(kernel: Kernel, boxes: Sequence[Box], needed: Set[int], continues: bool) -> Kernel:
    shift = len(kernel.uniform)
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
