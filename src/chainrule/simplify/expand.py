"""A small graph of arrays written out as a graph of scalars, one node for each element.

NumPy moves the scalars about in arrays of objects; only sums, products and choices make new nodes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from chainrule.errors import GraphError, LimitError
from chainrule.graph.dag import Dag
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    PARAMETER,
    Node,
    constant_node,
    constant_value,
    input_node,
    make,
    parameter_node,
)
from chainrule.graph.op import OPS, Params
from chainrule.graph.types import UNKNOWN, Type
from chainrule.ops import array_kernels
from chainrule.ops.branches import CALL, COND, branch_at
from chainrule.ops.custom import CUSTOM
from chainrule.ops.loops import SCAN
from chainrule.ops.several import ITEM

Elements = Any
"""An array of objects: a scalar node for each element."""

_MOVED: Final[dict[str, Callable[..., Any]]] = {
    "broadcast": array_kernels.broadcast,
    "reshape": array_kernels.reshape,
    "transpose": np.transpose,
    "slice": array_kernels.slice_of,
    "windows": array_kernels.windows,
}
_FOLDED: Final = {
    "sum": ("add", 0),
    "prod": ("multiply", 1),
    "reduce_max": ("maximum", None),
    "reduce_min": ("minimum", None),
    "any": ("logical_or", False),
    "all": ("logical_and", True),
}
"""Reductions: the operation on two elements, and what a reduction of nothing is."""


def expand(dag: Dag, most: int = 2000) -> Dag:
    """The graph with a scalar for each element: ``W`` of shape 3×2 becomes ``W_0_0`` to ``W_2_1``.

    Raises:
        GraphError: E229 for an operation whose choice of elements depends on values.
        LimitError: E157 when there would be more than ``most`` nodes.
    """
    writer = _Writer(most)
    found = writer.run(dag, {})
    names = writer.names
    outputs = [element for node in dag.outputs for element in found[node].flat]
    inputs = [element for node in dag.inputs for element in found[node].flat]
    arrangement = None
    if len(dag.outputs) == 1 and dag.output.type.shape:
        arrangement = tuple(range(len(outputs)))
    return Dag(outputs, inputs, _once(names, inputs), arrangement=arrangement)


class _Writer:
    """Writes graphs out, with a limit on all of them together.

    Attributes:
        names: Scalar → the names it gets.
    """

    def __init__(self, most: int) -> None:
        self.names: dict[Node, list[str]] = {}
        self._most = most
        self._count = 0

    def run(self, dag: Dag, given: Mapping[Node, Any], suffix: str = "") -> dict[Node, Any]:
        """The elements of each node of a graph; for several results those of each.

        Args:
            dag: The graph.
            given: The elements of its arguments, where it is a graph inside of another one.
            suffix: What its names get: the step of a loop.
        """
        found: dict[Node, Any] = dict(given)
        for node in dag.order:
            if node in found:
                continue
            operands = [found[operand] for operand in node.operands]
            if node.op is ITEM:
                found[node] = operands[0][node.params[0]]
            elif node.op.joint is not None:
                found[node] = self._several(node, operands)
            else:
                self._grow(_work(node))
                found[node] = _expanded(node, operands)
        for node, names in dag.names.items():
            if node.type.parts or (node.op is CONSTANT and node.type.shape):
                continue
            for name in names:
                for at, element in np.ndenumerate(found[node]):
                    full = _indexed(f"{name}{suffix}", at)
                    self.names.setdefault(element, []).append(full)
        return found

    def _grow(self, count: int) -> None:
        self._count += count
        if self._count > self._most:
            raise LimitError("E157", f"written out, the graph has more than {self._most} scalars")

    def _several(self, node: Node, operands: Sequence[Elements]) -> list[Elements]:
        """The results of a loop, step after step; of a call; of a branch that is known."""
        if node.op is CALL or node.op is CUSTOM:
            return self._results(node.params[0], operands)
        if node.op is COND:
            index, *rest = operands
            chosen = _number(index)
            if chosen is None:
                raise GraphError(
                    "E229", f"{node.op.name} chooses a branch by a value: write np.where instead"
                )
            return self._results(node.params[0][branch_at(node, chosen)], rest)
        if node.op is SCAN:
            return self._scan(node, operands)
        raise GraphError("E229", f"{node.op.name} depends on values: it cannot be written out")

    def _results(self, dag: Dag, operands: Sequence[Elements], suffix: str = "") -> list[Elements]:
        made = self.run(dag, dict(zip(dag.inputs, operands, strict=True)), suffix)
        return [made[node] for node in dag.outputs]

    def _scan(self, node: Node, operands: Sequence[Elements]) -> list[Elements]:
        body, constants, carries, length, backward, *_ = node.params
        given = list(operands)
        if length == UNKNOWN:
            length = _number(given.pop(0))
            if length is None:
                raise GraphError("E229", "the number of steps is computed: it is not written out")
        end = constants + carries
        fixed, carried, sliced = given[:constants], given[constants:end], given[end:]
        before: list[list[Elements]] = [[None] * length for _ in range(carries)]
        stacks: list[list[Elements]] = [[None] * length for _ in body.outputs[carries:]]
        order = range(length - 1, -1, -1) if backward else range(length)
        for number, row in enumerate(order, start=1):
            for rows, value in zip(before, carried, strict=True):
                rows[row] = value
            self._grow(1)  # a step may do nothing, and there may be many
            slices = [np.asarray(values[row], object) for values in sliced]
            made = self._results(body, [*fixed, *carried, *slices], f"_{number}")
            carried = made[:carries]
            for rows, value in zip(stacks, made[carries:], strict=True):
                rows[row] = value
        types = [out.type for out in (*body.outputs[carries:], *body.outputs[:carries])]
        rows = [_stacked(rows, type) for rows, type in zip([*stacks, *before], types, strict=True)]
        return [*carried, *rows]


def _stacked(rows: Sequence[Elements], type: Type) -> Elements:
    result = np.empty((len(rows), *type.shape), object)
    for at, row in enumerate(rows):
        result[at] = row if type.shape else row.item() if isinstance(row, np.ndarray) else row
    return result


def _number(elements: Elements) -> int | None:
    """A whole number that is known; None where it is computed."""
    (node,) = np.asarray(elements, object).flat
    return int(constant_value(node)) if node.op is CONSTANT else None


def _indexed(name: str, at: Sequence[int]) -> str:
    return "_".join([name, *map(str, at)])


def _once(names: dict[Node, list[str]], inputs: Sequence[Node]) -> dict[Node, list[str]]:
    """Names without those that something else has already."""
    owners = {node.name: node for node in inputs}
    return {
        node: [name for name in given if owners.setdefault(name, node) is node]
        for node, given in names.items()
    }


def _work(node: Node) -> int:
    """How many scalars an operation makes, at most."""
    made = math.prod(node.type.shape)
    if node.op.name == "contract":
        left, right = node.operands
        sizes = dict(zip(node.params[0], left.type.shape, strict=True))
        sizes |= dict(zip(node.params[1], right.type.shape, strict=True))
        return 2 * math.prod(sizes.values())
    if node.op.name in _FOLDED:
        return math.prod(node.operands[0].type.shape)
    return made


def _expanded(node: Node, operands: Sequence[Elements]) -> Elements:
    name, params = node.op.name, node.params
    scalar = Type.of(node.type.dtype)
    if node.op is CONSTANT:
        values = np.asarray(constant_value(node))
        return _each(lambda value: constant_node(value, scalar), values)
    if node.op in (INPUT, PARAMETER):
        leaf = input_node if node.op is INPUT else parameter_node
        elements = np.empty(node.type.shape, object)
        for at in np.ndindex(*node.type.shape):
            elements[at] = leaf(_indexed(node.name, at), scalar)
        return elements
    if node.op.pointwise:
        return _each(lambda *nodes: make(node.op, nodes, params), *operands)
    if name in _MOVED:
        return np.asarray(_MOVED[name](*operands, *params), object)
    rule = _RULES.get(name)
    if rule is not None:
        return rule(operands, params, scalar)
    if name in _FOLDED:
        operation, nothing = _FOLDED[name]
        return _reduced(operands[0], params[0], operation, nothing, scalar)
    why = "works on whole matrices" if name in _OF_MATRICES else "chooses elements by their values"
    raise GraphError("E229", f"{name} {why}, so it cannot be written out in scalars")


_OF_MATRICES: Final = frozenset(
    {"solve", "solve_triangular", "cholesky", "pinv", "expm", "det", "cofactors", "cofactors_along"}
)


def _each(function: Callable[..., Node], *arrays: Elements) -> Elements:
    """A function of the elements of arrays of one shape."""
    result = np.empty(arrays[0].shape, object)
    for at in np.ndindex(*result.shape):
        result[at] = function(*(array[at] for array in arrays))
    return result


def _folded(nodes: Sequence[Node], operation: str, nothing: Any, scalar: Type) -> Node:
    if not nodes:
        return constant_node(nothing, scalar)
    return functools.reduce(lambda a, b: make(OPS[operation], (a, b)), nodes)


def _reduced(
    x: Elements, axes: Sequence[int], operation: str, nothing: Any, scalar: Type
) -> Elements:
    kept = [at for at in range(x.ndim) if at not in axes]
    moved = x.transpose([*kept, *axes])
    result = np.empty(moved.shape[: len(kept)], object)
    for at in np.ndindex(*result.shape):
        elements = list(moved[at].flat) if axes else [moved[at]]
        result[at] = _folded(elements, operation, nothing, scalar)
    return result


def _contracted(operands: Sequence[Elements], params: Params, scalar: Type) -> Elements:
    a, b = operands
    left, right, out = params
    sizes = dict(zip(left, a.shape, strict=True)) | dict(zip(right, b.shape, strict=True))
    inner = [label for label in sizes if label not in out]
    result = np.empty([sizes[label] for label in out], object)
    for at in np.ndindex(*result.shape):
        place = dict(zip(out, at, strict=True))
        products = []
        for summed in np.ndindex(*(sizes[label] for label in inner)):
            place |= dict(zip(inner, summed, strict=True))
            first = a[tuple(place[label] for label in left)]
            second = b[tuple(place[label] for label in right)]
            products.append(make(OPS["multiply"], (first, second)))
        result[at] = _folded(products, "add", 0, scalar)
    return result


def _running(operation: str) -> Callable[..., Elements]:
    def run(operands: Sequence[Elements], params: Params, _scalar: Type) -> Elements:
        axis, reverse = params
        x = np.moveaxis(operands[0], axis, 0)
        x = x[::-1] if reverse else x
        result = np.empty(x.shape, object)
        for at, row in enumerate(x):
            before = None if at == 0 else result[at - 1]
            result[at] = row if before is None else _pairs(operation, before, row)
        return np.moveaxis(result[::-1] if reverse else result, 0, axis)

    return run


def _pairs(operation: str, a: Elements, b: Elements) -> Elements:
    if not isinstance(a, np.ndarray):
        return make(OPS[operation], (a, b))
    return _each(lambda x, y: make(OPS[operation], (x, y)), a, b)


def _embedded(operands: Sequence[Elements], params: Params, scalar: Type) -> Elements:
    shape, starts, steps = params
    result = np.full(shape, constant_node(0, scalar), object)
    array_kernels.place(result, operands[0], starts, steps)
    return result


def _gathered(operands: Sequence[Elements], _params: Params, _scalar: Type) -> Elements:
    x, *indices = operands
    return np.asarray(x[_known(indices)], object)


def _scattered(operands: Sequence[Elements], params: Params, scalar: Type) -> Elements:
    x, *indices = operands
    (shape,) = params
    known = _known(indices)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    return _added(x, numbers[known], shape, scalar)


def _overlapped(operands: Sequence[Elements], params: Params, scalar: Type) -> Elements:
    shape, *rest = params
    lengths = operands[0].shape[len(shape) :]
    numbers = np.arange(math.prod(shape)).reshape(shape)
    axes, steps, spacings = rest
    places = array_kernels.windows(numbers, axes, lengths, steps, spacings)
    return _added(operands[0], places, shape, scalar)


def _added(x: Elements, places: Any, shape: tuple[int, ...], scalar: Type) -> Elements:
    """Zeros, with each element of ``x`` added at its place, counted in row-major order."""
    parts: list[list[Node]] = [[] for _ in range(math.prod(shape))]
    for element, place in zip(x.flat, places.flat, strict=True):
        parts[place].append(element)
    result = np.empty(len(parts), object)
    result[:] = [_folded(nodes, "add", 0, scalar) for nodes in parts]
    return result.reshape(shape)


def _overwritten(operands: Sequence[Elements], _params: Params, _scalar: Type) -> Elements:
    x, values, *indices = operands
    result = x.copy()
    result[_known(indices)] = values
    return result


def _known(indices: Sequence[Elements]) -> tuple[Any, ...]:
    """Indices as numbers; raises GraphError E229 where they are computed."""
    found = []
    for index in indices:
        if any(node.op is not CONSTANT for node in index.flat):
            raise GraphError("E229", "an index is computed, so the graph cannot be written out")
        numbers = [int(constant_value(node)) for node in index.flat]
        found.append(np.array(numbers, np.int64).reshape(index.shape))
    return tuple(found)


_RULES: Final[dict[str, Callable[[Sequence[Elements], Params, Type], Elements]]] = {
    "contract": _contracted,
    "cumsum": _running("add"),
    "cumprod": _running("multiply"),
    "embed": _embedded,
    "concatenate": lambda operands, params, _scalar: np.concatenate(operands, params[0]),
    "gather": _gathered,
    "scatter_add": _scattered,
    "scatter_set": _overwritten,
    "overlap_add": _overlapped,
}
