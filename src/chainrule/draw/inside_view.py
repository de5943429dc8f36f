"""What is inside of loops, branches and calls, as a part of a diagram: place, notes, moments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from chainrule.draw.diagram import Element, Line, Link
from chainrule.draw.scene import Moment
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.ops.loops import WHILE
from chainrule.run.inside import carried_count


class Place(NamedTuple):
    """Where the graph inside of a loop, a branch or a call is drawn.

    Attributes:
        prefix: Of all its keys.
        frame: The key of the frame around it.
        outside: For its arguments that stand for values around it the keys of these.
        notes: For some of its nodes a note.
        carried: Its arguments that go from step to step, and slices.
        unread: Its arguments that nothing reads.
    """

    prefix: str = ""
    frame: str = ""
    outside: Mapping[Node, str] = MappingProxyType({})
    notes: Mapping[Node, str] = MappingProxyType({})
    carried: Collection[Node] = ()
    unread: Collection[Node] = ()


def about(words: str, line: Line) -> Line:
    """A line of numbers that says whose they are."""
    return replace(line, text=f"{words}: {line.text}", latex=rf"\text{{{words}: }}{line.latex}")


def handed_on(node: Node, dag: Dag) -> dict[Node, str]:
    """Notes on what a step of a loop hands on to the next one, and on its condition."""
    count = carried_count(node)
    if not count:
        return {}
    first = node.params[2 if node.op is WHILE else 1]
    pairs = zip(dag.outputs, dag.inputs[first : first + count], strict=False)
    found = {out: f"next {argument.name}" for out, argument in pairs if not out.is_leaf}
    if node.op is WHILE:
        found[dag.outputs[-1]] = "goes on where true"
    return found


Moments = tuple[Moment | None, Moment | None]
"""When a loop has run, and when it has run backward."""


def at_moment(element: Element, moments: Moments) -> Element:
    """An element inside of a loop comes to be known when the loop has run."""
    return replace(element, lines=_lines(element.lines, moments), moment=moments[0])


def link_at_moment(link: Link, moments: Moments) -> Link:
    return replace(
        link,
        lines=_lines(link.lines, moments),
        back=_lines(link.back, moments),
        moment=moments[0],
        back_moment=moments[1],
    )


def _lines(lines: Sequence[Line], moments: Moments) -> tuple[Line, ...]:
    """Lines with the moment of their pass in place of their own."""
    return tuple(
        line
        if line.moment is None
        else replace(line, moment=moments[line.moment.during == "backward"])
        for line in lines
    )
