"""What a piece of a formula is worth before it is a node: numbers, literal arrays, rows."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.node import Node, constant_node
from chainrule.graph.types import Type
from chainrule.ops.term import Term

_LARGEST: Final = 2**48
"""Elements of an array that a formula writes as one number."""


class NamedNumber(float):
    """A constant such as ``pi``: a number until it meets a node, which then bears its name."""

    __slots__ = ("name",)

    def __new__(cls, value: float, name: str) -> NamedNumber:
        number = super().__new__(cls, value)
        number.name = name
        return number

    name: str


class Elements(NamedTuple):
    """An array in a formula that has met no node yet; ``value`` is one number where all are equal.

    Like a number it takes the dtype of what it meets.
    """

    value: Any
    shape: tuple[int, ...]

    @property
    def kind(self) -> type:
        """The Python type of the elements."""
        return {"b": bool, "i": int, "u": int}.get(np.asarray(self.value).dtype.kind, float)

    def constant(self, dtype: Any) -> Node:
        """The node of these elements in a dtype."""
        return constant_node(self.value, Type.of(dtype, self.shape))

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two of them the same."""
        array = np.asarray(self.value)
        return (Elements, self.shape, array.dtype.str, array.tobytes())


class Row(NamedTuple):
    r"""A vector that stands as a row in LaTeX: ``x^\top``."""

    node: Node


Value = Node | int | float | bool | Elements | Row
"""What stands on the stack: a node, or a number or array of numbers that has met none yet."""


def filled(value: float, shape: tuple[int, ...]) -> Elements:
    """An array that one number fills; raises GraphError E203 for sizes that cannot be."""
    if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) > _LARGEST:
        raise GraphError("E203", f"{list(shape)} is no shape")
    return Elements(value, shape)


def kind_of(value: Value) -> type:
    """The Python type of a number, or of the elements of a literal array."""
    if isinstance(value, Elements):
        return value.kind
    return float if isinstance(value, float) else type(value)


def column(value: Value) -> Value:
    """The vector that a row is; any other value itself."""
    return value.node if isinstance(value, Row) else value


def axes_of(value: Value) -> int:
    """How many axes a value has."""
    if isinstance(value, Row):
        return 1
    if isinstance(value, Node):
        return len(value.type.shape)
    return len(value.shape) if isinstance(value, Elements) else 0


def operand_of(value: Value) -> Term | int | float | bool:
    """The value as `chainrule.ops.term.meet` takes it."""
    assert not isinstance(value, (Elements, Row))
    if isinstance(value, Node):
        return Term(value)
    return float(value) if isinstance(value, NamedNumber) else value


def identity(value: Value) -> Any:
    """What makes an argument the same: 1, 1.0 and true are three, −0.0 is not 0.0."""
    if isinstance(value, Elements):
        return value.identity
    if isinstance(value, Row):
        return (Row, value.node)
    return value if isinstance(value, Node) else (type(value), repr(value))
