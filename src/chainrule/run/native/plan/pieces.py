"""Long kernels as several kernels: LLVM takes more than linear time for one function.

Those of many boxes get some boxes each; a long kernel without axes is cut between its steps, and
values that a later piece needs pass through scratch memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Final

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

_LONGEST: Final = 300
"""About how many steps, stores and sums the boxes of a kernel have, where there are several."""

_LONGEST_STRAIGHT: Final = 600
"""The same for steps of a kernel without axes."""


def in_pieces(plan: Plan) -> Plan:
    """The plan with its long kernels cut."""
    found: list[Kernel | Foreign | Together] = []
    scratch = list(plan.scratch)
    for kernel in plan.kernels:
        if not isinstance(kernel, Kernel):
            found.append(kernel)
        elif kernel.sizes:
            found += _pieces(kernel)
        else:
            found += _straight_pieces(kernel, scratch)
    return plan._replace(kernels=tuple(found), scratch=tuple(scratch))


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


# --- without axes ---------------------------------------------------------------------------------


def _straight_pieces(kernel: Kernel, scratch: list[Type]) -> Iterator[Kernel]:
    """A kernel without axes in pieces that pass numbers to one another through scratch memory."""
    (box,) = kernel.boxes
    steps = box.steps
    if box.sums or len(steps) <= _LONGEST_STRAIGHT:
        yield kernel
        return
    count = -(-len(steps) // _LONGEST_STRAIGHT)
    ends = [len(steps) * at // count for at in range(count + 1)]
    piece_of = [at for at, ends in enumerate(pairwise(ends)) for _ in range(*ends)]
    stores: list[list[Store]] = [[] for _ in range(count)]
    for store in box.stores:
        stores[piece_of[store.step]].append(store)
    passed = _passed(steps, piece_of, scratch)
    for at, place in passed.items():
        stores[piece_of[at]].append(Store(at, place))
    for piece, (low, high) in enumerate(pairwise(ends)):
        yield _straight(kernel, low, high, stores[piece], passed)


def _passed(
    steps: Sequence[Step], piece_of: Sequence[int], scratch: list[Type]
) -> dict[int, Place]:
    """Where the values lie that a later piece needs; what is read or constant is made anew."""
    needed: defaultdict[tuple[int, Type], list[int]] = defaultdict(list)
    seen: set[int] = set()
    for at, step in enumerate(steps):
        for operand in step.operands:
            if piece_of[operand] < piece_of[at] and operand not in seen:
                seen.add(operand)
                if not _is_anew(steps[operand]):
                    type = steps[operand].node.type.with_shape(())
                    needed[piece_of[operand], type].append(operand)
    places = {}
    for (_, type), numbers in needed.items():
        buffer = Buffer(Home.SCRATCH, len(scratch), type.with_shape((len(numbers),)))
        scratch.append(buffer.type)
        for offset, at in enumerate(numbers):
            places[at] = Place(buffer, offset, ())
    return places


def _is_anew(step: Step) -> bool:
    return step.place is not None or not step.operands


def _straight(
    kernel: Kernel, low: int, high: int, stores: Sequence[Store], passed: Mapping[int, Place]
) -> Kernel:
    """The steps from ``low`` to ``high``, after those that bring what they need of earlier ones."""
    (box,) = kernel.boxes
    steps: list[Step] = []
    number: dict[int, int] = {}

    for at in range(low, high):
        step = box.steps[at]
        for before in step.operands:
            if before not in number:
                number[before] = len(steps)
                made = box.steps[before]
                steps.append(Step(made.node, (), passed.get(before, made.place)))
        number[at] = len(steps)
        steps.append(step._replace(operands=tuple([number[x] for x in step.operands])))
    moved = tuple([store._replace(step=number[store.step]) for store in stores])
    return kernel._replace(boxes=(Box((), tuple(steps), moved, ()),))
