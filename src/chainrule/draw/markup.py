"""The text of an SVG, whatever it shows: the page, its style, ids, numbers, shapes of letters.

Shapes of letters are defined once and used by name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from hashlib import sha1
from typing import Final, Protocol

from chainrule.draw.mathematics import ASCENT, DESCENT, Outline, outline
from chainrule.draw.scene import Text

_FONTS: Final = "'STIX Two Text','Times New Roman','Liberation Serif','DejaVu Serif',serif"
"""By name, since resvg takes ``serif`` for a font that few systems have."""
TEXT_STYLE: Final = {"text": f"font-family:{_FONTS};text-anchor:middle"}
"""Of what has no outline."""
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_UNFIT: Final = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
"""What XML 1.0 forbids, and what turns the direction of the writing around it."""


class Letters:
    """The shapes of letters of one drawing: each is defined once and used by name.

    Attributes:
        prefix: What all ids begin with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._shapes: dict[str, str] = {}

    def definitions(self) -> str:
        """The shapes that have been used so far."""
        return "".join(f'<path id="{id}" d="{path}"/>' for path, id in self._shapes.items())

    def id_of(self, path: str) -> str:
        """The name of a shape, which is defined from now on."""
        return self._shapes.setdefault(path, f"{self.prefix}{len(self._shapes)}")

    def write(self, text: Text, latex: str, plain: str) -> str:
        """Writing at the place and in the size of a text."""
        found = outline(latex, plain, text.size)
        if found is None:
            baseline = text.y + (ASCENT - DESCENT) / 2 * text.size
            return (
                f'<text x="{number(text.x)}" y="{number(baseline)}"'
                f' font-size="{number(text.size)}">{clean(plain)}</text>'
            )
        x, y = text.x - found.width / 2, text.y - found.height / 2
        bars = "".join(
            f"<rect{rectangle(x + bar.x, y + bar.y, bar.width, bar.height)}/>" for bar in found.bars
        )
        return f"{self._rows(found, x, y)}{bars}"

    def _rows(self, found: Outline, x: float, y: float) -> str:
        """Letters of one size on one line share a place: only their distances are written."""
        rows: dict[tuple[float, float], list[tuple[float, str]]] = {}
        for glyph in found.glyphs:
            rows.setdefault((glyph.scale, glyph.y), []).append((glyph.x, self.id_of(glyph.path)))
        parts = []
        for (scale, down), letters in rows.items():
            first = letters[0][0]
            uses = "".join(
                f'<use href="#{id}"{_attribute("x", (across - first) / scale)}/>'
                for across, id in letters
            )
            parts.append(
                f'<g transform="translate({coordinates(x + first, y + down)})scale({scale:.4g})">'
                f"{uses}</g>"
            )
        return "".join(parts)


class Sized(Protocol):
    """What any picture has, of whatever it is made."""

    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...


def page(picture: Sized, body: str, style: str, letters: Letters) -> str:
    """A whole SVG: its title and description, style, shapes of letters and sheet, then the body."""
    prefix = letters.prefix
    width, height = number(picture.width), number(picture.height)
    look = f"<style>{style}</style>\n" if style else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{prefix}drawing" class="chainrule"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-labelledby="{prefix}title {prefix}description">\n'
        f'<title id="{prefix}title">{clean(picture.title)}</title>\n'
        f'<desc id="{prefix}description">{clean(picture.description)}</desc>\n'
        f"{look}"
        f"<defs>{letters.definitions()}</defs>\n"
        f'<rect class="sheet" width="{width}" height="{height}"/>\n'
        f"{body}\n</svg>\n"
    )


def prefix_for(picture: object, prefix: str = "") -> str:
    """What the ids of a picture begin with: what is asked for, else a name from its content.

    Raises:
        ValueError: A prefix that no id can begin with.
    """
    digest = sha1(repr(picture).encode(errors="backslashreplace"), usedforsecurity=False)
    prefix = prefix or f"c{digest.hexdigest()[:6]}-"
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("a prefix is a letter, then letters, digits, hyphens and underscores")
    return prefix


def style_sheet(prefix: str, rules: Mapping[str, str]) -> str:
    """CSS for one drawing alone: selector → declarations.

    >>> style_sheet("a-", {".x,.y": "fill:red"})
    '#a-drawing .x,#a-drawing .y{fill:red}'
    """
    root = f"#{prefix}drawing "
    return "".join(
        ",".join(root + part for part in selector.split(",")) + f"{{{rule}}}"
        for selector, rule in rules.items()
    )


def clean(text: str) -> str:
    r"""Any text as XML can hold it, in an element or in an attribute between double quotes.

    >>> clean("a < b & \x00")
    'a &lt; b &amp; �'
    """
    return html.escape(_UNFIT.sub("\ufffd", text))


def number(value: float) -> str:
    """A length in hundredths, as short as can be.

    >>> number(2.0), number(-0.001), number(0.256)
    ('2', '0', '.26')
    """
    found = f"{value:.2f}".rstrip("0").rstrip(".")
    if found.startswith("0."):
        return found[1:]
    if found.startswith("-0"):
        return f"-{found[2:]}" if len(found) > 2 else "0"
    return found


def coordinates(x: float, y: float) -> str:
    """A point as path data has it."""
    return f"{number(x)} {number(y)}"


def _attribute(name: str, value: float) -> str:
    """An attribute that is 0 unless it is written."""
    written = number(value)
    return f' {name}="{written}"' if written != "0" else ""


def rectangle(x: float, y: float, width: float, height: float, radius: float = 0.0) -> str:
    """The attributes of a rectangle with this upper left corner."""
    return (
        f'{_attribute("x", x)}{_attribute("y", y)} width="{number(width)}"'
        f' height="{number(height)}"{_attribute("rx", radius)}'
    )
