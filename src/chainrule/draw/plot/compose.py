"""A plot is made here: the function is sampled, and everything gets its place on the sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from chainrule.draw.geometry import between
from chainrule.draw.mathematics import measure
from chainrule.draw.plot.curve import (
    Function,
    clipped,
    evaluated,
    fitting_spread,
    pieces,
    value_range,
)
from chainrule.draw.plot.data import RADIUS, Axis, TangentPlot, Tick, Window, number_between
from chainrule.draw.plot.ticks import (
    GAP,
    TICK_SIZE,
    Label,
    fitting_labels,
    round_numbers,
    tick_labels,
)
from chainrule.draw.scene import Point, Role, Text
from chainrule.show.numbers import number

POINTS: Final = 400
"""How many steps the curve has."""
_NAME_SIZE: Final = 14.0
_SLOPE_SIZE: Final = 13.0
_EDGE: Final = 10.0
"""Between the edge of the sheet and what is drawn."""
_CLEAR: Final = 4.0
"""Around the label of the slope."""
_FAINT: Final = 0.01
"""How little a line of zero matters beside the curve, where writing looks for a free place."""
_REACH: Final = 0.3
"""Half the length of the tangent, in widths of the window."""


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
    xs, ys = evaluated(function, grid)
    value = float(ys[np.searchsorted(grid, at)])
    low, high = value_range(ys, value)
    up_labels = tick_labels(low, high, height / 45)
    margin = max(measure(*label, TICK_SIZE)[0] for _, label in up_labels)
    start = _EDGE + margin + GAP
    bottom = height - _EDGE - TICK_SIZE - GAP
    top = _EDGE + _NAME_SIZE + GAP
    across_name, up_name = (_sized("symbol", name, _NAME_SIZE) for name in names)
    end = width - _EDGE - across_name.width - GAP
    across = Axis(
        left,
        right,
        start,
        end,
        tuple(
            Tick(tick, _sized("caption", label, TICK_SIZE, x, bottom + GAP + TICK_SIZE / 2))
            for tick, label in fitting_labels(left, right, end - start)
            for x in (number_between(start, end, (tick - left) / (right - left)),)
        ),
        _sized("symbol", names[0], _NAME_SIZE, end + GAP + across_name.width / 2, bottom),
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
                    TICK_SIZE,
                    start - GAP - measure(*label, TICK_SIZE)[0] / 2,
                    number_between(bottom, top, (tick - low) / (high - low)),
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


def _sized(role: Role, label: Label, size: float, x: float = 0.0, y: float = 0.0) -> Text:
    width, height = measure(*label, size)
    return Text(role, label.text, label.latex, x, y, width, height, size)


def _labelled(plot: TangentPlot, label: Label) -> TangentPlot:
    """The plot with its slope written beside the tangent, where it covers as little as can be."""
    text = plot.slope
    anchors: list[Point] = []
    if plot.tangent is not None:
        start, end = map(plot.place, plot.tangent)
        anchors = [between(start, end, share) for share in (0.9, 0.1, 0.75, 0.25, 1.0, 0.0, 0.6)]
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
