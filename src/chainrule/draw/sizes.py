"""Writing and boxes get their sizes: what is too long is shortened, and boxes fit around lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from chainrule.draw.diagram import Element, Line
from chainrule.draw.mathematics import measure
from chainrule.draw.number_lines import number_line
from chainrule.draw.options import Options
from chainrule.draw.scene import Role, Text
from chainrule.draw.words import as_words

SIZES: Final[dict[Role, float]] = {
    "symbol": 15.0,
    "name": 12.0,
    "value": 12.0,
    "adjoint": 12.0,
    "tangent": 12.0,
    "missing": 11.0,
    "note": 10.0,
    "local": 11.0,
    "contribution": 11.0,
    "operand": 12.0,
    "caption": 11.0,
}
"""The size of letters by role."""
_WIDEST: Final = 150.0
_WIDEST_FORMULAS: Final[dict[Role, float]] = {"tangent": 420.0, "local": 240.0}
"""Longer lines are shortened; formulas may be longer, since half of one says nothing."""
_PADDING: Final = 7.0
_LEAST: Final = {"constant": 24.0, "operator": 30.0}
_LEAST_OTHERS: Final = 42.0
"""The least width and height of a box."""
_LEADING: Final = 1.14
"""The distance of lines, in heights of a line."""


class Measured(NamedTuple):
    """A line that has a size."""

    line: Line
    width: float
    height: float
    full: str


_NO_ROOM: Final[Mapping[Role, float]] = MappingProxyType({})
_LARGE: Final = -1e-10
"""A number that is written at length, whatever its digits."""


def room(options: Options) -> Mapping[Role, float]:
    """The least width of numbers by role, where they may change."""
    if not options.live:
        return _NO_ROOM
    roles: list[Role] = ["value", "adjoint", "tangent", "contribution"]
    if options.edges == "local":
        roles.append("local")
    number = _LARGE * (1 + 10.0 ** (1 - options.digits))
    lines = (number_line(role, number, options.digits) for role in roles)
    return {line.role: measure(line.latex, line.text, SIZES[line.role])[0] for line in lines}


def measured(lines: Iterable[Line], least: Mapping[Role, float] = _NO_ROOM) -> list[Measured]:
    """Lines with their sizes, at least these by role; what is too long is shortened."""
    found = []
    for line in lines:
        size = SIZES[line.role]
        width, height = measure(line.latex, line.text, size)
        full = ""
        widest = _WIDEST_FORMULAS.get(line.role, _WIDEST)
        if width > widest:
            full = line.text
            line, width, height = _shortened(line, width, widest)
        width = max(width, least.get(line.role, 0.0))
        found.append(Measured(line, width, height * _LEADING, full))
    return found


def _shortened(line: Line, width: float, widest: float) -> tuple[Line, float, float]:
    """As much of a line as fits, and ``…``; its width and height."""
    letters = len(line.text)
    while True:
        letters = max(1, min(letters - 1, int(letters * widest / width)))
        text = f"{line.text[:letters].rstrip()}…"
        short = replace(line, text=text, latex=as_words(text))
        width, height = measure(short.latex, text, SIZES[line.role])
        if width <= widest or letters == 1:
            return short, width, height


def block(lines: Sequence[Measured]) -> tuple[float, float]:
    """The size of lines below each other."""
    if not lines:
        return 0.0, 0.0
    return max(line.width for line in lines) + 6.0, sum(line.height for line in lines) + 2.0


def box_size(element: Element, lines: Sequence[Measured]) -> tuple[float, float]:
    """The size of a box around its lines; in an ellipse the corners of every line are inside."""
    least = _LEAST.get(element.kind, _LEAST_OTHERS)
    height = sum(line.height for line in lines)
    if element.shape == "square":
        width = max((line.width for line in lines), default=0.0)
        return max(width + 2 * _PADDING, least), max(height + 2 * _PADDING, least)
    outer = max(1.2 * height + _PADDING, least)
    width = outer
    top = -height / 2
    for line in lines:
        away = max(abs(top), abs(top + line.height))
        share = math.sqrt(max(1.0 - (away / (outer / 2)) ** 2, 0.05))
        width = max(width, line.width / share + _PADDING)
        top += line.height
    return width, outer


def stacked(lines: Sequence[Measured], x: float, y: float) -> list[Text]:
    """Lines below each other, around a middle."""
    top = y - sum(line.height for line in lines) / 2
    texts = []
    for line, width, height, full in lines:
        text = Text(
            line.role,
            line.text,
            line.latex,
            x,
            top + height / 2,
            width,
            height,
            SIZES[line.role],
            full,
            line.moment,
        )
        texts.append(text)
        top += height
    return texts
