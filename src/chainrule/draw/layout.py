"""Where boxes, edges and their labels go: sizes in, coordinates out.

The only place that knows the layout engine (graphlay: layers, few crossings, room for labels), so
that another one can take its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import graphlay

from chainrule.draw.conflicts import GRAVE, conflicts, crossings
from chainrule.draw.diagram import Direction
from chainrule.draw.ends import Way, settled
from chainrule.draw.geometry import Rectangle, between, crosses, entry
from chainrule.draw.scene import Point, Shape


class Node(NamedTuple):
    """A box to place: its outline and size, and the frame it stands in."""

    shape: Shape
    width: float
    height: float
    frame: str = ""


class Edge(NamedTuple):
    """An edge to route: from and to which box, by number; the size of what is written on it.

    Edges into a box come one after the other, operands in order; ``ordered`` says that the order
    matters.
    """

    source: int
    target: int
    width: float = 0.0
    height: float = 0.0
    thickness: float = 1.0
    ordered: bool = False


class Frame(NamedTuple):
    """A frame around boxes and other frames: its key, and that of the frame that it stands in."""

    key: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The places.

    Attributes:
        centres: Of the boxes.
        routes: The corners of each edge: from the side of a square source, or near a round one,
            to the same of its target.
        anchors: The middle of what is written on each edge; None where nothing is.
        bounds: The rectangle around everything.
        manner: How they were found, by number.
        in_the_way: How much was in the way of something when they were found.
    """

    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    anchors: tuple[Point | None, ...]
    bounds: Rectangle
    manner: int = 0
    in_the_way: int = 0


_DIRECTIONS: Final = {"right": "leftright", "down": "topbottom"}
_MANNERS: Final = (
    ("diagonal", 1.0, "facing_only"),
    ("orthogonal", 1.0, "facing_only"),
    ("diagonal", 1.3, "facing_only"),
    ("orthogonal", 1.3, "facing_only"),
    ("orthogonal", 1.3, "facing_preferred"),
    ("orthogonal", 1.7, "facing_only"),
    ("orthogonal", 1.7, "facing_preferred"),
    ("diagonal", 2.4, "facing_only"),
)
"""Styles of edges, with what gaps are multiplied by and the sides of a box where edges may end, in
the order in which they are tried: slanted edges read best, and sometimes run through a box; right
angles hardly ever do.
"""
_ASIDE: Final = (0.8, 1.0, 1.2, 1.5)
"""How far, in their heights, labels may stand beside their edge."""
_CLEARANCE: Final = 3.0
"""How far an edge keeps away from foreign boxes: all boxes are laid out larger by that."""
_WEIGHT: Final = 3
"""An operand out of order counts so much where the order matters."""
_DEEP: Final = 2.0
"""How deep into a box a line has to be to run through it."""
_HEADER: Final = 18.0
"""Room for the name of a frame."""
_BEND: Final = 1.5
"""A bend of a slanted edge counts so much more than a crossing, or a label on a foreign edge."""
_ALONG: Final = (0.5, 0.4, 0.6)
"""Where labels may stand on a straight edge."""
_SAFE: Final = 1
"""The manner for graphs that are too large to try several."""
_MOST_CHECKED: Final = 400
"""Edges up to which manners are compared."""
_MOST_STRAIGHTENED: Final = 30
"""Edges up to which bends are straightened."""
_MOST_POLISHED: Final = 60
"""Edges up to which another manner is tried although nothing is hidden, only less than clear."""


def layout(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    frames: Sequence[Frame],
    direction: Direction,
    before: Layout | None = None,
    *,
    alike: bool = False,
) -> Layout:
    """Place boxes and edges so that no label overlaps a box or a label, and no edge crosses a box.

    Args:
        nodes: The boxes.
        edges: The edges.
        frames: The frames; boxes name the innermost one that they stand in.
        direction: Where edges point to.
        before: The layout of a similar graph: its manner is tried first, and does where no more is
            in the way than there.
        alike: Whether no other manner than that is tried.
    """
    found = _clear(nodes, edges, frames, direction, before, alike)
    if len(edges) <= _MOST_STRAIGHTENED and _MANNERS[found.manner][0] == "diagonal":
        found = _straightened(found, nodes, edges, direction)
    # Frames have their name at the top, so they cannot be turned over.
    mirrored = found if frames else _mirrored(found, direction)
    return min(found, mirrored, key=lambda one: _disorder(one, edges, direction))


