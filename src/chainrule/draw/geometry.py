"""Rectangles, segments and outlines: what overlaps, what crosses, where a line meets a border."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from chainrule.draw.scene import Box, Point

REACH: Final = 14.0
"""How far a line goes on to find a box."""
_HALVED: Final = 40
"""How often a segment is halved to find where it meets an outline."""


class Rectangle(NamedTuple):
    """Its left, upper, right and lower edge."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, centre: Point, width: float, height: float) -> Rectangle:
        """The rectangle of this size with this middle."""
        x, y = centre
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def shrunk(self, by: float) -> Rectangle:
        """The rectangle with every edge moved inwards."""
        return Rectangle(self.left + by, self.top + by, self.right - by, self.bottom - by)


def crosses(start: Point, end: Point, rectangle: Rectangle) -> bool:
    """Whether a segment enters a rectangle (Liang and Barsky, ACM TOG 3, 1984).

    >>> crosses(Point(-1, 1), Point(3, 1), Rectangle(0, 0, 2, 2))
    True
    >>> crosses(Point(-1, 1), Point(0.5, 4), Rectangle(0, 0, 2, 2))
    False
    """
    return entry(start, end, rectangle) is not None


def entry(start: Point, end: Point, rectangle: Rectangle) -> Point | None:
    """Where a segment enters a rectangle; None where it does not.

    >>> entry(Point(-1, 1), Point(3, 1), Rectangle(0, 0, 2, 2))
    Point(x=0.0, y=1.0)
    """
    enter, leave = 0.0, 1.0
    dx, dy = end.x - start.x, end.y - start.y
    for step, room in (
        (-dx, start.x - rectangle.left),
        (dx, rectangle.right - start.x),
        (-dy, start.y - rectangle.top),
        (dy, rectangle.bottom - start.y),
    ):
        if step == 0:
            if room <= 0:
                return None
        elif step < 0:
            enter = max(enter, room / step)
        else:
            leave = min(leave, room / step)
    return Point(start.x + dx * enter, start.y + dy * enter) if enter < leave else None


def beside(points: Sequence[Point], distance: float) -> list[Point]:
    """A line of points moved to its left, as seen along it; corners keep their distance.

    >>> beside([Point(0, 0), Point(10, 0)], 2)
    [Point(x=0.0, y=-2.0), Point(x=10.0, y=-2.0)]
    """
    normals = []
    for a, b in pairwise(points):
        length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
        normals.append(((b.y - a.y) / length, -(b.x - a.x) / length))
    moved = []
    for at, point in enumerate(points):
        before = normals[max(at - 1, 0)]
        after = normals[min(at, len(normals) - 1)]
        # Half way between both normals, longer at a corner so that both lines keep the distance.
        x, y = before[0] + after[0], before[1] + after[1]
        scale = 2 * distance / max(x * x + y * y, 1.0)
        moved.append(Point(point.x + x * scale, point.y + y * scale))
    return moved


def on_border(before: Point, end: Point, box: Box) -> Point:
    """Where a line that comes from ``before`` and ends near a box meets the outline of the box.

    It goes on in its direction; where that misses the box, it takes the shortest way.

    >>> circle = Box("n0", "input", "circle", 0, 0, 4, 2, (), "")
    >>> on_border(Point(9, 0), Point(3, 0), circle), on_border(Point(3, 9), Point(3, 0), circle)
    (Point(x=2.0, y=0.0), Point(x=2.0, y=0.0))
    """
    length = math.hypot(end.x - before.x, end.y - before.y)
    reach = (length + REACH) / length if length else 0.0
    ahead = Point(before.x + (end.x - before.x) * reach, before.y + (end.y - before.y) * reach)
    if _cover(box)(ahead):
        return _border(before, ahead, box)
    core = _core(end, box)
    # The line to the core starts well outside of the box.
    return _border(Point(5 * end.x - 4 * core.x, 5 * end.y - 4 * core.y), core, box)


def _core(end: Point, box: Box) -> Point:
    """Where the shortest way to the outline leads: the middle, or the nearest point inside."""
    if box.shape == "circle":
        return Point(box.x, box.y)
    x, y = box.width / 2 - box.corner, box.height / 2 - box.corner
    return Point(
        min(max(end.x, box.x - x), box.x + x),
        min(max(end.y, box.y - y), box.y + y),
    )


def _border(outside: Point, inside: Point, box: Box) -> Point:
    """The point of the outline between a point outside and one inside, by bisection."""
    low, high = 0.0, 1.0
    covers = _cover(box)
    for _ in range(_HALVED):
        share = (low + high) / 2
        if covers(between(outside, inside, share)):
            high = share
        else:
            low = share
    found = between(outside, inside, low)
    return Point(round(found.x, 6), round(found.y, 6))


def between(a: Point, b: Point, share: float) -> Point:
    """The point that is so far on the way from one to another."""
    return Point(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share)


def _cover(box: Box) -> Callable[[Point], bool]:
    """Whether a point is inside the outline of a box, as a function of the point."""
    x, y, a, b, corner = box.x, box.y, box.width / 2, box.height / 2, box.corner

    def ellipse(point: Point) -> bool:
        across, down = (point[0] - x) / a, (point[1] - y) / b
        return across * across + down * down < 1

    def square(point: Point) -> bool:
        across, down = abs(point[0] - x) - (a - corner), abs(point[1] - y) - (b - corner)
        if across <= 0 or down <= 0:
            return across < corner and down < corner
        return across * across + down * down < corner * corner

    return ellipse if box.shape == "circle" else square
