"""A function of one number with its tangent, as data: axes, pieces of the curve, a line, a point.

The curve, the tangent and the point are in the units of the axes; each axis says where on the
sheet a number lies. A plot is made once and never changes; writers read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.draw.mathematics import measure
from chainrule.draw.scene import Point, Role, Text
from chainrule.show.numbers import latex_of, number

Numbers = npt.NDArray[np.float64]
Function = Callable[[Numbers], tuple[Numbers, Numbers]]
"""From numbers to what they are in the dtype of the argument, and the values there."""

POINTS: Final = 400
"""How many steps the curve has."""
RADIUS: Final = 4.0
"""Of the point."""
_SCOUTS: Final = 64
"""Steps of the curve while a window is looked for."""
_WINDOWS: Final = 16
"""How many windows are tried, each a quarter of the last one."""
_MOST_TURNS: Final = 6
"""Of the curve within a window."""
_STEEPEST: Final = 5.0
"""How much higher than the window the tangent may rise over half its width."""
_LIVELY: Final = 0.05
"""The part of the height that the curve covers near the point, at least."""
_LARGEST: Final = 1e300
"""Larger values count as infinite: the differences of two of them have to be finite."""
_TICK_SIZE: Final = 11.0
_NAME_SIZE: Final = 14.0
_SLOPE_SIZE: Final = 13.0
_EDGE: Final = 10.0
"""Between the edge of the sheet and what is drawn."""
_GAP: Final = 7.0
"""Between an axis and the numbers at its ticks."""
_CLEAR: Final = 4.0
"""Around the label of the slope."""
_FAINT: Final = 0.01
"""How little a line of zero matters beside the curve, where writing looks for a free place."""
_REACH: Final = 0.3
"""Half the length of the tangent, in widths of the window."""


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
        return _between(self.start, self.end, (value - self.low) / (self.high - self.low))


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


class Label(NamedTuple):
    """Writing that has no place yet, as mathematics and as plain text."""

    latex: str
    text: str


class Window(NamedTuple):
    """What is seen of the plane."""

    left: float
    right: float
    low: float
    high: float


def tangent_plot(
    function: Function,
    at: float,
    slope: float,
    names: tuple[Label, Label],
    slope_label: Label,
    *,
    width: float = 420,
    height: float = 300,
    spread: float | None = None,
    theme: str = "light",
) -> TangentPlot:
    """A function around a point with its tangent.

    Args:
        function: Gives the values at many numbers at once; called once, and once more before where
            ``spread`` is to be found.
        at: Where the tangent touches.
        slope: The derivative there.
        names: Of the argument and of the function.
        slope_label: What is written beside the tangent.
        width: Of the sheet, in points.
        height: Of the sheet.
        spread: How far the curve reaches to either side; None: as far as makes a clear picture.
        theme: The name of the colours.
    """
    if spread is None:
        spread = fitting_spread(function, at, slope)
    left, right = at - spread, at + spread
    # The round numbers are where functions like to begin, end and jump.
    grid = np.union1d(np.linspace(left, right, POINTS + 1), [at, *round_numbers(left, right, 20)])
    xs, ys = _evaluated(function, grid)
    value = float(ys[np.searchsorted(grid, at)])
    low, high = value_range(ys, value)
    up_labels = _tick_labels(low, high, height / 45)
    margin = max(measure(*label, _TICK_SIZE)[0] for _, label in up_labels)
    start = _EDGE + margin + _GAP
    bottom = height - _EDGE - _TICK_SIZE - _GAP
    top = _EDGE + _NAME_SIZE + _GAP
    across_name, up_name = (_sized("symbol", name, _NAME_SIZE) for name in names)
    end = width - _EDGE - across_name.width - _GAP
    across = Axis(
        left,
        right,
        start,
        end,
        tuple(
            Tick(tick, _sized("caption", label, _TICK_SIZE, x, bottom + _GAP + _TICK_SIZE / 2))
            for tick, label in _fitting_labels(left, right, end - start)
            for x in (_between(start, end, (tick - left) / (right - left)),)
        ),
        _sized("symbol", names[0], _NAME_SIZE, end + _GAP + across_name.width / 2, bottom),
    )
    up = Axis(
        low,
        high,
        bottom,
        top,
        tuple(
            Tick(
                tick,
                _sized(
                    "caption",
                    label,
                    _TICK_SIZE,
                    start - _GAP - measure(*label, _TICK_SIZE)[0] / 2,
                    _between(bottom, top, (tick - low) / (high - low)),
                ),
            )
            for tick, label in up_labels
        ),
        _sized(
            "symbol",
            names[1],
            _NAME_SIZE,
            max(start, _EDGE + up_name.width / 2),
            _EDGE + _NAME_SIZE / 2,
        ),
    )
    window = Window(left, right, low, high)
    curve = tuple(pieces(xs, ys, window))
    point = Point(at, value) if math.isfinite(value) else None
    tangent = None if point is None else _tangent(point, slope, across, up)
    place = f"{names[0].text} = {number(at)}"
    said = "has no value" if point is None else f"is {number(value)}, with {slope_label.text}"
    bare = TangentPlot(
        width,
        height,
        f"{names[1].text} and its tangent at {place}",
        f"The curve of {names[1].text} from {names[0].text} = {number(left)} to {number(right)};"
        f" at {place} it {said}.",
        across,
        up,
        curve,
        tangent,
        point,
        _sized("adjoint", slope_label, _SLOPE_SIZE),
        theme,
    )
    return _labelled(bare, slope_label)


# --- what is seen -----------------------------------------------------------------------------


def fitting_spread(function: Function, at: float, slope: float) -> float:
    """How far a clear picture reaches from the point: neither too steep nor too many turns.

    >>> def wave(xs):
    ...     return xs, np.sin(50 * xs)
    >>> fitting_spread(wave, 0.0, 50.0)
    0.125
    """
    widest = 2 * max(1.0, abs(at))
    spreads = [widest / 4.0**step for step in range(_WINDOWS)]
    spreads = [spread for spread in spreads if spread > 1e-9 * abs(at)]
    share = np.linspace(-1, 1, _SCOUTS + 1)
    _, ys = _evaluated(function, (at + np.outer(spreads, share)).ravel())
    seen = [
        _clear(row, spread, slope)
        for row, spread in zip(ys.reshape(len(spreads), -1), spreads, strict=True)
    ]
    for wanted in (2, 1):
        for spread, clear in zip(spreads, seen, strict=True):
            if clear >= wanted:
                return spread
    return widest


def _clear(ys: Numbers, spread: float, slope: float) -> int:
    """0: not a clear picture; 1: clear, but the curve is flat near the point; 2: clear."""
    middle = ys[len(ys) // 4 : -(len(ys) // 4)]
    known, near = (part[np.isfinite(part)] for part in (ys, middle))
    if 2 * len(known) < len(ys) or not len(near):
        return 0
    low, high = value_range(ys, float(ys[len(ys) // 2]))
    height = high - low
    steps = np.sign(np.diff(known))
    steps = steps[steps != 0]
    turns = np.count_nonzero(steps[1:] != steps[:-1])
    if turns > _MOST_TURNS or (math.isfinite(slope) and abs(slope) * spread > _STEEPEST * height):
        return 0
    flat = np.ptp(known) > 0 and np.ptp(near) < _LIVELY * height
    return 1 if flat else 2


def value_range(ys: Numbers, value: float) -> tuple[float, float]:
    """The range of values that is seen; a pole does not flatten the rest.

    >>> value_range(np.array([1.0, 1.0, 1.0]), 1.0)
    (0.0, 2.0)
    """
    known = ys[np.isfinite(ys)]
    if not len(known):
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    first, second, third, fourth = map(float, np.percentile(known, [5, 12, 88, 95]))
    if high - low > 6 * (fourth - first) > 0:
        low, high = second, third
    if math.isfinite(value):
        low, high = min(low, value), max(high, value)
    largest = max(abs(low), abs(high))
    is_level = high - low <= 1e-12 * largest
    margin = (largest or 1.0) if is_level else 0.08 * (high - low)
    return low - margin, high + margin


def _evaluated(function: Function, grid: Numbers) -> tuple[Numbers, Numbers]:
    xs, ys = function(grid)
    with np.errstate(invalid="ignore"):
        return xs, np.where(np.abs(ys) < _LARGEST, ys, np.nan)


# --- the curve --------------------------------------------------------------------------------


def pieces(xs: Numbers, ys: Numbers, window: Window) -> Iterator[tuple[Point, ...]]:
    """The curve in the window, broken where it has no value and where it jumps.

    >>> xs = np.array([-2.0, -1.0, 1.0, 2.0])
    >>> [len(piece) for piece in pieces(xs, 1 / xs, Window(-2, 2, -0.9, 0.9))]
    [2, 2]
    """
    piece: list[Point] = []
    points = [Point(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    for at, (start, end) in enumerate(pairwise(points)):
        if not (math.isfinite(start.y) and math.isfinite(end.y)) or _jumps(ys, at, window):
            shown = None
        else:
            shown = clipped(start, end, window)
        if piece and (shown is None or piece[-1] != shown[0]):
            yield tuple(piece)
            piece = []
        if shown is not None:
            piece += [shown[1]] if piece else shown
    if piece:
        yield tuple(piece)


def _jumps(ys: Numbers, at: int, window: Window) -> bool:
    """Whether the curve jumps after a point: over the whole window, or against its direction."""
    start, end = float(ys[at]), float(ys[at + 1])
    if min(start, end) < window.low and max(start, end) > window.high:
        return True
    if not 0 < at < len(ys) - 2:
        return False
    step, before, after = end - start, start - float(ys[at - 1]), float(ys[at + 2]) - end
    return step * before < 0 and step * after < 0 and abs(step) > 3 * max(abs(before), abs(after))


def clipped(start: Point, end: Point, window: Window) -> tuple[Point, Point] | None:
    """The part of a straight line within a window; None: there is none.

    >>> clipped(Point(0, 0), Point(2, 4), Window(0, 2, 0, 2))
    (Point(x=0, y=0), Point(x=1.0, y=2.0))
    """
    first, last = 0.0, 1.0
    sides = (
        (start.x, end.x, window.left, window.right),
        (start.y, end.y, window.low, window.high),
    )
    for here, there, low, high in sides:
        step = there - here
        if step == 0:
            if not low <= here <= high:
                return None
            continue
        enter, leave = sorted(((low - here) / step, (high - here) / step))
        first, last = max(first, enter), min(last, leave)
    if first > last:
        return None
    return (
        start if first == 0 else _along(start, end, first),
        end if last == 1 else _along(start, end, last),
    )


def _along(start: Point, end: Point, share: float) -> Point:
    return Point(_between(start.x, end.x, share), _between(start.y, end.y, share))


def _tangent(point: Point, slope: float, across: Axis, up: Axis) -> tuple[Point, Point] | None:
    """A piece of the tangent of a length on the sheet; upright where the slope is infinite."""
    if math.isnan(slope):
        return None
    x_unit = (across.end - across.start) / (across.high - across.low)
    y_unit = (up.start - up.end) / (up.high - up.low)
    length = _REACH * (across.end - across.start)
    window = Window(across.low, across.high, up.low, up.high)
    if math.isinf(slope):
        reach = Point(0.0, length / y_unit)
    else:
        step = length / math.hypot(x_unit, slope * y_unit)
        reach = Point(step, slope * step)
    return clipped(
        Point(point.x - reach.x, point.y - reach.y),
        Point(point.x + reach.x, point.y + reach.y),
        window,
    )


# --- round numbers ----------------------------------------------------------------------------


def round_numbers(low: float, high: float, most: float) -> list[float]:
    """The multiples of 1, 2 or 5 times a power of ten in a range, at most about so many.

    >>> round_numbers(-1.2, 2.3, 5)
    [-1.0, 0.0, 1.0, 2.0]
    """
    return _multiples(low, high, *_step((high - low) / max(most, 1)))


def _step(least: float) -> tuple[int, int]:
    """The smallest 1, 2 or 5 times a power of ten that is not less: factor and exponent."""
    exponent = math.floor(math.log10(least))
    for factor in (1, 2, 5):
        if factor * 10.0**exponent >= least * (1 - 1e-9):
            return factor, exponent
    return 1, exponent + 1


def _multiples(low: float, high: float, factor: int, exponent: int) -> list[float]:
    step = float(f"{factor}e{exponent}")
    first, last = math.floor(low / step), math.ceil(high / step)
    # Read from decimals, so that no rounding is seen: 3·0.1 is not 0.3.
    found = [float(f"{times * factor}e{exponent}") for times in range(first, last + 1)]
    return [tick for tick in found if low <= tick <= high]


def _tick_labels(low: float, high: float, most: float) -> list[tuple[float, Label]]:
    """Round numbers, each with as many digits as tell it from its neighbours."""
    ticks = round_numbers(low, high, most)
    largest = max(map(abs, ticks), default=0.0)
    digits = 1
    if len(ticks) > 1 and largest:
        step = ticks[1] - ticks[0]
        digits = math.floor(math.log10(largest)) - math.floor(math.log10(step * 1.001)) + 1
    texts = [number(tick, min(max(digits, 4), 17)) for tick in ticks]
    return [(tick, Label(latex_of(text), text)) for tick, text in zip(ticks, texts, strict=True)]


def _fitting_labels(low: float, high: float, length: float) -> list[tuple[float, Label]]:
    """As many as fit side by side into a length."""
    most = max(2.0, length / 50)
    while True:
        found = _tick_labels(low, high, most)
        width = max((measure(*label, _TICK_SIZE)[0] for _, label in found), default=0.0)
        if len(found) < 2 or most <= 1:
            return found
        if width + 2 * _GAP <= (found[1][0] - found[0][0]) / (high - low) * length:
            return found
        most = max(1.0, most * 0.7)


# --- writing ----------------------------------------------------------------------------------


def _sized(role: Role, label: Label, size: float, x: float = 0.0, y: float = 0.0) -> Text:
    width, height = measure(*label, size)
    return Text(role, label.text, label.latex, x, y, width, height, size)


def _labelled(plot: TangentPlot, label: Label) -> TangentPlot:
    """The plot with its slope written beside the tangent, where it covers as little as can be."""
    text = plot.slope
    anchors: list[Point] = []
    if plot.tangent is not None:
        start, end = map(plot.place, plot.tangent)
        anchors = [_along(start, end, share) for share in (0.9, 0.1, 0.75, 0.25, 1.0, 0.0, 0.6)]
    aside = [Point(x, y) for y in (-1.0, 1.0, 0.0) for x in (1.0, -1.0, 0.0) if x or y]
    spots = [
        Point(
            anchor.x + side.x * (text.width / 2 + far),
            anchor.y + side.y * (text.height / 2 + far),
        )
        for far in (2 * _CLEAR, 5 * _CLEAR, 10 * _CLEAR)
        for anchor in anchors
        for side in aside
    ]
    left, right = plot.across.start, plot.across.end
    top, bottom = plot.up.end, plot.up.start
    within = Window(
        left + text.width / 2 + _CLEAR,
        right - text.width / 2 - _CLEAR,
        top + text.height / 2 + _CLEAR,
        bottom - text.height / 2 - _CLEAR,
    )
    corners = [
        Point(x, y)
        for y in (within.low, within.high)
        for x in (within.right, within.left, (within.left + within.right) / 2)
    ]
    spots = [
        spot
        for spot in spots
        if within.left <= spot.x <= within.right and within.low <= spot.y <= within.high
    ]
    lines: list[tuple[Sequence[Point], float]] = [
        ([plot.place(point) for point in piece], 1.0) for piece in plot.curve
    ]
    if plot.tangent is not None:
        lines.append(([plot.place(point) for point in plot.tangent], 1.0))
    if plot.across.low < 0 < plot.across.high:
        zero = plot.across.place(0)
        lines.append(([Point(zero, bottom), Point(zero, top)], _FAINT))
    if plot.up.low < 0 < plot.up.high:
        zero = plot.up.place(0)
        lines.append(([Point(left, zero), Point(right, zero)], _FAINT))
    dots = [] if plot.point is None else [plot.place(plot.point)]
    best = min(spots + corners, key=lambda spot: _covered(spot, text, lines, dots))
    return replace(plot, slope=_sized(text.role, label, text.size, best.x, best.y))


def _covered(
    spot: Point, text: Text, lines: Iterable[tuple[Sequence[Point], float]], dots: Iterable[Point]
) -> float:
    """How much of lines, by their weights, and of points lies under writing."""
    half, tall = text.width / 2 + _CLEAR, text.height / 2 + _CLEAR
    box = Window(spot.x - half, spot.x + half, spot.y - tall, spot.y + tall)
    lying = 0.0
    for line, weight in lines:
        parts = (clipped(start, end, box) for start, end in pairwise(line))
        lying += weight * sum(math.dist(*part) + 1 for part in parts if part is not None)
    far = RADIUS + _CLEAR
    hit = [dot for dot in dots if abs(dot.x - spot.x) < half + far]
    return lying + sum(1000 for dot in hit if abs(dot.y - spot.y) < tall + far)


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
