"""Nodes and edges of a graph as elements and links, with what the options ask to be written."""

from __future__ import annotations

from typing import Any, Final

from chainrule.draw.diagram import Element, Line, Link
from chainrule.draw.moments import is_known
from chainrule.draw.number_lines import norm_line, number_line
from chainrule.draw.options import Options
from chainrule.draw.scene import Kind, Shape
from chainrule.draw.subject import Subject, rule_cell
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node, uniform_value
from chainrule.graph.op import OPS, Op
from chainrule.show.summaries import norm_text, sizes
from chainrule.show.table import Cell

_KINDS: Final[dict[Op, Kind]] = {INPUT: "input", PARAMETER: "parameter", CONSTANT: "constant"}
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
    return _KINDS.get(node.op, "computation")


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
        sign = subject.sign(node)
        if not node.is_leaf and self.has_name(node):
            lines.append(Line("name", subject.names.text[node], subject.names.latex[node]))
        if "symbol" in shown or not (lines or self.numbers(node)):
            # A function without a definition may be called as what it computes.
            lines = [line for line in lines if line.text != sign.text]
            lines.append(sign)
        return tuple(lines)

    def has_name(self, node: Node) -> bool:
        """Whether a computation shows its name; formulas on edges speak of all of them."""
        if self.options.edges == "formula":
            return True
        return "name" in self.options.nodes and self.subject.is_named(node)

    def numbers(self, node: Node) -> tuple[Line, ...]:
        """The numbers of a node, as far as there are any, and its type."""
        subject, shown, digits = self.subject, self.options.nodes, self.options.digits
        lines = []
        named = node.op is not CONSTANT or node in subject.dag.names
        is_number = not named and uniform_value(node) is not None
        if "shape" in shown and "type" not in shown and node.type.shape and not is_number:
            lines.append(shape_line(subject.shape(node)))
        forward = subject.forward.get(node)
        is_one = not node.type.parts
        if "value" in shown and subject.value(node) is not None and named and is_one:
            lines += subject.number_lines("value", node, digits, forward)
        if "adjoint" in shown and subject.adjoint(node) is not None:
            moment = subject.backward.get(node)
            lines += subject.number_lines("adjoint", node, digits, moment)
        if "tangent" in shown and subject.tangent(node) is not None:
            lines += subject.number_lines("tangent", node, digits, forward)
        if "type" in shown:
            lines.append(Line.words("note", str(node.type)))
        return tuple(lines)

    def element(self, key: str, node: Node, **more: Any) -> Element:
        """A node as one element; ``more`` overrides and adds attributes."""
        given: dict[str, Any] = {
            "kind": kind_of(node),
            "shape": shape_of(node),
            "lines": self.node(node),
            "title": self.subject.sentence(node, self.options.up_to),
            "is_output": node in self.subject.dag.outputs,
            "moment": self.subject.forward.get(node),
        }
        return Element(key, **{**given, **more})

    def link(self, source: str, target: str, user: Node, position: int, **more: Any) -> Link:
        """An edge as one link; ``more`` overrides and adds attributes."""
        subject, names = self.subject, self.subject.names.text
        operand = user.operands[position]
        words = f"{names[operand]} is operand {position + 1} of {names[user]}"
        flows_back = subject.flows_back(user, position)
        if subject.is_scalar(user, position):
            local, share = subject.local(user, position), subject.contribution(user, position)
            given = self.between(user, operand, words, local, share, flows_back=flows_back)
        else:
            rule = rule_cell(user) if subject.has_derivative(user, position) else None
            sent = subject.sent(user, position)
            given = self.mapped(user, operand, words, rule, sent, flows_back=flows_back)
        if self.options.edges == "formula":
            cell = subject.local_formula(user, position)
            given["lines"] = () if cell is None else (_written(cell),)
        given["position"] = position
        is_ordered = user.op not in _ANY_ORDER and user.op.joint is None
        given["operands"] = len(user.operands) if is_ordered else 0
        return Link(source, target, **{**given, **more})

    def between(
        self, user: Node, operand: Node, words: str, local: Any, share: Any, *, flows_back: bool
    ) -> dict[str, Any]:
        """The attributes of a link from an operand to its user.

        Args:
            user: Where values go.
            operand: Where they come from.
            words: What the link is.
            local: The local derivative; None: there is none.
            share: The contribution; None: there is none.
            flows_back: Whether an adjoint flows back.
        """
        subject, options = self.subject, self.options
        names, digits = subject.names.text, options.digits
        forward, backward = subject.forward.get(user), subject.backward.get(operand)
        derivative = f"∂{names[user]}/∂{names[operand]}"
        lines: tuple[Line, ...] = ()
        back: tuple[Line, ...] = ()
        if local is not None and options.edges == "local":
            lines = (number_line("local", local, digits, forward),)
        shares = options.edges == "contribution" or (options.edges, options.arrows) == (
            "local",
            "both",
        )
        if share is not None and shares:
            back = (number_line("contribution", share, digits, backward),)
        if local is not None and is_known(forward, options.up_to):
            words += f"; {derivative} = {number_line('local', local, 6).text}"
        back_words = ""
        if flows_back:
            back_words = f"{names[operand]} receives adjoint({names[user]}) · {derivative}"
            if share is not None and is_known(backward, options.up_to):
                amount = number_line("value", share, 6).text
                back_words = f"{names[operand]} receives {amount} from {names[user]}"
        return self._both_ways(user, operand, words, back_words, lines, back)

    def mapped(
        self,
        user: Node,
        operand: Node,
        words: str,
        rule: Cell | None,
        norm: float | None,
        *,
        flows_back: bool,
    ) -> dict[str, Any]:
        """The attributes of a link that is a map between arrays: what `between` gives for numbers.

        Args:
            user: Where values go.
            operand: Where they come from.
            words: What the link is.
            rule: The rule of the operation; None: there is none.
            norm: The norm of the contribution; None: there is none.
            flows_back: Whether an adjoint flows back.
        """
        subject, options = self.subject, self.options
        names, backward = subject.names.text, subject.backward.get(operand)
        lines: tuple[Line, ...] = ()
        back: tuple[Line, ...] = ()
        if rule is not None and options.edges == "local":
            lines = (_written(rule),)
        if norm is not None and options.edges in ("local", "contribution"):
            back = (norm_line(norm, options.digits, backward),)
        if rule is not None:
            words += f"; {rule.text}"
        back_words = ""
        is_known_now = norm is not None and is_known(backward, options.up_to)
        if norm is not None and is_known_now:
            words += f": {names[operand]} receives {norm_text(norm)}"
        if flows_back:
            back_words = f"{names[operand]} receives its part of adjoint({names[user]})"
            if norm is not None and is_known_now:
                back_words = f"{names[operand]} receives {norm_text(norm)} from {names[user]}"
        return self._both_ways(user, operand, words, back_words, lines, back)

    def _both_ways(
        self,
        user: Node,
        operand: Node,
        words: str,
        back_words: str,
        lines: tuple[Line, ...],
        back: tuple[Line, ...],
    ) -> dict[str, Any]:
        """The attributes of a link; where no arrow goes back, the one of values bears all lines."""
        is_alone = self.options.arrows == "forward"
        return {
            "title": words,
            "lines": (*lines, *back) if is_alone else lines,
            "back": () if is_alone else back,
            "back_title": "" if is_alone else back_words,
            "moment": self.subject.forward.get(user),
            "back_moment": self.subject.backward.get(operand),
        }


def _written(cell: Cell) -> Line:
    """A local derivative as a formula, or the name of a rule."""
    return Line("local", cell.text, cell.latex[1:-1])


def shape_line(shape: tuple[int, ...]) -> Line:
    r"""The sizes of the axes of an array.

    >>> print(shape_line((3, 2)).latex, "or", shape_line((3,)).text)
    3 \times 2 or length 3
    """
    text = sizes(shape)
    if len(shape) == 1:
        return Line.words("note", f"length {text}")
    return Line("note", text, text.replace("×", r" \times "))
