"""Writing as outlines: mathematics is laid out once, at one size, and drawn at any other.

The outlines are those of STIX Two Math, through ziamath, so that a drawing needs no font. What
that font or its reader of LaTeX does not know has no outline; writers then write plain text.
"""

from __future__ import annotations

import importlib
import math
import re
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

from chainrule import forks

ASCENT: Final = 0.78
"""How far a line reaches above its baseline, in sizes; tall mathematics reaches further."""
DESCENT: Final = 0.22
"""How far a line reaches below its baseline. Half way lies the bar of a minus, about."""
_EM: Final = 1000.0
"""The size at which everything is laid out: the units of the font."""
_SYMBOL: Final = 12.0
"""The size of the glyphs that ziamath defines."""
_LONGEST: Final = 1000
_NUMBER: Final = re.compile(
    r"(?:\+(?=\d)|((?:\\partial|\\mathrm\{d\})\\,\{))?([-−]?\d+(?:\.\d+)?)(?(1)\})", re.ASCII
)
"""A decimal number, alone, with its plus, or as a derivative."""
_WORDS: Final = re.compile(r"\\(text|operatorname|mathrm)\{((?:[^{}\\]|\\[_&#%$])*)\}")
_STEP: Final = re.compile(r"([MLQCZ])([^MLQCZ]*)")
_lock: Final = forks.lock()
"""The font is read through one file position, so ziamath can do one thing at a time."""


