"""An SVG as PDF, through cairosvg, which the extra ``pdf`` installs."""

from __future__ import annotations

from chainrule.errors import MissingExtraError

try:
    import cairosvg  # type: ignore[import-untyped]
except (ImportError, OSError):  # OSError: it is there, but the cairo library is not
    cairosvg = None


def pdf(svg_text: str) -> bytes:
    """A drawing as PDF, one page of its size.

    Raises:
        MissingExtraError: E160: cairosvg, or the cairo library, is not installed.
    """
    if cairosvg is None:
        raise MissingExtraError("PDF", "pdf")
    # A point of the drawing is a point of the page: 72 to an inch.
    return bytes(cairosvg.svg2pdf(bytestring=svg_text.encode(), dpi=72))