def _straightened(
    found: Layout, nodes: Sequence[Node], edges: Sequence[Edge], direction: Direction
) -> Layout:
    """The layout without bends that nothing asks for; labels that stand off their edge are on it
    where there is room.
    """
    least = _cost(found, nodes, edges)
    for at, edge in enumerate(edges):
        route, anchor = found.routes[at], found.anchors[at]
        start, end = route[0], route[-1]
        if len(route) > 2:
            (x, y), node = found.centres[edge.source], nodes[edge.source]
            across = direction == "right"
            start = Point(x + node.width / 2, y) if across else Point(x, y + node.height / 2)
        elif anchor is None or crosses(start, end, _plate(edge, anchor)):
            continue
        for share in _ALONG if anchor else _ALONG[:1]:
            place = between(start, end, share)
            tried = replace(
                found,
                routes=(*found.routes[:at], (start, end), *found.routes[at + 1 :]),
                anchors=(*found.anchors[:at], anchor and place, *found.anchors[at + 1 :]),
            )
            cost = _cost(tried, nodes, edges)
            if cost <= least:
                found, least = tried, cost
                break
    return found


def _cost(found: Layout, nodes: Sequence[Node], edges: Sequence[Edge]) -> float:
    """How much is in the way of something, how often edges cross, and how many of them bend."""
    bent = sum(len(route) > 2 for route in found.routes)
    return _count(found, nodes, edges) + crossings(found.routes) + _BEND * bent


def _plate(edge: Edge, anchor: Point) -> Rectangle:
    """What is written on an edge."""
    return Rectangle.around(anchor, edge.width, edge.height)


def out_of_order(found: Layout, edges: Sequence[Edge], direction: Direction) -> dict[int, int]:
    """Box → how many neighbouring operands arrive out of order, of those boxes where some do;
    where the order matters they count more.
    """
    across = 1 if direction == "right" else 0
    arrivals: dict[int, list[int]] = {}
    for at, edge in enumerate(edges):
        arrivals.setdefault(edge.target, []).append(at)
    wrong: dict[int, int] = {}
    for target, group in arrivals.items():
        for a, b in pairwise(group):
            if found.routes[a][-1][across] >= found.routes[b][-1][across]:
                wrong[target] = wrong.get(target, 0) + (_WEIGHT if edges[a].ordered else 1)
    return wrong


def _disorder(found: Layout, edges: Sequence[Edge], direction: Direction) -> int:
    """How badly operands are out of order."""
    return sum(out_of_order(found, edges, direction).values())


def _mirrored(found: Layout, direction: Direction) -> Layout:
    """The layout turned over, across the direction of its edges."""

    def turned(point: Point) -> Point:
        return Point(point.x, -point.y) if direction == "right" else Point(-point.x, point.y)

    low = turned(Point(found.bounds.left, found.bounds.top))
    high = turned(Point(found.bounds.right, found.bounds.bottom))
    return Layout(
        tuple(map(turned, found.centres)),
        tuple(tuple(map(turned, route)) for route in found.routes),
        tuple(None if anchor is None else turned(anchor) for anchor in found.anchors),
        Rectangle(min(low.x, high.x), min(low.y, high.y), max(low.x, high.x), max(low.y, high.y)),
        found.manner,
        found.in_the_way,
    )


def _clear(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    frames: Sequence[Frame],
    direction: Direction,
    before: Layout | None,
    alike: bool,
) -> Layout:
    """The first layout in which nothing is in the way of anything; else the one with least."""
    if len(edges) > _MOST_CHECKED:
        return _placed(nodes, edges, frames, direction, _SAFE)
    enough = 0 if len(edges) <= _MOST_POLISHED else GRAVE - 1
    tries = [*range(len(_MANNERS))]
    if before is not None:
        others = () if alike else (manner for manner in tries if manner != before.manner)
        tries = [before.manner, *others]
        enough = max(enough, before.in_the_way)

    def counted(manner: int, *, apart: bool = True) -> Layout:
        found = _placed(nodes, edges, frames, direction, manner, apart)
        return replace(found, in_the_way=_count(found, nodes, edges))

    best = counted(tries[0])
    for manner in tries[1:]:
        if best.in_the_way <= enough:
            break
        best = min(best, counted(manner), key=lambda one: one.in_the_way)
    if best.in_the_way >= GRAVE:
        best = min(best, counted(best.manner, apart=False), key=lambda one: one.in_the_way)
    return best


