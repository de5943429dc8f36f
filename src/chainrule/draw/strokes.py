"""How lines look, in whatever form a drawing is written: widths, dashes, what stands back."""

from __future__ import annotations

from typing import Final

from chainrule.draw.scene import Box, Curve
from chainrule.draw.themes import Theme, mixed

BOX_LINE: Final = 1.7
"""How wide the line around a box is."""
EDGE: Final = 1.5
"""How wide an edge is."""
STRONG: Final = 2.8
"""How wide an edge is that the drawing points at."""
HOTTEST: Final = 2.0
"""How much wider the hottest edge is than the coldest."""
CURRENT: Final = 2.5
"""How much wider an edge is while something flows along it, where no ring can be drawn."""
BACKWARD: Final = "6 4"
"""Lengths of dashes and gaps of an edge that adjoints flow along."""
HEAD: Final = (9.0, 3.5)
"""Length of an arrowhead and half its width."""
CORNER: Final = 12.0
"""The radius of the corners of edges, at most."""
FRAME_CORNER: Final = 10.0
"""The radius of the corners of frames."""
RING: Final = 9.0
"""How wide the ring around the current box or edge is; the half of it is seen."""
GLOW: Final = 0.35
"""How much of its colour the ring has."""
WAITING: Final = 0.5
"""How much of its colour something has that is not reached yet."""


def edge_width(curve: Curve) -> float:
    """How wide an edge is, by itself; heat counts more than that the drawing points at it."""
    if curve.heat is not None:
        return EDGE + HOTTEST * curve.heat
    return STRONG if curve.strong else EDGE


def edge_colour(curve: Curve, theme: Theme) -> str:
    """The colour of an edge: that of its heat, of its flow, or of what the drawing points at."""
    if curve.heat is not None:
        return mixed(*theme.ramp("curves"), curve.heat)
    if curve.flow == "backward":
        return theme.backward
    return theme.strong if curve.strong else theme.forward


def shaded(colour: str, part: Box | Curve, theme: Theme) -> str:
    """The colour of a part, nearer to the background where the part stands back."""
    left = WAITING if part.state == "waiting" else 1.0
    left *= theme.faded if part.faded else 1.0
    return mixed(theme.background, colour, left) if left < 1.0 else colour
