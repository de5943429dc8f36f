"""Colours of drawings. Shape and line style carry every meaning a second time, without colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chainrule.draw.scene import Box, Heated, Kind, Role

READABLE: Final = 4.5
"""The least contrast of writing (Web Content Accessibility Guidelines 2.2, 1.4.3)."""
OUTLINED: Final = 1.5
"""The least contrast of a line around heat, so that the double frame of an output is seen."""
_STEPS: Final = 4
"""In which writing and lines on heat come closer to the ink until they can be told from it."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Fill and line of a box.

    Attributes:
        fill: Colour inside, ``#rrggbb``.
        line: Colour of the outline.
        dash: Lengths of dashes and gaps of the outline; empty: a full line.
    """

    fill: str
    line: str
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Theme:
    """All colours of a drawing.

    Attributes:
        background: Of the sheet.
        boxes: By kind of box.
        texts: By role of writing.
        forward: Of edges that values flow along.
        backward: Of edges that adjoints flow along.
        strong: Of edges that the drawing points at.
        group: Of frames: fill and line.
        cold: The lower end of the heat scale; the upper end is ``hot``.
        hot: The upper end of the heat scale.
        faded: How much of what stands back is left, from 0 to 1.
    """

    background: str
    boxes: Mapping[Kind, Paint]
    texts: Mapping[Role, str]
    forward: str
    backward: str
    strong: str
    group: Paint
    cold: str
    hot: str
    faded: float = 0.3

    def paint(self, box: Box) -> Paint:
        """Fill and line of a box: those of its kind, or its place on the heat scale."""
        paint = self.boxes[box.kind]
        if box.heat is None:
            return paint
        fill = mixed(self.cold, self.hot, box.heat)
        return Paint(fill, self._told_from(fill, paint.line, OUTLINED), paint.dash)

    def writing(self, role: Role, box: Box) -> str:
        """The colour of writing in a box: that of its role, darker or lighter on heat."""
        colour = self.texts[role]
        if box.heat is None:
            return colour
        return self._told_from(self.paint(box).fill, colour, READABLE)

    def _told_from(self, fill: str, colour: str, least: float) -> str:
        """A colour, or one nearer to the ink that has this contrast to a fill."""
        ink = self.texts["symbol"]
        steps = (mixed(colour, ink, step / _STEPS) for step in range(_STEPS))
        return next((one for one in steps if contrast(one, fill) >= least), ink)

    def ramp(self, of: Heated) -> tuple[str, str]:
        """The colours of no heat and of full heat."""
        return (self.cold if of == "boxes" else self.forward), self.hot


def mixed(cold: str, hot: str, share: float) -> str:
    """The colour between two others: ``share`` of the second.

    >>> mixed("#000000", "#ff8000", 0.5)
    '#804000'
    """
    pairs = [(int(cold[at : at + 2], 16), int(hot[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """How well two colours stand out from each other, from 1 to 21.

    >>> contrast("#000000", "#ffffff"), round(contrast("#1f2430", "#ff7a1a"), 2)
    (21.0, 5.95)
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """The relative luminance, as the same guidelines define it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _theme(
    background: str,
    ink: str,
    soft: str,
    kinds: Mapping[Kind, Paint],
    value: str,
    adjoint: str,
    tangent: str,
    local: str,
    forward: str,
    strong: str,
    group: Paint,
    cold: str,
    hot: str,
) -> Theme:
    return Theme(
        background=background,
        boxes=kinds,
        texts={
            "symbol": ink,
            "name": soft,
            "value": value,
            "adjoint": adjoint,
            "tangent": tangent,
            "missing": adjoint,
            "note": soft,
            "local": local,
            "contribution": adjoint,
            "operand": soft,
            "caption": soft,
        },
        forward=forward,
        backward=adjoint,
        strong=strong,
        group=group,
        cold=cold,
        hot=hot,
    )


THEMES: Final[dict[str, Theme]] = {
    "light": _theme(
        "#ffffff",
        "#1f2430",
        "#5b6472",
        {
            "input": Paint("#dcebff", "#2f6fd0"),
            "parameter": Paint("#ffe6cc", "#d9730d"),
            "constant": Paint("#eceef1", "#8a93a0"),
            "computation": Paint("#fff6cf", "#c79a00"),
            "operator": Paint("#fff6cf", "#c79a00"),
            "result": Paint("#dff5e1", "#2b8a3e"),
            "summary": Paint("#f4f5f7", "#5b6472", "5 3"),
        },
        value="#1d7532",
        adjoint="#c92a2a",
        tangent="#0b7285",
        local="#7637b8",
        forward="#5b6472",
        strong="#1f2430",
        group=Paint("#f7f8fa", "#b4bac4", "4 3"),
        cold="#f3f4f8",
        hot="#ff7a1a",
    ),
    "dark": _theme(
        "#14171d",
        "#eef1f6",
        "#a9b2c0",
        {
            "input": Paint("#173459", "#6aa8ff"),
            "parameter": Paint("#55310d", "#ffa94d"),
            "constant": Paint("#2a2f38", "#8a93a0"),
            "computation": Paint("#463b0c", "#e6c229"),
            "operator": Paint("#463b0c", "#e6c229"),
            "result": Paint("#143d20", "#5bd073"),
            "summary": Paint("#20242c", "#a9b2c0", "5 3"),
        },
        value="#69db7c",
        adjoint="#ff8787",
        tangent="#5fd3e6",
        local="#d0a2ff",
        forward="#a9b2c0",
        strong="#ffffff",
        group=Paint("#1a1e26", "#4a5260", "4 3"),
        cold="#232833",
        hot="#c2410c",
    ),
    "print": _theme(
        "#ffffff",
        "#000000",
        "#404040",
        {
            "input": Paint("#ffffff", "#000000"),
            "parameter": Paint("#d0d0d0", "#000000"),
            "constant": Paint("#ffffff", "#808080", "2 2"),
            "computation": Paint("#f0f0f0", "#000000"),
            "operator": Paint("#f0f0f0", "#000000"),
            "result": Paint("#ffffff", "#404040"),
            "summary": Paint("#ffffff", "#606060", "5 3"),
        },
        value="#000000",
        adjoint="#303030",
        tangent="#303030",
        local="#505050",
        forward="#606060",
        strong="#000000",
        group=Paint("#fafafa", "#a0a0a0", "4 3"),
        cold="#ffffff",
        hot="#909090",
    ),
    # Tints of the palette of Okabe and Ito, Color Universal Design, 2002, told apart with every
    # common kind of colour blindness; tints of one lightness would not be.
    "colour-blind": _theme(
        "#ffffff",
        "#000000",
        "#4d4d4d",
        {
            "input": Paint("#c9e4f8", "#0072b2"),
            "parameter": Paint("#f7cfab", "#d55e00"),
            "constant": Paint("#c4c4c4", "#6a6a6a"),
            "computation": Paint("#fbf4a6", "#a89a00"),
            "operator": Paint("#fbf4a6", "#a89a00"),
            "result": Paint("#bff0dd", "#00795a"),
            "summary": Paint("#ffffff", "#4d4d4d", "5 3"),
        },
        value="#005c44",
        adjoint="#8c3600",
        tangent="#004f7c",
        local="#9b4a7c",
        forward="#4d4d4d",
        strong="#000000",
        group=Paint("#f8f8f8", "#b0b0b0", "4 3"),
        cold="#f5f5f5",
        hot="#e69f00",
    ),
}
"""By name."""
