"""A diagram becomes a scene: everything is measured, placed, and connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from chainrule.draw.conflicts import crossings
from chainrule.draw.diagram import Arrows, Diagram, Element, Line, Link
from chainrule.draw.geometry import Rectangle, beside, on_border
from chainrule.draw.layout import Edge, Layout, Node, layout, out_of_order
from chainrule.draw.layout import Frame as LaidFrame
from chainrule.draw.legend import MARGIN, explained
from chainrule.draw.options import Options
from chainrule.draw.scene import Box, Curve, Group, Point, Scene, Text
from chainrule.draw.sizes import SIZES, Measured, block, box_size, measured, room, stacked

_APART: Final = 3.5
"""Half the distance between the arrows of values and of adjoints on one edge."""
_FRAME: Final = (10.0, 22.0)
"""Between a frame and what stands in it: at its sides, and below its name."""
_ARRIVAL: Final = 18.0
"""So much of the side of a box each arrow into it has."""
_MOST_REORDERED: Final = 60
"""Boxes up to which another order is tried where operands arrive out of order."""


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
        second = _Arrangement(turned, options, first.found)
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

    def __init__(self, diagram: Diagram, options: Options, before: Layout | None = None) -> None:
        self._diagram = diagram
        self._options = options
        self._arrivals = Counter(link.target for link in diagram.links)
        least = room(options)
        self._lines = [measured(element.lines, least) for element in diagram.elements]
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
        self._labels = [measured(_labels(link, options.arrows), least) for link in diagram.links]
        self.found = self._placed(before, alike=True)
        wrong = out_of_order(self.found, self._edges(), options.direction)
        self.out_of_order = {diagram.elements[at].key for at in wrong}
        self.disorder = sum(wrong.values())

    def _roomy(self, element: Element, lines: Sequence[Measured]) -> tuple[float, float]:
        """The size of a box on whose side all its arrows have room beside each other."""
        width, height = box_size(element, lines)
        least = _ARRIVAL * self._arrivals[element.key]
        if self._options.direction == "right":
            return width, max(height, least)
        return max(width, least), height

    def _edges(self) -> list[Edge]:
        return [
            Edge(
                self._numbers[link.source],
                self._numbers[link.target],
                *block(label),
                2 * _APART if _is_double(link, self._options.arrows) else 1.0,
                link.operands > 1,
            )
            for link, label in zip(self._diagram.links, self._labels, strict=True)
        ]

    def _placed(self, before: Layout | None, *, alike: bool = False) -> Layout:
        direction = self._options.direction
        return layout(self._nodes, self._edges(), self._frames, direction, before, alike=alike)

    def improves_on(self, other: _Arrangement) -> bool:
        """Whether operands arrive in better order, and nothing else is worse for it."""
        return (
            self.disorder < other.disorder
            and self.found.in_the_way <= other.found.in_the_way
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
            mark = Line.words("operand", f"{self._diagram.links[at].position + 1}.")
            self._labels[at] = [*measured([mark]), *self._labels[at]]
        if unclear:
            self.found = self._placed(self.found)

    def scene(self) -> Scene:
        """Everything at its place, moved so that the margins are even."""
        diagram, found = self._diagram, self.found
        dx, dy = MARGIN - found.bounds.left, MARGIN - found.bounds.top
        centres = [Point(x + dx, y + dy) for x, y in found.centres]
        boxes = tuple(map(_box, diagram.elements, centres, self._nodes, self._lines))
        curves: list[Curve] = []
        for at, link in enumerate(diagram.links):
            route = [Point(x + dx, y + dy) for x, y in found.routes[at]]
            anchor = found.anchors[at]
            labels = self._labels[at]
            texts = [] if anchor is None else stacked(labels, anchor.x + dx, anchor.y + dy)
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
            found.bounds.right - found.bounds.left + 2 * MARGIN,
            found.bounds.bottom - found.bounds.top + 2 * MARGIN,
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
    ((_, width, height, full),) = measured([line])
    x, y, right, bottom = frame
    middle = (x + width / 2 + 8, y + height / 2 + 3)
    text = Text(line.role, line.text, line.latex, *middle, width, height, SIZES[line.role], full)
    return Group(key, tuple(box.key for box in boxes), text, x, y, right - x, bottom - y)


def _labels(link: Link, arrows: Arrows) -> list[Line]:
    """What is written on an edge, from top to bottom."""
    forward = [] if arrows == "backward" and link.back else link.lines
    return [*forward, *(link.back if arrows != "forward" else ())]


def _box(element: Element, centre: Point, node: Node, lines: Sequence[Measured]) -> Box:
    return Box(
        element.key,
        element.kind,
        element.shape,
        centre.x,
        centre.y,
        node.width,
        node.height,
        tuple(stacked(lines, centre.x, centre.y)),
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