def _placed(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    frames: Sequence[Frame],
    direction: Direction,
    manner: int,
    apart: bool = True,
) -> Layout:
    """A layout by the engine; ``apart``: with room between arrowheads."""
    style, gap, sides = _MANNERS[manner]
    pad = _CLEARANCE + max((edge.thickness for edge in edges), default=0.0) / 2
    graph: dict[str, Any] = {"nodes": [], "edges": []}
    parents = {frame.key: len(nodes) + at for at, frame in enumerate(frames)}
    for at, node in enumerate(nodes):
        shape = "ellipse" if node.shape == "circle" else "box"
        size = {"width": node.width + 2 * pad, "height": node.height + 2 * pad}
        graph["nodes"].append({"key": str(at), "size": size, "shape": shape})
        if node.frame in parents:
            graph["nodes"][-1]["parent"] = parents[node.frame]
    for frame in frames:
        size = {"width": 10.0, "height": 10.0}
        graph["nodes"].append({"key": frame.key, "size": size, "shape": "box"})
        if frame.parent in parents:
            graph["nodes"][-1]["parent"] = parents[frame.parent]
    for edge in edges:
        graph["edges"].append({"source": edge.source, "target": edge.target, "weight": 1.0})
        if edge.width:
            graph["edges"][-1]["label_size"] = {"width": edge.width, "height": edge.height}
        if edge.thickness > 1:
            graph["edges"][-1]["thickness"] = edge.thickness
    placed = graphlay.layout(
        graph,
        options={
            "direction": _DIRECTIONS[direction],
            "routing": {"style": style, "port_sides": sides},
            "labels": {"reservation": "always"},
            "tuning": {"labels": {"side_steps": list(_ASIDE)}},
            "spacing": {
                "compound_header": _HEADER,
                "node_gap": 20.0 * gap,
                "layer_gap": 40.0 * gap,
            },
        },
    )
    boxes = [_point(node["center"]) for node in placed.nodes]
    sizes = [(node["size"]["width"], node["size"]["height"]) for node in placed.nodes]
    squares = [
        None if node.shape == "circle" else Rectangle.around(centre, node.width, node.height)
        for node, centre in zip(nodes, boxes, strict=False)
    ]
    low, high = placed.bounds["min"], placed.bounds["max"]
    corners = [(low["x"], low["y"]), (high["x"], high["y"])]
    for edge, route in zip(edges, placed.edges, strict=True):
        if edge.width:  # the engine's bounds may leave out what is written at the margin
            x, y = _point(route["label_anchor"])
            corners.append((x - edge.width / 2, y - edge.height / 2))
            corners.append((x + edge.width / 2, y + edge.height / 2))
    across, down = zip(*corners, strict=True)
    return Layout(
        tuple(boxes[: len(nodes)]),
        settled(
            [
                Way(
                    _trimmed(
                        [_point(point) for point in route["points"]],
                        Rectangle.around(boxes[edge.source], *sizes[edge.source]),
                        Rectangle.around(boxes[edge.target], *sizes[edge.target]),
                    ),
                    squares[edge.source],
                    squares[edge.target],
                    edge.thickness,
                )
                for edge, route in zip(edges, placed.edges, strict=True)
            ],
            apart,
        ),
        tuple(
            _point(placed.edges[at]["label_anchor"]) if edge.width else None
            for at, edge in enumerate(edges)
        ),
        Rectangle(min(across), min(down), max(across), max(down)),
        manner,
    )


def _trimmed(route: Sequence[Point], source: Rectangle, target: Rectangle) -> tuple[Point, ...]:
    """A route that does not run through its own boxes: one that turns back leaves on that side."""
    first, *inner, last = route
    turned, away = (inner[0], inner[-1]) if inner else (last, first)
    first = entry(turned, first, source.shrunk(_DEEP)) or first
    last = entry(away, last, target.shrunk(_DEEP)) or last
    return (first, *inner, last)


def _point(raw: Mapping[str, float]) -> Point:
    return Point(raw["x"], raw["y"])


def _count(found: Layout, nodes: Sequence[Node], edges: Sequence[Edge]) -> int:
    """How much is in the way of something."""
    return conflicts(
        [
            Rectangle.around(centre, node.width, node.height)
            for centre, node in zip(found.centres, nodes, strict=True)
        ],
        found.routes,
        [(edge.source, edge.target) for edge in edges],
        [edge.thickness for edge in edges],
        [
            None if anchor is None else _plate(edge, anchor)
            for anchor, edge in zip(found.anchors, edges, strict=True)
        ],
    )
