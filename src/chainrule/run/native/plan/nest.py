"""One loop nest: the nodes it makes, the boxes it is cut into, the steps of one element in each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Final

from chainrule.graph.node import CONSTANT, Node, constant_node, constant_value, uniform_value
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.plan.joined import elements
from chainrule.run.native.plan.kernels import Box, Buffer, Home, Kernel, Place, Step, Store, Sum
from chainrule.run.native.plan.views import (
    Along,
    Placed,
    Ranges,
    Site,
    Where,
    borders,
    flat,
    identity,
    is_flat,
    is_view,
    operands_read,
    read,
)

SUM: Final = OPS["sum"]

_MOST: Final = 500_000
"""Reads in all boxes; planning more would take seconds."""


class TooLongError(Exception):
    """A loop would have to be cut into too many boxes, each of many reads."""


def axes_in_order(count: int, last: Sequence[int]) -> list[int]:
    """The axes of a loop, outermost first; those that are added up over come last."""
    return [*(axis for axis in range(count) if axis not in last), *last]


class Nest:
    """A kernel in the making.

    Attributes:
        nodes: What it makes, operands before users.
        sizes: Of the axes, those that are added up over last.
    """

    def __init__(
        self,
        buffers: Mapping[Node, Sequence[Buffer]],
        new_constant: Callable[[Node], Buffer],
        nodes: Sequence[Node],
        shape: Sequence[int],
        axes: Sequence[int],
        added: Mapping[Node, Placed],
    ) -> None:
        """Plan a loop.

        Args:
            buffers: Where leaves and kept nodes lie; they are read in the first place.
            new_constant: Gives a constant a place.
            nodes: What it makes.
            shape: The index space.
            axes: The axes that sums go over; none: sums, where there are some, go over all.
            added: Sums that lie where their first operand lies: what is added, and where.
        """
        self._added = added
        self.nodes = nodes
        # Arrays that a kernel without axes makes are joined numbers.
        self._joined = {node for node in nodes if not shape and node.type.shape}
        self._buffers = buffers
        self._new_constant = new_constant
        order = axes_in_order(len(shape), axes)
        self.sizes = tuple([shape[axis] for axis in order])
        self._reduced = len(axes) or (len(shape) if any(n.op is SUM for n in nodes) else 0)
        # Where element (0, 1, …) of a root is, along the axes in their order.
        self._whole = tuple([Along(order.index(axis), 1, 0) for axis in range(len(shape))])
        self._uniform: list[Step] = []
        self._uniform_at: dict[Step, int] = {}
        self._reads = 0

    def kernel(self) -> Kernel:
        """The loop nest with its boxes."""
        boxes = [self._box(ranges) for ranges in self._ranges()]
        shift = len(self._uniform)

        def settled(number: int) -> int:
            return ~number if number < 0 else number + shift

        def step(one: Step) -> Step:
            return one._replace(operands=tuple(map(settled, one.operands)))

        totals = [
            Place(buffer, *flat(node.type.shape, self._kept_axes(node), len(self.sizes)))
            for node in self.nodes
            if node.op is SUM
            for buffer in self._buffers[node]
        ]
        return Kernel(
            self.sizes,
            self._reduced,
            tuple(map(step, self._uniform)),
            tuple(
                [
                    Box(
                        box.ranges,
                        tuple(map(step, box.steps)),
                        tuple([Store(settled(s.step), s.place) for s in box.stores]),
                        tuple([Sum(settled(s.step), s.total) for s in box.sums]),
                    )
                    for box in boxes
                ]
            ),
            tuple(totals),
            tuple(self.nodes),
        )

    def _kept_axes(self, total: Node) -> Where:
        """Where a sum is stored: along the axes that it does not go over."""
        return identity(len(total.type.shape))

    # --- boxes ----------------------------------------------------------------------------------

    def _ranges(self) -> list[Ranges]:
        """The boxes: every read is of one kind in each.

        Raises:
            TooLongError: There are too many.
        """
        cuts: list[set[int]] = [{0, size} for size in self.sizes]
        seen: set[Site] = set()
        todo: list[Site] = []
        for node in self.nodes:
            if node in self._joined:
                continue
            source = self._source(node)
            where = self._where(source)
            for (axis, _, _), size in zip(where, source.type.shape, strict=True):
                cuts[axis].add(size)
            todo.append((source, where))
        while todo:
            site = todo.pop()
            if site in seen:
                continue
            seen.add(site)
            node, where = site
            if self._is_loaded(node, where):
                continue
            if is_view(node) and not is_flat(node):
                for cut in borders(node, where):
                    if 0 < cut.at < self.sizes[cut.axis]:
                        cuts[cut.axis].add(cut.at)
                todo += operands_read(node, where)
            else:
                todo += [(operand, where) for operand in node.operands]
        if math.prod(len(cut) - 1 for cut in cuts) > _MOST:
            raise TooLongError
        return [tuple(ranges) for ranges in product(*[pairwise(sorted(cut)) for cut in cuts])]

    def _source(self, node: Node) -> Node:
        """What is computed for each element: for a sum what it adds up."""
        if node in self._added:
            return self._added[node].node
        return node.operands[0] if node.op is SUM else node

    def _where(self, source: Node) -> Where:
        return self._whole[: len(source.type.shape)]

    # --- steps ----------------------------------------------------------------------------------

    def _is_loaded(self, node: Node, where: Where) -> bool:
        """Whether the node is read from memory there."""
        if node.op is CONSTANT and uniform_value(node) is not None:
            return False
        if is_flat(node):
            return True
        if node not in self._buffers:
            return False
        if node.is_leaf or node.op is SUM or node not in self.nodes:
            return True
        return where != self._where(node)

    def _place(self, node: Node, where: Where) -> Place:
        axes = len(self.sizes)
        if node.op is CONSTANT:
            # A constant may lie as the loop reads it.
            order = sorted(range(len(where)), key=lambda at: where[at].axis)
            if order != list(range(len(where))):
                value = constant_value(node).transpose(order)
                moved = constant_node(value, node.type.with_shape(value.shape))
                where = tuple([where[at] for at in order])
                return Place(self._new_constant(moved), *flat(value.shape, where, axes))
        source = node
        while source not in self._buffers or (source in self.nodes and is_flat(source)):
            source = source.operands[0]  # reshapes of what is in memory
        return Place(self._buffers[source][0], *flat(node.type.shape, where, axes))

    def _box(self, ranges: Ranges) -> Box:
        steps: list[Step] = []
        at: dict[Site, int] = {}
        stores, sums = [], []
        total = 0
        for node in self.nodes:
            source = self._source(node)
            if node in self._joined:
                stores += self._numbers(node, steps, at)
                continue
            where = self._where(source)
            inside = all(
                ranges[axis][1] <= size
                for (axis, _, _), size in zip(where, source.type.shape, strict=True)
            )
            buffers = self._buffers[node]
            if node.op is SUM:
                if inside:
                    number = self._value((source, where), ranges, steps, at)
                    sums += [Sum(number, total + k) for k in range(len(buffers))]
                total += len(buffers)
            elif inside:
                number = self._value((source, where), ranges, steps, at)
                if node in self._added:
                    where = _moved(where, self._added[node].starts)
                    before = self._value((node.operands[0], where), ranges, steps, at)
                    number = self._add(Step(node, (before, number)), steps)
                stores += [
                    Store(number, Place(buffer, *flat(node.type.shape, where, len(self.sizes))))
                    for buffer in buffers
                    if buffer.home in (Home.OUTPUT, Home.SCRATCH)
                ]
        self._reads += len(at)
        if self.sizes and self._reads > _MOST:
            raise TooLongError
        return Box(tuple(ranges), tuple(steps), tuple(stores), tuple(sums))

    def _numbers(self, node: Node, steps: list[Step], at: dict[Site, int]) -> list[Store]:
        """Store each element of an array of joined numbers."""
        return [
            Store(self._value(element, (), steps, at), Place(buffer, offset, ()))
            for offset, element in enumerate(elements(node, self._buffers))
            for buffer in self._buffers[node]
            if buffer.home in (Home.OUTPUT, Home.SCRATCH)
        ]

    def _value(self, root: Site, ranges: Ranges, steps: list[Step], at: dict[Site, int]) -> int:
        """The number of the step that is the value of a node where it is read.

        Steps of `uniform` have negative numbers while boxes are made.
        """
        todo = [root]
        while todo:
            site = todo[-1]
            if site in at:
                todo.pop()
                continue
            node, where = site
            loaded = self._is_loaded(node, where)
            other = None if loaded else self._instead(node, where, ranges)
            if other is not None:
                if other in at:
                    at[site] = at[other]
                else:
                    todo.append(other)
                continue
            needs = [] if loaded else [(operand, where) for operand in node.operands]
            missing = [need for need in needs if need not in at]
            if missing:
                todo += reversed(missing)
                continue
            place = self._place(node, where) if loaded else None
            at[site] = self._add(Step(node, tuple([at[n] for n in needs]), place), steps)
        return at[root]

    def _instead(self, node: Node, where: Where, ranges: Ranges) -> Site | None:
        """What stands for a node that is not computed: the operand of a view, a plain number."""
        if node.op is CONSTANT and node.type.shape:
            return constant_node(uniform_value(node), node.type.with_shape(())), ()
        if not is_view(node):
            return None
        return read(node, where, ranges) or (_zero(node.type), ())

    def _add(self, step: Step, steps: list[Step]) -> int:
        """Enter a step: one that is the same for all elements stands before the loop."""
        moves = any(step.place.strides) if step.place else any(x >= 0 for x in step.operands)
        if moves or not self.sizes:
            steps.append(step)
            return len(steps) - 1
        if step not in self._uniform_at:
            self._uniform.append(step)
            self._uniform_at[step] = ~(len(self._uniform) - 1)
        return self._uniform_at[step]


def _moved(where: Where, starts: Sequence[int]) -> Where:
    """Where in an array that is which begins at ``starts`` of it."""
    return tuple([x._replace(offset=x.offset + at) for x, at in zip(where, starts, strict=True)])


def _zero(type: Type) -> Node:
    return constant_node(type.dtype.type(0), type.with_shape(()))
