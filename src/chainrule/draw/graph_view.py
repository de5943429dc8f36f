"""The graph itself as a diagram: nodes as values, or operators apart from their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from chainrule.diff.cost import count as count_operations
from chainrule.diff.edges import Edges
from chainrule.diff.rules import Partial
from chainrule.diff.saved import saved_values
from chainrule.draw.diagram import Coloured, Diagram, Element, Frame, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.groups import Group
from chainrule.draw.heat import Key, heat, largest
from chainrule.draw.inside_view import Place, about, at_moment, handed_on, link_at_moment
from chainrule.draw.moments import is_known
from chainrule.draw.options import NODE_HEAT, NUMERIC_HEAT, Heat, Options
from chainrule.draw.scene import Heated, Moment
from chainrule.draw.selection import Edge, Entry, Selection
from chainrule.draw.subject import Subject, short
from chainrule.draw.words import counted
from chainrule.errors import DrawingError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node
from chainrule.ops.branches import COND
from chainrule.ops.several import ITEM, name_of
from chainrule.run.inside import LOOPS, Inside, carried_count, constants_of, graphs_of, holds_graph
from chainrule.run.paths import Paths
from chainrule.show.summaries import norm_of

_REST: Final = "rest"
"""The key of the element that stands for all that is not drawn."""
_HEAT: Final[dict[Heat, str]] = {
    "value": "magnitude of the value",
    "adjoint": "magnitude of the adjoint",
    "tangent": "magnitude of the tangent",
    "saved": "bytes kept for the backward pass",
    "cost": "operations, with those of the local derivatives",
    "local": "magnitude of the local derivative",
    "contribution": "magnitude of the contribution",
}
_MOST_RESULTS: Final = 4
"""Results whose numbers stand in the box of their operation."""
"""What heat shows, as its legend says."""


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
        prefix = self._place.prefix
        self._keys = {node: f"{prefix}n{at}" for at, node in enumerate(subject.dag.order)}
        self._rest = f"{prefix}{_REST}"
        self._frames: list[Frame] = []
        self._strong_edges, self._strong_nodes = self._choose_strong(cone)
        self._node_heat: dict[Node, float] = {}
        self._edge_heat: dict[Edge, float] = {}
        self._coloured = self._choose_heat()
        self._elements: list[Element] = []
        self._links: list[Link] = []
        self._inside: dict[Node, list[_GraphView]] = {}

    def _choose_strong(self, cone: Node | None) -> tuple[set[Edge], set[Node]]:
        """The edges and nodes that the drawing points at; empty: it points at none."""
        subject, options = self._subject, self._options
        if cone is not None:
            nodes = set(subject.dag.ancestors(cone)) | {cone}
            edges = {(user, at) for user in nodes for at in range(len(user.operands))}
            return edges, nodes
        if not options.path:
            return set(), set()
        if subject.sweep is None or subject.wrt is None or subject.of is None:
            raise DrawingError("E251", "a path needs numbers and a node it starts from, wrt=…")
        paths = Paths(subject.sweep, subject.wrt, subject.of)
        if options.path > paths.count:
            raise DrawingError("E251", f"there is no path {options.path}: there are {paths.count}")
        path = paths.first(options.path)[-1]
        return {(step.user, step.position) for step in path.steps}, set(path.nodes)

    def _choose_heat(self) -> Coloured | None:
        """Measure what is coloured by heat; what the colours mean."""
        subject, kind = self._subject, self._options.heat
        if not kind:
            return None
        nodes = [node for node in subject.dag.order if not self._chosen.is_hidden(node)]
        if kind in NODE_HEAT:
            order = subject.backward if kind == "adjoint" else subject.forward
            sizes = {node: self._magnitude(node, kind) for node in nodes}
            moments = {node: order.get(node) for node in nodes if kind in NUMERIC_HEAT}
            self._node_heat = self._shares(sizes, moments)
            return self._meaning(kind, "boxes", largest(sizes))
        amounts: dict[Edge, Any] = {}
        times: dict[Edge, Moment | None] = {}
        for node in nodes:
            for at, entry in enumerate(self._chosen.entries(node)):
                if kind == "local":
                    amount, time = self._local(node, entry), subject.forward.get(node)
                else:
                    amount, time = self._amount(entry), subject.backward.get(entry.operand)
                if amount is not None:
                    amounts[node, at], times[node, at] = amount, time
        self._edge_heat = self._shares(amounts, times)
        return self._meaning(kind, "curves", largest(amounts))

    def _shares(
        self, amounts: Mapping[Key, Any], times: Mapping[Key, Moment | None]
    ) -> dict[Key, float]:
        """Heat; what is not known yet is cold."""
        now = self._options.up_to
        return {
            key: share if is_known(times.get(key), now) else 0.0
            for key, share in heat(amounts).items()
        }

    def _meaning(self, kind: Heat, of: Heated, most: float) -> Coloured:
        upper = f"0 to {short(most, self._options.digits)}" if most else "all 0"
        words = _HEAT[kind]
        if self._subject.has_arrays:
            words = words.replace("magnitude", "norm")
        return Coloured(of, f"heat: {words}, {upper}")

    def _magnitude(self, node: Node, kind: str) -> Any:
        subject = self._subject
        if node.op.joint is not None and kind in ("value", "adjoint", "tangent"):
            found = [self._magnitude(item, kind) for item in self._chosen.results.get(node, ())]
            return max(map(abs, found), default=0.0)
        if kind == "value":
            return subject.norm("value", node)
        if kind == "adjoint":
            return 0.0 if subject.adjoint(node) is None else subject.norm("adjoint", node)
        if kind == "tangent":
            return 0.0 if subject.tangent(node) is None else subject.norm("tangent", node)
        members = self._chosen.members(node)
        if kind == "saved":
            return sum(self._saved.get(member, 0) for member in members)
        return _cost(members)

    @cached_property
    def _saved(self) -> dict[Node, int]:
        return {value.node: value.bytes for value in saved_values(self._subject.dag).values}

    # --- putting it together --------------------------------------------------------------------

    def diagram(self) -> Diagram:
        """The whole diagram."""
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
        key = self._keys[node]
        if self._chosen.is_one(node):
            self._add_collapsed(key, node)
            return
        if node in self._subject.opened:
            self._open(node)
            return
        target = key
        looks = self._looks(node)
        if node.op.joint is not None:
            self._add_several(key, node, looks)
        elif self._options.style == "operators" and not node.is_leaf and node.op is not ITEM:
            target = f"{key}o"
            self._add_operator(target, key, node, looks)
        else:
            self._elements.append(self._noted(self._writing.element(key, node, **looks), node))
        if node.op is ITEM:
            self._links += self._from_inside(node, key)
            return
        for at, entry in enumerate(self._chosen.entries(node)):
            source = self._source(entry.operand, f"{key}c{at}", looks)
            more = self._link_looks(node, at, entry)
            link = self._writing.link(source, target, node, at, **more)
            self._links.append(self._with_result(link, entry.operand))

    def _add_several(self, key: str, node: Node, looks: dict[str, Any]) -> None:
        """What has several results, as one box: its symbol, and what is read of the results."""
        items = self._chosen.results.get(node, [])
        writing = self._writing
        lines = list(writing.head(node))
        named = [item for item in items if writing.has_name(item)]
        if len(items) == 1:
            (item,) = items
            if writing.has_name(item):
                lines.insert(0, replace(self._subject.label(item), role="name"))
            lines += writing.numbers(item)
        elif len(named) <= _MOST_RESULTS:
            for item in named:
                words = self._subject.names.text[item]
                numbers = [line for line in writing.numbers(item) if line.role != "note"]
                lines += [about(words, line) for line in numbers]
        sentences = [self._subject.sentence(one, self._options.up_to) for one in (node, *items)]
        element = writing.element(key, node, **looks)
        is_output = not {node, *items}.isdisjoint(self._subject.dag.outputs)
        changes: dict[str, Any] = {"lines": tuple(lines), "title": "; ".join(sentences)}
        self._elements.append(self._noted(replace(element, is_output=is_output, **changes), node))

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
        if node in self._place.carried:
            element = replace(element, kind="result")
        if node in self._place.notes:
            note = Line.words("note", self._place.notes[node])
            element = replace(element, lines=(*element.lines, note))
        return element

    # --- what is inside of loops, branches and calls ---------------------------------------------

    def _open(self, node: Node) -> None:
        """The graphs inside of a node, each in a frame, with the numbers of one step."""
        subject = self._subject
        inside = None
        if subject.sweep is not None:
            inside = Inside(subject.sweep, node, subject.adjoints)
        step = 0 if inside is None else min(subject.step, inside.count) - 1
        is_run = inside is not None and inside.count > 0
        dags = (inside.dag,) if inside is not None else graphs_of(node)
        self._inside[node] = []
        for at, dag in enumerate(dags):
            key = f"{self._keys[node]}b{at}"
            sign = subject.sign(node)
            words = f"branch {at}" if len(dags) > 1 else ""
            if is_run and inside is not None and node.op in LOOPS and inside.count > 1:
                words = f"step {step + 1}"
            elif node.op in LOOPS and inside is not None and not is_run:
                words = "no step"
            text = f"{sign.text}, {words}" if words else sign.text
            latex = rf"{sign.latex}\text{{, {words}}}" if words else sign.latex
            self._frames.append(Frame(key, Line("caption", text, latex), self._group(node)))
            self._add_inside(node, dag, key, inside if is_run else None, step)

    def _add_inside(
        self, node: Node, dag: Dag, frame: str, inside: Inside | None, step: int
    ) -> None:
        """One graph inside of a node, and the links that lead into it."""
        subject, options = self._subject, self._options
        sweep = flow = None
        if inside is not None:
            sweep = inside.sweep(step)
            is_shown = subject.of_name and inside.has_adjoints
            flow = inside.adjoints(step, sweep) if is_shown else None
        opened = [one for one in dag.order if holds_graph(one)] if options.open == "all" else ()
        inner = Subject(
            dag,
            sweep=sweep,
            adjoints=flow,
            is_inside=True,
            given=subject.of_name if flow is not None else "",
            opened=opened,
            step=subject.step,
        )
        looks = self._looks(node)
        outside = {}
        unread = [one for one in dag.inputs if not dag.users(one) and one not in dag.outputs]
        for at, (argument, operand) in enumerate(constants_of(node, dag)):
            if argument not in unread:
                outside[argument] = self._source(operand, f"{frame}c{at}", looks)
        constants = dict(constants_of(node, dag))
        moving = [one for one in dag.inputs if one not in constants]
        place = Place(f"{frame}_", frame, outside, handed_on(node, dag), moving, unread)
        view = _GraphView(inner, replace(options, heat="", path=0, up_to=None), None, place)
        diagram = view.diagram()
        moments = (subject.forward.get(node), subject.backward.get(node))
        self._elements += [at_moment(element, moments) for element in diagram.elements]
        self._links += [link_at_moment(link, moments) for link in diagram.links]
        self._frames += diagram.frames
        self._inside[node].append(view)
        operands = node.operands[len(node.operands) - len(moving) :] if moving else ()
        carried = carried_count(node)
        for at, (argument, operand) in enumerate(zip(moving, operands, strict=True)):
            if argument in unread:
                continue
            source = self._source(operand, f"{frame}s{at}", looks)
            row = step if inside is None else inside.row(step)
            if at >= carried:
                words = "slices" if inside is None else f"slice {row + 1}"
            else:
                words = "start" if step == 0 else f"after step {step}"
            names = (inner.names.text[argument], subject.names.text[operand])
            is_start = at >= carried or step == 0
            flows = inner.adjoint(argument) is not None and is_start
            flows = flows and operand in subject.backward
            self._links.append(
                Link(
                    source,
                    view.source(argument)[0],
                    f"{names[0]} starts as {names[1]}"
                    if at < carried
                    else f"{names[0]} is a slice",
                    (Line.words("note", words),),
                    back_title=f"{names[1]} receives its part" if flows else "",
                    faded=looks["faded"],
                    moment=moments[0],
                    back_moment=subject.backward.get(operand) if flows else None,
                )
            )

    def source(self, node: Node) -> tuple[str, list[Element]]:
        """The key of the element of a node: of an argument from around that of what it stands for.
        A constant has one made for it.
        """
        known = len(self._elements)
        key = self._source(node, f"{self._keys[node]}x", self._looks(node))
        return key, self._elements[known:]

    def _from_inside(self, item: Node, key: str) -> list[Link]:
        """The links from what is inside of a node to one of its results."""
        (node,) = item.operands
        subject = self._subject
        found = []
        for view in self._inside.get(node, ()):
            made = view.results_of(node)[item.params[0]]
            source, more = view.source(made)
            keys = {element.key for element in self._elements}
            self._elements += [one for one in more if one.key not in keys]
            words = subject.names.text[item]
            flows = subject.adjoint(item) is not None and view.has_adjoint(made)
            found.append(
                Link(
                    source,
                    key,
                    f"{words} is {name_of(item)}",
                    back_title=f"{words} passes its adjoint on" if flows else "",
                    moment=subject.forward.get(item),
                    back_moment=subject.backward.get(node) if flows else None,
                )
            )
        if node.op is COND and found:
            index = node.operands[0]
            source = self._source(index, f"{key}i", self._looks(node))
            title = f"{subject.names.text[index]} chooses the branch"
            chooses = (Line.words("note", "chooses"),)
            found.append(Link(source, key, title, chooses, moment=subject.forward.get(item)))
        return found

    def results_of(self, node: Node) -> list[Node]:
        """What of the graph drawn here becomes each of the results of the node that holds it."""
        dag, carried = self._subject.dag, carried_count(node)
        if node.op not in LOOPS:
            return list(dag.outputs)
        return [*dag.outputs, *[one for one in dag.inputs if one in self._place.carried][:carried]]

    def has_adjoint(self, node: Node) -> bool:
        """Whether the adjoint of a node is shown."""
        return self._subject.adjoint(node) is not None

    def _add_operator(self, target: str, key: str, node: Node, looks: dict[str, Any]) -> None:
        """The two halves of a computation: its operator, and its result."""
        writing, subject = self._writing, self._subject
        sentence = subject.sentence(node, self._options.up_to)
        operator = Element(
            target,
            "operator",
            "square",
            (subject.sign(node),),
            f"operation of {subject.names.text[node]}",
            **{**looks, "heat": None},
            moment=subject.forward.get(node),
        )
        name = replace(subject.label(node), role="name")
        result = writing.element(
            key,
            node,
            kind="result",
            shape="circle",
            lines=(name, *writing.numbers(node)),
            title=sentence,
            **looks,
        )
        self._elements += [operator, self._noted(result, node)]
        flows_back = self._options.arrows != "forward" and any(
            subject.flows_back(node, at) for at in range(len(node.operands))
        )
        text = subject.names.text[node]
        through = Link(
            target,
            key,
            f"the result is {text}",
            back_title=f"{text} passes its adjoint on" if flows_back else "",
            faded=looks["faded"],
            strong=node in self._strong_nodes,
            moment=subject.forward.get(node),
            back_moment=subject.backward.get(node),
        )
        self._links.append(through)

    def _add_collapsed(self, key: str, node: Node) -> None:
        """A group as one box: its name, its numbers, an edge from each operand outside."""
        subject, writing = self._subject, self._writing
        group = self._chosen.closed[node]
        text = counted(len(group.nodes), "operation")
        # The numbers of a call that has several results would not say whose they are.
        numbers = writing.numbers(node) if len(group.exits) == 1 else ()
        lines = [
            Line("symbol", group.text, group.latex),
            Line.words("note", text),
            *numbers,
        ]
        if group.is_call and len(group.exits) == 1 and writing.has_name(node):
            lines.insert(0, replace(subject.label(node), role="name"))
        results = [subject.sentence(result, self._options.up_to) for result in group.exits]
        title = f"{results[0]}; {text} in one box"
        if group.is_call:
            title = f"{group.text}, {text} in one box: {'; '.join(results)}"
        looks = self._looks(node)
        looks["is_output"] = not set(subject.dag.outputs).isdisjoint(group.nodes)
        self._elements.append(writing.element(key, node, lines=tuple(lines), title=title, **looks))
        for at, entry in enumerate(self._chosen.entries(node)):
            source = self._source(entry.operand, "", looks)
            given = self._between(node, group, entry)
            more = self._link_looks(node, at, entry)
            link = Link(source, key, position=at, **given, **more)
            self._links.append(self._with_result(link, entry.operand))

    def _between(self, node: Node, group: Group, entry: Entry) -> dict[str, Any]:
        """The attributes of a link into a collapsed group."""
        subject, writing = self._subject, self._writing
        operand = entry.operand
        flows_back = any(subject.flows_back(*edge) for edge in entry.edges)
        whole = group.text if group.is_call else subject.names.text[node]
        words = f"{whole} depends on {subject.names.text[operand]}"
        if subject.has_arrays:
            norm = self._norm(entry)
            return writing.mapped(node, operand, words, None, norm, flows_back=flows_back)
        local, share = self._local(node, entry), self._contribution(entry)
        return writing.between(node, operand, words, local, share, flows_back=flows_back)

    def _amount(self, entry: Entry) -> Any:
        """How much flows back along an entry; None: nothing."""
        return self._norm(entry) if self._subject.has_arrays else self._contribution(entry)

    def _norm(self, entry: Entry) -> float | None:
        """The norm of what an entry adds to the adjoint of its operand; None: nothing flows."""
        if len(entry.edges) == 1:
            return self._subject.sent(*entry.edges[0])
        found = self._contribution(entry)
        return None if found is None else norm_of(found)

    def _local(self, node: Node, entry: Entry) -> Any:
        """The local derivative along an entry; into a collapsed box, the derivative through it,
        the other operands held fixed. None: there is none.
        """
        subject = self._subject
        if not self._chosen.is_one(node):
            return subject.local(*entry.edges[0])
        if len(self._chosen.closed[node].exits) > 1:
            return None
        if subject.sweep is None or not any(subject.has_derivative(*edge) for edge in entry.edges):
            return None
        others = [other.operand for other in self._chosen.entries(node)]
        held = [other for other in others if other is not entry.operand]
        found = subject.sweep.reverse(node, wrt=[entry.operand], holding=held)
        return found.get(entry.operand, 0.0)

    def _contribution(self, entry: Entry) -> Any:
        """What an entry adds to the adjoint of its operand; None where nothing flows."""
        found = [self._subject.contribution(*edge) for edge in entry.edges]
        shares = [share for share in found if share is not None]
        with np.errstate(all="ignore"):
            return sum(shares[1:], shares[0]) if shares else None

    def _link_looks(self, node: Node, at: int, entry: Entry) -> dict[str, Any]:
        strong = not self._strong_edges.isdisjoint(entry.edges)
        return {
            "strong": strong,
            "faded": bool(self._strong_nodes) and not strong,
            "heat": self._edge_heat.get((node, at)),
        }

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
        return {
            "faded": bool(self._strong_nodes)
            and self._strong_nodes.isdisjoint(self._chosen.members(node)),
            "heat": self._node_heat.get(node),
            "group": self._group(node),
        }

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


def _cost(nodes: Sequence[Node]) -> int:
    """The operations of nodes and of their local derivatives."""
    edges = Edges()
    factors = []
    for node in nodes:
        for at in range(len(node.operands)):
            edge = edges.into(node, at)
            if isinstance(edge, Partial):
                factors.append(edge.factor)
            elif edge is not None:
                factors.append(edge.pull(input_node("adjoint", node.type)))
    known = {*nodes, *(operand for node in nodes for operand in node.operands)}
    made = [node for node in walk.depth_first(factors, known) if node not in known]
    return count_operations([*nodes, *made]).total
