"""Operators over nodes: what ``x + 2``, ``-x`` and ``sin(x)`` mean, written once.

`Term` is the thin symbolic value that differentiation rules are written with; what users hold
(`chainrule.api.array.Array`) is a Term that adds nothing to the mathematics.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from chainrule.errors import GraphError, listed, shown
from chainrule.graph.node import Node, constant_node, make, uniform_value
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import Type

T = TypeVar("T", bound="Term")
Number = int | float | bool | np.number[Any] | np.bool_ | np.ndarray[Any, Any]

_APART: Final[dict[Kind, np.dtype[Any] | None]] = {
    Kind.BOOL: np.dtype(bool),
    Kind.INTEGER: np.dtype(np.int64),
}
"""Operands that do not take part in promotion: conditions and indices."""
_LITERALS: Final = (float, int)
_NUMBERS: Final = (int, float, np.number, np.bool_, np.ndarray)


class Term:
    """A node with operators; numbers that meet it become constants of its dtype (NEP 50)."""

    __slots__ = ("node",)
    __array_ufunc__ = None  # NumPy values on the left leave the operation to us.
    __hash__ = None  # type: ignore[assignment]  # == compares elements, as in NumPy.

    node: Node

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes; ``()`` for a scalar."""
        return self.node.type.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.node.type.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.node.type.dtype

    def __add__(self: T, other: T | Number) -> T:
        return _binary("add", self, other)

    def __radd__(self: T, other: Number) -> T:
        return _binary("add", other, self)

    def __sub__(self: T, other: T | Number) -> T:
        return _binary("subtract", self, other)

    def __rsub__(self: T, other: Number) -> T:
        return _binary("subtract", other, self)

    def __mul__(self: T, other: T | Number) -> T:
        return _binary("multiply", self, other)

    def __rmul__(self: T, other: Number) -> T:
        return _binary("multiply", other, self)

    def __truediv__(self: T, other: T | Number) -> T:
        return _binary("divide", self, other)

    def __rtruediv__(self: T, other: Number) -> T:
        return _binary("divide", other, self)

    def __pow__(self: T, exponent: T | Number) -> T:
        if isinstance(exponent, (int, float, np.integer)) and not isinstance(exponent, bool):
            literal = exponent if isinstance(exponent, float) else int(exponent)
            op = OPS["power"]
            if self.node.type.is_float:
                return self.__class__(make(op, (self.node,), op.normal_params((literal,))))
            return apply(op, (self,), (literal,))
        return _binary("general_power", self, exponent)

    def __rpow__(self: T, base: Number) -> T:
        return _binary("general_power", base, self)

    def __neg__(self: T) -> T:
        return apply(OPS["negate"], (self,))

    def __pos__(self: T) -> T:
        return self

    def __abs__(self: T) -> T:
        return apply(OPS["abs"], (self,))

    def __lt__(self: T, other: T | Number) -> T:
        return _binary("less", self, other)

    def __le__(self: T, other: T | Number) -> T:
        return _binary("less_equal", self, other)

    def __gt__(self: T, other: T | Number) -> T:
        return _binary("greater", self, other)

    def __ge__(self: T, other: T | Number) -> T:
        return _binary("greater_equal", self, other)

    # object promises a bool from == and !=; these are symbolic conditions, as in NumPy.
    def __eq__(self: T, other: T | Number) -> T:  # type: ignore[override]
        return _binary("equal", self, other)

    def __ne__(self: T, other: T | Number) -> T:  # type: ignore[override]
        return _binary("not_equal", self, other)

    def __and__(self: T, other: T | Number) -> T:
        return _binary("logical_and", self, other)

    def __rand__(self: T, other: Number) -> T:
        return _binary("logical_and", other, self)

    def __or__(self: T, other: T | Number) -> T:
        return _binary("logical_or", self, other)

    def __ror__(self: T, other: Number) -> T:
        return _binary("logical_or", other, self)

    def __xor__(self: T, other: T | Number) -> T:
        return _binary("logical_xor", self, other)

    def __rxor__(self: T, other: Number) -> T:
        return _binary("logical_xor", other, self)

    def __invert__(self: T) -> T:
        return apply(OPS["logical_not"], (self,))


