"""Small graphs over placeholders: rules that are written once and made again for many nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.graph import walk
from chainrule.graph.node import Node, constant_node, make, uniform_value
from chainrule.graph.op import Op, Params
from chainrule.graph.types import Type

Build = Callable[[Op, tuple[Node, ...], Params], Node]
"""What makes a node, such as `chainrule.graph.node.make`."""


class Template:
    """A small graph over placeholders, ready to be made again over other nodes."""

    __slots__ = ("_constants", "_result", "_steps")

    def __init__(self, result: Node, placeholders: Sequence[Node]) -> None:
        position = {node: at for at, node in enumerate(placeholders)}
        order = [node for node in walk.depth_first([result]) if node not in position]
        self._constants = [node for node in order if not node.operands]
        computed = [node for node in order if node.operands]
        for node in [*self._constants, *computed]:
            position[node] = len(position)
        self._steps: list[tuple[Op, tuple[int, ...], Params]] = [
            (node.op, tuple([position[operand] for operand in node.operands]), node.params)
            for node in computed
        ]
        self._result = position[result]

    def over(
        self, arguments: Sequence[Node], build: Build = make, shape: tuple[int, ...] = ()
    ) -> Node:
        """The graph with ``arguments`` in place of the placeholders; ``build`` makes its nodes.

        With a shape, numbers among its constants fill arrays of it.
        """
        if not self._steps and self._result < len(arguments):
            return arguments[self._result]
        constants = self._constants
        if shape:
            constants = [_filling(node, shape) for node in constants]
        values = [*arguments, *constants]
        for op, positions, params in self._steps:
            values.append(build(op, tuple([values[at] for at in positions]), params))
        return values[self._result]


def _filling(node: Node, shape: tuple[int, ...]) -> Node:
    """An array of this shape that a number fills."""
    return constant_node(uniform_value(node), Type.of(node.type.dtype, shape))
