"""Boxes in layers, each right of its operands, in an order in which few lines cross.

The steps are those of Sugiyama, Tagawa and Toda (1981): layers, dummy vertices where lines pass
through a layer, and sweeps to barycentres.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from chainrule.draw.scene import Curve, Scene


class Vertex(NamedTuple):
    """A box in its layer; or a dummy, a line from that box passing through a later layer."""

    box: int
    layer: int
    dummy: bool = False


@dataclass(slots=True)
class Segment:
    """The part of curves between two neighbouring layers.

    Attributes:
        before: Where it comes from.
        after: Where it goes.
        port: At which of the arrows of ``after`` it ends, from 0; -1 at a dummy.
        lean: How far below the middle of ``after`` it ends, in vertices.
        curves: The numbers of the curves that take this way.
    """

    before: Vertex
    after: Vertex
    port: int
    lean: float
    curves: list[int]

    @property
    def direct(self) -> bool:
        """Whether it leads from box to box."""
        return not (self.before.dummy or self.after.dummy)


@dataclass(frozen=True, slots=True)
class Layered:
    """A graph in layers, from left to right.

    Attributes:
        curves: The curves that are drawn, with the operands of each box in order.
        ports: For each box, how many arrows end at it.
        sources: The boxes where curves start.
        layers: The vertices of each layer.
        channels: The segments between each layer and the next.
    """

    curves: list[Curve]
    ports: Counter[int]
    sources: set[int]
    layers: list[list[Vertex]]
    channels: list[list[Segment]]


def layered(scene: Scene) -> Layered:
    """The layers of a scene that has boxes, not yet in order; backward curves are left out."""
    at = {box.key: number for number, box in enumerate(scene.boxes)}
    curves = sorted(
        (curve for curve in scene.curves if curve.flow == "forward"),
        key=lambda curve: (at[curve.target], curve.position),
    )
    ends = [(at[curve.source], at[curve.target]) for curve in curves]
    layer = _layer_of(len(scene.boxes), ends)
    ports = Counter(target for _, target in ends)
    drawn: Counter[int] = Counter()
    layers: list[dict[Vertex, None]] = [{} for _ in range(max(layer) + 1)]
    channels: list[dict[tuple[Vertex, Vertex, int], Segment]] = [{} for _ in layers[1:]]
    for number, level in enumerate(layer):
        layers[level][Vertex(number, level)] = None
    for number, (source, target) in enumerate(ends):
        before = Vertex(source, layer[source])
        for level in range(layer[source] + 1, layer[target] + 1):
            after, port, lean = Vertex(source, level, True), -1, 0.0
            if level == layer[target]:
                after, port = Vertex(target, level), drawn[target]
                lean = (port + 0.5) / ports[target] - 0.5
            layers[level][after] = None
            segment = channels[level - 1].setdefault(
                (before, after, port), Segment(before, after, port, lean, [])
            )
            segment.curves.append(number)
            before = after
        drawn[target] += 1
    return Layered(
        curves,
        ports,
        {source for source, _ in ends},
        [list(vertices) for vertices in layers],
        [list(segments.values()) for segments in channels],
    )


def _layer_of(boxes: int, ends: Sequence[tuple[int, int]]) -> list[int]:
    """For each box its layer: right of its operands; a leaf just left of its nearest user."""
    layer = [0] * boxes
    nearest: dict[int, int] = {}
    for source, target in ends:
        layer[target] = max(layer[target], layer[source] + 1)
    for source, target in ends:
        nearest[source] = min(nearest.get(source, boxes), layer[target] - 1)
    leaves = nearest.keys() - {target for _, target in ends}
    return [nearest[box] if box in leaves else layer[box] for box in range(boxes)]


def ordered(scene: Scene, graph: Layered) -> list[list[Vertex]]:
    """The layers, each from top to bottom, so that few lines cross; boxes without lines last."""
    linked = graph.sources | set(graph.ports)
    layers = [[vertex for vertex in layer if vertex.box in linked] for layer in graph.layers]
    found = [_swept(start, graph.channels) for start in _starts(scene, graph, layers)]
    best = min(found, key=lambda layers: _tangle(layers, graph.channels))
    best[0] += [vertex for vertex in graph.layers[0] if vertex.box not in linked]
    return best


def _starts(
    scene: Scene, graph: Layered, layers: list[list[Vertex]]
) -> Iterator[list[list[Vertex]]]:
    """Orders to begin with: that of the scene, and that of a walk from the outputs."""
    hint = [box.y if scene.direction == "right" else box.x for box in scene.boxes]
    yield [sorted(layer, key=lambda vertex: (hint[vertex.box], vertex)) for layer in layers]
    operands: defaultdict[int, list[int]] = defaultdict(list)
    for channel in graph.channels:
        for segment in channel:
            if segment.port >= 0:
                operands[segment.after.box].append(segment.before.box)
    rank: dict[int, int] = {}
    waiting = [box for box in reversed(range(len(scene.boxes))) if box not in graph.sources]
    while waiting:
        box = waiting.pop()
        if box not in rank:
            rank[box] = len(rank)
            waiting += reversed(operands[box])
    yield [sorted(layer, key=lambda vertex: rank[vertex.box]) for layer in layers]


def _swept(layers: list[list[Vertex]], channels: list[list[Segment]]) -> list[list[Vertex]]:
    """The layers with fewer crossings: each vertex goes to the mean of its neighbours."""
    best, least = layers, _tangle(layers, channels)
    for sweep in range(4):
        forward = sweep % 2 == 0
        layers = [list(layer) for layer in layers]
        for level in range(1, len(layers)) if forward else reversed(range(len(channels))):
            fixed = _numbered(layers[level - 1 if forward else level + 1])
            pulls: defaultdict[Vertex, list[float]] = defaultdict(list)
            for segment in channels[level - 1 if forward else level]:
                if forward:
                    pulls[segment.after].append(fixed[segment.before])
                else:
                    pulls[segment.before].append(fixed[segment.after] + segment.lean)
            place = {
                vertex: sum(pulls[vertex]) / len(pulls[vertex]) if vertex in pulls else number
                for number, vertex in enumerate(layers[level])
            }
            layers[level].sort(key=place.__getitem__)
        tangle = _tangle(layers, channels)
        if tangle < least:
            best, least = layers, tangle
    return best


def _tangle(layers: list[list[Vertex]], channels: list[list[Segment]]) -> tuple[int, float]:
    """How often lines cross, and how far they lead up or down."""
    crossings, far = 0, 0.0
    for (left, right), channel in zip(pairwise(layers), channels, strict=True):
        first, second = _numbered(left), _numbered(right)
        middle = (len(right) - len(left)) / 2
        ends: list[float] = []
        for start, end, direct in sorted(
            (first[one.before], second[one.after] + one.lean, one.direct) for one in channel
        ):
            crossings += len(ends) - bisect(ends, end)
            insort(ends, end)
            far += abs(end - start - middle) * (3 if direct else 1)
    return crossings, round(far, 6)


def _numbered(layer: list[Vertex]) -> dict[Vertex, int]:
    return {vertex: number for number, vertex in enumerate(layer)}
