"""What is in the way of what in a layout, counted over all pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from chainrule.draw.geometry import Rectangle
from chainrule.draw.scene import Point

GRAVE: Final = 100
"""A conflict that hides something counts so much more than one that does not."""
_STRAY: Final = 10
"""So much counts a label that stands apart from its edge."""
_INTO: Final = 4.0
"""So deep an edge may reach into its own boxes, on its way to their border."""
_AWAY: Final = 1.0
"""So far an edge keeps away from foreign boxes, besides half its thickness."""
_AT_ONCE: Final = 1 << 20
"""Pairs that are looked at together."""

Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


def conflicts(
    boxes: Sequence[Rectangle],
    routes: Sequence[Sequence[Point]],
    ends: Sequence[tuple[int, int]],
    thickness: Sequence[float],
    labels: Sequence[Rectangle | None],
) -> int:
    """How often an edge crosses a box or a foreign label, or a label overlaps a box or a label.

    A label stands on a plate of its own, so an edge that runs behind one counts little.

    Args:
        boxes: All boxes.
        routes: The corners of each edge.
        ends: The boxes from and to which each edge runs, by number.
        thickness: Of each edge.
        labels: What is written on each edge.

    >>> box = Rectangle(0, 0, 10, 10)
    >>> far = Rectangle(40, 0, 50, 10)
    >>> line = [Point(10, 5), Point(40, 5)]
    >>> conflicts([box, far], [line], [(0, 1)], [1.0], [None])
    0
    >>> conflicts([box, far, Rectangle(20, 0, 30, 10)], [line], [(0, 1)], [1.0], [None])
    100
    """
    if not routes:
        return 0
    solid = _table(boxes)
    owners = np.array([at for at, label in enumerate(labels) if label is not None], np.intp)
    plates = _table([label for label in labels if label is not None])
    segments = np.array([(*a, *b) for route in routes for a, b in pairwise(route)])
    edges = np.repeat(np.arange(len(routes)), [len(route) - 1 for route in routes])
    count = GRAVE * int(_overlaps(plates, solid).sum())
    count += GRAVE * int(np.triu(_overlaps(plates, plates), 1).sum())
    own, thick = np.array(ends), np.array(thickness)
    step = max(1, _AT_ONCE // (len(boxes) + 1))
    joined = np.zeros(len(owners), bool)
    for start in range(0, len(segments), step):
        part, edge = segments[start : start + step], edges[start : start + step]
        which, box = _close(part, solid, _AWAY + thick.max() / 2)
        into = (own[edge[which]] == box[:, None]).any(axis=1)
        room = np.where(into, _INTO, -_AWAY - thick[edge[which]] / 2)
        count += GRAVE * _entered(part[which], solid[box], room).sum()
        which, plate = _close(part, plates, 0.0)
        foreign = edge[which] != owners[plate]
        count += (_entered(part[which], plates[plate], 0.0) & foreign).sum()
        reach = (plates[:, 3] - plates[:, 1]) / 2
        which, plate = _close(part, plates, reach.max(initial=0.0))
        mine = edge[which] == owners[plate]
        which, plate = which[mine], plate[mine]
        joined[plate[_entered(part[which], plates[plate], -reach[plate])]] = True
    return int(count) + _STRAY * int((~joined).sum())


def crossings(routes: Sequence[Sequence[Point]]) -> int:
    """How often two edges cross.

    >>> crossings([[Point(0, 0), Point(2, 2)], [Point(0, 2), Point(2, 0)]])
    1
    """
    owners = np.array([at for at, route in enumerate(routes) for _ in route[1:]])
    starts, ends = (
        np.array([pair[end] for route in routes for pair in pairwise(route)]).reshape(-1, 2)
        for end in (0, 1)
    )
    along = ends - starts

    def side(points: Numbers) -> Numbers:
        """On which side of each segment each point lies."""
        away = points[None] - starts[:, None]
        found: Numbers = along[:, None, 0] * away[..., 1] - along[:, None, 1] * away[..., 0]
        return found

    parted = side(starts) * side(ends) < 0
    both = parted & parted.T & (owners[:, None] != owners)
    return int(np.count_nonzero(both)) // 2


def _table(rectangles: Sequence[Rectangle]) -> Numbers:
    return np.array(rectangles, float).reshape(-1, 4)


def _overlaps(a: Numbers, b: Numbers) -> Truths:
    """Which of some rectangles overlap which of others."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    return np.asarray((low < high).all(axis=-1))


def _close(
    segments: Numbers, rectangles: Numbers, reach: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The pairs of segment and rectangle that are near enough to meet, by number."""
    low = np.minimum(segments[:, None, :2], segments[:, None, 2:]) <= rectangles[:, 2:] + reach
    high = np.maximum(segments[:, None, :2], segments[:, None, 2:]) >= rectangles[:, :2] - reach
    which, found = np.nonzero((low & high).all(axis=-1))
    return which, found


def _entered(segments: Numbers, rectangles: Numbers, shrink: Numbers | float) -> Truths:
    """Whether each segment enters its rectangle (Liang and Barsky, ACM TOG 3, 1984).

    Args:
        segments: The ends of each, x, y, x, y.
        rectangles: Left, upper, right and lower edge of one for each segment.
        shrink: By how much the edges of each are moved inwards.
    """
    enter, leave = np.zeros(len(segments)), np.ones(len(segments))
    outside = np.zeros(len(segments), bool)
    for axis in (0, 1):
        start = segments[:, axis]
        way = segments[:, axis + 2] - start
        low = rectangles[:, axis] + shrink - start
        high = rectangles[:, axis + 2] - shrink - start
        still = way == 0
        outside |= still & ((low >= 0) | (high <= 0))
        along = np.where(still, 1.0, way)
        near, far = np.where(way > 0, low, high) / along, np.where(way > 0, high, low) / along
        enter = np.where(still, enter, np.maximum(enter, near))
        leave = np.where(still, leave, np.minimum(leave, far))
    return ~outside & (enter < leave)
