"""One element of a node, as instructions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, MutableMapping, Sequence

from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.op import Op, Params
from chainrule.run.native import special
from chainrule.run.native.lanes import Code, Module, Value, kind_of


def is_native(node: Node) -> bool:
    """Whether each element of the node can be computed from the same element of its operands."""
    if node.op is CONSTANT:
        return uniform_value(node) is not None
    if node.op.native is None:
        return False
    return _has_code(node.op, node.params, tuple([kind_of(x.type) for x in node.operands]))


@functools.lru_cache(maxsize=4096)
def _has_code(op: Op, params: Params, kinds: tuple[str, ...]) -> bool:
    """Whether the rule of an operation covers these parameters and operands: it is tried."""
    assert op.native is not None
    module = Module()
    operands = [Value(f"%x{at}", kind) for at, kind in enumerate(kinds)]
    if op.native(Code(module), *operands, *params) is None:
        return False
    return all(special.address(name) is not None for name in module.externals)


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
