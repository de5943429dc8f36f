"""Conditions that are settled in advance, the choices that hang on them, and literal exponents."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule.graph.node import Node, constant_node, make, uniform_value
from chainrule.graph.op import OPS
from chainrule.graph.types import Type

_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}
_LARGEST: Final = 2.0**53
"""Literal exponents are smaller than this."""
_OPPOSITE: Final = {"equal": OPS["not_equal"], "not_equal": OPS["equal"]}
"""Conditions whose opposite is another one, also for NaN."""


def settled(node: Node, is_number: Callable[[Node], bool]) -> Node | None:
    """What a condition, a choice or a power is, where that is known; else None.

    Args:
        node: The node, its operands simplified.
        is_number: Tells literal numbers from constants with a name of their own.
    """
    name, operands = node.op.name, node.operands
    if name in _COMPARISONS and all(map(is_number, operands)):
        return _condition(_COMPARISONS[name](*map(uniform_value, operands)), node.type)
    if name == "logical_not":
        return _opposite(operands[0])
    if name in ("logical_and", "logical_or"):
        return _joined(operands, deciding=name == "logical_or")
    if name == "where":
        return _chosen(operands)
    if name == "general_power" and is_number(operands[1]):
        return _literal_power(operands)
    return None


def _condition(holds: Any, type: Type) -> Node:
    return constant_node(bool(holds), type)


def _known(node: Node) -> bool | None:
    """Whether a condition holds, if that is known."""
    value = uniform_value(node) if node.type.is_bool else None
    return None if value is None else bool(value)


def _opposite(condition: Node) -> Node | None:
    known = _known(condition)
    if known is not None:
        return _condition(not known, condition.type)
    if condition.op.name == "logical_not":
        return condition.operands[0]
    opposite = _OPPOSITE.get(condition.op.name)
    return None if opposite is None else make(opposite, condition.operands)


def _joined(operands: Sequence[Node], *, deciding: bool) -> Node | None:
    """``a or b``, where true decides, or ``a and b``, where false does."""
    a, b = operands
    if a is b:
        return a
    for one, other in ((a, b), (b, a)):
        known = _known(one)
        if known is not None:
            return _condition(deciding, a.type) if known is deciding else other
    return None


def _chosen(operands: Sequence[Node]) -> Node | None:
    condition, a, b = operands
    known = _known(condition)
    if a is b or known is True:
        return a
    return b if known is False else None


def _literal_power(operands: Sequence[Node]) -> Node | None:
    base, exponent = operands
    value = float(uniform_value(exponent))
    if not abs(value) < _LARGEST:  # NaN neither
        return None
    op = OPS["power"]
    return make(op, (base,), op.normal_params((int(value) if value.is_integer() else value,)))
