"""What of a graph stands out and what stands back: heat, and what the drawing points at."""

from __future__ import annotations

from typing import Any

from chainrule.draw.graph_heat import GraphHeat
from chainrule.draw.options import Options
from chainrule.draw.selection import Edge, Entry, Selection
from chainrule.draw.subject import Subject
from chainrule.errors import DrawingError
from chainrule.graph.node import Node
from chainrule.run.paths import Paths


class Looks:
    """The looks of boxes and links, as attributes of these.

    A drawing may point at one path, or at a node with everything that it needs (``cone``); then
    all else is faded.
    """

    def __init__(
        self,
        subject: Subject,
        options: Options,
        chosen: Selection,
        heat: GraphHeat,
        cone: Node | None,
    ) -> None:
        """Raise DrawingError E251 for a path that there is not."""
        self._chosen = chosen
        self._heat = heat
        self._edges, self._nodes = _pointed_at(subject, options, cone)

    def is_strong(self, node: Node) -> bool:
        """Whether the drawing points at a node."""
        return node in self._nodes

    def of_node(self, node: Node) -> dict[str, Any]:
        """Those of the box of a node."""
        members = self._chosen.members(node)
        return {
            "faded": bool(self._nodes) and self._nodes.isdisjoint(members),
            "heat": self._heat.nodes.get(node),
        }

    def of_link(self, node: Node, at: int, entry: Entry) -> dict[str, Any]:
        """Those of the link of an entry, which is number ``at`` of a node."""
        strong = not self._edges.isdisjoint(entry.edges)
        return {
            "strong": strong,
            "faded": bool(self._nodes) and not strong,
            "heat": self._heat.edges.get((node, at)),
        }


def _pointed_at(
    subject: Subject, options: Options, cone: Node | None
) -> tuple[set[Edge], set[Node]]:
    """The edges and nodes that the drawing points at; empty: it points at none."""
    if cone is not None:
        nodes = set(subject.dag.ancestors(cone)) | {cone}
        edges = {(user, at) for user in nodes for at in range(len(user.operands))}
        return edges, nodes
    if not options.path:
        return set(), set()
    if subject.sweep is None or subject.wrt is None or subject.of is None:
        raise DrawingError("E251", "a path needs numbers and a node it starts from, wrt=…")
    paths = Paths(subject.sweep, subject.wrt, subject.of)
    if options.path > paths.count:
        raise DrawingError("E251", f"there is no path {options.path}: there are {paths.count}")
    path = paths.first(options.path)[-1]
    return {(step.user, step.position) for step in path.steps}, set(path.nodes)
