"""Branches that stay operations: one of several functions is run, chosen by a value.

Python's ``if`` is decided when a function is traced; these are when its graph runs.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.api.bodies import body_of, bound, given, outputs_like
from chainrule.api.closing import closed, own_name, renamed, unused
from chainrule.api.plans import Pure
from chainrule.api.tree import at_place
from chainrule.errors import GraphError
from chainrule.graph.node import Node
from chainrule.graph.types import Type
from chainrule.ops.branches import branched
from chainrule.ops.select import convert
from chainrule.ops.term import Term


def cond(pred: Any, true_function: Pure, false_function: Pure, *operands: Any) -> Any:
    """One of two functions, chosen by a truth value; only that one is run.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> f = lambda x: cr.cond(x > 0, np.sqrt, lambda x: -x, x)
    >>> f(4.0), cr.grad(f)(4.0), cr.grad(f)(-4.0)
    (np.float64(2.0), np.float64(0.25), np.float64(-1.0))

    Args:
        pred: A truth value; with one that is symbolic both functions are traced.
        true_function: Of the operands; may read other values around it.
        false_function: Gives values of the same structure, shapes and dtypes.
        *operands: Arrays and structures of arrays.

    Raises:
        GraphError: E241 when the results differ in structure, shape or dtype, E242 for a truth
            value that is an array.
    """
    if not isinstance(pred, Term):
        if np.ndim(pred):
            raise _not_one_truth(np.shape(pred))
        return (true_function if pred else false_function)(*operands)
    if pred.shape:
        raise _not_one_truth(pred.shape)
    truth = pred if pred.dtype == bool else pred != 0
    return _branched(convert(~truth, "int64"), [true_function, false_function], operands)


def _not_one_truth(shape: tuple[int, ...]) -> GraphError:
    return GraphError(
        "E242", f"cond needs one truth value, got shape {list(shape)}; use np.where or vmap"
    )


def switch(index: Any, branches: Sequence[Pure], *operands: Any) -> Any:
    """One of several functions, chosen by a number; only that one is run.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.switch(1, [np.sin, np.cos, np.tan], 0.0)
    np.float64(1.0)

    Args:
        index: A whole number; outside of the branches it means the nearest one.
        branches: Functions of the operands with results of one structure, shapes and dtypes.
        *operands: Arrays and structures of arrays.

    Raises:
        GraphError: E241 when the results differ, E242 for no branches or an index that is not one
            whole number.
    """
    if not branches:
        raise GraphError("E242", "switch needs at least one branch")
    if not isinstance(index, Term):
        at = operator.index(index)
        return branches[min(max(at, 0), len(branches) - 1)](*operands)
    if index.shape or index.node.type.is_float:
        raise GraphError("E242", f"switch needs one whole number, got {index.node.type}")
    return _branched(convert(index, "int64"), branches, operands)


def _branched(index: Any, functions: Sequence[Pure], operands: Sequence[Any]) -> Any:
    values = given(tuple(operands), "cond")
    types = values.types
    bodies = [body_of(function, values.structure.parts, types) for function in functions]
    first = bodies[0]
    for body in bodies[1:]:
        if body.structure != first.structure:
            raise GraphError("E241", "the branches give values of different structures")
    wanted = [_common(column) for column in zip(*(body.outputs for body in bodies), strict=True)]
    outputs = [outputs_like(body, wanted) for body in bodies]
    if not wanted:
        return first.structure.build([])
    paths = first.structure.paths()
    for path, *column in zip(paths, *outputs, strict=True):
        kinds = [node.type for node in column]
        if any(kind is not kinds[0] for kind in kinds):
            named = " and ".join(sorted({str(kind) for kind in kinds}))
            raise GraphError("E241", f"the branches give {named}{at_place(path)}")
    taken: set[str] = set()
    shared = [unused(own_name(node), node.type, taken) for node in first.inputs]
    read: dict[Node, Node] = {}
    dags = []
    for body, nodes in zip(bodies, outputs, strict=True):
        inner = closed(body.inputs, nodes, body.known, arrays=True)
        for node, constant in zip(inner.outside, inner.constants, strict=True):
            read.setdefault(node, unused(constant.name, node.type, taken))
        names = dict(zip(inner.inputs, shared, strict=True))
        pairs = zip(inner.constants, inner.outside, strict=True)
        names |= {old: read[node] for old, node in pairs}
        dags.append(renamed(inner.outputs, names, inner.known))
    inputs = [*shared, *read.values()]
    branches = [known.dag(outputs, inputs) for outputs, known in dags]

    def build(leaves: Sequence[Term]) -> Sequence[Term]:
        chosen, *rest = leaves
        return branched(chosen, branches, [*rest, *map(Term, read)])

    made = bound(build, [index, *values.leaves])
    return first.structure.build(made)


def _common(column: Sequence[Any]) -> Type | None:
    """The type that plain numbers among the results of branches are to have."""
    found = next((output.node.type for output in column if isinstance(output, Term)), None)
    if found is None and all(isinstance(output, (bool, int, float)) for output in column):
        return Type.of(np.result_type(*map(np.asarray, column)))
    return found
