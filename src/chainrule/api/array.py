"""Symbolic values with Python's operators, from which graphs are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.formula.names import canonical, names_of
from chainrule.formula.printer import formula
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node, parameter_node
from chainrule.graph.types import Type
from chainrule.graph.walk import exceeds
from chainrule.ops.term import Number, Term

LONGEST_SHOWN: Final = 1000
"""Graphs with more nodes than this show their size in place of their formula."""


class Array(Term):
    """A symbolic value: a node of a graph in the making.

    Made by `input`, `parameter` and `constant`, and by operators and functions on arrays. A scalar
    is an array of shape ``()``.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    >>> x * y + cr.exp(-(x**2))
    Array(x*y + exp(-x^2))
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes; ``()`` for a scalar."""
        return self.node.type.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.node.type.dtype

    def __repr__(self) -> str:
        if exceeds(self.node, LONGEST_SHOWN):
            return f"Array(of more than {LONGEST_SHOWN} nodes)"
        text = formula(Dag([self.node]))
        return f"Array({text if len(text) <= 200 else text[:199] + '…'})"

    def __bool__(self) -> NoReturn:
        raise GraphError(
            "E230",
            "a symbolic value is neither true nor false; write chainrule.where(condition, a, b) "
            "in place of if, and & | ~ in place of and, or, not",
        )

    def _not_a_number(self) -> NoReturn:
        raise GraphError(
            "E231",
            "a symbolic value is not a number yet; make a graph of it and give it values with at()",
        )

    __float__ = __int__ = __index__ = __complex__ = _not_a_number

    def __iter__(self) -> NoReturn:
        raise GraphError("E232", "a symbolic scalar cannot be iterated over")

    def __array__(self, *args: Any, **options: Any) -> NoReturn:
        self._not_a_number()

    def __copy__(self) -> Array:
        return self

    def __deepcopy__(self, memo: object) -> Array:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Array cannot be pickled; pickle the Graph made of it")


def input(name: str, shape: int | Sequence[int] = (), dtype: Any = "float64") -> Array:
    """One input: given data, not learned.

    Raises:
        GraphError: E213 for a bad name, E201 for a bad dtype or shape.
    """
    return Array(input_node(canonical(name), _type(dtype, shape)))


def inputs(names: str | Sequence[str], dtype: Any = "float64") -> tuple[Array, ...]:
    """Several scalar inputs, by names such as ``"x y"``.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    """
    return tuple(input(name, dtype=dtype) for name in names_of(names))


def _type(dtype: Any, shape: int | Sequence[int]) -> Type:
    """The type of a leaf; a whole number is the shape of a vector."""
    return Type.of(dtype, (shape,) if isinstance(shape, int) else shape)


def parameter(name: str, shape: int | Sequence[int] = (), dtype: Any = "float64") -> Array:
    """One parameter: a learnable number, what gradient descent updates.

    Raises:
        GraphError: E213 for a bad name, E201 for a bad dtype or shape.
    """
    return Array(parameter_node(canonical(name), _type(dtype, shape)))


def parameters(names: str | Sequence[str], dtype: Any = "float64") -> tuple[Array, ...]:
    """Several scalar parameters, by names such as ``"w b"``."""
    return tuple(parameter(name, dtype=dtype) for name in names_of(names))


def constant(value: Number, dtype: Any = None) -> Array:
    """A literal number or array; float64 for a Python number unless ``dtype`` says otherwise.

    >>> import chainrule as cr
    >>> cr.constant(2) ** cr.input("x")
    Array(2^x)
    """
    try:
        shape = np.shape(value)
    except ValueError:
        raise GraphError("E204", f"{shown(value)} is not an array") from None
    if dtype is None:
        strong = isinstance(value, (np.ndarray, np.generic, bool))
        dtype = np.asarray(value).dtype if strong else "float64"
    return Array(constant_node(value, Type.of(dtype, shape)))


def dag_of(
    outputs: Array | Sequence[Array],
    inputs: Array | Sequence[Array] | None,
    names: Mapping[str, Array] | None,
) -> Dag:
    """The Dag of symbolic outputs; raises GraphError E233 when one of them is not symbolic."""
    named: dict[Node, list[str]] = {}
    if names is not None and not isinstance(names, Mapping):
        raise GraphError("E233", f"names must map names to symbolic values, got {shown(names)}")
    for name, value in (names or {}).items():
        named.setdefault(_node(value), []).append(canonical(name))
    arguments = None if inputs is None else _nodes(inputs)
    return Dag(_nodes(outputs), arguments, named)


def _nodes(values: Any) -> list[Node]:
    return [_node(value) for value in (values if isinstance(values, (list, tuple)) else [values])]


def _node(value: Any) -> Node:
    if not isinstance(value, Array):
        raise GraphError(
            "E233", f"expected a symbolic value, got {shown(value)}; chainrule.constant() makes one"
        )
    return value.node
