"""The graph itself as a diagram: nodes as values, or operators apart from their results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from chainrule.draw.boxes import Boxes
from chainrule.draw.diagram import Diagram, Element, Frame, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.entries import EntryNumbers
from chainrule.draw.graph_heat import graph_heat
from chainrule.draw.inside_view import (
    Part,
    Place,
    at_moments,
    made_in,
    parts,
    result_link,
    start_link,
)
from chainrule.draw.looks import Looks
from chainrule.draw.options import Options
from chainrule.draw.selection import Selection
from chainrule.draw.subject import Subject
from chainrule.draw.words import counted
from chainrule.graph.node import Node
from chainrule.ops.branches import COND
from chainrule.ops.several import ITEM, name_of

_REST: Final = "rest"
"""The key of the element that stands for all that is not drawn."""


def graph_diagram(subject: Subject, options: Options, cone: Node | None = None) -> Diagram:
    """The graph; ``cone`` is the node whose operands, and theirs, the drawing points at.

    Raises:
        DrawingError: E251 for a path that there is not.
    """
    return _GraphView(subject, options, cone).diagram()


class _GraphView:
    """The parts of one diagram as they are put together."""

    def __init__(
        self, subject: Subject, options: Options, cone: Node | None, place: Place | None = None
    ) -> None:
        self._subject = subject
        self._options = options
        self._place = place or Place()
        self._writing = Writing(subject, options)
        self._chosen = Selection(subject.dag, options, subject.opened)
        numbers = EntryNumbers(subject, self._chosen)
        heat = graph_heat(subject, options, self._chosen, numbers)
        self._coloured = heat.meaning
        self._look = Looks(subject, options, self._chosen, heat, cone)
        self._boxes = Boxes(self._writing, self._chosen, numbers)
        prefix = self._place.prefix
        self._keys = {node: f"{prefix}n{at}" for at, node in enumerate(subject.dag.order)}
        self._rest = f"{prefix}{_REST}"
        self._elements: list[Element] = []
        self._links: list[Link] = []
        self._frames: list[Frame] = []
        self._inside: dict[Node, list[tuple[Part, _GraphView]]] = {}

    def diagram(self) -> Diagram:
        """Put all parts together."""
        dag, subject = self._subject.dag, self._subject
        prefix = self._place.prefix
        self._frames = [
            Frame(
                f"{prefix}{group.key}",
                Line("caption", group.text, group.latex),
                f"{prefix}{group.parent}" if group.parent else self._place.frame,
            )
            for group in self._chosen.frames
        ]
        for node in dag.order:
            if self._chosen.is_hidden(node) or node in self._place.outside:
                continue
            if node not in self._place.unread:
                self._add(node)
        self._add_rest()
        inputs = ", ".join(node.name for node in dag.inputs)
        outputs = ", ".join(dag.labels[node] for node in dag.outputs)
        return Diagram(
            f"Computation graph of {outputs}",
            f"A graph from {inputs or 'constants'} to {outputs} with "
            f"{counted(len(dag.computations), 'computation')}.",
            tuple(self._elements),
            tuple(self._links),
            tuple(self._frames),
            (),
            (len(subject.forward), len(subject.backward)),
            self._coloured,
        )

    def _add(self, node: Node) -> None:
        """A node, and the links into it."""
        if self._chosen.is_one(node):
            self._add_collapsed(node)
        elif node in self._subject.opened:
            self._inside[node] = [
                (part, self._add_inside(node, part, f"{self._keys[node]}b{at}"))
                for at, part in enumerate(
                    parts(self._subject, node, open_all=self._options.open == "all")
                )
            ]
        elif node.op is ITEM:
            key = self._keys[node]
            element = self._writing.element(key, node, **self._looks(node))
            self._elements.append(self._noted(element, node))
            self._add_links_from_inside(node, key)
        else:
            self._add_computation(node)

    def _add_computation(self, node: Node) -> None:
        """A leaf, or a computation as one box or as two halves."""
        key, looks = self._keys[node], self._looks(node)
        target = key
        if node.op.joint is not None:
            self._elements.append(self._noted(self._boxes.several(key, node, looks), node))
        elif self._options.style == "operators" and not node.is_leaf:
            target = f"{key}o"
            self._elements.append(self._boxes.operator(target, node, looks))
            self._elements.append(self._noted(self._boxes.result(key, node, looks), node))
            strong = self._look.is_strong(node)
            link = self._boxes.between_halves(
                target, key, node, faded=looks["faded"], strong=strong
            )
            self._links.append(link)
        else:
            self._elements.append(self._noted(self._writing.element(key, node, **looks), node))
        for at, entry in enumerate(self._chosen.entries(node)):
            source = self._source(entry.operand, f"{key}c{at}", looks)
            more = self._look.of_link(node, at, entry)
            link = self._writing.link(source, target, node, at, **more)
            self._links.append(self._with_result(link, entry.operand))

    def _add_collapsed(self, node: Node) -> None:
        """A group as one box, with a link from each operand outside."""
        key, looks = self._keys[node], self._looks(node)
        self._elements.append(self._boxes.collapsed(key, node, looks))
        for at, entry in enumerate(self._chosen.entries(node)):
            source = self._source(entry.operand, "", looks)
            given = self._boxes.into_collapsed(node, entry)
            more = self._look.of_link(node, at, entry)
            link = Link(source, key, position=at, **given, **more)
            self._links.append(self._with_result(link, entry.operand))

    def _with_result(self, link: Link, operand: Node) -> Link:
        """A link that says which result it brings, where there are several."""
        if operand.op is not ITEM or operand.operands[0] in self._subject.opened:
            return link
        if len(self._chosen.results[operand.operands[0]]) < 2:
            return link
        return replace(link, lines=(Line.words("note", name_of(operand)), *link.lines))

    def _noted(self, element: Element, node: Node) -> Element:
        """An element with its note; arguments and outputs of a step are not those of the whole."""
        if self._place.frame:
            element = replace(element, is_output=False)
        if node in self._place.moving:
            element = replace(element, kind="result")
        if node in self._place.notes:
            note = Line.words("note", self._place.notes[node])
            element = replace(element, lines=(*element.lines, note))
        return element

    def _source(self, operand: Node, own_key: str, looks: dict[str, Any]) -> str:
        """The key of the element where an edge starts; a constant gets an element of its own."""
        if operand in self._place.outside:
            return self._place.outside[operand]
        box = self._chosen.box(operand)
        if box is not None:
            return self._rest if box in self._chosen.far else self._keys[box]
        more = {"faded": looks["faded"], "group": looks["group"]}
        self._elements.append(self._writing.element(own_key, operand, **more))
        return own_key

    def _looks(self, node: Node) -> dict[str, Any]:
        return {**self._look.of_node(node), "group": self._group(node)}

    def _group(self, node: Node) -> str:
        """The key of the innermost frame around a node; empty: there is none."""
        key = self._chosen.frame(node)
        return f"{self._place.prefix}{key}" if key else self._place.frame

    def _add_rest(self) -> None:
        """The element that stands for what is left out."""
        count = len(self._chosen.far)
        if not count:
            return
        rest = self._rest
        once = {(link.source, link.target): link for link in self._links if link.source == rest}
        self._links = [link for link in self._links if link.source != rest] + [
            replace(link, lines=(), back=(), operands=0) for link in once.values()
        ]
        text = counted(count, "more node")
        line = Line("note", f"… {text}", rf"\ldots\text{{ {text}}}")
        title = f"{text} not drawn"
        element = Element(rest, "summary", "square", (line,), title, group=self._place.frame)
        self._elements.insert(0, element)

    # --- what is inside of loops, branches and calls ---------------------------------------------

    def _add_inside(self, node: Node, part: Part, frame: str) -> _GraphView:
        """One graph inside of a node in a frame, and the links that lead into it."""
        subject, looks = self._subject, self._looks(node)
        self._frames.append(Frame(frame, part.caption(subject.sign(node)), looks["group"]))
        outside = {
            argument: self._source(operand, f"{frame}{key}", looks)
            for key, argument, operand in part.constants
        }
        options = replace(self._options, heat="", path=0, up_to=None)
        view = _GraphView(part.subject, options, None, part.place(frame, outside))
        moments = (subject.forward.get(node), subject.backward.get(node))
        diagram = at_moments(view.diagram(), moments)
        self._elements += diagram.elements
        self._links += diagram.links
        self._frames += diagram.frames
        for start in part.starts():
            source = self._source(start.operand, f"{frame}{start.key}", looks)
            ends = (source, view.source(start.argument)[0])
            link = start_link(ends, start, part.subject, subject, moments[0])
            self._links.append(replace(link, faded=looks["faded"]))
        return view

    def source(self, node: Node) -> tuple[str, list[Element]]:
        """The key of the element of a node: of an argument from around that of what it stands for.
        A constant has one made for it.
        """
        known = len(self._elements)
        key = self._source(node, f"{self._keys[node]}x", self._looks(node))
        return key, self._elements[known:]

    def _add_links_from_inside(self, item: Node, key: str) -> None:
        """The links from what is inside of a node to one of its results."""
        (node,) = item.operands
        found = self._inside.get(node, ())
        for part, view in found:
            made = made_in(item, part.dag)
            source, more = view.source(made)
            keys = {element.key for element in self._elements}
            self._elements += [one for one in more if one.key not in keys]
            link = result_link((source, key), item, made, part.subject, self._subject)
            self._links.append(link)
        if node.op is COND and found:
            index = node.operands[0]
            source = self._source(index, f"{key}i", self._looks(node))
            title = f"{self._subject.names.text[index]} chooses the branch"
            chooses = (Line.words("note", "chooses"),)
            moment = self._subject.forward.get(item)
            self._links.append(Link(source, key, title, chooses, moment=moment))
