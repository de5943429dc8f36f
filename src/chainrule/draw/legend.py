"""What stands below a drawing: notes, the colours of heat, and the legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chainrule.draw.diagram import Coloured, Line
from chainrule.draw.mathematics import measure
from chainrule.draw.moments import until
from chainrule.draw.options import Options
from chainrule.draw.scene import MARKS, ROLES, Role, Scale, Scene, Text, is_marked
from chainrule.draw.sizes import SIZES

MARGIN: Final = 14.0
"""Around a drawing, with what stands below it."""
_LEGEND_GAP: Final = 18.0
"""Between what the legend says of one role and of the next."""
_BAR: Final = (90.0, 9.0)
"""Width and height of the bar that shows the colours of heat."""
_BAR_GAP: Final = 8.0
"""Between that bar and what its colours mean."""


def explained(
    scene: Scene, options: Options, notes: Sequence[str] = (), heat: Coloured | None = None
) -> Scene:
    """A scene with notes, the colours of heat and a legend below it, as it is at ``up_to``."""
    legend = _legend_roles(scene) if options.legend else ()
    rows = [(0.0, [Line.words("caption", note)]) for note in notes]
    if heat is not None and options.legend:
        rows.append((_BAR[0] + _BAR_GAP, [Line.words("caption", heat.words)]))
    if legend:
        rows.append((0.0, [_legend_line(role, scene) for role in legend]))
    width, height = scene.width, scene.height
    texts: list[Text] = []
    scale = None
    for indent, row in rows:
        sizes = [measure(line.latex, line.text, SIZES["caption"]) for line in row]
        tall = max(size[1] for size in sizes)
        middle = height + tall / 2 - MARGIN / 2
        if indent and heat is not None:
            scale = Scale(heat.of, MARGIN, middle - _BAR[1] / 2, *_BAR)
        x = MARGIN + indent
        for line, (wide, _) in zip(row, sizes, strict=True):
            place = (x + wide / 2, middle, wide, tall)
            texts.append(Text(line.role, line.text, line.latex, *place, SIZES["caption"]))
            x += wide + _LEGEND_GAP
        width = max(width, x - _LEGEND_GAP + MARGIN)
        height += tall + 4.0
    found = replace(
        scene, width=width, height=height, captions=tuple(texts), legend=legend, scale=scale
    )
    return found if options.up_to is None else until(found, options.up_to)


def _legend_roles(scene: Scene) -> tuple[Role, ...]:
    used = {text.role for text in scene.texts()}
    return tuple(role for role in ROLES if role in used)


def _legend_line(role: Role, scene: Scene) -> Line:
    """What the legend says of a role, with its mark if the numbers in the drawing bear it."""
    line = Line.words(role, ROLES[role])
    if not any(text.role == role and is_marked(text) for text in scene.texts()):
        return line
    mark = MARKS[role]
    sign = mark.latex.removesuffix(r"\,")
    return replace(line, text=f"{mark.text.strip()} {line.text}", latex=rf"{sign}\;{line.latex}")
