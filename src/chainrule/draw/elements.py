"""Nodes and edges of a graph as elements and links, with what the options ask to be written."""

from __future__ import annotations

from typing import Any, Final

from chainrule.draw.diagram import Element, Line, Link
from chainrule.draw.options import Options
from chainrule.draw.scene import Kind, Moment, Shape
from chainrule.draw.subject import Subject, number_line
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node
from chainrule.graph.op import OPS

_KINDS: Final = {INPUT: "input", PARAMETER: "parameter", CONSTANT: "constant"}
_ANY_ORDER: Final = frozenset(
    OPS[name]
    for name in (
        "add",
        "multiply",
        "maximum",
        "minimum",
        "hypot",
        "logaddexp",
        "equal",
        "not_equal",
        "logical_and",
        "logical_or",
        "logical_xor",
    )
)
"""Operations that do not mind the order of their operands."""


def kind_of(node: Node) -> Kind:
    """What kind of box a node is."""
    kind: Kind = _KINDS.get(node.op, "computation")  # type: ignore[assignment]
    return kind


def shape_of(node: Node) -> Shape:
    """Leaves are circles, computations are squares."""
    return "circle" if node.is_leaf else "square"


class Writing:
    """What is written on nodes and edges."""

    def __init__(self, subject: Subject, options: Options) -> None:
        self.subject = subject
        self.options = options

    def node(self, node: Node) -> tuple[Line, ...]:
        """The lines of a node: name, symbol, numbers, type."""
        return (*self.head(node), *self.numbers(node))

    def head(self, node: Node) -> tuple[Line, ...]:
        """What a node is called and what it does."""
        subject, shown = self.subject, self.options.nodes
        lines = []
        if "name" in shown and not node.is_leaf and subject.is_named(node):
            lines.append(Line("name", subject.names.text[node], subject.names.latex[node]))
        if "symbol" in shown or not (lines or self.numbers(node)):
            lines.append(subject.sign(node))
        return tuple(lines)

    def numbers(self, node: Node) -> tuple[Line, ...]:
        """The numbers of a node, as far as there are any, and its type."""
        subject, shown, digits = self.subject, self.options.nodes, self.options.digits
        lines = []
        named = node.op is not CONSTANT or node in subject.dag.names
        if "value" in shown and subject.value(node) is not None and named:
            moment = subject.forward.get(node)
            lines.append(number_line("value", subject.value(node), digits, moment))
        if "adjoint" in shown and subject.adjoint(node) is not None:
            moment = subject.backward.get(node)
            lines.append(number_line("adjoint", subject.adjoint(node), digits, moment))
        if "tangent" in shown and subject.tangent(node) is not None:
            lines.append(number_line("tangent", subject.tangent(node), digits))
        if "type" in shown:
            text = str(node.type)
            lines.append(Line("note", text, rf"\text{{{text}}}"))
        return tuple(lines)

    def edge(self, user: Node, position: int) -> tuple[Line, ...]:
        """What is written on an edge in the direction of values."""
        subject, options = self.subject, self.options
        if options.edges == "formula" or (options.edges == "local" and subject.sweep is None):
            if options.edges == "local":
                return ()
            cell = subject.local_formula(user, position)
            return () if cell is None else (Line("local", cell.text, cell.latex[1:-1]),)
        if options.edges == "local":
            value = subject.local(user, position)
            moment = subject.forward.get(user)
            return () if value is None else (number_line("local", value, options.digits, moment),)
        if options.edges == "contribution" and options.arrows == "forward":
            return self.back(user, position)
        return ()

    def back(self, user: Node, position: int) -> tuple[Line, ...]:
        """What is written on an arrow of adjoints."""
        value = self.subject.contribution(user, position)
        if value is None or self.options.edges not in ("contribution", "local"):
            return ()
        moment = self.back_moment(user, position)
        return (number_line("contribution", value, self.options.digits, moment),)

    def back_moment(self, user: Node, position: int) -> Moment | None:
        """When the adjoint of the operand is added up."""
        return self.subject.backward.get(user.operands[position])

    def element(self, key: str, node: Node, **more: Any) -> Element:
        """A node as one element; ``more`` overrides and adds attributes."""
        given: dict[str, Any] = {
            "kind": kind_of(node),
            "shape": shape_of(node),
            "lines": self.node(node),
            "title": self.subject.sentence(node),
            "is_output": node in self.subject.dag.outputs,
            "moment": self.subject.forward.get(node),
        }
        return Element(key, **{**given, **more})

    def link(self, source: str, target: str, user: Node, position: int, **more: Any) -> Link:
        """An edge as one link."""
        subject = self.subject
        operand = user.operands[position]
        names = subject.names.text
        local = subject.local(user, position)
        share = subject.contribution(user, position)
        derivative = f"∂{names[user]}/∂{names[operand]}"
        title = f"{names[operand]} is operand {position + 1} of {names[user]}"
        if local is not None:
            title += f"; {derivative} = {number_line('local', local, 6).text}"
        back_title = ""
        if share is not None:
            amount = number_line("value", share, 6).text
            back_title = f"{names[operand]} receives {amount} from {names[user]}"
        elif subject.sweep is None and subject.has_derivative(user, position):
            back_title = f"{names[operand]} receives adjoint({names[user]}) · {derivative}"
        given: dict[str, Any] = {
            "title": title,
            "lines": self.edge(user, position),
            "position": position,
            "operands": 0 if user.op in _ANY_ORDER else len(user.operands),
            "back": self.back(user, position) if self.options.arrows != "forward" else (),
            "back_title": back_title if self.options.arrows != "forward" else "",
            "moment": subject.forward.get(user),
            "back_moment": self.back_moment(user, position),
        }
        return Link(source, target, **{**given, **more})
