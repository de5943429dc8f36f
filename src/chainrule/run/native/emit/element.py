"""One element of a node, as instructions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Final, NamedTuple

from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.op import Op, Params
from chainrule.run.native.emit import special
from chainrule.run.native.emit.lanes import Code, Module, Value, kind_of
from chainrule.run.native.emit.mathematics import FUNCTIONS

_CALL: Final = 20
"""Instructions that a call of a function counts for."""


class Pattern(NamedTuple):
    """The instructions of an operation, written once and filled in for each node.

    Attributes:
        covers: Whether there is code for these operands, and all functions that it calls are there.
        text: The instructions; ``{0}``, ``{1}``, … stand for operands, ``{n}`` for a number that
            tells the names of one node from those of others.
        result: The result, likewise.
        kind: Of the result.
        cost: About how many instructions it takes.
        calls_ours: Whether it calls functions, and all of them are ours: those take hardly longer
            for all lanes of a vector than for one number.
    """

    covers: bool
    text: str = ""
    result: str = ""
    kind: str = ""
    cost: int = 0
    calls_ours: bool = False


def is_native(node: Node) -> bool:
    """Whether each element of the node can be computed from the same element of its operands."""
    if node.op is CONSTANT:
        return uniform_value(node) is not None
    return node.op.native is not None and _pattern_of(node).covers


def cost(node: Node) -> int:
    """About how many instructions one element of a computation takes."""
    return _pattern_of(node).cost


def pays_in_lanes(node: Node) -> bool:
    """Whether several such nodes had better be computed at once, in the lanes of a vector."""
    return _pattern_of(node).calls_ours and all(x.type.is_float for x in node.operands)


def _pattern_of(node: Node) -> Pattern:
    return pattern(node.op, tuple([kind_of(x.type) for x in node.operands]), node.params, 1)


@functools.lru_cache(maxsize=8192)
def pattern(op: Op, kinds: tuple[str, ...], params: Params, width: int) -> Pattern:
    """The instructions of an operation on operands of these kinds."""
    assert op.native is not None
    module = Module(FUNCTIONS)
    code = Code(module, width, "%n{n}.")
    operands = [Value(f"{{{at}}}", kind) for at, kind in enumerate(kinds)]
    result = op.native(code, *operands, *params)
    if result is None:
        return Pattern(False)
    there = all(special.address(name) is not None for name in module.externals)
    calls = sum("call " in line and "@llvm." not in line for line in code.lines)
    spent = len(code.lines) + _CALL * calls
    ours = bool(module.defined) and not module.externals
    return Pattern(there, "\n".join(code.lines), result.text, result.kind, spent, ours)


def element(code: Code, node: Node, operands: Sequence[Value]) -> Value:
    """The value of one element of a node, given that of its operands.

    Args:
        code: Where the instructions go.
        node: A constant full of one number, or a computation that has a native rule.
        operands: The same element of each operand.
    """
    op, params = node.op, node.params
    if op is CONSTANT:
        return code.constant(uniform_value(node), kind_of(node.type))
    kinds = tuple([operand.kind for operand in operands])
    found = pattern(op, kinds, params, code.width)
    if code.module.is_new(found):
        # What the instructions call is to be known to this module, too.
        assert op.native is not None
        op.native(Code(code.module, code.width), *operands, *params)
    texts = [operand.text for operand in operands]
    number = code.number()
    if found.text:
        code.lines.append(found.text.format(*texts, n=number))
    return Value(found.result.format(*texts, n=number), found.kind)


def elements(code: Code, nodes: Iterable[Node], values: MutableMapping[Node, Value]) -> None:
    """Adds the values of nodes, operands before users, to the values that are known."""
    for node in nodes:
        if node not in values:
            values[node] = element(code, node, [values[operand] for operand in node.operands])
