"""The graph itself as a diagram: nodes as values, or operators apart from their results."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from chainrule.diff.cost import count
from chainrule.diff.edges import Edges
from chainrule.diff.saved import saved_values
from chainrule.draw.diagram import Diagram, Element, Frame, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.groups import members
from chainrule.draw.heat import heat
from chainrule.draw.options import NODE_HEAT, Options
from chainrule.draw.subject import Subject, number_line
from chainrule.errors import DrawingError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node
from chainrule.run.paths import Paths

Edge = tuple[Node, int]
"""A user and the position of its operand."""

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

    def __init__(self, subject: Subject, options: Options, cone: Node | None) -> None:
        self._subject = subject
        self._options = options
        self._writing = Writing(subject, options)
        dag = subject.dag
        self._drawn = {n for n in dag.order if n.op is not CONSTANT or n in dag.names}
        self._frames = self._choose_frames()
        self._hidden = self._choose_hidden()
        self._keys = {node: f"n{at}" for at, node in enumerate(dag.order)}
        self._strong_edges, self._strong_nodes = self._choose_strong(cone)
        self._node_heat, self._edge_heat = self._choose_heat()
        self._elements: list[Element] = []
        self._links: list[Link] = []

    # --- what is drawn --------------------------------------------------------------------------

    def _choose_frames(self) -> dict[Node, list[Node]]:
        """Named computation → what stands in its frame or, collapsed, in its box."""
        groups, most = self._options.groups, self._options.most
        if groups == "none" or (groups == "auto" and len(self._drawn) <= most):
            return {}
        found = members(self._subject.dag)
        outputs = set(self._subject.dag.outputs)
        if groups == "open":
            return found
        return {owner: nodes for owner, nodes in found.items() if owner not in outputs}

    @property
    def _collapsed(self) -> bool:
        return self._options.groups in ("collapsed", "auto")

    def _choose_hidden(self) -> set[Node]:
        """What is left out: the inner nodes of collapsed frames, and what is far from the output
        in a drawing that would have too many boxes.
        """
        hidden: set[Node] = set()
        if self._collapsed:
            for owner, nodes in self._frames.items():
                hidden.update(node for node in nodes if node is not owner)
        left = [node for node in self._drawn if node not in hidden]
        if len(left) <= self._options.most:
            return hidden
        near: dict[Node, None] = dict.fromkeys(self._subject.dag.outputs)
        queue = list(near)
        for node in queue:
            if len(near) >= self._options.most:
                break
            for operand in self._operands(node):
                if operand not in near and len(near) < self._options.most:
                    near[operand] = None
                    queue.append(operand)
        return hidden | {node for node in self._drawn if node not in near}

    def _operands(self, node: Node) -> list[Node]:
        """What a box has edges from: the operands, or what a collapsed frame needs from outside."""
        inside = set(self._frames.get(node, ())) if self._collapsed else {node}
        inside.add(node)
        found = dict.fromkeys(
            operand
            for member in self._frames.get(node, [node])
            for operand in member.operands
            if operand in self._drawn and operand not in inside
        )
        return list(found)

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

    def _choose_heat(self) -> tuple[dict[Node, float], dict[Edge, float]]:
        subject, kind = self._subject, self._options.heat
        if not kind:
            return {}, {}
        nodes = [n for n in subject.dag.order if n in self._drawn and n not in self._hidden]
        if kind in NODE_HEAT:
            return heat({node: self._magnitude(node, kind) for node in nodes}), {}
        amounts: dict[Edge, Any] = {}
        for user in nodes:
            for at in range(len(user.operands)):
                find = subject.local if kind == "local" else subject.contribution
                amount = find(user, at)
                if amount is not None:
                    amounts[user, at] = amount
        return {}, heat(amounts)

    def _magnitude(self, node: Node, kind: str) -> Any:
        subject = self._subject
        if kind == "value":
            return subject.value(node)
        if kind == "adjoint":
            return subject.adjoint(node) or 0.0
        if kind == "tangent":
            return subject.tangent(node) or 0.0
        if kind == "saved":
            return self._saved.get(node, 0)
        return self._cost(node)

    @property
    def _saved(self) -> dict[Node, int]:
        return {value.node: value.bytes for value in saved_values(self._subject.dag).values}

    def _cost(self, node: Node) -> int:
        """The operations of a node and of its local derivatives."""
        edges = Edges()
        partials = [edges.into(node, at) for at in range(len(node.operands))]
        factors = [partial.factor for partial in partials if partial is not None]
        known = {node, *node.operands}
        made = [n for n in walk.depth_first(factors, known) if n not in known]
        return count([node, *made]).total

    # --- putting it together --------------------------------------------------------------------

    def diagram(self) -> Diagram:
        """The whole diagram."""
        dag, subject = self._subject.dag, self._subject
        for node in dag.order:
            if node in self._drawn and node not in self._hidden:
                self._add(node)
        frames: tuple[Frame, ...] = ()
        if not self._collapsed:
            frames = tuple(
                Frame(f"g{self._keys[owner]}", replace(subject.label(owner), role="caption"))
                for owner in self._frames
            )
        self._add_rest()
        inputs = ", ".join(node.name for node in dag.inputs)
        outputs = ", ".join(dag.labels[node] for node in dag.outputs)
        return Diagram(
            f"Computation graph of {outputs}",
            f"A graph from {inputs or 'constants'} to {outputs} with {len(dag.computations)} "
            "computations.",
            tuple(self._elements),
            tuple(self._links),
            frames,
            (),
            (len(subject.forward), len(subject.backward)),
        )

    def _add(self, node: Node) -> None:
        """A node, and the links into it."""
        key = self._keys[node]
        inside = self._collapsed and node in self._frames
        if inside:
            self._add_collapsed(key, node)
            return
        target = key
        looks = self._looks(node)
        if self._options.style == "operators" and not node.is_leaf:
            target = f"{key}o"
            self._add_operator(target, key, node, looks)
        else:
            self._elements.append(self._writing.element(key, node, **looks))
        for at, operand in enumerate(node.operands):
            self._add_link(self._source(operand, f"{key}c{at}", looks), target, node, at)

    def _add_operator(self, target: str, key: str, node: Node, looks: dict[str, Any]) -> None:
        """The two halves of a computation: its operator, and its result."""
        writing, subject = self._writing, self._subject
        sentence = subject.sentence(node)
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
        through = Link(
            target,
            key,
            f"the result is {subject.names.text[node]}",
            faded=looks["faded"],
            strong=node in self._strong_nodes,
            moment=subject.forward.get(node),
        )
        self._links.append(through)

    def _add_collapsed(self, key: str, node: Node) -> None:
        """A frame as one box: its name, its numbers, an edge from each operand outside."""
        subject, writing = self._subject, self._writing
        nodes = self._frames[node]
        name = subject.label(node)
        text = f"{len(nodes)} operations"
        lines = (name, Line("note", text, rf"\text{{{text}}}"), *writing.numbers(node))
        looks = self._looks(node)
        title = f"{subject.sentence(node)}; {text} in one box"
        self._elements.append(writing.element(key, node, lines=lines, title=title, **looks))
        outside = self._operands(node)
        for at, operand in enumerate(outside):
            held = [other for other in outside if other is not operand]
            lines = self._through(node, operand, held)
            names = subject.names.text
            link = Link(
                self._source(operand, "", looks),
                key,
                f"{names[node]} depends on {names[operand]}",
                lines,
                at,
                faded=looks["faded"],
                moment=subject.forward.get(node),
            )
            self._links.append(link)

    def _through(self, node: Node, operand: Node, held: Collection[Node]) -> tuple[Line, ...]:
        """The derivative through a collapsed box, the other operands held fixed."""
        subject = self._subject
        if subject.sweep is None or self._options.edges != "local":
            return ()
        if not (operand in subject.varying and node in subject.varying):
            return ()
        found = subject.sweep.reverse(node, wrt=[operand], holding=held)
        value = found.get(operand, 0.0)
        moment = subject.forward.get(node)
        return (number_line("local", value, self._options.digits, moment),)

    def _add_link(self, source: str, target: str, user: Node, at: int) -> None:
        points = bool(self._strong_nodes)
        strong = (user, at) in self._strong_edges
        link = self._writing.link(
            source,
            target,
            user,
            at,
            strong=strong,
            faded=points and not strong,
            heat=self._edge_heat.get((user, at)),
        )
        self._links.append(link)

    def _source(self, operand: Node, own_key: str, looks: dict[str, Any]) -> str:
        """The key of the element where an edge starts; a constant gets an element of its own."""
        if operand in self._drawn:
            return _REST if operand in self._hidden else self._keys[operand]
        more = {"faded": looks["faded"], "group": looks["group"]}
        self._elements.append(self._writing.element(own_key, operand, **more))
        return own_key

    def _looks(self, node: Node) -> dict[str, Any]:
        frame = ""
        if not self._collapsed and not node.is_leaf:
            owner = next((o for o, nodes in self._frames.items() if node in nodes), None)
            frame = f"g{self._keys[owner]}" if owner is not None else ""
        return {
            "faded": bool(self._strong_nodes) and node not in self._strong_nodes,
            "heat": self._node_heat.get(node),
            "group": frame,
        }

    def _add_rest(self) -> None:
        """The element that stands for what is left out, where links come from it."""
        if not any(link.source == _REST for link in self._links):
            return
        once = {(link.source, link.target): link for link in self._links if link.source == _REST}
        self._links = [link for link in self._links if link.source != _REST] + [
            replace(link, lines=(), back=(), back_title="", operands=0) for link in once.values()
        ]
        inner = sum(len(nodes) - 1 for nodes in self._frames.values()) if self._collapsed else 0
        text = f"{len(self._hidden) - inner} more nodes"
        line = Line("note", f"… {text}", rf"\ldots\text{{ {text}}}")
        self._elements.insert(0, Element(_REST, "summary", "square", (line,), f"{text} not drawn"))
