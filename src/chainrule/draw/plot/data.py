"""A plot as data: axes, pieces of the curve, a tangent, a point, a slope.

The curve, the tangent and the point are in the units of the axes; each axis says where on the
sheet a number lies. A plot is made once and never changes; writers read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from chainrule.draw.scene import Point, Text

RADIUS: Final = 4.0
"""Of the point."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A round number on an axis.

    Attributes:
        value: The number.
        text: How it is written, and where.
    """

    value: float
    text: Text


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of one direction and where it lies on the sheet.

    Attributes:
        low: The least number.
        high: The greatest number.
        start: The place of the least number, in points.
        end: The place of the greatest number, in points.
        ticks: The round numbers, in ascending order.
        name: What it shows.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...]
    name: Text

    def place(self, value: float) -> float:
        """Where on the sheet a number lies, in points."""
        return number_between(self.start, self.end, (value - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class TangentPlot:
    """A function around a point, with its tangent there.

    Attributes:
        width: Of the sheet, in points.
        height: Of the sheet.
        title: What is drawn, in a few words.
        description: The same with its numbers, for readers that speak.
        across: The axis of the argument.
        up: The axis of the function.
        curve: Where the function is drawn without a break, in the units of the axes.
        tangent: The ends of the tangent; None where there is none.
        point: Where it touches; None where the function has no value.
        slope: What the slope is, and where it is written.
        theme: The name of its colours (`chainrule.draw.themes`).
    """

    width: float
    height: float
    title: str
    description: str
    across: Axis
    up: Axis
    curve: tuple[tuple[Point, ...], ...]
    tangent: tuple[Point, Point] | None
    point: Point | None
    slope: Text
    theme: str = "light"

    def place(self, point: Point) -> Point:
        """Where on the sheet a point lies."""
        return Point(self.across.place(point.x), self.up.place(point.y))

    def texts(self) -> Iterator[Text]:
        """Every piece of writing."""
        for axis in (self.across, self.up):
            yield from (tick.text for tick in axis.ticks)
            yield axis.name
        yield self.slope


class Window(NamedTuple):
    """What is seen of the plane."""

    left: float
    right: float
    low: float
    high: float


def number_between(start: float, end: float, share: float) -> float:
    """The number that lies after a share of the way from one to another."""
    return start + (end - start) * share
