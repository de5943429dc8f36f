"""An SVG as a picture of pixels, through resvg, which needs no library of the system."""

from __future__ import annotations

import math
from typing import Final
from xml.etree import ElementTree

import resvg_py

from chainrule.errors import LimitError

MOST_PIXELS: Final = 100_000_000


def png(svg_text: str, scale: float = 2.0, width: int | None = None) -> bytes:
    """A drawing as PNG.

    Args:
        svg_text: The drawing, by one of our writers.
        scale: How many pixels a point has.
        width: Of the picture, in pixels; takes the place of ``scale``.

    Raises:
        LimitError: E158: the picture would have too many pixels.
        ValueError: A scale or a width that is not positive.
    """
    root = ElementTree.fromstring(svg_text)
    across, down = float(root.attrib["width"]), float(root.attrib["height"])
    if width is not None:
        scale = width / across
    if not 0 < scale < math.inf:
        raise ValueError("a picture has a positive size")
    across, down = across * scale, down * scale
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
