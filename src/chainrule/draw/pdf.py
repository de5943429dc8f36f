"""An SVG as PDF, through cairosvg, which the extra ``pdf`` installs."""

from __future__ import annotations

import importlib
from typing import Final

from chainrule.errors import MissingExtraError

_LIBRARY: Final = "cairo (apt install libcairo2, or brew install cairo)"


def pdf(svg_text: str) -> bytes:
    """A drawing as PDF, one page of its size.

    Raises:
        MissingExtraError: E160: cairosvg, or the library cairo of the system, is not installed.
    """
    try:
        # It takes 0.2 s to import; most programs that draw write no PDF.
        cairosvg = importlib.import_module("cairosvg")
    except ImportError:
        raise MissingExtraError("PDF", "pdf") from None
    except OSError:  # it is there, but the library that it loads is not
        raise MissingExtraError("PDF", "pdf", _LIBRARY) from None
    # A point of the drawing is a point of the page: 72 to an inch.
    return bytes(cairosvg.svg2pdf(bytestring=svg_text.encode(), dpi=72))
