"""A diagram becomes a scene: everything is measured, placed, and connected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from chainrule.draw.conflicts import crossings
from chainrule.draw.diagram import Arrows, Coloured, Diagram, Element, Line, Link
from chainrule.draw.geometry import Rectangle, beside, on_border
from chainrule.draw.layout import Edge, Layout, Node, layout
from chainrule.draw.layout import Frame as LaidFrame
from chainrule.draw.mathematics import measure
from chainrule.draw.moments import until
from chainrule.draw.options import Options
from chainrule.draw.scene import (
    MARKS,
    ROLES,
    Box,
    Curve,
    Group,
    Point,
    Role,
    Scale,
    Scene,
    Text,
    is_marked,
)

_SIZES: Final[dict[Role, float]] = {
    "symbol": 15.0,
    "name": 12.0,
    "value": 12.0,
    "adjoint": 12.0,
    "tangent": 12.0,
    "missing": 11.0,
    "note": 10.0,
    "local": 11.0,
    "contribution": 11.0,
    "operand": 12.0,
    "caption": 11.0,
}
"""The size of letters by role."""
_WIDEST: Final = 150.0
_WIDEST_FORMULAS: Final[dict[Role, float]] = {"tangent": 420.0, "local": 240.0}
"""Longer lines are shortened; formulas may be longer, since half of one says nothing."""
_PADDING: Final = 7.0
_MARGIN: Final = 14.0
_LEAST: Final = {"constant": 24.0, "operator": 30.0}
_LEAST_OTHERS: Final = 42.0
"""The least width and height of a box."""
_APART: Final = 3.5
"""Half the distance between the arrows of values and of adjoints on one edge."""
_LEGEND_GAP: Final = 18.0
_BAR: Final = (90.0, 9.0)
"""Width and height of the bar that shows the colours of heat."""
_BAR_GAP: Final = 8.0
"""Between that bar and what its colours mean."""
_FRAME: Final = (10.0, 22.0)
"""Between a frame and what stands in it: at its sides, and below its name."""
_ARRIVAL: Final = 18.0
"""So much of the side of a box each arrow into it has."""
_MOST_REORDERED: Final = 60
"""Boxes up to which another order is tried where operands arrive out of order."""
_ORDERED: Final = 3
"""Operands out of order count so much where the order matters."""
_LEADING: Final = 1.14
"""The distance of lines, in heights of a line."""


class _Measured(NamedTuple):
    """A line that has a size."""

    line: Line
    width: float
    height: float
    full: str


def compose(diagram: Diagram, options: Options) -> Scene:
    """The scene of a diagram, with its legend."""
    return explained(arranged(diagram, options), options, diagram.notes, diagram.heat)


def arranged(diagram: Diagram, options: Options) -> Scene:
    """The scene of a diagram, with nothing below it.

    Where operands arrive out of order, those of these boxes are listed the other way round, which
    the layout may follow; where that does not help, operands whose order matters get numbers.
    """
    diagram = _listed(diagram)
    first = _Arrangement(diagram, options)
    if first.out_of_order and len(diagram.elements) <= _MOST_REORDERED:
        turned = _listed(diagram, first.out_of_order)
        second = _Arrangement(turned, options, first.found.manner)
        if second.improves_on(first):
            first = second
    first.number_operands()
    return first.scene()


def _listed(diagram: Diagram, turned: Collection[str] = ()) -> Diagram:
    """The diagram with its elements in the order in which they are read: operands one after the
    other, each after what it needs; those of ``turned`` boxes from the last to the first.
    """
    into: dict[str, list[str]] = {}
    for link in diagram.links:
        into.setdefault(link.target, []).append(link.source)
    elements = {element.key: element for element in diagram.elements}
    used = {link.source for link in diagram.links}
    found: dict[str, Element] = {}
    stack = [(key, False) for key in reversed(elements) if key not in used]
    while stack:
        key, is_ready = stack.pop()
        if key in found:
            continue
        if is_ready:
            found[key] = elements[key]
            continue
        operands = into.get(key, [])
        stack.append((key, True))
        stack += [(one, False) for one in (operands if key in turned else reversed(operands))]
    return replace(diagram, elements=tuple(found.values()))


class _Arrangement:
    """A diagram with everything measured and at its place.

    Attributes:
        found: The places.
        out_of_order: The boxes whose operands do not arrive in their order, by key.
        disorder: How bad that is; it counts more where the order matters.
    """

    def __init__(self, diagram: Diagram, options: Options, first: int = 0) -> None:
        self._diagram = diagram
        self._options = options
        self._arrivals = Counter(link.target for link in diagram.links)
        self._lines = [_measured(element.lines) for element in diagram.elements]
        self._nodes = [
            Node(element.shape, *self._roomy(element, lines), element.group)
            for element, lines in zip(diagram.elements, self._lines, strict=True)
        ]
        self._inside = _inside(diagram)
        self._frames = [
            LaidFrame(frame.key, frame.parent)
            for frame in diagram.frames
            if len(self._inside[frame.key]) > 1
        ]
        self._numbers = {element.key: at for at, element in enumerate(diagram.elements)}
        self._labels = [_labels(link, options.arrows) for link in diagram.links]
        self.found = self._placed(first)
        across = 1 if options.direction == "right" else 0
        arrivals: dict[str, list[int]] = {}
        for at, link in enumerate(diagram.links):
            arrivals.setdefault(link.target, []).append(at)
        self.out_of_order: set[str] = set()
        self.disorder = 0
        for target, group in arrivals.items():
            places = [self.found.routes[at][-1][across] for at in group]
            wrong = sum(a >= b for a, b in pairwise(places))
            self.disorder += wrong * (_ORDERED if diagram.links[group[0]].operands > 1 else 1)
            if wrong:
                self.out_of_order.add(target)

    def _roomy(self, element: Element, lines: Sequence[_Measured]) -> tuple[float, float]:
        """The size of a box on whose side all its arrows have room beside each other."""
        width, height = _size(element, lines)
        least = _ARRIVAL * self._arrivals[element.key]
        if self._options.direction == "right":
            return width, max(height, least)
        return max(width, least), height

    def _placed(self, first: int) -> Layout:
        edges = [
            Edge(
                self._numbers[link.source],
                self._numbers[link.target],
                *_block(label),
                2 * _APART if _is_double(link, self._options.arrows) else 1.0,
                link.operands > 1,
            )
            for link, label in zip(self._diagram.links, self._labels, strict=True)
        ]
        return layout(self._nodes, edges, self._frames, self._options.direction, first)

    def improves_on(self, other: _Arrangement) -> bool:
        """Whether operands arrive in better order, and no more edges cross for it."""
        return (
            self.disorder < other.disorder
            and self.found.manner <= other.found.manner
            and crossings(self.found.routes) <= crossings(other.found.routes)
        )

    def number_operands(self) -> None:
        """Write on edges which operand they bring, where the order matters and is not kept."""
        unclear = [
            at
            for at, link in enumerate(self._diagram.links)
            if link.operands > 1 and link.target in self.out_of_order
        ]
        for at in unclear:
            mark = f"{self._diagram.links[at].position + 1}."
            latex = rf"\text{{{mark}}}"
            self._labels[at] = [*_measured([Line("operand", mark, latex)]), *self._labels[at]]
        if unclear:
            self.found = self._placed(self.found.manner)

    def scene(self) -> Scene:
        """Everything at its place, moved so that the margins are even."""
        diagram, found = self._diagram, self.found
        dx, dy = _MARGIN - found.bounds.left, _MARGIN - found.bounds.top
        centres = [Point(x + dx, y + dy) for x, y in found.centres]
        boxes = tuple(map(_box, diagram.elements, centres, self._nodes, self._lines))
        curves: list[Curve] = []
        for at, link in enumerate(diagram.links):
            route = [Point(x + dx, y + dy) for x, y in found.routes[at]]
            anchor = found.anchors[at]
            labels = self._labels[at]
            texts = [] if anchor is None else _stacked(labels, anchor.x + dx, anchor.y + dy)
            widest = max((text.width for text in texts), default=0.0)
            texts = [replace(text, width=widest) for text in texts]
            ends = (boxes[self._numbers[link.source]], boxes[self._numbers[link.target]])
            curves += _curves(at, link, route, ends, texts, self._options.arrows)
        lines = {frame.key: frame.line for frame in diagram.frames}
        groups: dict[str, Group] = {}
        for frame in reversed(self._frames):
            members = [box for box in boxes if box.key in self._inside[frame.key]]
            inner = [groups[other.key] for other in self._frames if other.parent == frame.key]
            around = _around(members, curves, inner)
            groups[frame.key] = framed(frame.key, lines[frame.key], members, around)
        return Scene(
            found.bounds.right - found.bounds.left + 2 * _MARGIN,
            found.bounds.bottom - found.bounds.top + 2 * _MARGIN,
            diagram.title,
            diagram.description,
            self._options.direction,
            boxes,
            tuple(curves),
            tuple(groups[frame.key] for frame in self._frames),
            theme=self._options.theme,
            steps=diagram.steps,
            has_legend=self._options.legend,
        )


def _inside(diagram: Diagram) -> dict[str, set[str]]:
    """Frame → the boxes in it, with those in frames inside of it."""
    found: dict[str, set[str]] = {frame.key: set() for frame in diagram.frames}
    for element in diagram.elements:
        if element.group:
            found[element.group].add(element.key)
    for frame in reversed(diagram.frames):
        if frame.parent:
            found[frame.parent] |= found[frame.key]
    return found


def _around(
    boxes: Sequence[Box], curves: Iterable[Curve], frames: Iterable[Group] = ()
) -> Rectangle:
    """The frame that is as tight as can be around boxes, the curves between them, and frames."""
    keys = {box.key for box in boxes}
    inner = [curve for curve in curves if curve.source in keys and curve.target in keys]
    parts = [Rectangle.around(Point(box.x, box.y), box.width, box.height) for box in boxes]
    parts += [Rectangle(*point, *point) for curve in inner for point in curve.points]
    parts += [
        Rectangle.around(Point(text.x, text.y), text.width, text.height)
        for curve in inner
        for text in curve.texts
    ]
    parts += [Rectangle(f.x, f.y, f.x + f.width, f.y + f.height) for f in frames]
    left, top, right, bottom = zip(*parts, strict=True)
    aside, above = _FRAME
    return Rectangle(min(left) - aside, min(top) - above, max(right) + aside, max(bottom) + aside)


def framed(key: str, line: Line, boxes: Iterable[Box], frame: Rectangle) -> Group:
    """A frame with its name in the upper left corner."""
    ((_, width, height, full),) = _measured([line])
    x, y, right, bottom = frame
    middle = (x + width / 2 + 8, y + height / 2 + 3)
    text = Text(line.role, line.text, line.latex, *middle, width, height, _SIZES[line.role], full)
    return Group(key, tuple(box.key for box in boxes), text, x, y, right - x, bottom - y)


# --- sizes ------------------------------------------------------------------------------------


def _measured(lines: Iterable[Line]) -> list[_Measured]:
    """Lines with their sizes; what is too long is shortened."""
    found = []
    for line in lines:
        size = _SIZES[line.role]
        width, height = measure(line.latex, line.text, size)
        full = ""
        widest = _WIDEST_FORMULAS.get(line.role, _WIDEST)
        if width > widest:
            full = line.text
            line, width, height = _shortened(line, width, widest)
        found.append(_Measured(line, width, height * _LEADING, full))
    return found


def _shortened(line: Line, width: float, widest: float) -> tuple[Line, float, float]:
    """As much of a line as fits, and ``…``; its width and height."""
    letters = len(line.text)
    while True:
        letters = max(1, min(letters - 1, int(letters * widest / width)))
        text = f"{line.text[:letters].rstrip()}…"
        short = replace(line, text=text, latex=rf"\text{{{_escaped(text)}}}")
        width, height = measure(short.latex, text, _SIZES[line.role])
        if width <= widest or letters == 1:
            return short, width, height


def _escaped(text: str) -> str:
    """Plain text inside of a text command of LaTeX."""
    return "".join(f"\\{letter}" if letter in "#$%&_{}" else letter for letter in text)


def _block(lines: Sequence[_Measured]) -> tuple[float, float]:
    """The size of lines below each other."""
    if not lines:
        return 0.0, 0.0
    return max(line.width for line in lines) + 6.0, sum(line.height for line in lines) + 2.0


def _size(element: Element, lines: Sequence[_Measured]) -> tuple[float, float]:
    """The size of a box around its lines; in an ellipse the corners of every line are inside."""
    least = _LEAST.get(element.kind, _LEAST_OTHERS)
    height = sum(line.height for line in lines)
    if element.shape == "square":
        width = max((line.width for line in lines), default=0.0)
        return max(width + 2 * _PADDING, least), max(height + 2 * _PADDING, least)
    outer = max(1.2 * height + _PADDING, least)
    width = outer
    top = -height / 2
    for line in lines:
        away = max(abs(top), abs(top + line.height))
        share = math.sqrt(max(1.0 - (away / (outer / 2)) ** 2, 0.05))
        width = max(width, line.width / share + _PADDING)
        top += line.height
    return width, outer


def _labels(link: Link, arrows: Arrows) -> list[_Measured]:
    """What is written on an edge, from top to bottom."""
    forward = [] if arrows == "backward" and link.back else link.lines
    return _measured([*forward, *(link.back if arrows != "forward" else ())])


# --- places -----------------------------------------------------------------------------------


def _stacked(lines: Sequence[_Measured], x: float, y: float) -> list[Text]:
    """Lines below each other, around a middle."""
    top = y - sum(line.height for line in lines) / 2
    texts = []
    for line, width, height, full in lines:
        text = Text(
            line.role,
            line.text,
            line.latex,
            x,
            top + height / 2,
            width,
            height,
            _SIZES[line.role],
            full,
            line.moment,
        )
        texts.append(text)
        top += height
    return texts


def _box(element: Element, centre: Point, node: Node, lines: Sequence[_Measured]) -> Box:
    return Box(
        element.key,
        element.kind,
        element.shape,
        centre.x,
        centre.y,
        node.width,
        node.height,
        tuple(_stacked(lines, centre.x, centre.y)),
        element.title,
        element.is_output,
        element.faded,
        element.heat,
        "",
        element.moment,
    )


def _is_double(link: Link, arrows: Arrows) -> bool:
    """Whether an arrow of values and one of adjoints stand side by side."""
    return arrows == "both" and bool(link.back_title)


def _curves(
    at: int,
    link: Link,
    route: Sequence[Point],
    ends: tuple[Box, Box],
    texts: Sequence[Text],
    arrows: Arrows,
) -> list[Curve]:
    """The arrow of values, the arrow of adjoints, or both side by side."""
    source, target = ends
    found = []
    both = _is_double(link, arrows)
    going_back = [text for text in texts if text.role == "contribution"]
    forward = arrows != "backward" or not link.back_title
    if forward:
        points = _between(beside(route, _APART) if both else route, source, target)
        own = texts if not both else [text for text in texts if text.role != "contribution"]
        found.append(
            Curve(
                f"e{at}",
                link.source,
                link.target,
                "forward",
                tuple(points),
                tuple(own),
                link.title,
                link.position,
                link.faded,
                link.strong,
                link.heat,
                "",
                link.moment,
            )
        )
    if link.back_title and arrows != "forward":
        turned = [*reversed(route)]
        points = _between(beside(turned, _APART) if both else turned, target, source)
        found.append(
            Curve(
                f"r{at}",
                link.target,
                link.source,
                "backward",
                tuple(points),
                tuple(going_back if both else texts),
                link.back_title,
                link.position,
                link.faded,
                link.strong,
                link.heat,
                "",
                link.back_moment,
            )
        )
    return found


def _between(route: Sequence[Point], source: Box, target: Box) -> list[Point]:
    """A route with its ends on the borders of the boxes."""
    start = on_border(route[1], route[0], source)
    return [start, *route[1:-1], on_border(route[-2], route[-1], target)]


# --- below the drawing --------------------------------------------------------------------------


def explained(
    scene: Scene, options: Options, notes: Sequence[str] = (), heat: Coloured | None = None
) -> Scene:
    """A scene with notes, the colours of heat and a legend below it, as it is at ``up_to``."""
    legend = _legend_roles(scene) if options.legend else ()
    rows = [(0.0, [_caption(note)]) for note in notes]
    if heat is not None and options.legend:
        rows.append((_BAR[0] + _BAR_GAP, [_caption(heat.words)]))
    if legend:
        rows.append((0.0, [_legend_line(role, scene) for role in legend]))
    width, height = scene.width, scene.height
    texts: list[Text] = []
    scale = None
    for indent, row in rows:
        sizes = [measure(line.latex, line.text, _SIZES["caption"]) for line in row]
        tall = max(size[1] for size in sizes)
        middle = height + tall / 2 - _MARGIN / 2
        if indent and heat is not None:
            scale = Scale(heat.of, _MARGIN, middle - _BAR[1] / 2, *_BAR)
        x = _MARGIN + indent
        for line, (wide, _) in zip(row, sizes, strict=True):
            place = (x + wide / 2, middle, wide, tall)
            texts.append(Text(line.role, line.text, line.latex, *place, _SIZES["caption"]))
            x += wide + _LEGEND_GAP
        width = max(width, x - _LEGEND_GAP + _MARGIN)
        height += tall + 4.0
    found = replace(
        scene, width=width, height=height, captions=tuple(texts), legend=legend, scale=scale
    )
    return found if options.up_to is None else until(found, options.up_to)


def _caption(words: str) -> Line:
    return Line("caption", words, rf"\text{{{_escaped(words)}}}")


def _legend_roles(scene: Scene) -> tuple[Role, ...]:
    used = {text.role for text in scene.texts()}
    return tuple(role for role in ROLES if role in used)


def _legend_line(role: Role, scene: Scene) -> Line:
    """What the legend says of a role, with its mark if the numbers in the drawing bear it."""
    words = ROLES[role]
    line = Line(role, words, rf"\text{{{words}}}")
    if not any(text.role == role and is_marked(text) for text in scene.texts()):
        return line
    mark = MARKS[role]
    sign = mark.latex.removesuffix(r"\,")
    return replace(line, text=f"{mark.text.strip()} {words}", latex=rf"{sign}\;{line.latex}")
