"""Which nodes of a graph get a box, which share one, and which frames are around them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from chainrule.draw.groups import Group, closable, groups_of
from chainrule.draw.options import Options
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.ops.several import ITEM
from chainrule.run.inside import graphs_of

_MOST_OPEN: Final = 40
"""Boxes up to which the calls in a graph that was traced are open, if not asked otherwise."""

Edge = tuple[Node, int]
"""A user and the position of its operand."""


class Entry(NamedTuple):
    """What enters a box from one operand.

    Attributes:
        operand: Where it comes from.
        edges: One edge; or all edges from there into a collapsed frame.
    """

    operand: Node
    edges: tuple[Edge, ...]


class Selection:
    """What is drawn of a graph.

    Attributes:
        closed: The groups that are one box each, by the node whose box it is.
        frames: The groups that are frames, outer ones first.
        far: The boxes that are left out, since there would be too many.
        results: For what has several results and is one box those that the box stands for.
    """

    def __init__(self, dag: Dag, options: Options, opened: Collection[Node] = ()) -> None:
        self._dag = dag
        self._options = options
        self._opened = opened
        self.results: dict[Node, list[Node]] = {}
        for node in dag.order:
            if node.op is ITEM and node.operands[0] not in opened:
                self.results.setdefault(node.operands[0], []).append(node)
        # Constants that are called something or are outputs are drawn once, others at each use.
        own = {*dag.names, *dag.outputs}
        self._holder = {item: node for node, items in self.results.items() for item in items}
        self._drawn = {
            node
            for node in dag.order
            if (node.op is not CONSTANT or node in own) and node not in self._holder
        }
        self._box_of: dict[Node, Node] = {}
        self.closed: dict[Node, Group] = {}
        self.frames: list[Group] = []
        self._choose_groups()
        self._frame_of = {node: group for group in self.frames for node in group.nodes}
        self.far = self._choose_far()

    def _choose_groups(self) -> None:
        """Which groups are one box each, and which are frames."""
        chosen, most = self._options.groups, self._options.most
        if chosen == "none":
            return
        has_calls = any(origin.calls for origin in self._dag.origins.values())
        if has_calls:
            most = min(most, _MOST_OPEN)
        few = chosen == "auto" and sum(map(self._boxes, self._drawn)) <= most
        if few and not has_calls:
            return
        groups = groups_of(self._dag)
        if few or chosen == "open":
            self.frames = self._without_results(groups)
            return
        outputs = set(self._dag.outputs)
        # The box of a named output would be all there is.
        groups = [g for g in groups if g.is_call or outputs.isdisjoint(g.exits)]
        deepest = max((group.depth for group in groups), default=0)
        for depth in range(deepest if chosen == "auto" else 1, 0, -1):
            self._close(groups, depth)
            if self._count() <= most:
                break
        if not self.closed and chosen == "auto" and self._count() <= self._options.most:
            self.frames = self._without_results(groups)

    def _without_results(self, groups: Sequence[Group]) -> list[Group]:
        """Groups with what has several results in place of these; one box alone is no group."""
        found = []
        for group in groups:
            nodes = dict.fromkeys(self._holder.get(node, node) for node in group.nodes)
            exits = dict.fromkeys(self._holder.get(node, node) for node in group.exits)
            if len(nodes) > 1:
                found.append(group._replace(nodes=tuple(nodes), exits=tuple(exits)))
        return found

    def _close(self, groups: Sequence[Group], depth: int) -> None:
        """Make the groups at this depth one box each, and those around them frames."""
        found = closable(self._dag, [group for group in groups if group.depth == depth])
        closed = self._without_results(found)
        self.closed = {group.exits[-1]: group for group in closed}
        self._box_of = {n: group.exits[-1] for group in closed for n in group.nodes}
        self.frames = self._without_results([g for g in groups if g.depth < depth])

    def _count(self) -> int:
        """How many boxes there are to draw."""
        return sum(self._boxes(node) for node in self._drawn if self._has_box(node))

    def _own(self, node: Node) -> Node:
        """The node in whose box a node is."""
        node = self._holder.get(node, node)
        return self._box_of.get(node, node)

    def _has_box(self, node: Node) -> bool:
        """Whether a node is not in the box of another one."""
        return self._own(node) is node

    def _choose_far(self) -> set[Node]:
        """What is far from the output in a drawing that would have too many boxes."""
        room = self._options.most
        if self._count() <= room:
            return set()
        near: set[Node] = set()
        waiting = list(dict.fromkeys(map(self._own, self._dag.outputs)))
        seen = set(waiting)
        for node in waiting:
            if near and self._boxes(node) > room:
                continue
            near.add(node)
            room -= self._boxes(node)
            found = [operand for operand in self._operands(node) if operand not in seen]
            waiting += found
            seen.update(found)
        return {node for node in self._drawn if self._has_box(node) and node not in near}

    def is_hidden(self, node: Node) -> bool:
        """Whether a node has no box of its own in this drawing."""
        return node not in self._drawn or not self._has_box(node) or node in self.far

    def _boxes(self, node: Node) -> int:
        """How many boxes a node takes, with those of its constants."""
        if self.is_one(node):
            return 1
        if node in self._opened:
            return sum(len(dag) for dag in graphs_of(node))
        if node.op.joint is not None:
            return 1 + sum(operand not in self._drawn for operand in node.operands)
        halves = 2 if self._options.style == "operators" and not node.is_leaf else 1
        return halves + sum(operand not in self._drawn for operand in node.operands)

    def is_one(self, node: Node) -> bool:
        """Whether a node is drawn as one box for its whole group."""
        return node in self.closed

    def members(self, node: Node) -> tuple[Node, ...]:
        """The nodes that a box stands for."""
        if self.is_one(node):
            nodes = self.closed[node].nodes
            return (*nodes, *(item for one in nodes for item in self.results.get(one, ())))
        return (node, *self.results.get(node, ()))

    def entries(self, node: Node) -> list[Entry]:
        """What enters a box: its operands, or what a collapsed group needs from outside."""
        if not self.is_one(node):
            return [Entry(operand, ((node, at),)) for at, operand in enumerate(node.operands)]
        found: dict[Node, list[Edge]] = {}
        for member in self.closed[node].nodes:
            for at, operand in enumerate(member.operands):
                if self.box(operand) is not None and self._own(operand) is not node:
                    found.setdefault(operand, []).append((member, at))
        return [Entry(operand, tuple(edges)) for operand, edges in found.items()]

    def _operands(self, node: Node) -> list[Node]:
        """The boxes that a box needs, constants without a name left out."""
        boxes = [self.box(entry.operand) for entry in self.entries(node)]
        return list(dict.fromkeys(box for box in boxes if box is not None))

    def box(self, node: Node) -> Node | None:
        """The node in whose box a node is drawn; None: a constant, drawn at each of its users."""
        return self._own(node) if node in self._drawn or node in self._holder else None

    def frame(self, node: Node) -> str:
        """The key of the innermost frame around a node; empty: there is none."""
        group = self._frame_of.get(self._holder.get(node, node))
        return "" if group is None else group.key
