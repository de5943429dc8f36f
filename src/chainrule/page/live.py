"""A drawing whose numbers the page writes itself, with the shapes that numbers are made of.

Its colours are those of the page, and it has no style of its own.
"""

from __future__ import annotations

import re
from typing import Any, Final

from chainrule.draw.markup import clean, number
from chainrule.draw.mathematics import outline
from chainrule.draw.scene import Curve, Role, Scene, Text
from chainrule.draw.svg import Sheet
from chainrule.draw.words import as_words

_LIVE: Final[frozenset[Role]] = frozenset({"value", "adjoint", "tangent", "local", "contribution"})
_SIGNS: Final = {
    **{digit: digit for digit in "0123456789"},
    ".": ".",
    "-": "-",
    "+": "+",
    "·": r"\cdot",
    "∞": r"\infty",
    "NaN": r"\mathrm{NaN}",
    "∂": r"\partial",
    "d": r"\mathrm{d}",
    "–": as_words("–"),
}
"""What numbers are put together from, and how each is written in LaTeX."""
_SAID_BY_PAGE: Final = re.compile(
    r"(?<=>)<title>[^<]*</title>"
    r'| (?:id="g[enr]\w*"|aria-label="[^"]*"|role="img"|data-(?:kind|moment)="[^"]*")'
)
"""Words with numbers in them, and steps: the page has them at any point; and what classes say."""


class LiveSheet(Sheet):
    """A scene as SVG; each number says its place, and may be written anew.

    A number is a group with ``data-number="x y size width"``: the middle, the size of its letters,
    the width that it has; the page makes the plate under it. Its role is its class, and what it
    belongs to is around it: a box with its ``data-key``, or labels with those of both ends and the
    position of the operand.
    """

    def __init__(self, scene: Scene, prefix: str, *, numbers_on_edges: bool) -> None:
        """Where edges show formulas, what is written there stays."""
        super().__init__(scene, prefix)
        self._roles = _LIVE if numbers_on_edges else _LIVE - {"local"}

    def document(self, motion: str = "") -> str:
        """The whole text; without numbers, and without words that would have to change."""
        head, defined, body = super().document(motion).partition("</defs>")
        return head + defined + _SAID_BY_PAGE.sub("", body)

    def _style(self) -> str:
        return ""

    def _flowing(self, part: str, curve: Curve) -> str:
        ends = f'data-source="{clean(curve.source)}" data-target="{clean(curve.target)}"'
        ends = ends if part == "labels" else ""
        return f'{super()._flowing(part, curve)} {ends} data-position="{curve.position}"'

    def _plate(self, text: Text) -> str:
        return "" if text.role in self._roles else super()._plate(text)

    def _text(self, text: Text, colour: str = "") -> str:
        if text.role not in self._roles or text in self.scene.captions:
            return super()._text(text, colour)
        place = " ".join(map(number, (text.x, text.y, text.size, text.width)))
        return f'<g class="{text.role}" data-number="{place}"/>'

    def signs(self) -> dict[str, Any]:
        """The signs of numbers at size 1: width, and the shapes with their places and scales.

        The shapes are among the definitions of a document that is written after this.
        """
        return {sign: self._sign(sign, latex) for sign, latex in _SIGNS.items()}

    def _sign(self, sign: str, latex: str) -> dict[str, Any]:
        found = outline(latex, sign, 1.0)
        assert found is not None, "the font has the signs of numbers"
        return {
            "width": round(found.width, 4),
            "parts": [
                [
                    self._letters.id_of(glyph.path),
                    round(glyph.x, 4),
                    round(glyph.y, 4),
                    round(glyph.scale, 7),
                ]
                for glyph in found.glyphs
            ],
        }
