"""A plot as SVG that needs nothing else: the same letters and colours as in other drawings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chainrule.draw.markup import (
    TEXT_STYLE,
    Letters,
    clean,
    coordinates,
    number,
    page,
    prefix_for,
    style_sheet,
)
from chainrule.draw.plot.data import RADIUS, Axis, TangentPlot
from chainrule.draw.scene import Point
from chainrule.draw.strokes import GLOW
from chainrule.draw.themes import THEMES

_TICK = 4.0
"""How long the line of a tick is."""
_HALO = 2.2
"""How much larger than the point its halo is."""


def plot_svg(plot: TangentPlot, prefix: str = "") -> str:
    """The plot as SVG.

    Args:
        plot: What is drawn.
        prefix: What all ids begin with, a letter first, so that several drawings fit in one page;
            by default it comes from the content.

    Raises:
        ValueError: A prefix that no id can begin with.
    """
    letters = Letters(prefix_for(plot, prefix))
    body = "\n".join([*_frame(plot), *_lines(plot), *_writing(plot, letters)])
    return page(plot, body, _style(plot, letters.prefix), letters)


def _style(plot: TangentPlot, prefix: str) -> str:
    theme = THEMES[plot.theme]
    rules = {
        ".sheet": f"fill:{theme.background}",
        ".grid,.zero,.axis": f"fill:none;stroke:{theme.forward};stroke-width:1",
        ".grid": "opacity:.16",
        ".zero": "opacity:.5",
        ".curve,.tangent": "fill:none;stroke-linecap:round;stroke-linejoin:round",
        ".curve": f"stroke:{theme.texts['value']};stroke-width:2.2",
        ".tangent": f"stroke:{theme.texts['adjoint']};stroke-width:2",
        ".point": f"fill:{theme.texts['adjoint']};stroke:{theme.background};stroke-width:1.5",
        ".halo": f"fill:{theme.texts['adjoint']}",
        **TEXT_STYLE,
    }
    for role in dict.fromkeys(text.role for text in plot.texts()):
        rules[f".{role}"] = f"fill:{theme.texts[role]}"
    return style_sheet(prefix, rules)


def _frame(plot: TangentPlot) -> Iterator[str]:
    """The grid, the lines of zero, the two axes with their ticks."""
    across, up = plot.across, plot.up
    upright = [_upright(across.place(tick.value), up.start, up.end) for tick in across.ticks]
    level = [_level(up.place(tick.value), across.start, across.end) for tick in up.ticks]
    yield f'<path class="grid" d="{"".join(upright + level)}"/>'
    zeros = []
    if _has_zero(across):
        zeros.append(_upright(across.place(0), up.start, up.end))
    if _has_zero(up):
        zeros.append(_level(up.place(0), across.start, across.end))
    if zeros:
        yield f'<path class="zero" d="{"".join(zeros)}"/>'
    below = [
        _upright(across.place(tick.value), up.start, up.start + _TICK) for tick in across.ticks
    ]
    beside = [_level(up.place(tick.value), across.start - _TICK, across.start) for tick in up.ticks]
    corner = f"M{coordinates(across.start, up.end)}V{number(up.start)}H{number(across.end)}"
    yield f'<path class="axis" d="{corner}{"".join(below + beside)}"/>'


def _lines(plot: TangentPlot) -> Iterator[str]:
    """The curve, above it the tangent, above it the point."""
    pieces = "".join(_line(map(plot.place, piece)) for piece in plot.curve)
    yield f'<path class="curve" d="{pieces}"/>'
    if plot.tangent is not None:
        title = f"<title>{clean(plot.slope.text)}</title>"
        yield f'<path class="tangent" d="{_line(map(plot.place, plot.tangent))}">{title}</path>'
    if plot.point is not None:
        x, y = map(number, plot.place(plot.point))
        halo = number(RADIUS * _HALO)
        yield (
            f'<circle class="halo" cx="{x}" cy="{y}" r="{halo}" opacity="{GLOW}"/>'
            f'<circle class="point" cx="{x}" cy="{y}" r="{number(RADIUS)}"/>'
        )


def _writing(plot: TangentPlot, letters: Letters) -> Iterator[str]:
    for text in plot.texts():
        written = letters.write(text, text.latex, text.text)
        yield f'<g class="{text.role}" role="img" aria-label="{clean(text.text)}">{written}</g>'


def _line(points: Iterable[Point]) -> str:
    first, *others = (coordinates(*point) for point in points)
    return f"M{first}L{' '.join(others)}"


def _upright(x: float, start: float, end: float) -> str:
    return f"M{coordinates(x, start)}V{number(end)}"


def _level(y: float, start: float, end: float) -> str:
    return f"M{coordinates(start, y)}H{number(end)}"


def _has_zero(axis: Axis) -> bool:
    return axis.low < 0 < axis.high
