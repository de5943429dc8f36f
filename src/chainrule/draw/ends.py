"""Edges end on the sides of square boxes: off their corners, with room between arrowheads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from chainrule.draw.geometry import REACH, Rectangle
from chainrule.draw.scene import Point, corner_radius

_OFF_CORNERS: Final = (0.5, 1.2)
"""How far one arrow, or two side by side, keep from the corners of boxes, in their radii."""
_APART: Final = 9.0
"""So far edges keep apart where they arrive at one side."""
_STEEPEST: Final = 3.0
"""A slanted edge takes more of a side than its thickness, but not counted as more than so often."""
_STEADY: Final = 1000.0
"""An edge that runs straight towards the side moves so much less than one that is slanted."""

Route = tuple[Point, ...]


class Way(NamedTuple):
    """An edge as it is laid out.

    Attributes:
        route: Its corners.
        source: Where it starts; None: a circle, where every place is as good.
        target: Where it ends; None: a circle.
        thickness: More than 1 is that of two arrows side by side.
    """

    route: Route
    source: Rectangle | None
    target: Rectangle | None
    thickness: float


def settled(ways: Sequence[Way], apart: bool = True) -> tuple[Route, ...]:
    """The routes with their ends on the sides of square boxes; other ends stay as they are.

    Without ``apart`` they keep off the corners, but not off each other.

    >>> box = Rectangle(90, -20, 130, 20)
    >>> upper, lower = (Point(0, 0), Point(80, 0)), (Point(0, 2), Point(80, 2))
    >>> settled([Way(upper, None, box, 1.0), Way(lower, None, box, 1.0)])[1][-1]
    Point(x=90, y=6.0)
    """
    routes = [way.route for way in ways]
    arrivals: dict[tuple[Rectangle, int, float], list[int]] = {}
    for at, way in enumerate(ways):
        if way.source is not None:
            end = _on_side(routes[at][1], routes[at][0], way.source, way.thickness)
            routes[at] = _ending(routes[at][::-1], end)[::-1]
        if way.target is not None:
            end = _on_side(routes[at][-2], routes[at][-1], way.target, way.thickness)
            routes[at] = _ending(routes[at], end)
            axis = _axis(end, way.target)
            arrivals.setdefault((way.target, axis, end[axis]), []).append(at)
    for (box, axis, place), group in arrivals.items() if apart else ():
        along = 1 - axis
        group.sort(key=lambda at: (routes[at][-1][along], routes[at][-2][along]))
        room = _room(box, along, max(ways[at].thickness for at in group))
        taken = [_taken(routes[at], ways[at].thickness, axis) for at in group]
        gaps = [_APART + (one + other) / 2 for one, other in pairwise(taken)]
        places = [routes[at][-1][along] for at in group]
        straight = [routes[at][-2][along] == routes[at][-1][along] for at in group]
        moved = _spread(places, [_STEADY if is_so else 1.0 for is_so in straight], gaps, *room)
        for at, shift in zip(group, moved, strict=True):
            end = Point(shift, place) if axis else Point(place, shift)
            routes[at] = _ending(routes[at], end)
    return tuple(routes)


def _axis(end: Point, box: Rectangle) -> int:
    """0 for an end at the left or right side of a box, 1 at the upper or lower one."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    level = abs(end.x - x) - (box.right - box.left) / 2
    return int(level < abs(end.y - y) - (box.bottom - box.top) / 2)


def _room(box: Rectangle, along: int, thickness: float) -> tuple[float, float]:
    """From where to where edges may end along one side of a box."""
    keep = _OFF_CORNERS[thickness > 1] * corner_radius(box.bottom - box.top)
    low, high = box[along], box[along + 2]
    keep = min(keep, (high - low) / 2)
    return low + keep, high - keep


def _on_side(before: Point, end: Point, box: Rectangle, thickness: float) -> Point:
    """Where a line that ends near a side of a box, and goes on, meets it off its corners."""
    axis = _axis(end, box)
    along = 1 - axis
    side = box[axis] if end[axis] < (box[axis] + box[axis + 2]) / 2 else box[axis + 2]
    met = end[along]
    ahead, left = end[axis] - before[axis], side - end[axis]
    if ahead * left > 0 and left / ahead * math.dist(before, end) <= REACH:
        met += left / ahead * (end[along] - before[along])
    low, high = _room(box, along, thickness)
    met = min(max(met, low), high)
    return Point(met, side) if axis else Point(side, met)


def _ending(route: Route, end: Point) -> Route:
    """A route with another end; where its last stretch is level or upright it stays so, if a
    corner can move with it.
    """
    *others, before, last = route
    if others and before.y == last.y:
        before = Point(before.x, end.y)
    elif others and before.x == last.x:
        before = Point(end.x, before.y)
    return (*others, before, end)


def _taken(route: Route, thickness: float, axis: int) -> float:
    """How much of a side an edge takes."""
    ahead = abs(route[-1][axis] - route[-2][axis])
    length = math.dist(route[-1], route[-2])
    return thickness * (length / ahead if length < _STEEPEST * ahead else _STEEPEST)


def _spread(
    places: Sequence[float],
    weights: Sequence[float],
    gaps: Sequence[float],
    low: float,
    high: float,
) -> list[float]:
    """Places in ascending order moved as little as can be, so that there are gaps between them.

    >>> _spread([0.0, 1.0, 20.0], [1.0, 1.0, 1.0], [5.0, 5.0], -10.0, 30.0)
    [-2.0, 3.0, 20.0]
    """
    fit = min(1.0, (high - low) / (sum(gaps) or 1.0))
    before = [fit * gap for gap in accumulate(gaps, initial=0.0)]
    # Without the gaps the order is all there is to keep: neighbours that are not in order share
    # their mean (Ayer et al., Ann. Math. Stat. 26, 1955).
    blocks: list[list[tuple[float, float]]] = []
    for place, weight, gap in zip(places, weights, before, strict=True):
        blocks.append([(place - gap, weight)])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    means = [min(max(_mean(block), low), high - before[-1]) for block in blocks for _ in block]
    return [mean + gap for mean, gap in zip(means, before, strict=True)]


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    return sum(place * weight for place, weight in weighted) / sum(w for _, w in weighted)
