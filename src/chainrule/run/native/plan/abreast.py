"""Costly steps of one kind are computed side by side, in the lanes of one vector.

A function such as exp takes hardly longer for eight numbers than for one. In a graph of numbers
most functions are of numbers that do not depend on one another; so steps of one kind wait for each
other, and the steps that read them wait with them. As in a processor that runs instructions out of
order, a window bounds how many steps wait, so that values are not kept for long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from chainrule.graph.node import CONSTANT
from chainrule.graph.op import Op, Params
from chainrule.graph.types import Type
from chainrule.run.native.emit.element import pays_in_lanes
from chainrule.run.native.plan.kernels import Kernel, Step, Store

_WINDOW: Final = 500
"""So many steps may wait: with fewer, vectors stay half empty; with more, memory grows."""


def abreast(kernel: Kernel, lanes: int) -> Kernel:
    """The kernel of a graph of numbers in another order, with groups of steps side by side.

    Args:
        kernel: Of a graph of numbers.
        lanes: How many steps a group has at most.
    """
    (box,) = kernel.boxes
    order, groups = _Waiting(box.steps, lanes).run()
    if not groups:
        return kernel
    moved = [0] * len(order)
    for place, at in enumerate(order):
        moved[at] = place
    steps = [
        Step(step.node, tuple([moved[x] for x in step.operands]), step.place)
        for step in map(box.steps.__getitem__, order)
    ]
    box = box._replace(
        steps=tuple(steps),
        stores=tuple([Store(moved[store.step], store.place) for store in box.stores]),
        groups=tuple(groups),
    )
    return kernel._replace(boxes=(box,))


class _Waiting:
    """Steps on their way to another order.

    They are looked at one after the other. A step whose operands are all there is taken at once if
    it is cheap; a costly one is ready, and taken when there are enough of its kind.
    """

    def __init__(self, steps: Sequence[Step], lanes: int) -> None:
        self._steps = steps
        self._lanes = lanes
        self._kinds = [_kind(step) for step in steps]
        self._order: list[int] = []
        self._groups: list[tuple[int, int]] = []
        self._is_taken = [False] * len(steps)
        self._missing = [0] * len(steps)
        self._readers: dict[int, list[int]] = {}
        # By kind; the one that waits longest comes first.
        self._ready: OrderedDict[_Kind, list[int]] = OrderedDict()

    def run(self) -> tuple[list[int], list[tuple[int, int]]]:
        """The numbers of the steps in the new order, and the groups: first place and the one
        after the last.
        """
        for at, step in enumerate(self._steps):
            missing = {operand for operand in step.operands if not self._is_taken[operand]}
            self._missing[at] = len(missing)
            for operand in missing:
                self._readers.setdefault(operand, []).append(at)
            if not missing:
                self._go_on([at])
            while at - len(self._order) >= _WINDOW:
                self._take_oldest()
        while self._ready:
            self._take_oldest()
        return self._order, self._groups

    def _take_oldest(self) -> None:
        _, steps = self._ready.popitem(last=False)
        self._go_on(self._take(steps))

    def _go_on(self, complete: list[int]) -> None:
        """With steps that have all operands, and those that have when these are taken."""
        while complete:
            at = complete.pop()
            kind = self._kinds[at]
            if kind is None:
                complete += self._take([at])
                continue
            same = self._ready.setdefault(kind, [])
            same.append(at)
            if len(same) == self._lanes:
                complete += self._take(self._ready.pop(kind))

    def _take(self, steps: list[int]) -> list[int]:
        """Put steps into the order; the steps that now have all operands, the last one first."""
        if len(steps) > 1:  # two are quicker in a vector already
            self._groups.append((len(self._order), len(self._order) + len(steps)))
        self._order += steps
        complete = []
        for at in steps:
            self._is_taken[at] = True
            for reader in self._readers.pop(at, ()):
                self._missing[reader] -= 1
                if not self._missing[reader]:
                    complete.append(reader)
        return sorted(complete, reverse=True)


_Kind = tuple[Op, Params, tuple[Type, ...]]
"""What steps of one group have in common."""


def _kind(step: Step) -> _Kind | None:
    """What a costly step is; None: it is cheap."""
    node = step.node
    if step.place is not None or node.op is CONSTANT or not pays_in_lanes(node):
        return None
    return node.op, node.params, tuple([operand.type for operand in node.operands])
