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
from chainrule.draw.moments import is_known
from chainrule.draw.options import NODE_HEAT, NUMERIC_HEAT, Heat, Options
from chainrule.draw.scene import Heated, Moment
from chainrule.draw.selection import Edge, Entry, Selection
from chainrule.draw.subject import Subject, short
from chainrule.draw.words import counted
from chainrule.errors import DrawingError
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node
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
"""What heat shows, as its legend says."""


def graph_diagram(subject: Subject, options: Options, cone: Node | None = None) -> Diagram:
    """The graph; ``cone`` is the node whose operands, and theirs, the drawing points at.

    Raises:
        DrawingError: E251 for a path that there is not.
    """
    return _GraphView(subject, options, cone).diagram()


class _GraphView:
    """The parts of one diagram as they are put together."""

    def __init__(self, subject: Subject, options: Options, cone: Node | None) -> None:
        self._subject = subject
        self._options = options
        self._writing = Writing(subject, options)
        self._chosen = Selection(subject.dag, options)
        self._keys = {node: f"n{at}" for at, node in enumerate(subject.dag.order)}
        self._strong_edges, self._strong_nodes = self._choose_strong(cone)
        self._node_heat: dict[Node, float] = {}
        self._edge_heat: dict[Edge, float] = {}
        self._coloured = self._choose_heat()
        self._elements: list[Element] = []
        self._links: list[Link] = []

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
        for node in dag.order:
            if not self._chosen.is_hidden(node):
                self._add(node)
        frames = tuple(
            Frame(group.key, Line("caption", group.text, group.latex), group.parent)
            for group in self._chosen.frames
        )
        self._add_rest()
        inputs = ", ".join(node.name for node in dag.inputs)
        outputs = ", ".join(dag.labels[node] for node in dag.outputs)
        return Diagram(
            f"Computation graph of {outputs}",
            f"A graph from {inputs or 'constants'} to {outputs} with "
            f"{counted(len(dag.computations), 'computation')}.",
            tuple(self._elements),
            tuple(self._links),
            frames,
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
        target = key
        looks = self._looks(node)
        if self._options.style == "operators" and not node.is_leaf:
            target = f"{key}o"
            self._add_operator(target, key, node, looks)
        else:
            self._elements.append(self._writing.element(key, node, **looks))
        for at, entry in enumerate(self._chosen.entries(node)):
            source = self._source(entry.operand, f"{key}c{at}", looks)
            more = self._link_looks(node, at, entry)
            self._links.append(self._writing.link(source, target, node, at, **more))

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
        self._elements += [operator, result]
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
            self._links.append(Link(source, key, position=at, **given, **more))

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
        box = self._chosen.box(operand)
        if box is not None:
            return _REST if box in self._chosen.far else self._keys[box]
        more = {"faded": looks["faded"], "group": looks["group"]}
        self._elements.append(self._writing.element(own_key, operand, **more))
        return own_key

    def _looks(self, node: Node) -> dict[str, Any]:
        return {
            "faded": bool(self._strong_nodes)
            and self._strong_nodes.isdisjoint(self._chosen.members(node)),
            "heat": self._node_heat.get(node),
            "group": self._chosen.frame(node),
        }

    def _add_rest(self) -> None:
        """The element that stands for what is left out."""
        count = len(self._chosen.far)
        if not count:
            return
        once = {(link.source, link.target): link for link in self._links if link.source == _REST}
        self._links = [link for link in self._links if link.source != _REST] + [
            replace(link, lines=(), back=(), operands=0) for link in once.values()
        ]
        text = counted(count, "more node")
        line = Line("note", f"… {text}", rf"\ldots\text{{ {text}}}")
        self._elements.insert(0, Element(_REST, "summary", "square", (line,), f"{text} not drawn"))


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