def full_like(x: T, value: float) -> T:
    """A constant of the type of ``x`` that this number fills."""
    return x.__class__(constant_node(value, x.node.type))


class Function:
    """An operation as a Python function of terms: ``sin(x)``, ``clip(x, 0, 1)``.

    The result is of the kind of the operands: terms give a term, users' arrays an array.
    """

    def __init__(self, op: Op) -> None:
        self.op = op
        self._unary = op.kinds in ((Kind.FLOAT,), (Kind.NUMBER,)) and not op.params
        self.__name__ = op.name
        self.__doc__ = _document(op)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        op = self.op
        if len(operands) == 1 and not params and self._unary:
            operand = operands[0]
            if isinstance(operand, Term) and operand.node.type.is_float:
                return operand.__class__(make(op, (operand.node,)))
        count = max(len(operands), len(op.operands)) if op.variadic else len(op.operands)
        given: list[Any] = list(operands[count:])
        if len(operands) < count or len(given) > len(op.params):
            raise GraphError("E211", f"{op.name} takes {op.arity}, got {len(operands)}")
        given += [params.pop(param.name, None) for param in op.params[len(given) :]]
        if params:
            raise GraphError("E212", f"{op.name} has no parameter {next(iter(params))!r}")
        return apply(op, operands[:count], tuple(given))

    def __repr__(self) -> str:
        return f"<operation {self.op.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Function, (self.op,))


def apply(op: Op, operands: tuple[Any, ...], given: tuple[Any, ...] = ()) -> Any:
    """``op`` on terms and numbers: numbers become constants, dtypes meet by NumPy's promotion.

    Raises:
        GraphError: E211 to E215 when the operands or parameters do not fit.
    """
    params = op.normal_params(given)
    wrap: type[Term] | None = None
    for operand in operands:
        if isinstance(operand, Term):
            if wrap is None or issubclass(type(operand), wrap):
                wrap = type(operand)
        elif not isinstance(operand, _NUMBERS):
            raise GraphError(
                "E214", f"{op.name} cannot take {shown(operand)} of type {type(operand).__name__}"
            )
    if wrap is None:
        raise GraphError(
            "E215",
            f"{op.name} was given only numbers; make one of them symbolic with constant()",
        )
    return wrap(make(op, meet(op, operands, params), params))


def meet(op: Op, operands: tuple[Any, ...], params: Params) -> tuple[Node, ...]:
    """The operands as nodes of the types ``op`` wants: constants made, conversions inserted.

    The operands of pointwise operations are broadcast to their common shape, as in NumPy.
    """
    kinds = op.kinds_of(len(operands))
    values = [operand.node if isinstance(operand, Term) else operand for operand in operands]
    pairs = list(zip(values, kinds, strict=True))
    meeting = [_promotable(value) for value, kind in pairs if kind not in _APART]
    dtype = common_dtype(op, tuple(meeting), params) if meeting else None
    shape = common_shape(op, values) if op.pointwise and len(values) > 1 else None
    return tuple([_as_node(value, _APART.get(kind, dtype), op, shape) for value, kind in pairs])


def common_shape(op: Op, values: Sequence[Any]) -> tuple[int, ...]:
    """The shape in which operands meet, by NumPy's broadcasting.

    Raises:
        GraphError: E203 when they do not fit.
    """
    shapes = [value.type.shape if isinstance(value, Node) else np.shape(value) for value in values]
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        sizes = listed([str(list(shape)) for shape in shapes])
        raise GraphError("E203", f"shapes do not match in {op.name}: {sizes}") from None


def spread(node: Node, shape: tuple[int, ...]) -> Node:
    """The node broadcast to a shape."""
    if node.type.shape == shape:
        return node
    number = uniform_value(node)
    if number is not None:
        return constant_node(number, Type.of(node.type.dtype, shape))
    return make(OPS["broadcast"], (node,), (shape, ()))


