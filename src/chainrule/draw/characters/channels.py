"""The ways of lines through a channel, the space between two layers.

Each box has one upright line in a channel, its trunk, on a track; lines level with each other on
both sides need none.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.draw.characters.layers import Vertex


@dataclass(slots=True, eq=False)
class Trunk:
    """The upright part of the lines that leave a vertex.

    Attributes:
        left: The row where it is reached from the left.
        rights: The rows where it is left to the right.
        track: Its place in the channel, from 0.
        after: The trunk of the same lines that it is reached from, where they need two.
    """

    left: int
    rights: set[int]
    track: int = 0
    after: Trunk | None = None

    @property
    def low(self) -> int:
        """Its first row."""
        return min(self.left, *self.rights)

    @property
    def high(self) -> int:
        """Its last row."""
        return max(self.left, *self.rights)

    def meets(self, other: Trunk) -> bool:
        """Whether the two need different tracks."""
        return self.low <= other.high and other.low <= self.high

    def must_precede(self, other: Trunk) -> bool:
        """Whether this one stands left of the other, lest level lines of both share a row."""
        if other.after is self or self.after is other:
            return other.after is self
        return self is not other and self.left in other.rights

    def crossings(self, other: Trunk) -> int:
        """How often lines cross where this trunk stands left of the other."""
        return (self.low < other.left < self.high) + sum(
            other.low < row < other.high for row in self.rights
        )


def routed(ways: dict[Vertex, tuple[int, set[int]]]) -> dict[Vertex, list[Trunk]]:
    """The trunks of each vertex, given the row where its lines start and those where they end.

    A vertex whose lines run straight has none, one in a circle of vertices that exchange their
    rows has two, all others have one.
    """
    trunks = {
        vertex: [Trunk(row, rights)] for vertex, (row, rights) in ways.items() if rights != {row}
    }
    used = {row for row, rights in ways.values() for row in (row, *rights)}
    order: list[Trunk] = []
    waiting = [trunk for (trunk,) in trunks.values()]
    while waiting:
        free = [one for one in waiting if not any(two.must_precede(one) for two in waiting)]
        if free:
            order.append(min(free, key=lambda one: _gain(one, waiting)))
            waiting.remove(order[-1])
            continue
        circle = waiting[0]
        seen: list[Trunk] = []
        while circle not in seen:
            seen.append(circle)
            circle = next(two for two in waiting if two.must_precede(circle))
        row = min(
            set(range(max(used) + 2)) - used,
            key=lambda row: (abs(row - circle.left) + abs(row - min(circle.rights)), row),
        )
        used.add(row)
        rest = Trunk(row, circle.rights, after=circle)
        circle.rights = {row}
        next(own for own in trunks.values() if own[0] is circle).append(rest)
        waiting.append(rest)
    for number, trunk in enumerate(order):
        trunk.track = max((one.track + 1 for one in order[:number] if one.meets(trunk)), default=0)
    return trunks


def _gain(trunk: Trunk, waiting: list[Trunk]) -> int:
    """How many crossings come, less those that go, if a trunk stands left of the others."""
    return sum(trunk.crossings(other) - other.crossings(trunk) for other in waiting)
