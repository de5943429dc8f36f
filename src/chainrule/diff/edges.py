"""The local derivatives on the edges of a graph, as nodes over the graph's own nodes.

A rule is read once (`chainrule.diff.rules`) and then made again for each node it applies to: the
placeholders are replaced by the node itself and its operands.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from chainrule.diff.rules import Mapped, Partial, Transfer, partials_of, rule_key
from chainrule.graph.node import Node
from chainrule.graph.op import Op, Params
from chainrule.graph.template import Template
from chainrule.graph.types import Type


class Rule:
    """One partial of an operation, ready to be made for each node of that operation."""

    __slots__ = ("_constant", "_factor", "_fixed", "_guard")

    def __init__(self, partial: Partial, placeholders: Sequence[Node]) -> None:
        self._factor = Template(partial.factor, placeholders)
        self._guard = None if partial.guard is None else Template(partial.guard, placeholders)
        self._constant = partial.constant
        fixed = partial.guard is None and partial.constant is not None
        self._fixed = partial if fixed else None

    def over(self, arguments: Sequence[Node]) -> Partial:
        """The local derivative on an edge; ``arguments`` are its user and the user's operands."""
        if self._fixed is not None:
            return self._fixed
        guard = None if self._guard is None else self._guard.over(arguments)
        return Partial(self._factor.over(arguments), guard, self._constant)


class Map:
    """The linear map of an operation by one operand, ready to be made for each of its nodes."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self.moves = transfer.moves

    @functools.cached_property
    def push(self) -> Template:
        """The map over (tangent, user, operands)."""
        return self._template(self._transfer.push)

    @functools.cached_property
    def pull(self) -> Template:
        """The map over (adjoint, user, operands)."""
        return self._template(self._transfer.pull)

    def _template(self, way: Mapped) -> Template:
        transfer = self._transfer
        return Template(way.result, (way.given, transfer.out, *transfer.operands))

    def over(self, arguments: Sequence[Node]) -> Channel:
        """The map on an edge; ``arguments`` are its user and the user's operands."""
        return Channel(self, arguments)


class Channel:
    """The derivative along one edge of a graph where it is a linear map.

    Attributes:
        moves: Whether what is zero in a derivative stays so; see `chainrule.graph.op.Op`.
    """

    __slots__ = ("_arguments", "_map", "moves")

    def __init__(self, map: Map, arguments: Sequence[Node]) -> None:
        self._map = map
        self._arguments = arguments
        self.moves = map.moves

    def push(self, tangent: Node) -> Node:
        """What a tangent of the operand adds to that of the user."""
        return self._map.push.over((tangent, *self._arguments))

    def pull(self, adjoint: Node) -> Node:
        """What an adjoint of the user adds to that of the operand."""
        return self._map.pull.over((adjoint, *self._arguments))


Edge = Partial | Channel
"""What an edge says of derivatives: a factor for each element, or a linear map."""


@functools.lru_cache(maxsize=4096)
def _rules(
    op: Op, types: tuple[Type, ...], out_type: Type, params: Params
) -> tuple[Rule | Map | None, ...]:
    found = partials_of(op, types, out_type, params)
    placeholders = (found.out, *found.operands)
    return tuple(
        [
            None
            if partial is None
            else Map(partial)
            if isinstance(partial, Transfer)
            else Rule(partial, placeholders)
            for partial in found.partials
        ]
    )


class Edges:
    """The local derivatives of one graph, made when asked for.

    Args:
        kept: Whether to keep what was made, for passes that run over the same edges again.
    """

    def __init__(self, *, kept: bool = False) -> None:
        self._kept: dict[tuple[Node, int], Edge | None] | None = {} if kept else None
        self._rules_by: dict[tuple[Any, ...], tuple[Rule | Map | None, ...]] = {}

    def into(self, user: Node, position: int) -> Edge | None:
        """∂user/∂operand at this position; None where it is structurally zero."""
        kept = self._kept
        if kept is None:
            return self._made(user, position)
        edge = (user, position)
        if edge not in kept:
            kept[edge] = self._made(user, position)
        return kept[edge]

    def _made(self, user: Node, position: int) -> Edge | None:
        operands = user.operands
        key = rule_key(user)
        rules = self._rules_by.get(key)
        if rules is None:
            types = tuple([operand.type for operand in operands])
            rules = self._rules_by[key] = _rules(user.op, types, user.type, user.params)
        rule = rules[position]
        return None if rule is None else rule.over((user, *operands))
