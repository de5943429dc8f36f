"""Derivatives that flow along the edges of a graph: products and sums that know 0, 1 and guards.

What is structurally zero is absent; a factor of one leaves no multiplication; a guard stays outside
of products, ``where(c, g·d, 0)``, so that a branch that is not taken contributes exactly nothing
even where d is infinite. `chainrule.run.interpret.Flow` treats numbers the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from chainrule.diff.edges import Channel, Edge
from chainrule.diff.rules import Partial
from chainrule.graph.node import (
    CONSTANT,
    Node,
    constant_node,
    constant_value,
    make,
    uniform_value,
)
from chainrule.graph.op import OPS
from chainrule.graph.types import Type

_ADD: Final = OPS["add"]
_MULTIPLY: Final = OPS["multiply"]
_NEGATE: Final = OPS["negate"]
_WHERE: Final = OPS["where"]
_AND: Final = OPS["logical_and"]
_OR: Final = OPS["logical_or"]
_NOT: Final = OPS["logical_not"]
_CONVERT: Final = OPS["convert"]
_NOT_EQUAL: Final = OPS["not_equal"]


class Guard(NamedTuple):
    """The condition outside of which a derivative is structurally zero.

    ``applied`` says that its node is 0 there by itself, as a sum of masked nodes is.
    """

    condition: Node
    applied: bool


class Flow(dict[Node, Node]):
    """Node → its adjoint, or node → its tangent; a node that is absent has structurally none.

    Attributes:
        backward: Whether these are adjoints.
        guards: For some nodes where their derivative is not structurally zero; else everywhere.
    """

    def __init__(
        self, starts: Mapping[Node, Node] | None = None, *, backward: bool = False
    ) -> None:
        super().__init__(starts or {})
        self.backward = backward
        self.guards: dict[Node, Guard] = {}

    def of(self, node: Node) -> Node:
        """The derivative of ``node`` as one node, guard and all; 0 where there is none."""
        found = self.get(node)
        return zero(node.type) if found is None else _whole(found, self.guards.get(node))

    def carry(self, start: Node, partial: Edge, end: Node) -> None:
        """Along an edge: multiply what ``start`` has by the local derivative, add it to ``end``."""
        if isinstance(partial, Channel):
            self._send(start, partial, end)
            return
        before = self[start]
        share = times(before, partial, end.type)
        guard = self.guards.get(start) if self.guards else None
        if partial.guard is not None:
            own = partial.guard
            guard = Guard(own if guard is None else _both(guard.condition, own), False)
        elif guard is not None and share is not before:
            guard = Guard(guard.condition, False)
        self.add(end, share, guard)

    def _send(self, start: Node, channel: Channel, end: Node) -> None:
        """Along an edge that is a linear map; a guard goes through where the map only moves."""
        through = channel.pull if self.backward else channel.push
        guard = self.guards.get(start)
        if guard is None or not channel.moves:
            self.add(end, through(self.of(start)))
            return
        type = self[start].type
        here = make(_WHERE, (guard.condition, one(type), zero(type)))
        there = through(here)
        condition = make(_NOT_EQUAL, (there, zero(there.type)))
        self.add(end, through(self.of(start)), Guard(condition, True))

    def add(self, node: Node, share: Node, guard: Guard | None = None) -> None:
        """Accumulate what one edge contributes to ``node``."""
        total = self.get(node)
        if total is None:
            self[node] = share
            if guard is not None:
                self.guards[node] = guard
            return
        before = self.guards.pop(node, None)
        self[node] = make(_ADD, (_whole(total, before), _whole(share, guard)))
        if before is not None and guard is not None:
            condition = _either(before.condition, guard.condition)
            if condition is not None:
                self.guards[node] = Guard(condition, True)


def times(derivative: Node, partial: Partial, end: Type) -> Node:
    """A derivative · a local derivative, in the type of the end of the edge."""
    factor = partial.factor
    if derivative.type is not factor.type:  # a change of dtype, whose factor is 1
        derivative = _converted(derivative, factor.type)
    constant = _literal(factor) if partial.constant is None else partial.constant
    if constant == 1:
        node = derivative
    elif is_constant(derivative, 1):
        node = factor
    elif constant == -1:
        node = _negative(derivative)
    elif is_constant(derivative, -1):
        node = _negative(factor)
    else:
        node = make(_MULTIPLY, (derivative, factor))
    return node if node.type is end else _converted(node, end)


def one(type: Type) -> Node:
    """The derivative of a node with respect to itself."""
    return constant_node(1, type)


def zero(type: Type) -> Node:
    """The derivative where there is no path."""
    return constant_node(0, type)


def is_constant(node: Node, value: int) -> bool:
    """Whether a node is this literal number."""
    return _literal(node) == value


def _literal(node: Node) -> float | None:
    value = uniform_value(node)
    return None if value is None else float(value)


def _negative(node: Node) -> Node:
    return one(node.type) if is_constant(node, -1) else make(_NEGATE, (node,))


def _whole(node: Node, guard: Guard | None) -> Node:
    """``where(guard, node, 0)``, where that says more than the node."""
    if guard is None or guard.applied:
        return node
    return make(_WHERE, (guard.condition, node, zero(node.type)))


def _converted(node: Node, type: Type) -> Node:
    if node.op is CONSTANT:
        with np.errstate(all="ignore"):
            return constant_node(constant_value(node).astype(type.dtype), type)
    return make(_CONVERT, (node,), (type.dtype.name,))


def _both(a: Node, b: Node) -> Node:
    return a if a is b else make(_AND, (a, b))


def _either(a: Node, b: Node) -> Node | None:
    """Where one of two guards holds; None: everywhere, as behind the two branches of a where."""
    if a is b:
        return a
    opposite = (a.op is _NOT and a.operands[0] is b) or (b.op is _NOT and b.operands[0] is a)
    return None if opposite else make(_OR, (a, b))
