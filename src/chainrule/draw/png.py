"""An SVG as a picture of pixels, through resvg, which needs no library of the system."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree

import resvg_py

from chainrule.draw.limits import within
from chainrule.errors import LimitError

MOST_PIXELS: Final = 100_000_000
_SCALES: Final = (0.01, 1000)


def png(svg_text: str, scale: float = 2.0) -> bytes:
    """A drawing as PNG, of one pixel at least.

    Args:
        svg_text: The drawing, by one of our writers.
        scale: How many pixels a point has, from 0.01 to 1000.

    Raises:
        DrawingError: E253 for a scale that cannot be.
        LimitError: E158: the picture would have too many pixels.
    """
    within(scale, *_SCALES, "scale")
    root = ElementTree.fromstring(svg_text)
    across, down = (float(root.attrib[side]) * scale for side in ("width", "height"))
    if across * down > MOST_PIXELS:
        raise LimitError(
            "E158",
            f"a picture of {across:.6g} × {down:.6g} pixels is too large:"
            f" at most {MOST_PIXELS:,} pixels",
        )
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg_text,
            width=max(1, round(across)),
            height=max(1, round(down)),
        )
    )
