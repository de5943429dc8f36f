"""The functions on whole arrays that formulas can call.

Every structural operation has its own name and parameters, so that what is printed reads back; the
others are made of them, under the names that NumPy has. Parameters are literal and come last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.node import Node, make
from chainrule.graph.op import OPS, Op
from chainrule.ops.composite import (
    decompositions,
    linalg,
    norms,
    products,
    running,
    shaping,
    stable,
    statistics,
)
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
        integers: From which operand on they are whole numbers, indices; None where none are.
    """

    name: str
    operands: tuple[str, ...]
    params: tuple[str, ...]
    required: int
    build: Build
    variadic: bool = False
    integers: int | None = None

    def __repr__(self) -> str:
        return self.name


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


def _of_arrays(name: str, build: Build) -> Build:
    """The same, but of a number it is an error that says how to give a shape."""

    def checked(operands: Operands, *params: Any) -> Node:
        _has_axes(operands[0], name, params[-1] if params else None)
        return build(operands, *params)

    return checked


def _has_axes(x: Node, name: str, axis: Any) -> None:
    if x.type.shape or axis is not None:
        return
    if name in ("max", "min"):
        whole = {"max": "maximum", "min": "minimum"}[name]
        raise GraphError("E105", f"{whole}(a, b) takes 2 arguments, or an array, got a number")
    hint = "an array needs its shape, as in shapes={'x': 3}"
    raise GraphError("E203", f"{name} of a number; {hint}")


def _either(name: str, kind: type, other: Callable[..., Any]) -> Build:
    """The operation where its parameter is given in full, else the function made of others."""
    exact, lenient = primitive(OPS[name]), _of_terms(other)

    def build(operands: Operands, *params: Any) -> Node:
        given = params[0] if params else None
        sizes = given if isinstance(given, tuple) else (given,)
        whole = type(given) is kind and all(type(at) is int and at >= 0 for at in sizes)
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
    return ArrayFunction(name, ("x",), params, 0, _of_arrays(name, _of_terms(function)))


def _binary(name: str, function: Callable[..., Any]) -> ArrayFunction:
    return ArrayFunction(name, ("a", "b"), (), 0, _of_terms(function))


def _solve(operands: Operands) -> Node:
    """The operation itself where it fits, so that it reads back; else as NumPy broadcasts."""
    try:
        return make(OPS["solve"], tuple(operands))
    except GraphError:
        return _of_terms(linalg.solve)(operands)


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
            _INDEXED.get(op.name),
        )
        for op in OPS.values()
        if not op.pointwise
    }
    for name in _REDUCTIONS:
        found[name] = ArrayFunction(name, ("x",), ("axes",), 0, _reduction(name))
    for name, function in (("cumsum", running.cumsum), ("cumprod", running.cumprod)):
        found[name] = ArrayFunction(name, ("x",), ("axis", "reverse"), 0, _running(name, function))
    reshape = _either("reshape", tuple, shaping.reshape)
    transpose = _either("transpose", tuple, shaping.transpose)
    for name in ("argmax", "argmin"):
        build = _of_arrays(name, _either(name, int, getattr(statistics, name)))
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
        ArrayFunction("solve", ("a", "b"), (), 0, _solve),
        _optional("inv", linalg.inv),
        _optional("eigvalsh", decompositions.eigvalsh),
        _optional("svdvals", decompositions.svdvals),
        ArrayFunction("matmul", ("a", "b"), (), 0, matrix_product),
        ArrayFunction("contract", ("a", "b"), ("left", "right", "out"), 3, _contract),
        ArrayFunction("reshape", ("x",), ("shape",), 1, reshape),
        ArrayFunction("transpose", ("x",), ("axes",), 0, transpose),
        ArrayFunction(
            "stack", ("x",), (), 0, lambda operands: stack(list(map(Term, operands))).node, True
        ),
    )
    return found | {function.name: function for function in more}


ARRAY_FUNCTIONS: Final = MappingProxyType(_functions())
"""The functions on whole arrays by name; names of variables, definitions and functions go first."""

ADVICE: Final = MappingProxyType(
    dict.fromkeys(("eye", "identity"), "write it as a list: [[1, 0], [0, 1]]")
    | dict.fromkeys(("arange", "linspace"), "write the numbers as a list: [0, 1, 2]")
    | dict.fromkeys(("array", "vector", "matrix"), "a list stands alone: [1, 2]")
    | dict.fromkeys(("trace", "tr"), "write sum(A*[[1, 0], [0, 1]])")
    | dict.fromkeys(("einsum", "tensordot"), "write contract(A, B, ij, jk, ik)")
    | dict.fromkeys(("hstack", "vstack"), "write concatenate(a, b, 0) or stack(a, b)")
    | dict.fromkeys(
        ("eig", "eigvals"), "for a symmetric matrix write eigvalsh(A), or item(eigh(A), 1)"
    )
    | {"diag": "write x*[[1, 0], [0, 1]]"}
)
"""What to write for functions that NumPy has and formulas have not."""

FILLED: Final = MappingProxyType({"zeros": 0, "ones": 1, "full": None})
"""Arrays that one number fills: ``zeros([3])``, ``full([3, 2], 0.5)``."""

EXTREMES: Final = MappingProxyType(
    {"maximum": ARRAY_FUNCTIONS["reduce_max"], "minimum": ARRAY_FUNCTIONS["reduce_min"]}
)
"""``max`` and ``min`` of one array."""
