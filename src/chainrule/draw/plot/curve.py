"""The curve of a function: how far a clear picture reaches, and where the curve is broken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from chainrule.draw.geometry import between
from chainrule.draw.plot.data import Window
from chainrule.draw.scene import Point

Numbers = npt.NDArray[np.float64]
Function = Callable[[Numbers], tuple[Numbers, Numbers]]
"""From numbers to what they are in the dtype of the argument, and the values there."""

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
    _, ys = evaluated(function, (at + np.outer(spreads, share)).ravel())
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


def evaluated(function: Function, grid: Numbers) -> tuple[Numbers, Numbers]:
    """The places in the dtype of the argument, and the values there; NaN where one is infinite."""
    xs, ys = function(grid)
    with np.errstate(invalid="ignore"):
        return xs, np.where(np.abs(ys) < _LARGEST, ys, np.nan)


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
        start if first == 0 else between(start, end, first),
        end if last == 1 else between(start, end, last),
    )
