"""One element of a node, as instructions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Final

from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.op import Op, Params
from chainrule.run.native.lanes import Code, Module, Value, kind_of

_CALL: Final = 20
"""Instructions that a call of a function counts for."""


def is_native(node: Node) -> bool:
    """Whether each element of the node can be computed from the same element of its operands."""
    if node.op is CONSTANT:
        return uniform_value(node) is not None
    return node.op.native is not None


def element(code: Code, node: Node, operands: Sequence[Value]) -> Value:
    """The value of one element of a node, given that of its operands.

    Args:
        code: Where the instructions go.
        node: A constant full of one number, or a computation that has a native rule.
        operands: The same element of each operand.
    """
    if node.op is CONSTANT:
        return code.constant(uniform_value(node), kind_of(node.type))
    assert node.op.native is not None
    result: Value = node.op.native(code, *operands, *node.params)
    return result


def elements(code: Code, nodes: Iterable[Node], values: MutableMapping[Node, Value]) -> None:
    """Adds the values of nodes, operands before users, to the values that are known."""
    for node in nodes:
        if node not in values:
            values[node] = element(code, node, [values[operand] for operand in node.operands])


def cost(node: Node) -> int:
    """About how many instructions one element of a computation takes."""
    return _cost(node.op, tuple([kind_of(x.type) for x in node.operands]), node.params)


@functools.lru_cache(maxsize=1024)
def _cost(op: Op, kinds: tuple[str, ...], params: Params) -> int:
    code = Code(Module())
    assert op.native is not None
    op.native(code, *[Value(f"%{at}", kind) for at, kind in enumerate(kinds)], *params)
    calls = sum("call double @" in line and "@llvm." not in line for line in code.lines)
    return len(code.lines) + _CALL * calls
