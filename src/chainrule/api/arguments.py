"""From what a user passes to what the graph wants: one value of the right dtype for each input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from numbers import Real
from typing import Any

import numpy as np

from chainrule.api.tracing import type_of
from chainrule.api.tree import flatten
from chainrule.errors import EvaluationError, GraphError, listed, nearest, shown
from chainrule.formula.names import canonical
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.graph.types import is_masked


def bind(
    dag: Dag, positional: Sequence[Any], named: Mapping[str, Any], *, copy: bool = True
) -> tuple[dict[Node, Any], tuple[int, ...]]:
    """The argument values by node, and the common shape of the points (``()`` for one point).

    Args:
        dag: The graph.
        positional: What was given by position.
        named: What was given by name.
        copy: Whether arrays are copied even where they have the right dtype.

    Raises:
        EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the dtype,
            E305 shapes that do not fit.
    """
    if len(positional) > len(dag.inputs):
        raise EvaluationError(
            "E302", f"the graph takes {len(dag.inputs)} arguments, got {len(positional)}"
        )
    wanted = {node.name for node in dag.inputs}
    given: dict[str, Any] = {}
    for spelling, value in named.items():
        name = spelling if spelling in wanted else canonical(spelling)
        if name in given:
            raise EvaluationError("E302", f"{name!r} is given twice")
        given[name] = value
    for node, value in zip(dag.inputs, positional, strict=False):
        if node.name in given:
            raise EvaluationError("E302", f"{node.name!r} is given by position and by name")
        given[node.name] = value
    _check_names([node.name for node in dag.inputs], given)
    values = {node: _number(node, given[node.name], copy) for node in dag.inputs}
    return values, _points(dag, values)


def taken_apart(dag: Dag, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments of a traced function as it takes them: dicts and tuples by their leaves."""
    leaves, _ = flatten(values)
    arrays = [leaf for leaf in leaves if _may_be_array(leaf)]
    fitting = [found for found in (leaves, arrays) if len(found) == len(dag.inputs)]
    return tuple(fitting[0]) if fitting else values


def _may_be_array(leaf: Any) -> bool:
    """Whether this is an array, or wants to be one; `bind` says what is wrong with it."""
    try:
        return type_of(leaf) is not None
    except Exception:  # no dtype of ours, or whatever the value's own __array__ raises
        return True


def whole_number(value: Any, what: str, least: int, most: int) -> int:
    """The value itself, if it is a whole number in this range; raises GraphError E226."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise GraphError("E226", f"{what} must be a whole number, got {shown(value)}")
    if not least <= value <= most:
        raise GraphError("E226", f"{what} must be from {least} to {most}, got {shown(value)}")
    return int(value)


def digits_shown(digits: Any) -> int:
    """The number of significant digits itself; raises GraphError E226 if it is not from 1 to 17."""
    return whole_number(digits, "digits", 1, 17)


def by_name(values: Any, what: str) -> Mapping[str, Any]:
    """The values themselves, if they are a mapping; raises EvaluationError E342."""
    if not isinstance(values, Mapping):
        raise EvaluationError(
            "E342", f"{what} must be values by name, such as {{'x': 2.0}}, got {shown(values)}"
        )
    return values


def _check_names(wanted: Sequence[str], given: Mapping[str, Any]) -> None:
    known = set(wanted)
    missing = [name for name in wanted if name not in given]
    surplus = [name for name in given if name not in known]
    if missing:
        hint = ""
        for name in missing:
            if product := _as_product(name, surplus):
                hint = f"; {name!r} is one name, write {product} for a product"
        example = " ".join(f"{name}=…" for name in missing[:8])
        raise EvaluationError(
            "E301", f"no value for {listed(map(repr, missing))}; give {example}{hint}"
        )
    if surplus:
        guess = nearest(surplus[0], wanted)
        hint = f"; did you mean {guess!r}?" if guess else ""
        takes = listed(wanted) or "no arguments"
        raise EvaluationError(
            "E302", f"the graph has no argument {surplus[0]!r} (it takes {takes}){hint}"
        )


def _as_product(name: str, letters: Sequence[str]) -> str:
    """``a*w`` for the name ``aw`` when a and w were given, else an empty string."""
    for pair in permutations(letters[:50], 2):
        if "".join(pair) == name:
            return "*".join(pair)
    return ""


def _number(node: Node, value: Any, copy: bool) -> Any:
    """The value as a NumPy scalar or an array of the node's dtype, fresh where it is to be."""
    type = node.type
    array = _array(node, value)
    if type.is_bool != (array.dtype.kind == "b") and (type.is_bool or array.dtype.kind == "b"):
        raise EvaluationError("E304", f"{node.name!r} is {type}, got {shown(value)}")
    with np.errstate(all="ignore"):
        converted = array.astype(type.dtype, copy=copy)
        if type.dtype.kind == "i" and not np.array_equal(converted, array):
            raise EvaluationError("E304", f"{node.name!r} is {type}, got {shown(value)}")
    return converted if converted.ndim else converted[()]


def _array(node: Node, value: Any) -> np.ndarray[Any, Any]:
    """What the user passed as an array of numbers or conditions, not yet of the right dtype."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(isinstance(item, Real) for item in array.flat):
            # Integers beyond int64, fractions: numbers all the same.
            array = array.astype(node.type.dtype if node.type.is_float else np.int64)
    except OverflowError:
        raise EvaluationError("E304", f"{node.name!r} is {node.type}, got {shown(value)}") from None
    except Exception as error:  # whatever the value's own __array__ raises
        problem = f"{node.name!r} must be a number, got {shown(value)}"
        raise EvaluationError("E303", problem) from error
    if is_masked(value):
        raise EvaluationError(
            "E303", f"{node.name!r} has masked points; fill them or leave them out"
        )
    if array.dtype.kind not in "fiub":
        raise EvaluationError("E303", f"{node.name!r} must be a number, got {shown(value)}")
    return array


def _points(dag: Dag, values: Mapping[Node, Any]) -> tuple[int, ...]:
    """The shape of the points; checks that shaped arguments have the shapes of their types."""
    over_points = all(not node.type.shape and node.op.pointwise for node in dag.order)
    if over_points:
        try:
            return np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        except ValueError:
            shapes = listed(f"{node.name}: {list(np.shape(v))}" for node, v in values.items())
            raise EvaluationError(
                "E305", f"the points do not broadcast together ({shapes})"
            ) from None
    for node, value in values.items():
        if np.shape(value) != node.type.shape:
            raise EvaluationError(
                "E305",
                f"{node.name!r} has shape {list(node.type.shape)}, got {list(np.shape(value))}; "
                "only graphs of scalars take many points at once",
            )
    return ()
