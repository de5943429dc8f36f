"""What is inside of loops, branches and calls, as a part of a diagram: with the numbers of one
step, and known as soon as all steps have run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from chainrule.draw.diagram import Diagram, Line, Link
from chainrule.draw.scene import Moment
from chainrule.draw.subject import Subject
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.ops.loops import WHILE
from chainrule.ops.several import name_of
from chainrule.run.inside import (
    Inside,
    carried_count,
    carried_of,
    constants_of,
    graphs_of,
    holds_graph,
    moving_of,
)


class Place(NamedTuple):
    """Where the graph inside of a loop, a branch or a call is drawn.

    Attributes:
        prefix: Of all its keys.
        frame: The key of the frame around it.
        outside: For its arguments that stand for values around it the keys of these.
        notes: For some of its nodes a note.
        moving: Its arguments that change from step to step.
        unread: Its arguments that nothing reads; they are not drawn.
    """

    prefix: str = ""
    frame: str = ""
    outside: Mapping[Node, str] = MappingProxyType({})
    notes: Mapping[Node, str] = MappingProxyType({})
    moving: Collection[Node] = ()
    unread: Collection[Node] = ()


class Start(NamedTuple):
    """Where an argument that changes from step to step comes from.

    Attributes:
        key: Its own among those of the graph.
        argument: The argument.
        operand: What it starts as, or is a slice of.
        words: Which slice, or after which step.
        is_slice: Whether it is a slice.
        is_direct: Whether it comes from the operand itself, not from a step before.
    """

    key: str
    argument: Node
    operand: Node
    words: str
    is_slice: bool
    is_direct: bool


class Part:
    """One of the graphs that a node may run, with the numbers of one step or without.

    Attributes:
        dag: The graph.
        subject: The graph as something to be drawn.
        constants: Its arguments that are the same in every step, each with the operand that it
            stands for and a key of its own.
        unread: Its arguments that nothing reads.
    """

    def __init__(
        self,
        around: Subject,
        node: Node,
        dag: Dag,
        words: str,
        *,
        open_all: bool,
        inside: Inside | None = None,
        step: int = 0,
    ) -> None:
        """Take a graph of a node.

        Args:
            around: What the node is a part of.
            node: The loop, the branch or the call.
            dag: The graph.
            words: Which branch or step it is; empty: there is one alone.
            open_all: Whether what it holds itself is drawn with its inside.
            inside: The steps that were made; None: there are none, or no numbers.
            step: Which one, from 0.
        """
        self.dag = dag
        self._node = node
        self._words = words
        self._inside = inside
        self._step = step
        self.unread = [one for one in dag.inputs if not dag.users(one) and one not in dag.outputs]
        self.constants = [
            (f"c{at}", argument, operand)
            for at, (argument, operand) in enumerate(constants_of(node, dag))
            if argument not in self.unread
        ]
        sweep = flow = None
        if inside is not None:
            sweep = inside.sweep(step)
            if around.of_name and inside.has_adjoints:
                flow = inside.adjoints(step, sweep)
        self.subject = Subject(
            dag,
            sweep=sweep,
            adjoints=flow,
            is_inside=True,
            given=around.of_name if flow is not None else "",
            opened=[one for one in dag.order if holds_graph(one)] if open_all else (),
            step=around.step,
        )

    def caption(self, sign: Line) -> Line:
        """The name of the frame around it, after the symbol of the node."""
        if not self._words:
            return replace(sign, role="caption")
        words = f", {self._words}"
        return Line("caption", sign.text + words, rf"{sign.latex}\text{{{words}}}")

    def place(self, frame: str, outside: Mapping[Node, str]) -> Place:
        """Its place in a frame."""
        moving = [argument for argument, _ in moving_of(self._node, self.dag)]
        return Place(f"{frame}_", frame, outside, self._notes(), moving, self.unread)

    def _notes(self) -> dict[Node, str]:
        """Notes on what a step of a loop hands on to the next one, and on its condition."""
        pairs = zip(self.dag.outputs, carried_of(self._node, self.dag), strict=False)
        found = {out: f"next {argument.name}" for out, argument in pairs if not out.is_leaf}
        if self._node.op is WHILE:
            found[self.dag.outputs[-1]] = "goes on where true"
        return found

    def starts(self) -> list[Start]:
        """Where the arguments that change come from, as far as they are read."""
        carried = carried_count(self._node)
        found = []
        for at, (argument, operand) in enumerate(moving_of(self._node, self.dag)):
            if argument in self.unread:
                continue
            is_slice, is_first = at >= carried, self._step == 0
            if not is_slice:
                words = "start" if is_first else f"after step {self._step}"
            elif self._inside is None:
                words = "slices"
            else:
                words = f"slice {self._inside.row(self._step) + 1}"
            found.append(Start(f"s{at}", argument, operand, words, is_slice, is_slice or is_first))
        return found


def parts(around: Subject, node: Node, *, open_all: bool) -> list[Part]:
    """The graphs that a node may run; where there are numbers, the one that it ran."""
    if around.sweep is None:
        dags = graphs_of(node)
        names = [f"branch {at}" for at in range(len(dags))] if len(dags) > 1 else [""]
        pairs = zip(dags, names, strict=True)
        return [Part(around, node, dag, name, open_all=open_all) for dag, name in pairs]
    inside = Inside(around.sweep, node, around.adjoints)
    if not inside.count:
        return [Part(around, node, inside.dag, "no step", open_all=open_all)]
    step = min(around.step, inside.count) - 1
    words = f"step {step + 1}" if inside.count > 1 else ""
    return [Part(around, node, inside.dag, words, open_all=open_all, inside=inside, step=step)]


def made_in(item: Node, dag: Dag) -> Node:
    """What of the graph of a node becomes one of its results."""
    (node,) = item.operands
    return (*dag.outputs, *carried_of(node, dag))[item.params[0]]


def start_link(
    ends: tuple[str, str], start: Start, inner: Subject, around: Subject, moment: Moment | None
) -> Link:
    """The link into an argument that changes from step to step.

    Args:
        ends: The keys of its elements.
        start: Where the argument comes from.
        inner: The graph of the argument.
        around: The graph of the operand.
        moment: When the loop has run.
    """
    name, operand = inner.names.text[start.argument], around.names.text[start.operand]
    flows = inner.adjoint(start.argument) is not None and start.is_direct
    flows = flows and start.operand in around.backward
    return Link(
        *ends,
        f"{name} is a slice" if start.is_slice else f"{name} starts as {operand}",
        (Line.words("note", start.words),),
        back_title=f"{operand} receives its part" if flows else "",
        moment=moment,
        back_moment=around.backward.get(start.operand) if flows else None,
    )


def result_link(
    ends: tuple[str, str], item: Node, made: Node, inner: Subject, around: Subject
) -> Link:
    """The link from what is inside of a node to one of its results.

    Args:
        ends: The keys of its elements.
        item: The result.
        made: What it is inside.
        inner: The graph inside.
        around: The graph of the result.
    """
    words = around.names.text[item]
    flows = around.adjoint(item) is not None and inner.adjoint(made) is not None
    return Link(
        *ends,
        f"{words} is {name_of(item)}",
        back_title=f"{words} passes its adjoint on" if flows else "",
        moment=around.forward.get(item),
        back_moment=around.backward.get(item.operands[0]) if flows else None,
    )


Moments = tuple[Moment | None, Moment | None]
"""When a loop has run, and when it has run backward."""


def at_moments(diagram: Diagram, moments: Moments) -> Diagram:
    """A diagram of what is inside of a loop: all of it comes to be known when the loop has run."""
    return replace(
        diagram,
        elements=tuple(
            replace(element, lines=_lines(element.lines, moments), moment=moments[0])
            for element in diagram.elements
        ),
        links=tuple(
            replace(
                link,
                lines=_lines(link.lines, moments),
                back=_lines(link.back, moments),
                moment=moments[0],
                back_moment=moments[1],
            )
            for link in diagram.links
        ),
    )


def _lines(lines: Sequence[Line], moments: Moments) -> tuple[Line, ...]:
    """Lines with the moment of their pass in place of their own."""
    return tuple(
        line
        if line.moment is None
        else replace(line, moment=moments[line.moment.during == "backward"])
        for line in lines
    )
