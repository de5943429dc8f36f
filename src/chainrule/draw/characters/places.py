"""Where boxes and lines stand, in rows and columns."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final, NamedTuple

from chainrule.draw.characters.boxes import inside, is_pale, line, written
from chainrule.draw.characters.channels import Trunk, routed
from chainrule.draw.characters.layers import Layered, Segment, Vertex
from chainrule.draw.characters.rows import Rows
from chainrule.draw.scene import Scene


class Manner(NamedTuple):
    """How much room a drawing takes.

    Attributes:
        shared: Whether a value and its adjoint stand on one line.
        label: Up to how many columns are kept free for the writing on an edge.
        gap: Empty lines between two boxes, and empty columns between two upright lines.
        margin: Empty columns between the border of a box and its widest line.
    """

    shared: bool
    label: int
    gap: int
    margin: int


MANNERS: Final = (
    Manner(True, 99, 1, 1),
    Manner(True, 99, 0, 1),
    Manner(False, 99, 0, 1),
    Manner(False, 6, 0, 1),
    Manner(False, 0, 0, 1),
    Manner(False, 0, 0, 0),
)
"""From generous to dense."""


class Places:
    """One manner of drawing a graph.

    Attributes:
        inside: For each box its lines of writing.
        labels: For each curve its writing.
        bare: For each box whether it has no border: a constant is its number alone.
        columns: How wide each layer is.
    """

    def __init__(self, scene: Scene, graph: Layered, manner: Manner) -> None:
        self.graph = graph
        self.manner = manner
        self.bare = [
            box.kind == "constant" and not box.is_output and not graph.ports[number]
            for number, box in enumerate(scene.boxes)
        ]
        self.inside = [
            [line(written(box), True)] if bare else inside(box, manner.shared)
            for box, bare in zip(scene.boxes, self.bare, strict=True)
        ]
        self.labels = [
            line((text for text in curve.texts if text.role != "operand"), is_pale(curve))
            for curve in graph.curves
        ]
        self.columns = [
            max((self._width(vertex.box) for vertex in layer if not vertex.dummy), default=1)
            for layer in graph.layers
        ]
        self._endings = [self._ending(channel) for channel in graph.channels]

    def _width(self, box: int) -> int:
        """How wide a box must be, border included."""
        inner = max([1, *map(len, self.inside[box])])
        return inner + (1 if self.bare[box] else 2 + 2 * self.manner.margin)

    def _ending(self, channel: list[Segment]) -> int:
        """How long the lines of a channel are before their arrows, so that writing has room."""
        labels = (len(self.labels[one.curves[0]]) for one in channel if one.port >= 0)
        label = min(max(labels), self.manner.label)
        return label + 3 + self.manner.gap if label else 1

    def height(self, vertex: Vertex) -> int:
        """How high a vertex is, border included."""
        if vertex.dummy or self.bare[vertex.box]:
            return 1
        return max(1, len(self.inside[vertex.box]), self.graph.ports[vertex.box]) + 2

    def may_fit(self, width: int, height: int) -> bool:
        """False where boxes and straight lines alone are too wide or too high."""
        wide = sum(self.columns) + sum(ending + 2 for ending in self._endings)
        high = max(sum(map(self.height, layer)) for layer in self.graph.layers)
        return wide <= width and high <= height

    def set_rows(self, layers: list[list[Vertex]]) -> None:
        """Place everything from top to bottom, so that lines run straight."""
        rows = Rows()
        for layer in layers:
            above: Vertex | None = None
            for vertex in layer:
                if above:
                    boxes = self.height(above) > 1 and self.height(vertex) > 1
                    gap = self.manner.gap if boxes else 0
                    rows.bound(vertex, above, self.height(above) + gap)
                else:
                    rows.bound(vertex, "top", 0)
                rows.pull(vertex, "top", 0, 1)
                self._bound_ports(rows, vertex)
                above = vertex
            if above:
                rows.bound("bottom", above, self.height(above))
        rows.pull("bottom", "top", 0, 40)
        straight = _straight(layers, self.graph.channels)
        for segment in (one for channel in self.graph.channels for one in channel):
            weight = (300 if segment.direct else 100) if straight[segment.before] is segment else 30
            weight *= 1 + 2 * segment.before.dummy + 2 * segment.after.dummy
            rows.pull(self._out(segment.before), _end(segment), 0, weight)
        found = rows.settle()
        self._row = {key: row - found["top"] for key, row in found.items()}

    def _out(self, vertex: Vertex) -> Hashable:
        """The key of the row where lines leave a vertex."""
        return (vertex, "out") if self.height(vertex) > 1 else vertex

    def _bound_ports(self, rows: Rows, vertex: Vertex) -> None:
        """Lines leave a box and arrive inside its border, if they can near its middle."""
        high = self.height(vertex)
        if high == 1:
            return
        out = self._out(vertex)
        rows.bound(out, vertex, 1)
        rows.bound(vertex, out, 2 - high)
        rows.pull(out, vertex, (high - 1) // 2, 3)
        count = self.graph.ports[vertex.box]
        previous: Hashable = vertex
        for port in range(count):
            arrow = (vertex, port)
            rows.bound(arrow, previous, 1)
            rows.pull(arrow, vertex, 1 + (2 * port + 1) * (high - 2) // (2 * count), 3)
            previous = arrow
        rows.bound(vertex, previous, 2 - high)

    def set_columns(self) -> int:
        """Place everything from left to right, given the rows; the columns that this takes."""
        self._trunks: list[dict[Vertex, list[Trunk]]] = []
        self.left = [0]
        for level, channel in enumerate(self.graph.channels):
            ways: dict[Vertex, tuple[int, set[int]]] = {}
            for segment in channel:
                own = ways.setdefault(segment.before, (self.out(segment.before), set()))
                own[1].add(self._row[_end(segment)])
            trunks = routed(ways)
            self._trunks.append(trunks)
            tracks = [trunk.track for own in trunks.values() for trunk in own]
            room = max(tracks) * (1 + self.manner.gap) + 1 if tracks else 0
            # A stub, the tracks, a line with its writing, and the arrowhead.
            room += 1 + self._endings[level] + 1
            self.left.append(self.left[-1] + self.columns[level] + room)
        return self.left[-1] + self.columns[-1]

    def top(self, vertex: Vertex) -> int:
        """The first row of a vertex."""
        return self._row[vertex]

    def out(self, vertex: Vertex) -> int:
        """The row where lines leave a vertex."""
        return self._row[self._out(vertex)]

    def ways(self) -> Iterator[tuple[Segment, list[tuple[int, int]]]]:
        """The corners (row, column) of each segment, from border to border."""
        for level, channel in enumerate(self.graph.channels):
            border = self.left[level] + self.columns[level]
            for segment in channel:
                row = self.out(segment.before)
                corners = [(row, self.left[level] if segment.before.dummy else border - 1)]
                for trunk in self._trunks[level].get(segment.before, ()):
                    column = border + 1 + trunk.track * (1 + self.manner.gap)
                    row = self._row[_end(segment)]
                    if row not in trunk.rights:
                        (row,) = trunk.rights
                    corners += [(trunk.left, column), (row, column)]
                corners.append((row, self.left[level + 1] - (segment.port >= 0)))
                yield segment, corners


def _end(segment: Segment) -> Hashable:
    """The key of the row where a segment ends."""
    return segment.after if segment.after.dummy else (segment.after, segment.port)


def _straight(layers: list[list[Vertex]], channels: list[list[Segment]]) -> dict[Vertex, Segment]:
    """For each vertex the segment that should run straight, of those that leave it."""
    height = {
        vertex: at - (len(layer) - 1) / 2 for layer in layers for at, vertex in enumerate(layer)
    }
    segments = [segment for channel in channels for segment in channel]
    segments.sort(
        key=lambda one: (one.after.dummy, abs(height[one.after] + one.lean - height[one.before]))
    )
    return {segment.before: segment for segment in reversed(segments)}
