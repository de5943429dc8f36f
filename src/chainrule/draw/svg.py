"""A scene as SVG: one text that needs nothing else, neither fonts nor scripts nor other files.

What things are is told by classes, and by ``data-key``, ``data-kind`` and ``data-moment`` for pages
that react to a pointer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from chainrule.draw.geometry import between
from chainrule.draw.markup import (
    TEXT_STYLE,
    Letters,
    clean,
    coordinates,
    number,
    page,
    prefix_for,
    rectangle,
    style_sheet,
)
from chainrule.draw.mathematics import measure
from chainrule.draw.scene import Box, Curve, Group, Moment, Point, Scale, Scene, State, Text
from chainrule.draw.strokes import (
    BACKWARD,
    BOX_LINE,
    CORNER,
    EDGE,
    FRAME_CORNER,
    GLOW,
    HEAD,
    RING,
    STRONG,
    WAITING,
    edge_colour,
    edge_width,
)
from chainrule.draw.themes import THEMES, Paint
from chainrule.show.numbers import DASH

_PLATE: Final = 3.0
"""How far the plate under writing on an edge reaches beyond it, left and right."""
_GAP: Final = 1.5
"""Between the tip of an arrowhead and the middle of the line around a box."""
_ENLARGED: Final = 1.3
"""How much larger an arrowhead is on an edge that the drawing points at."""
_INSET: Final = 3.0
"""Between the two lines around an output."""


def svg(scene: Scene, prefix: str = "") -> str:
    """The drawing as SVG.

    Args:
        scene: What is drawn.
        prefix: What all ids begin with, a letter first, so that several drawings fit in one page;
            by default it comes from the content.

    Raises:
        ValueError: A prefix that no id can begin with.
    """
    return Sheet(scene, prefix).document()


class Sheet:
    """A scene while it is written: its parts, and the shapes of letters that they use.

    Attributes:
        scene: What is drawn.
        prefix: What all ids begin with.
    """

    def __init__(
        self, scene: Scene, prefix: str = "", delays: Mapping[Moment, str] | None = None
    ) -> None:
        """Delays make a drawing that moves: the CSS time at which each moment begins."""
        self.scene = scene
        self.prefix = prefix_for(scene, prefix)
        self._theme = THEMES[scene.theme]
        self._delays = delays or {}
        self._letters = Letters(self.prefix)

    def document(self, motion: str = "") -> str:
        """The whole text; ``motion`` is more CSS."""
        body = "\n".join(self._body())
        return page(self.scene, body, self._style() + motion, self._letters)

    def _style(self) -> str:
        return style_sheet(self.prefix, self.rules())

    def rules(self) -> dict[str, str]:
        """How everything looks: CSS declarations by selector."""
        theme = self._theme
        rules = {
            ".sheet,.plate": f"fill:{theme.background}",
            ".plate": "opacity:.9",
            ".frame": _painted(theme.group),
            ".line": f"fill:none;stroke-width:{EDGE:g};stroke-linecap:round;stroke-linejoin:round",
            ".body": f"stroke-width:{BOX_LINE:g}",
            ".inner": "fill:none;stroke-width:1.1",
            ".ring": f"fill:none;stroke-width:{RING:g};stroke-linejoin:round",
            ".backward .line": f"stroke-dasharray:{BACKWARD};stroke-linecap:butt",
            ".strong .line": f"stroke-width:{STRONG:g}",
            ".waiting": f"opacity:{number(WAITING)}",
            ".faded": f"opacity:{theme.faded}",
            **TEXT_STYLE,
        }
        colours = {"forward": theme.forward, "backward": theme.backward}
        for flow, colour in (*colours.items(), ("strong.forward", theme.strong)):
            rules[f".{flow} .line,.{flow} .ring"] = f"stroke:{colour}"
            rules[f".{flow} .head"] = f"fill:{colour}"
        for kind in dict.fromkeys(box.kind for box in self.scene.boxes):
            paint = theme.boxes[kind]
            rules[f".{kind} .body"] = _painted(paint)
            rules[f".{kind} .inner,.{kind} .ring"] = f"stroke:{paint.line}"
        for role in dict.fromkeys(text.role for text in self.scene.texts()):
            rules[f".{role}"] = f"fill:{theme.texts[role]}"
        return rules

    def _body(self) -> Iterator[str]:
        yield from map(self._group, self.scene.groups)
        yield from map(self._curve, self.scene.curves)
        yield from map(self._box, self.scene.boxes)
        # Above everything else, so that no line crosses them.
        yield from (self._labels(curve) for curve in self.scene.curves if curve.texts)
        if self.scene.scale is not None:
            yield self._scale(self.scene.scale)
        for caption in self.scene.captions:
            yield f'<g role="img" aria-label="{clean(caption.text)}">{self._text(caption)}</g>'

    def _group(self, group: Group) -> str:
        frame = rectangle(group.x, group.y, group.width, group.height, FRAME_CORNER)
        return (
            f'<g id="{clean(self.prefix + group.key)}" class="group" role="img"'
            f' aria-label="{clean(group.text.text)}" data-key="{clean(group.key)}">'
            f'<rect class="frame"{frame}/>{self._text(group.text)}</g>'
        )

    def _box(self, box: Box) -> str:
        name = clean(box.title)
        style = inner_style = ""
        if box.heat is not None:
            paint = self._theme.paint(box)
            style, inner_style = f' style="{_painted(paint)}"', f' style="stroke:{paint.line}"'
        moments = [box.moment, *(text.moment for text in box.texts)]
        rings = self._rings(box.state, moments, lambda attributes: _shape(box, attributes))
        inner = _shape(box, f' class="inner"{inner_style}', _INSET) if box.is_output else ""
        output = " output" if box.is_output else ""
        outer = _shape(box, f' class="body"{style}')
        return (
            f'<g id="{clean(self.prefix + box.key)}" class="box {box.kind}{output}{_standing(box)}"'
            f' role="img" aria-label="{name}" data-key="{clean(box.key)}" data-kind="{box.kind}"'
            f"{_moment(box.moment)}><title>{name}</title>{rings}{outer}{inner}"
            f"{''.join(self._text(text, self._ink(text, box)) for text in box.texts)}</g>"
        )

    def _ink(self, text: Text, box: Box) -> str:
        """The colour of writing in a box, where it is not that of its role."""
        colour = self._theme.writing(text.role, box)
        return "" if colour == self._theme.texts[text.role] else colour

    def _curve(self, curve: Curve) -> str:
        length, half = (size * (_ENLARGED if curve.strong else 1) for size in HEAD)
        whole = shortened(curve.points, _GAP)
        stem = shortened(whole, length)
        path = rounded(stem)
        tip, base = whole[-1], stem[-1]
        lengthwise = math.hypot(tip.x - base.x, tip.y - base.y) or 1.0
        across = Point((base.y - tip.y) / lengthwise * half, (tip.x - base.x) / lengthwise * half)
        head = (
            f"M{coordinates(tip.x, tip.y)}L{coordinates(base.x + across.x, base.y + across.y)}"
            f"L{coordinates(base.x - across.x, base.y - across.y)}Z"
        )
        line_style = head_style = ""
        if curve.heat is not None:
            colour = edge_colour(curve, self._theme)
            line_style = f' style="stroke:{colour};stroke-width:{number(edge_width(curve))}"'
            head_style = f' style="fill:{colour}"'
        rings = self._rings(
            curve.state, [curve.moment], lambda attributes: f'<path{attributes} d="{path}"/>'
        )
        return (
            f'<g id="{clean(self.prefix + curve.key)}"'
            f" {self._flowing('curve' + _standing(curve), curve)}"
            f' data-source="{clean(curve.source)}" data-target="{clean(curve.target)}">'
            f"<title>{clean(curve.title)}</title>{rings}"
            f'<path class="line"{line_style} d="{path}"/>'
            f'<path class="head"{head_style} d="{head}"/></g>'
        )

    def _labels(self, curve: Curve) -> str:
        """The plates stay opaque where the writing fades, so that no line shines through it."""
        plates = "".join(map(self._plate, curve.texts))
        texts = "".join(map(self._text, curve.texts))
        return (
            f"<g {self._flowing('labels', curve)}><title>{clean(curve.title)}</title>{plates}"
            f'<g class="writing{_standing(curve)}">{texts}</g></g>'
        )

    def _flowing(self, part: str, curve: Curve) -> str:
        strong = " strong" if curve.strong else ""
        return (
            f'class="{part} {curve.flow}{strong}" data-key="{clean(curve.key)}"'
            f' data-kind="{curve.flow}"{_moment(curve.moment)}'
        )

    def _rings(
        self, state: State, moments: Iterable[Moment | None], drawn: Callable[[str], str]
    ) -> str:
        """The ring around what is current, and those that come and go where the drawing moves."""
        steady = drawn(f' class="ring" opacity="{GLOW}"') if state == "current" else ""
        return steady + "".join(
            drawn(f' class="ring glow" opacity="0" style="animation-delay:{self._delays[moment]}"')
            for moment in dict.fromkeys(moments)
            if moment is not None and moment in self._delays
        )

    def _plate(self, text: Text) -> str:
        width, height = measure(text.latex, text.text, text.size)
        if text.text == DASH:  # it would be lost among the dashes of its edge
            width = text.width
        place = rectangle(
            text.x - width / 2 - _PLATE, text.y - height / 2, width + 2 * _PLATE, height, 3
        )
        return f'<rect class="plate"{place}/>'

    def _scale(self, scale: Scale) -> str:
        """The bar that runs from no heat to full heat."""
        place = rectangle(scale.x, scale.y, scale.width, scale.height, 2)
        stops = "".join(
            f'<stop offset="{at}" stop-color="{colour}"/>'
            for at, colour in enumerate(self._theme.ramp(scale.of))
        )
        return (
            f'<linearGradient id="{self.prefix}heat">{stops}</linearGradient>'
            f'<rect class="scale" fill="url(#{self.prefix}heat)"'
            f' stroke="{self._theme.texts["caption"]}" stroke-width=".6"{place}/>'
        )

    def _text(self, text: Text, colour: str = "") -> str:
        """Writing in the colour of its role, or in another."""
        title = f"<title>{clean(text.full)}</title>" if text.full else ""
        written = self._letters.write(text, text.latex, text.text)
        if text.moment is not None and text.moment in self._delays:
            name = moment_name(text.moment)
            written = (
                f'<g class="{name} later">{written}</g>'
                f'<g class="{name} before" opacity="0">'
                f"{self._letters.write(text, DASH, DASH)}</g>"
            )
        ink = f' style="fill:{colour}"' if colour else ""
        return f'<g class="{text.role}"{ink}{_moment(text.moment)}>{title}{written}</g>'


def moment_name(moment: Moment) -> str:
    """The class of what waits for a moment.

    >>> moment_name(Moment("backward", 3))
    'backward-3'
    """
    return f"{moment.during}-{moment.step}"


def shortened(points: tuple[Point, ...], length: float) -> tuple[Point, ...]:
    """A line without its last stretch of a length; of a shorter line, a tenth is left.

    >>> shortened((Point(0, 0), Point(10, 0)), 4)
    (Point(x=0, y=0), Point(x=6.0, y=0.0))
    """
    total = sum(math.dist(start, end) for start, end in pairwise(points))
    left = min(length, 0.9 * total)
    kept = list(points)
    while len(kept) > 2 and math.dist(kept[-2], kept[-1]) <= left:
        left -= math.dist(kept[-2], kept[-1])
        kept.pop()
    kept[-1] = _toward(kept[-1], kept[-2], left)
    return tuple(kept)


def rounded(points: tuple[Point, ...]) -> str:
    """Path data of a line with round corners.

    >>> rounded((Point(0, 0), Point(20, 0), Point(20, 40)))
    'M0 0L10 0Q20 0 20 10L20 40'
    """
    steps = [f"M{coordinates(*points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        start, end = _toward(corner, before, radius), _toward(corner, after, radius)
        steps.append(f"L{coordinates(*start)}Q{coordinates(*corner)} {coordinates(*end)}")
    steps.append(f"L{coordinates(*points[-1])}")
    return "".join(steps)


def _toward(start: Point, goal: Point, length: float) -> Point:
    return between(start, goal, length / (math.dist(start, goal) or 1.0))


def _shape(box: Box, attributes: str, inset: float = 0.0) -> str:
    """The line around a box, or one inside of it."""
    width, height = max(1.0, box.width - 2 * inset), max(1.0, box.height - 2 * inset)
    if box.shape == "square":
        radius = max(2.0, box.corner - inset)
        place = rectangle(box.x - width / 2, box.y - height / 2, width, height, radius)
        return f"<rect{attributes}{place}/>"
    return (
        f'<ellipse{attributes} cx="{number(box.x)}" cy="{number(box.y)}"'
        f' rx="{number(width / 2)}" ry="{number(height / 2)}"/>'
    )


def _painted(paint: Paint) -> str:
    dash = f";stroke-dasharray:{paint.dash}" if paint.dash else ""
    return f"fill:{paint.fill};stroke:{paint.line}{dash}"


def _standing(part: Box | Curve) -> str:
    state = f" {part.state}" if part.state else ""
    return f"{state} faded" if part.faded else state


def _moment(moment: Moment | None) -> str:
    return "" if moment is None else f' data-moment="{moment.during} {moment.step}"'
