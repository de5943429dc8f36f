"""From a subject and its options to a scene: which view, and what it needs."""

from __future__ import annotations

from dataclasses import replace

from chainrule.draw.compose import compose
from chainrule.draw.derivative_view import derivative_diagram
from chainrule.draw.diagram import Diagram
from chainrule.draw.graph_view import graph_diagram
from chainrule.draw.options import NUMERIC_HEAT, Options
from chainrule.draw.paths_view import paths_diagram
from chainrule.draw.scene import Box, Curve, Group, Point, Scene, Text
from chainrule.draw.subject import Subject
from chainrule.draw.tree_view import tree_diagram
from chainrule.errors import DrawingError
from chainrule.graph.node import Node
from chainrule.show.derivative_graph import numeric_derivative_graph, symbolic_derivative_graph

_BETWEEN = 40.0
"""Between two drawings beside each other."""


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
    graph = compose(graph_diagram(subject, options, cone), options)
    if options.view == "graph":
        return graph
    bare = replace(options, legend=False, up_to=None)
    return beside(graph, compose(tree_diagram(subject, bare, _root(subject)), bare))


def _check(subject: Subject, options: Options) -> None:
    """Refuse what needs numbers, or a node, where there is none."""
    if subject.sweep is None and options.heat in NUMERIC_HEAT:
        raise DrawingError("E251", f"heat={options.heat!r} needs numbers: draw a record, at(…)")
    if subject.sweep is None and options.edges == "contribution":
        raise DrawingError("E251", "contributions are numbers: draw a record, at(…)")
    if "tangent" in (*options.nodes, options.heat) and subject.tangents is None:
        raise DrawingError("E251", "tangents need numbers and the node that changes, wrt=…")
    needs = options.edges == "contribution" or options.heat in ("adjoint", "contribution")
    if needs and subject.adjoints is None:
        raise DrawingError("E251", "adjoints need an output that is one number; name it, of=…")


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
    return derivative_diagram(subject, options, graph)


def beside(left: Scene, right: Scene) -> Scene:
    """Two scenes as one, the second to the right of the first."""
    dx = left.width + _BETWEEN
    return replace(
        left,
        width=dx + right.width,
        height=max(left.height, right.height),
        title=f"{left.title} and {right.title[:1].lower()}{right.title[1:]}",
        description=f"{left.description} {right.description}",
        boxes=(*left.boxes, *(_moved_box(box, dx) for box in right.boxes)),
        curves=(*left.curves, *(_moved_curve(curve, dx) for curve in right.curves)),
        groups=(*left.groups, *(_moved_group(group, dx) for group in right.groups)),
        captions=(*left.captions, *(_moved(text, dx) for text in right.captions)),
    )


def _moved(text: Text, dx: float) -> Text:
    return replace(text, x=text.x + dx)


def _moved_box(box: Box, dx: float) -> Box:
    return replace(box, x=box.x + dx, texts=tuple(_moved(text, dx) for text in box.texts))


def _moved_curve(curve: Curve, dx: float) -> Curve:
    return replace(
        curve,
        key=f"{curve.key}t",
        points=tuple(Point(x + dx, y) for x, y in curve.points),
        texts=tuple(_moved(text, dx) for text in curve.texts),
    )


def _moved_group(group: Group, dx: float) -> Group:
    return replace(group, x=group.x + dx, text=_moved(group.text, dx))
