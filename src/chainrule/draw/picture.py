"""From a subject and its options to a scene: which view, and what it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from chainrule.draw.compose import arranged, compose, framed
from chainrule.draw.derivative_view import derivative_diagram
from chainrule.draw.diagram import Diagram, Line
from chainrule.draw.geometry import Rectangle
from chainrule.draw.graph_view import graph_diagram
from chainrule.draw.legend import explained
from chainrule.draw.options import NUMERIC_HEAT, Options
from chainrule.draw.paths_view import paths_diagram
from chainrule.draw.scene import Point, Scene, Text
from chainrule.draw.subject import Subject
from chainrule.draw.tree_view import tree_diagram
from chainrule.errors import DrawingError
from chainrule.graph.node import Node
from chainrule.show.derivative_graph import numeric_derivative_graph, symbolic_derivative_graph

_EDGE: Final = 4.0
"""Between the edge of a drawing and the frame around it."""
_ABOVE: Final = 16.0
"""Room for the name of that frame."""
_BELOW: Final = 8.0
"""Room below that frame."""


def picture(subject: Subject, options: Options, cone: Node | None = None) -> Scene:
    """The scene that the options ask for.

    Args:
        subject: What is drawn.
        options: How.
        cone: The node that ``options.cone`` names.

    Raises:
        DrawingError: E251 where an option needs what is not there, E252 for a step too many.
        LimitError: E156 or E157 where a view has more boxes than ``options.most``.
    """
    _check(subject, options)
    if options.view == "derivative":
        return compose(_derivatives(subject, options), options)
    if options.view == "paths":
        of, wrt = _ends(subject, "the paths")
        return compose(paths_diagram(subject, options, wrt, of), options)
    if options.view == "tree":
        return compose(tree_diagram(subject, options, _root(subject)), options)
    graph = graph_diagram(subject, options, cone)
    if options.view == "graph":
        return compose(graph, options)
    left = arranged(graph, options)
    right = arranged(tree_diagram(subject, options, _root(subject)), options)
    height = max(left.height, right.height)
    left = _named(replace(left, height=height), "half1", "graph")
    right = _named(replace(right, height=height), "half2", "syntax tree")
    return explained(beside(left, right), options, graph.notes, graph.heat)


def _check(subject: Subject, options: Options) -> None:
    """Refuse what needs numbers, a node, steps or scalars where there are none."""
    if subject.has_arrays:
        _check_arrays(options)
    if options.up_to is not None and options.view in ("derivative", "paths"):
        raise DrawingError("E252", f"view={options.view!r} has no steps; up_to= cannot be used")
    if subject.sweep is None and options.heat in NUMERIC_HEAT:
        raise DrawingError("E251", f"heat={options.heat!r} needs numbers: draw a record, at(…)")
    if subject.sweep is None and options.edges == "contribution":
        raise DrawingError("E251", "contributions are numbers: draw a record, at(…)")
    if "tangent" in (*options.nodes, options.heat) and subject.tangents is None:
        raise DrawingError("E251", "tangents need numbers and the node that changes, wrt=…")
    needs = options.edges == "contribution" or options.heat in ("adjoint", "contribution")
    if needs and subject.adjoints is None:
        raise DrawingError("E251", "adjoints need an output that is one number; name it, of=…")


def _check_arrays(options: Options) -> None:
    """Refuse what graphs of arrays do not have: edges with numbers, to be multiplied along paths.

    Raises:
        DrawingError: E251.
    """
    scalar = [
        (options.view in ("paths", "derivative"), f"view={options.view!r}"),
        (options.path > 0, "path="),
        (options.heat == "local", "heat='local'"),
    ]
    for asked, what in scalar:
        if asked:
            raise DrawingError(
                "E251",
                f"{what} is for graphs of scalars; graph.expand() makes one of a small graph",
            )


def _ends(subject: Subject, what: str) -> tuple[Node, Node]:
    if subject.wrt is None:
        raise DrawingError("E251", f"{what} need the node they start from, wrt=…")
    return _root(subject), subject.wrt


def _root(subject: Subject) -> Node:
    if subject.of is not None:
        return subject.of
    if len(subject.dag.outputs) != 1:
        raise DrawingError("E251", "the graph has several outputs; name one, of=…")
    return subject.dag.output


def _derivatives(subject: Subject, options: Options) -> Diagram:
    of, wrt = _ends(subject, "derivatives")
    if subject.sweep is None:
        graph = symbolic_derivative_graph(subject.dag, of, wrt)
    else:
        assert subject.tangents is not None
        graph = numeric_derivative_graph(subject.sweep, of, wrt, subject.tangents, 17)
    return derivative_diagram(subject, options, graph, of)


def _named(scene: Scene, key: str, name: str) -> Scene:
    """A scene in a frame with its name."""
    moved = _moved(scene, 0, _ABOVE)
    line = Line.words("caption", name)
    around = Rectangle(_EDGE, _EDGE, moved.width - _EDGE, moved.height - _EDGE)
    frame = framed(key, line, moved.boxes, around)
    return replace(moved, height=moved.height + _BELOW, groups=(frame, *moved.groups))


def beside(left: Scene, right: Scene) -> Scene:
    """Two scenes as one, the second to the right of the first."""
    right = _moved(right, left.width, 0)
    curves = (replace(curve, key=f"{curve.key}t") for curve in right.curves)
    return replace(
        left,
        width=right.width,
        height=max(left.height, right.height),
        title=f"{left.title} and {right.title[:1].lower()}{right.title[1:]}",
        description=f"{left.description} {right.description}",
        boxes=(*left.boxes, *right.boxes),
        curves=(*left.curves, *curves),
        groups=(*left.groups, *right.groups),
    )


def _moved(scene: Scene, dx: float, dy: float) -> Scene:
    """A scene without captions, to the right and down by so much, with so much more room."""

    def text(given: Text) -> Text:
        return replace(given, x=given.x + dx, y=given.y + dy)

    return replace(
        scene,
        width=scene.width + dx,
        height=scene.height + dy,
        boxes=tuple(
            replace(box, x=box.x + dx, y=box.y + dy, texts=tuple(map(text, box.texts)))
            for box in scene.boxes
        ),
        curves=tuple(
            replace(
                curve,
                points=tuple(Point(x + dx, y + dy) for x, y in curve.points),
                texts=tuple(map(text, curve.texts)),
            )
            for curve in scene.curves
        ),
        groups=tuple(
            replace(group, x=group.x + dx, y=group.y + dy, text=text(group.text))
            for group in scene.groups
        ),
    )