def _promotable(value: Any) -> Any:
    """What stands for the value in the promotion table: a dtype, or a type of Python scalar."""
    if isinstance(value, Node):
        return value.type.dtype
    if isinstance(value, (np.generic, np.ndarray)):
        return value.dtype
    return next(kind for kind in (bool, int, float) if isinstance(value, kind))


@functools.lru_cache(maxsize=4096)
def common_dtype(op: Op, meeting: tuple[Any, ...], params: Params) -> np.dtype[Any]:
    """The dtype in which operands meet: NumPy's promotion, then what the op can work with."""
    weak: dict[Any, Any] = {bool: np.dtype(bool), int: 0, float: 0.0}
    dtype = np.result_type(*[weak.get(item, item) for item in meeting])
    kind = op.kind_for(params)
    if kind is Kind.FLOAT and dtype.kind != "f":
        return np.dtype("float64")
    if kind is Kind.NUMBER and dtype.kind == "b":
        return np.dtype("int64")
    return dtype


def _as_node(
    value: Any, dtype: np.dtype[Any] | None, op: Op, shape: tuple[int, ...] | None = None
) -> Node:
    if isinstance(value, Node):
        type = value.type
        if dtype is not None and type.dtype != dtype:
            if dtype.kind == "b":
                problem = f"{op.name} needs a condition there, got {type}"
                raise GraphError("E202", f"{problem}; write x != 0 for a number")
            if type.is_float and dtype.kind == "i":
                problem = f"{op.name} needs a whole number there, got {type}"
                raise GraphError("E202", f"{problem}; write convert(x, 'int64')")
            value = make(OPS["convert"], (value,), (dtype.name,))
        return value if shape is None or type.shape == shape else spread(value, shape)
    own = np.shape(value)
    if dtype is not None and dtype.kind == "b" and np.asarray(value).dtype.kind != "b":
        raise GraphError("E202", f"{op.name} needs a condition there, got {shown(value)}")
    if own == () and shape:
        own = shape  # a number fills an array
    node = constant_node(value, Type.of(dtype, own))
    return node if shape is None else spread(node, shape)


def _binary(name: str, left: Any, right: Any) -> Any:
    op = OPS[name]
    first, second = left.__class__, right.__class__
    # The common cases, terms of one floating type and plain numbers, skip the promotion.
    if first is second:
        if issubclass(first, Term):
            a, b = left.node, right.node
            if a.type is b.type and a.type.is_float:
                return first(make(op, (a, b)))
    elif second in _LITERALS and issubclass(first, Term) and left.node.type.is_float:
        return first(make(op, (left.node, constant_node(right, left.node.type))))
    elif first in _LITERALS and right.node.type.is_float:
        return second(make(op, (constant_node(left, right.node.type), right.node)))
    if not isinstance(left, (Term, *_NUMBERS)) or not isinstance(right, (Term, *_NUMBERS)):
        return NotImplemented
    return apply(op, (left, right))


def _document(op: Op) -> str:
    """The docstring of the function, from the op's own block."""
    places = (*op.operands, *(param.name for param in op.params))
    lines = [f"{op.name}({', '.join(places)}): {op.about}."]
    if op.aliases:
        lines.append(f"In formulas also {', '.join(op.aliases)}.")
    for convention in op.conventions:
        point = ", ".join(f"{n} = {v:g}" for n, v in zip(places, convention.at, strict=True))
        value = "" if convention.value is None else f"value {convention.value:g}, "
        slopes = ", ".join(
            "any" if slope is None else f"{slope:g}" for slope in convention.partials
        )
        lines.append(f"At {point}: {value}derivative {slopes} ({convention.why}).")
    return "\n\n".join(lines)


Rule = Callable[..., Any]
"""A partial derivative: terms (out, operands, parameters) → a term or a plain number."""
