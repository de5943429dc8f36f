"""A diagram becomes a scene: everything is measured, placed, and connected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from chainrule.draw.diagram import Arrows, Diagram, Element, Line, Link
from chainrule.draw.geometry import Rectangle, beside, on_border
from chainrule.draw.layout import Edge, Layout, Node, layout
from chainrule.draw.mathematics import measure
from chainrule.draw.moments import until
from chainrule.draw.options import Options
from chainrule.draw.scene import ROLES, Box, Curve, Group, Point, Role, Scene, Text

_SIZES: Final[dict[Role, float]] = {
    "symbol": 15.0,
    "name": 12.0,
    "value": 12.0,
    "adjoint": 12.0,
    "tangent": 12.0,
    "note": 10.0,
    "local": 11.0,
    "contribution": 11.0,
    "operand": 9.0,
    "caption": 11.0,
}
"""The size of letters by role."""
_WIDEST: Final = 150.0
"""Longer lines are shortened."""
_PADDING: Final = 7.0
_MARGIN: Final = 14.0
_LEAST: Final = {"constant": 24.0, "operator": 30.0}
_LEAST_OTHERS: Final = 42.0
"""The least width and height of a box."""
_APART: Final = 3.5
"""Half the distance between the arrows of values and of adjoints on one edge."""
_LEGEND_GAP: Final = 18.0
_LEGEND: Final[dict[Role, str]] = {"adjoint": "∂ ", "tangent": "d ", "contribution": "+ "}
"""How a role is marked where it stands, and so in the legend."""
_LATEX_LEGEND: Final[dict[Role, str]] = {
    "adjoint": r"\partial\;",
    "tangent": r"\mathrm{d}\;",
    "contribution": r"{+}\,",
}
_LEADING: Final = 1.14
"""The distance of lines, in heights of a line."""


class _Measured(NamedTuple):
    """A line that has a size."""

    line: Line
    width: float
    height: float
    full: str


def compose(diagram: Diagram, options: Options) -> Scene:
    """The scene of a diagram."""
    elements = [_measured(element.lines) for element in diagram.elements]
    nodes = [
        Node(element.shape, *_size(element, lines), element.group)
        for element, lines in zip(diagram.elements, elements, strict=True)
    ]
    counts: dict[str, int] = {}
    for element in diagram.elements:
        counts[element.group] = counts.get(element.group, 0) + 1
    frames = [frame.key for frame in diagram.frames if counts.get(frame.key, 0) > 1]
    numbers = {element.key: at for at, element in enumerate(diagram.elements)}
    labels = [_labels(link, options.arrows) for link in diagram.links]

    def placed() -> Layout:
        edges = [
            Edge(
                numbers[link.source],
                numbers[link.target],
                *_block(label),
                2 * _APART if options.arrows == "both" else 1.0,
                link.operands > 1,
            )
            for link, label in zip(diagram.links, labels, strict=True)
        ]
        return layout(nodes, edges, frames, options.direction)

    found = placed()
    unordered = _out_of_order(diagram.links, found, options)
    if unordered:
        for at in unordered:
            mark = f"{diagram.links[at].position + 1}."
            labels[at] = [*_measured([Line("operand", mark, mark)]), *labels[at]]
        found = placed()
    return _scene(diagram, options, found, nodes, elements, labels, numbers)


def _scene(
    diagram: Diagram,
    options: Options,
    found: Layout,
    nodes: Sequence[Node],
    lines: Sequence[Sequence[_Measured]],
    labels: Sequence[Sequence[_Measured]],
    numbers: Mapping[str, int],
) -> Scene:
    """Everything at its place, moved so that the margins are even."""
    dx, dy = _MARGIN - found.bounds.left, _MARGIN - found.bounds.top
    centres = [Point(x + dx, y + dy) for x, y in found.centres]
    boxes = tuple(
        _box(element, centre, node, texts)
        for element, centre, node, texts in zip(
            diagram.elements, centres, nodes, lines, strict=True
        )
    )
    curves: list[Curve] = []
    for at, link in enumerate(diagram.links):
        route = [Point(x + dx, y + dy) for x, y in found.routes[at]]
        anchor = found.anchors[at]
        texts = [] if anchor is None else _stacked(labels[at], anchor.x + dx, anchor.y + dy)
        widest = max((text.width for text in texts), default=0.0)
        texts = [replace(text, width=widest) for text in texts]
        ends = (boxes[numbers[link.source]], boxes[numbers[link.target]])
        curves += _curves(at, link, route, ends, texts, options.arrows)
    width = found.bounds.right - found.bounds.left + 2 * _MARGIN
    height = found.bounds.bottom - found.bounds.top + 2 * _MARGIN
    groups = tuple(
        _group(frame.key, frame.line, boxes, diagram, found.frames[frame.key], dx, dy)
        for frame in diagram.frames
        if frame.key in found.frames
    )
    legend = _legend_roles(boxes, curves) if options.legend else ()
    captions, width, height = _captions(diagram.notes, legend, width, height)
    scene = Scene(
        width,
        height,
        diagram.title,
        diagram.description,
        options.direction,
        boxes,
        tuple(curves),
        groups,
        captions,
        legend,
        options.theme,
        diagram.steps,
    )
    return scene if options.up_to is None else until(scene, options.up_to)


# --- sizes ------------------------------------------------------------------------------------


def _measured(lines: Iterable[Line]) -> list[_Measured]:
    """Lines with their sizes; what is too long is shortened."""
    found = []
    for line in lines:
        size = _SIZES[line.role]
        width, height = measure(line.latex, line.text, size)
        full = ""
        if width > _WIDEST:
            full = line.text
            letters = max(3, int(len(line.text) * _WIDEST / width) - 1)
            text = line.text[:letters] + "…"
            line = replace(line, text=text, latex=rf"\text{{{_escaped(text)}}}")
            width, height = measure(line.latex, line.text, size)
        found.append(_Measured(line, width, height * _LEADING, full))
    return found


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
    both = arrows == "both" and bool(link.back_title)
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


def _group(
    key: str,
    line: Line,
    boxes: Sequence[Box],
    diagram: Diagram,
    frame: Rectangle,
    dx: float,
    dy: float,
) -> Group:
    keys = {element.key for element in diagram.elements if element.group == key}
    ((_, width, height, full),) = _measured([line])
    x, y = frame.left + dx, frame.top + dy
    text = Text(
        line.role,
        line.text,
        line.latex,
        x + width / 2 + 8,
        y + height / 2 + 3,
        width,
        height,
        _SIZES[line.role],
        full,
    )
    members = tuple(box.key for box in boxes if box.key in keys)
    return Group(key, members, text, x, y, frame.right - frame.left, frame.bottom - frame.top)


def _out_of_order(links: Sequence[Link], found: Layout, options: Options) -> list[int]:
    """The links into boxes whose operands do not arrive in order, where order matters."""
    across = 1 if options.direction == "right" else 0
    arrivals: dict[str, list[int]] = {}
    for at, link in enumerate(links):
        if link.operands > 1:
            arrivals.setdefault(link.target, []).append(at)
    marked = []
    for group in arrivals.values():
        places = [found.routes[at][-1][across] for at in group]
        if any(a >= b for a, b in pairwise(places)):
            marked += group
    return marked


# --- below the drawing --------------------------------------------------------------------------


def _legend_roles(boxes: Iterable[Box], curves: Iterable[Curve]) -> tuple[Role, ...]:
    used = {text.role for box in boxes for text in box.texts}
    used.update(text.role for curve in curves for text in curve.texts)
    return tuple(role for role in ROLES if role in used)


def _captions(
    notes: Sequence[str], legend: Sequence[Role], width: float, height: float
) -> tuple[tuple[Text, ...], float, float]:
    """Notes and legend below the drawing, and its size with them."""
    rows = [[Line("caption", note, rf"\text{{{_escaped(note)}}}")] for note in notes]
    if legend:
        rows.append(
            [
                Line(
                    role,
                    _LEGEND.get(role, "") + ROLES[role],
                    _LATEX_LEGEND.get(role, "") + rf"\text{{{ROLES[role]}}}",
                )
                for role in legend
            ]
        )
    texts = []
    for row in rows:
        sizes = [measure(line.latex, line.text, _SIZES["caption"]) for line in row]
        whole = sum(size[0] for size in sizes) + _LEGEND_GAP * (len(row) - 1)
        width = max(width, whole + 2 * _MARGIN)
        x = _MARGIN
        tall = max(size[1] for size in sizes)
        for line, (wide, _) in zip(row, sizes, strict=True):
            place = (x + wide / 2, height + tall / 2 - _MARGIN / 2)
            texts.append(
                Text(line.role, line.text, line.latex, *place, wide, tall, _SIZES["caption"])
            )
            x += wide + _LEGEND_GAP
        height += tall + 4.0
    return tuple(texts), width, height


def _legend_line(role: Role) -> Line:
    """What the legend says of a role, in its colour."""
    words = ROLES[role]
    latex = _LATEX_LEGEND.get(role, "") + rf"\text{{{words}}}"
    return Line(role, _LEGEND.get(role, "") + words, latex)
