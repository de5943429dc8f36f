"""The partial derivatives of one operation, as small graphs over placeholders.

An op's block gives each partial as a function of terms. Here it is run once on placeholder nodes,
which turns it into structure that others read: the numeric sweep makes a NumPy function of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from chainrule.graph import walk
from chainrule.graph.node import (
    CONSTANT,
    Node,
    constant_node,
    constant_value,
    input_node,
    uniform_value,
)
from chainrule.graph.op import OPS, Linear, Op, Params
from chainrule.graph.types import Type
from chainrule.ops.term import Term

_WHERE: Final = OPS["where"]


class Partial(NamedTuple):
    """One partial derivative ∂out/∂operand over the placeholders of its operation.

    Attributes:
        factor: The derivative where the guard holds.
        guard: A condition; where it fails the derivative is structurally zero, so that nothing is
            contributed even if the incoming adjoint or a later factor is infinite. None: always.
        constant: The value of the factor where that is one number known in advance, else None.
    """

    factor: Node
    guard: Node | None
    constant: float | None


class Mapped(NamedTuple):
    """One way of a linear map, over the placeholders of its operation.

    Attributes:
        given: Placeholder for what goes in: a tangent of the operand, or an adjoint of the result.
        result: What comes out.
    """

    given: Node
    result: Node


@dataclass(frozen=True)
class Transfer:
    """The derivative by one operand as a linear map; each way is made when first asked for.

    Attributes:
        linear: The functions of the op's block.
        operand: The type of the operand.
        out: Placeholder for the result of the operation.
        operands: Placeholders for its operands.
        params: The parameters.
        moves: Whether what is zero in a derivative stays so; see `Op`.
    """

    linear: Linear
    operand: Type
    out: Node
    operands: tuple[Node, ...]
    params: Params
    moves: bool

    @functools.cached_property
    def push(self) -> Mapped:
        """From a tangent of the operand to a tangent of the result."""
        return self._mapped(self.linear.push, "tangent", self.operand, self.out.type)

    @functools.cached_property
    def pull(self) -> Mapped:
        """From an adjoint of the result to an adjoint of the operand."""
        return self._mapped(self.linear.pull, "adjoint", self.out.type, self.operand)

    def _mapped(self, function: Callable[..., Any], name: str, given: Type, wanted: Type) -> Mapped:
        start = input_node(name, given)
        result = function(Term(start), Term(self.out), *map(Term, self.operands), *self.params)
        assert result.node.type is wanted, (self.out, result.node, wanted)
        return Mapped(start, result.node)


@dataclass(frozen=True, slots=True)
class Partials:
    """The partials of one operation: None where an operand has no derivative or it is zero.

    Attributes:
        out: Placeholder for the result of the operation.
        operands: Placeholders for its operands.
    """

    out: Node
    operands: tuple[Node, ...]
    partials: tuple[Partial | Transfer | None, ...]


@functools.lru_cache(maxsize=4096)
def partials_of(op: Op, types: tuple[Type, ...], out_type: Type, params: Params) -> Partials:
    """The partials of ``op`` for operands of these types."""
    out = input_node("out", out_type)
    operands = tuple([input_node(f"x{at}", type) for at, type in enumerate(types)])
    found: list[Partial | Transfer | None] = []
    for rule, operand in zip(_rules(op, len(operands)), operands, strict=True):
        if rule is None or not operand.type.is_float or not out_type.is_float:
            found.append(None)
            continue
        if isinstance(rule, Linear):
            found.append(Transfer(rule, operand.type, out, operands, params, op.moves))
            continue
        result = rule(Term(out), *map(Term, operands), *params)
        if not isinstance(result, Term):
            result = Term(constant_node(float(result), operand.type))
        found.append(_read(_of_type(result.node, operand.type)))
    return Partials(out, operands, tuple(found))


def rule_key(node: Node) -> tuple[Any, ...]:
    """What the rules of a node depend on: nodes with equal keys have the same ones."""
    operands = node.operands
    # The types of the first operand and of the result say all types of a pointwise operation.
    key = (node.op, node.params, operands[0].type, node.type)
    return key if node.op.pointwise else (*key, *[operand.type for operand in operands])


def _rules(op: Op, count: int) -> list[Callable[..., Any] | Linear | None]:
    """The rule of each operand; one for several operands is told which one it is."""
    rules = list(op.partials)
    if op.variadic:
        last = rules.pop()
        for at in range(len(rules), count):
            if isinstance(last, Linear):
                rules.append(Linear(*(functools.partial(way, at) for way in last)))
            else:
                rules.append(None if last is None else functools.partial(last, at))
    return rules


def _read(node: Node) -> Partial | None:
    """Split ``where(c, p, 0)`` and ``where(c, 0, p)`` into guard and factor; drop a plain 0."""
    guard = None
    if node.op is _WHERE:
        condition, taken, other = node.operands
        if _is_zero(other):
            guard, node = condition, taken
        elif _is_zero(taken):
            guard, node = Term(condition).__invert__().node, other
    value = uniform_value(node)
    constant = None if value is None else float(value)
    if constant == 0 and guard is None:
        return None
    return Partial(node, guard, constant)


def _of_type(node: Node, type: Type) -> Node:
    """The partial in the type of its operand: the literals of a rule are weak, as everywhere."""
    if node.type is type:
        return node
    order = walk.depth_first([node])
    literals = {
        leaf: constant_node(constant_value(leaf), type)
        for leaf in order
        if leaf.op is CONSTANT and leaf.type.is_float
    }
    return walk.rebuild(order, literals)[node]


def _is_zero(node: Node) -> bool:
    return node.op is CONSTANT and bool((constant_value(node) == 0).all())