class Bar(NamedTuple):
    """A filled rectangle, such as that of a fraction: upper left corner and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Glyph:
    """A shape at its place.

    Attributes:
        path: SVG path data in thousandths of the size, y down, from a point on the baseline.
        x: Where that point is, from the left edge of the outline.
        y: Where it is, from the upper edge.
        scale: The length of one unit of the path.
    """

    path: str
    x: float
    y: float
    scale: float


@dataclass(frozen=True, slots=True)
class Outline:
    """Writing as shapes, in a rectangle whose upper left corner is (0, 0).

    Attributes:
        width: Of the rectangle.
        height: Of the rectangle; at least that of a line.
        ascent: How far the baseline lies below the upper edge.
        glyphs: The letters and signs.
        bars: Of fractions and roots.
    """

    width: float
    height: float
    ascent: float
    glyphs: tuple[Glyph, ...]
    bars: tuple[Bar, ...] = ()


@lru_cache(maxsize=4096)
def outline(latex: str, text: str, size: float) -> Outline | None:
    """Writing as shapes, or None where it has no outline and ``text`` has to be written plainly.

    Of a number, the digits are cached, not the whole. Without any text there is nothing to write.

    >>> outline("x", "x", 10).width
    5.59
    >>> outline("名", "名", 10) is None
    True
    """
    if number := _NUMBER.fullmatch(latex):
        found: Outline | None = _number(number)
    else:
        found = _laid_out(latex) if text.strip() else None
    if found is None:
        return None
    scale = size / _EM
    return Outline(
        found.width * scale,
        found.height * scale,
        found.ascent * scale,
        tuple(
            replace(glyph, x=glyph.x * scale, y=glyph.y * scale, scale=glyph.scale * scale)
            for glyph in found.glyphs
        ),
        tuple(Bar(*(length * scale for length in bar)) for bar in found.bars),
    )


def measure(latex: str, text: str, size: float) -> tuple[float, float]:
    """Width and height of writing: exact where it has an outline, else estimated by its letters.

    The height of everything on one line is the same, except that tall mathematics has its own.

    >>> measure("x + y", "x + y", 10)[1], measure("名前", "名前", 10)
    (10.0, (22.0, 10.0))
    """
    found = outline(latex, text, size)
    if found is not None:
        return found.width, found.height
    return size * sum(_estimate(letter) for letter in text), size * (ASCENT + DESCENT)


def _estimate(letter: str) -> float:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0.0
    return 1.1 if unicodedata.east_asian_width(letter) in "WF" else 0.55


def _number(found: re.Match[str]) -> Outline:
    """A decimal number, put together from its digits: much faster than a layout."""
    signs = _signs()
    marks, x = _marks(found.string[: found.start(2)], found.string[found.end(2) :])
    glyphs = list(marks)
    for sign in found[2].replace("−", "-"):
        glyph, advance = signs[sign]
        glyphs.append(replace(glyph, x=x))
        x += advance
    return Outline(x, _EM * (ASCENT + DESCENT), _EM * ASCENT, tuple(glyphs))


@lru_cache
def _marks(before: str, after: str) -> tuple[Sequence[Glyph], float]:
    """What stands before a number, and how far from the left edge the number begins."""
    line = _laid_out(f"{before}0{after}")
    if line is None:
        raise AssertionError("the font of ziamath has the marks of numbers")
    *marks, digit = line.glyphs
    return marks, digit.x


@lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[Glyph, float]]:
    """The signs of numbers and how far the next one stands: the font kerns no digits."""
    written = "-0123456789.0"
    line = _laid_out(written)
    if line is None:
        raise AssertionError("the font of ziamath has digits")
    steps = [after.x - before.x for before, after in pairwise(line.glyphs)]
    return {
        sign: (glyph, step) for sign, glyph, step in zip(written, line.glyphs, steps, strict=False)
    }


@lru_cache(maxsize=1)
def _latex_reader() -> Any:
    """The reader of LaTeX, imported when something is drawn: that takes 0.2 s."""
    with warnings.catch_warnings():
        # It finds its font through a function that Python 3.11 is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("ziamath.zmath").Latex


@lru_cache(maxsize=2048)
def _laid_out(latex: str) -> Outline | None:
    """Mathematics at the size of the units of the font, or None where it cannot be outlined."""
    if not latex.strip() or len(latex) > _LONGEST:
        return None
    try:
        with _lock:
            found = _latex_reader()(_WORDS.sub(_words, latex), size=_EM, margin=0)
            drawing = found.svgxml()
            missing = {found.font.glyph_fromid(0).id}
            if "\\backslash" not in latex:
                # An unknown command comes back as its own text.
                missing.add(found.font.glyph("\\").id)
        left, top, width, height = map(float, drawing.attrib["viewBox"].split())
    except Exception:  # the readers of LaTeX and of fonts raise whatever comes up in them
        return None
    coloured = any(
        element.get("mathbackground", "black") != "black" for element in found.mathml.iter()
    )
    if found.eqnumber is not None or coloured or not width > 0:
        return None
    ascent = max(-top, _EM * ASCENT)
    descent = max(top + height, _EM * DESCENT)
    origin = max(0.0, -left)
    glyphs: list[Glyph] = []
    bars: list[Bar] = []
    symbols = {symbol.attrib["id"]: symbol for symbol in drawing.iter("symbol")}
    for element in drawing:
        match element.tag:
            case "symbol":
                continue
            case "use":
                key = element.attrib["href"][1:]
                if key in missing:
                    return None
                glyphs.extend(_placed(symbols[key], element, origin, ascent))
            case "path" | "g":
                glyphs.extend(_drawn(element, origin, ascent))
            case "rect":
                bars.extend(_bars(element, origin, ascent))
            case _:
                return None
    return Outline(origin + left + width, ascent + descent, ascent, tuple(glyphs), tuple(bars))


def _words(found: re.Match[str]) -> str:
    r"""Words as ziamath reads them: ``_`` bare, and ``<`` and ``&`` as XML has them.

    >>> _WORDS.sub(_words, r"\operatorname{leaky\_relu}"), _WORDS.sub(_words, r"\text{a < b}")
    ('\\text{leaky_relu}', '\\text{a &lt; b}')
    """
    kind, body = found.groups()
    plain = re.sub(r"\\(.)", r"\1", body)
    if kind != "text" and plain == body:
        return found[0]
    return rf"\text{{{plain.replace('&', '&amp;').replace('<', '&lt;')}}}"


def _placed(
    symbol: ElementTree.Element, use: ElementTree.Element, origin: float, ascent: float
) -> Iterator[Glyph]:
    """The glyph that a ``use`` shows, if it is not a space."""
    data = " ".join(path.attrib["d"] for path in symbol.iter("path"))
    if data:
        left, top, _, tall = map(float, symbol.attrib["viewBox"].split())
        scale = float(use.attrib["height"]) / tall
        path = _compact(data, _EM / _SYMBOL)
        x = origin + float(use.attrib["x"]) - left * scale
        y = ascent + float(use.attrib["y"]) - top * scale
        yield Glyph(path, x, y, scale * _SYMBOL / _EM)


def _drawn(element: ElementTree.Element, origin: float, ascent: float) -> Iterator[Glyph]:
    """What is drawn at its place: letters of older SVG, and strokes such as those that cancel."""
    for path in element.iter("path"):
        data = path.attrib["d"]
        if "stroke-width" in path.attrib:
            data = _stroke(data, float(path.attrib["stroke-width"]))
        compact = _compact(data, 1)
        if compact:
            yield Glyph(compact, origin, ascent, 1)


def _stroke(data: str, thickness: float) -> str:
    """A straight line with a thickness, as the shape that it covers."""
    (_, start), (_, end) = _STEP.findall(data)
    x, y = map(float, start.split())
    right, low = map(float, end.split())
    length = max(math.hypot(right - x, low - y), 1e-9)
    aside = (low - y) / length * thickness / 2
    up = (right - x) / length * thickness / 2
    corners = (
        (x + aside, y - up),
        (right + aside, low - up),
        (right - aside, low + up),
        (x - aside, y + up),
    )
    return "M" + "L".join(f"{across} {down} " for across, down in corners) + "Z"


def _bars(rect: ElementTree.Element, origin: float, ascent: float) -> Iterator[Bar]:
    """A filled rectangle, or the four sides of a frame."""
    x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    x, y = x + origin, y + ascent
    if "stroke" not in rect.attrib:
        yield Bar(x, y, width, height)
        return
    line = float(rect.attrib["stroke-width"])
    x, y = x - line / 2, y - line / 2
    yield Bar(x, y, width + line, line)
    yield Bar(x, y + height, width + line, line)
    yield Bar(x, y + line, line, height - line)
    yield Bar(x + width, y + line, line, height - line)


@lru_cache(maxsize=1024)
def _compact(data: str, scale: float) -> str:
    """Path data times ``scale``, in whole units, each step told from where the last one ended."""
    steps: list[str] = []
    x = y = 0
    start = (0, 0)
    for kind, numbers in _STEP.findall(data):
        if kind == "Z":
            steps.append("z")
            x, y = start
            continue
        places = [round(float(number) * scale) for number in numbers.split()]
        points = list(zip(places[::2], places[1::2], strict=True))
        if kind == "L" and points[-1] == (x, y):
            continue
        moved = " ".join(f"{across - x} {down - y}" for across, down in points)
        steps.append(kind.lower() + moved.replace(" -", "-"))
        x, y = points[-1]
        if kind == "M":
            start = (x, y)
    return "".join(steps)
