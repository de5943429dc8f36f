"""The functions on whole arrays that formulas can call, and how literal arrays are kept.

Every structural operation has its own name and parameters, so that what is printed reads back; the
others are made of them, under the names that NumPy has. Parameters are literal and come last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.node import Node, constant_node, make
from chainrule.graph.op import OPS, Op
from chainrule.graph.types import Type
from chainrule.ops.composite import norms, products, running, shaping, stable, statistics
from chainrule.ops.composite.joining import stack
from chainrule.ops.composite.patterns import flip
from chainrule.ops.composite.table import axes_of, in_dtype
from chainrule.ops.contract import contracted, matrix_labels, turned
from chainrule.ops.term import Term, apply

Operands = Sequence[Node]
Build = Callable[..., Node]
"""(operands, *parameters) → the node; raises GraphError where they do not fit."""


class ArrayFunction(NamedTuple):
    """A function on arrays.

    Attributes:
        name: What it is called.
        operands: The names of its operands; the last one may stand for several.
        params: The names of its parameters.
        required: How many of them must be given.
        build: What it makes.
        variadic: Whether the last operand stands for one or more.
        integers: From which operand on they are whole numbers: indices.
    """

    name: str
    operands: tuple[str, ...]
    params: tuple[str, ...]
    required: int
    build: Build
    variadic: bool = False
    integers: int = 1000

    def __repr__(self) -> str:
        return self.name


# --- literal arrays -------------------------------------------------------------------------------


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


# --- how functions are made -----------------------------------------------------------------------


def primitive(op: Op) -> Build:
    """The operation itself; operands are only converted where they do not fit as they are."""

    def build(operands: Operands, *params: Any) -> Node:
        normal = op.normal_params(params)
        try:
            return make(op, tuple(operands), normal)
        except GraphError:
            node: Node = apply(op, tuple(map(Term, operands)), params).node
            return node

    return build


def _of_terms(function: Callable[..., Any]) -> Build:
    def build(operands: Operands, *params: Any) -> Node:
        node: Node = function(*map(Term, operands), *params).node
        return node

    return build


def _reduction(name: str) -> Build:
    """A reduction along axes; along all where none is given."""
    op = OPS[name]

    def build(operands: Operands, axis: Any = None) -> Node:
        (x,) = operands
        _has_axes(x, name.removeprefix("reduce_"), axis)
        if x.type.is_bool and name in ("sum", "prod"):
            x = make(OPS["convert"], (x,), ("int64",))
        return make(op, (x,), (axes_of(axis, len(x.type.shape)),))

    return build


def _along_all(name: str, function: Callable[..., Any]) -> Build:
    """A function along axes that is made of others; of all elements where no axis is given."""

    def build(operands: Operands, *params: Any) -> Node:
        _has_axes(operands[0], name, params[-1] if params else None)
        node: Node = function(Term(operands[0]), *params).node
        return node

    return build


def _has_axes(x: Node, name: str, axis: Any) -> None:
    if x.type.shape or axis is not None:
        return
    if name in ("max", "min"):
        whole = {"max": "maximum", "min": "minimum"}[name]
        raise GraphError("E105", f"{whole}(a, b) takes 2 arguments, or an array, got a number")
    hint = "an array needs its shape, as in shapes={'x': 3}"
    raise GraphError("E203", f"{name} of a number; {hint}")


def _either(name: str, other: Callable[..., Any]) -> Build:
    """The operation where its parameters are given in full, else the function made of others."""
    exact, lenient = primitive(OPS[name]), _of_terms(other)

    def build(operands: Operands, *params: Any) -> Node:
        given = params[0] if params else None
        whole = isinstance(given, tuple) and all(type(at) is int and at >= 0 for at in given)
        return (exact if whole else lenient)(operands, *params)

    return build


def _running(name: str, other: Callable[..., Any]) -> Build:
    """Running sums: the operation along an axis; with none, over all elements in a row."""
    exact = primitive(OPS[name])

    def build(operands: Operands, *params: Any) -> Node:
        (x,) = operands
        _has_axes(x, name, None)
        if not params and len(x.type.shape) == 1:
            params = (0,)
        return exact(operands, *params) if params else _of_terms(other)(operands)

    return build


def _contract(operands: Operands, *labels: Any) -> Node:
    """Labels are letters, ``ij``, or lists of numbers; ``_`` is none."""
    parts = [tuple(part.strip("_")) if isinstance(part, str) else part for part in labels]
    if any(isinstance(part, int) for part in parts):
        raise GraphError("E212", "contract: labels are letters such as ij, or lists")
    if all(isinstance(part, str) for part in labels):
        number = {label: at for at, label in enumerate(dict.fromkeys([*parts[0], *parts[1]]))}
        if not number.keys() >= {*parts[2]}:
            raise GraphError("E212", "contract: the result has a label that no operand has")
        parts = [tuple([number[label] for label in part]) for part in parts]
    return primitive(OPS["contract"])(operands, *parts)


def matrix_product(operands: Operands, first: bool = False, second: bool = False) -> Node:
    """``a @ b`` as in NumPy; a matrix that is to be transposed first is, within the product."""
    a, b = map(Term, operands)
    first, second = first and a.ndim > 1, second and b.ndim > 1
    a = shaping.transpose(a) if first and a.ndim > 2 else a
    b = shaping.transpose(b) if second and b.ndim > 2 else b
    first, second = first and a.ndim == 2, second and b.ndim == 2
    if not (first or second) or not (a.ndim and b.ndim):
        plain: Node = products.matmul(a, b).node
        return plain
    # A matrix has no axes that broadcast.
    left, right, out = matrix_labels(a.ndim, b.ndim)
    dtype = np.result_type(a.dtype, b.dtype)
    a, b = in_dtype(a, dtype), in_dtype(b, dtype)
    left = turned(left) if first else left
    right = turned(right) if second else right
    node: Node = contracted(a, b, left, right, out).node
    return node


def _optional(name: str, function: Callable[..., Any], *params: str) -> ArrayFunction:
    return ArrayFunction(name, ("x",), params, 0, _along_all(name, function))


def _binary(name: str, function: Callable[..., Any]) -> ArrayFunction:
    return ArrayFunction(name, ("a", "b"), (), 0, _of_terms(function))


_INDEXED: Final = {"gather": 1, "scatter_add": 1, "scatter_set": 2}
_REDUCTIONS: Final = ("sum", "prod", "reduce_max", "reduce_min", "any", "all")


def _functions() -> dict[str, ArrayFunction]:
    found = {
        op.name: ArrayFunction(
            op.name,
            op.operands,
            tuple([param.name for param in op.params]),
            sum(param.default is None for param in op.params),
            primitive(op),
            op.variadic,
            _INDEXED.get(op.name, 1000),
        )
        for op in OPS.values()
        if not op.pointwise
    }
    for name in _REDUCTIONS:
        found[name] = ArrayFunction(name, ("x",), ("axes",), 0, _reduction(name))
    for name, function in (("cumsum", running.cumsum), ("cumprod", running.cumprod)):
        found[name] = ArrayFunction(name, ("x",), ("axis", "reverse"), 0, _running(name, function))
    for name in ("argmax", "argmin"):
        build = _place(name, getattr(statistics, name))
        found[name] = ArrayFunction(name, ("x",), ("axis",), 0, build)
    more = (
        _optional("mean", statistics.mean, "axis"),
        _optional("var", statistics.var, "axis"),
        _optional("std", statistics.std, "axis"),
        _optional("norm", norms.norm, "ord", "axis"),
        _optional("softmax", stable.softmax, "axis"),
        _optional("log_softmax", stable.log_softmax, "axis"),
        _optional("logsumexp", stable.logsumexp, "axis"),
        _optional("flip", flip, "axis"),
        _optional("ravel", shaping.ravel),
        _binary("dot", products.dot),
        _binary("inner", products.inner),
        _binary("outer", products.outer),
        ArrayFunction("matmul", ("a", "b"), (), 0, matrix_product),
        ArrayFunction("contract", ("a", "b"), ("left", "right", "out"), 3, _contract),
        ArrayFunction("reshape", ("x",), ("shape",), 1, _either("reshape", shaping.reshape)),
        ArrayFunction("transpose", ("x",), ("axes",), 0, _either("transpose", shaping.transpose)),
        ArrayFunction(
            "stack", ("x",), (), 0, lambda operands: stack(list(map(Term, operands))).node, True
        ),
    )
    return found | {function.name: function for function in more}


def _place(name: str, other: Callable[..., Any]) -> Build:
    exact = primitive(OPS[name])

    def build(operands: Operands, *params: Any) -> Node:
        _has_axes(operands[0], name, params[0] if params else None)
        given = params and type(params[0]) is int and params[0] >= 0
        return exact(operands, *params) if given else _of_terms(other)(operands, *params)

    return build


ARRAY_FUNCTIONS: Final = MappingProxyType(_functions())
"""The functions on whole arrays by name; names of variables, definitions and functions go first."""

FILLED: Final = MappingProxyType({"zeros": 0, "ones": 1, "full": None})
"""Arrays that one number fills: ``zeros([3])``, ``full([3, 2], 0.5)``."""

EXTREMES: Final = MappingProxyType(
    {"maximum": ARRAY_FUNCTIONS["reduce_max"], "minimum": ARRAY_FUNCTIONS["reduce_min"]}
)
"""``max`` and ``min`` of one array."""

LARGEST_SIZE: Final = 2**48
"""Elements of an array that a formula writes as one number."""


def filled(value: float, shape: tuple[int, ...]) -> Elements:
    """An array that one number fills; raises GraphError E203 for sizes that cannot be."""
    if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) > LARGEST_SIZE:
        raise GraphError("E203", f"{list(shape)} is no shape")
    return Elements(value, shape)
